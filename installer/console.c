/* SPDX-License-Identifier: MIT */
#include "installer/console.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CONSOLES_MAX 8

struct console {
	int in;
	int out;
	char path[72];
	char line[256]; /* what was typed so far */
	size_t length;
	bool has_ended;
};

static struct console consoles[CONSOLES_MAX];
static size_t count;

/* What is being done now, for its rate. */
static struct {
	char what[64];
	struct timespec since;
} progress;

static void add_terminal(const char *name, size_t length)
{
	struct console *console = &consoles[count];

	if (count == CONSOLES_MAX || length == 0 || length > 64)
		return;
	snprintf(console->path, sizeof(console->path), "/dev/%.*s", (int)length, name);
	console->in = open(console->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	console->out = console->in;
	if (console->in >= 0)
		count++;
}

void si_console_open(const char *list)
{
	if (list == NULL) {
		consoles[count++] = (struct console){ .in = 0, .out = 1 };
		return;
	}
	for (size_t n; *list != '\0'; list += n + strspn(list + n, " \n")) {
		n = strcspn(list, " \n");
		add_terminal(list, n);
	}
}

/* A console that nobody reads must not stop the others: what it does not take is lost. */
static void put(const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < count; i++) {
		struct pollfd ready = { .fd = consoles[i].out, .events = POLLOUT };

		if (poll(&ready, 1, 2000) == 1 && write(consoles[i].out, text, length) < 0)
			continue;
	}
}

void si_say(const char *format, ...)
{
	char text[1024], line[1040];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(line, sizeof(line), "%s\r\n", text);
	put(line);
}

/* Takes what was typed; true when that ends a line. */
static bool read_some(struct console *console)
{
	ssize_t n = read(console->in, console->line + console->length, 1);

	if (n <= 0) {
		console->has_ended = true;
		return false;
	}
	if (console->line[console->length] == '\n' || console->line[console->length] == '\r') {
		console->line[console->length] = '\0';
		console->length = 0;
		return true;
	}
	if (console->length < sizeof(console->line) - 2)
		console->length++;
	return false;
}

bool si_ask(const char *question, char *answer, size_t size)
{
	put(question);
	for (;;) {
		struct pollfd ready[CONSOLES_MAX];
		bool is_any = false;

		for (size_t i = 0; i < count; i++) {
			ready[i] =
				(struct pollfd){ .fd = consoles[i].has_ended ? -1 : consoles[i].in,
						 .events = POLLIN };
			is_any = is_any || !consoles[i].has_ended;
		}
		if (!is_any)
			return false;
		if (poll(ready, count, -1) < 0)
			continue;
		for (size_t i = 0; i < count; i++) {
			if (ready[i].revents == 0 || !read_some(&consoles[i]))
				continue;
			snprintf(answer, size, "%s", consoles[i].line);
			return true;
		}
	}
}

static double seconds_since(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - since->tv_sec) + (double)(now.tv_nsec - since->tv_nsec) / 1e9;
}

void si_say_progress(const char *what, uint64_t done, uint64_t all)
{
	uint64_t rate, left;
	double seconds;
	char line[160];

	if (strcmp(progress.what, what) != 0) {
		snprintf(progress.what, sizeof(progress.what), "%s", what);
		clock_gettime(CLOCK_MONOTONIC, &progress.since);
	}
	seconds = seconds_since(&progress.since);
	rate = seconds > 0.5 ? (uint64_t)((double)done / seconds) : 0;
	left = rate > 0 ? (all - done) / rate : 0;
	snprintf(line, sizeof(line),
		 "\r%s: %3" PRIu64 " %% of %" PRIu64 " MB, %" PRIu64 " MB/s, %" PRIu64 ":%02" PRIu64
		 " left   %s",
		 what, all > 0 ? done * 100 / all : 100, all / 1000000, rate / 1000000, left / 60,
		 left % 60, done == all ? "\r\n" : "");
	put(line);
}

static void start_shell(const struct console *console)
{
	if (fork() != 0)
		return;
	setsid();
	ioctl(console->in, TIOCSCTTY, 1);
	dup2(console->in, 0);
	dup2(console->out, 1);
	dup2(console->out, 2);
	execl("/bin/sh", "sh", "-i", (char *)NULL);
	_exit(127);
}

void si_shells(void)
{
	si_say("A shell. The machine reboots when it ends (exit).");
	for (size_t i = 0; i < count; i++)
		start_shell(&consoles[i]);
	while (waitpid(-1, NULL, 0) < 0 && errno == EINTR)
		;
}
