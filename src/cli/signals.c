/* SPDX-License-Identifier: MIT */
#include "cli/signals.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

#include "core/error.h"

/* How long cleaning up may take before a second signal ends it. */
#define GRACE (5 * G_TIME_SPAN_SECOND)

/* The handler's way to the thread: a handler has no argument, hence the one variable. */
static int wakeup_fd = -1;

static void wake(int number)
{
	int saved = errno;
	char byte = (char)number;
	ssize_t ignored = write(wakeup_fd, &byte, 1);

	(void)ignored;
	errno = saved;
}

struct watch {
	int fd;
	GCancellable *cancellable;
};

/* Cancelling runs callbacks that are no business of a signal handler, hence a thread. */
static gpointer watch_thread(gpointer data)
{
	struct watch *watch = data;
	gint64 first = 0;
	char byte = 0;

	for (;;) {
		ssize_t n = read(watch->fd, &byte, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return NULL;
		if (first == 0) {
			first = g_get_monotonic_time();
			g_cancellable_cancel(watch->cancellable);
		} else if (g_get_monotonic_time() - first > GRACE) {
			_exit(SW_ERROR_CANCELLED);
		}
	}
}

void sw_signals_watch(GCancellable *cancellable)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = wake, .sa_flags = SA_RESTART };
	struct watch *watch = g_new0(struct watch, 1);
	int fds[2] = { -1, -1 };

	signal(SIGPIPE, SIG_IGN);
	if (!g_unix_open_pipe(fds, FD_CLOEXEC, NULL) ||
	    !g_unix_set_fd_nonblocking(fds[1], TRUE, NULL))
		g_error("cannot make a pipe: %s", g_strerror(errno));
	wakeup_fd = fds[1];
	watch->fd = fds[0];
	watch->cancellable = g_object_ref(cancellable);
	g_thread_unref(g_thread_new("signals", watch_thread, watch));
	for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
		struct sigaction inherited = { 0 };

		sigaction(numbers[i], NULL, &inherited);
		if (inherited.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
}
