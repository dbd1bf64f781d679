/* SPDX-License-Identifier: MIT */
#include "installer/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool si_fail(struct si_failure *failure, const char *id, const char *format, ...)
{
	va_list args;

	failure->id = id;
	va_start(args, format);
	vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	return false;
}

bool si_fail_errno(struct si_failure *failure, const char *id, const char *format, ...)
{
	int number = errno;
	size_t length;
	va_list args;

	failure->id = id;
	va_start(args, format);
	vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	length = strlen(failure->text);
	snprintf(failure->text + length, sizeof(failure->text) - length, ": %s", strerror(number));
	return false;
}
