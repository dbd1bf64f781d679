/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * The value of KEY in the section "[SECTION]" of TEXT, a credentials or config file of the AWS tools
 * (s3cmd's has the same form); the caller frees it.  NULL: there is none.
 */
char *sw_s3_profile_get(const char *text, const char *section, const char *key);
