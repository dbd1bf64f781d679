/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * The assignments of an os-release file (os-release(5)), TEXT of LENGTH bytes, hostile: NAME=VALUE
 * lines with shell quotes and escapes resolved, the last of a NAME counting.  Lines that are none,
 * and values that are not UTF-8 or hold control characters, are left out, as libostree does.  A
 * table of char * to char *, never NULL.
 */
GHashTable *sw_os_release_parse(const char *text, size_t length);
