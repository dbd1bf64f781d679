/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * TEXT of a stranger made fit for one line on a terminal, in JSON or in an error: valid UTF-8, each
 * control character (also C1's, and the line and direction controls of Unicode) a blank.  The
 * caller frees it.
 */
char *sw_text_line(const char *text);

/* The beginning of TEXT (NULL: "") made fit as by sw_text_line(), for a message; to be freed. */
char *sw_text_excerpt(const char *text);

/* Overwrites, frees and clears a secret; NULL is fine. */
void sw_text_wipe(char **text);
