/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * TEXT of a stranger made fit for one line on a terminal, in JSON or in an error: valid UTF-8, each
 * control character (also C1's, and the line and direction controls of Unicode) a blank.  The
 * caller frees it.
 */
char *sw_text_line(const char *text);
