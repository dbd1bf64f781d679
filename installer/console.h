/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The consoles of the machine, all at once: what is said is said on each, and an answer may come from
 * any.  The one thing of the installer that is the same for all its parts.
 */

/* Opens what LIST (the kernel's /sys/class/tty/console/active) names; stdin and stdout where it is NULL. */
void si_console_open(const char *list);

/* Says one line on all consoles. */
void si_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says QUESTION and takes a line from any console into ANSWER; false at the end of all of them. */
bool si_ask(const char *question, char *answer, size_t size);

/* How far WHAT is, over the line before: how much a second, and how long it will take. */
void si_say_progress(const char *what, uint64_t done, uint64_t all);

/* A shell on each console, until one of them ends. */
void si_shells(void);
