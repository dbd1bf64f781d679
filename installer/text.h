/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "installer/failure.h"

/*
 * Reads the file at PATH, at most 1 MiB, as a text that the caller frees; NULL: "file", and errno has
 * why.
 */
char *si_read_text(const char *path, struct si_failure *failure);

/*
 * Puts TEXT in the place of the file at PATH, or makes it with MODE: whole or not at all, with the
 * mode and the SELinux label of the one before, or its directory's label.  False: "file".
 */
bool si_replace_text(const char *path, const char *text, unsigned mode, struct si_failure *failure);

/* TEXT with " WORDS" at the end of each line that begins with KEY (behind blanks); to be freed, or NULL. */
char *si_append_to_lines(const char *text, const char *key, const char *words);

/* The value behind KEY and a blank in the first such line of TEXT; to be freed, or NULL. */
char *si_find_line(const char *text, const char *key);

/* TEXT in base64; to be freed, or NULL. */
char *si_base64(const char *text);

/* The text whose base64 TEXT is, up to a blank or a line's end; to be freed, or NULL. */
char *si_unbase64(const char *text);
