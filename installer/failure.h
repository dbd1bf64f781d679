/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/* Why the installation failed, for the person in front of the machine. */
struct si_failure {
	const char *id; /* a stable word: "disk-too-small"; NULL: it did not */
	char text[512]; /* one line: names the device, says what to do */
};

/* Sets FAILURE to ID (static) and the formatted text; returns false always. */
bool si_fail(struct si_failure *failure, const char *id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As si_fail(), with ": " and the text of errno behind the text. */
bool si_fail_errno(struct si_failure *failure, const char *id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
