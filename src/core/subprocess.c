/* SPDX-License-Identifier: MIT */
#include "core/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/file.h"
#include "core/size.h"
#include "core/text.h"

#define OUTPUT_MAX (16 * SW_MIB)
#define TAIL_MAX (4 * SW_KIB)
#define GRACE (2 * G_TIME_SPAN_SECOND) /* between SIGTERM and SIGKILL */
#define TICK 20			       /* milliseconds between looks where pidfds do not work */

/*
 * A running child.  It leads its own process group, so that Ctrl-C on the terminal reaches only us
 * and cancelling reaches its children.  It is reaped last: until then PID names it and its group.
 */
struct child {
	const struct sw_command *command;
	const char *name; /* of the program, for messages */
	pid_t pid;
	int pidfd;	  /* -1: the kernel has none */
	int output;	  /* -1: not wanted, or ended */
	int log;	  /* its stderr; -1: ended */
	GString *written; /* its stdout */
	GString *tail;	  /* the end of its stderr */
	gboolean too_much;
	gboolean cancelled;
	gboolean timed_out;
	gint64 deadline; /* monotonic time; 0: none */
	gint64 kill_at;	 /* monotonic time of the SIGKILL; 0: it was not told to end */
};

static void free_string(GString *string)
{
	g_string_free(string, TRUE);
}

static void child_clear(struct child *child)
{
	sw_close_fd(&child->pidfd);
	sw_close_fd(&child->output);
	sw_close_fd(&child->log);
	g_clear_pointer(&child->written, free_string);
	g_clear_pointer(&child->tail, free_string);
}

/* A descriptor below 3 would be overwritten while the child's stdin, stdout and stderr are set. */
static gboolean above_stdio(int *fd)
{
	int high = 0;

	if (*fd > STDERR_FILENO)
		return TRUE;
	high = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	sw_close_fd(fd);
	*fd = high;
	return high >= 0;
}

static gboolean fail_start(const struct child *child, GError **error)
{
	return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "program-start", "cannot run %s",
			     child->name);
}

static gboolean open_pipe(const struct child *child, int *ret_read, int *ret_write, GError **error)
{
	int ends[2] = { -1, -1 };

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_start(child, error);
	*ret_read = ends[0];
	*ret_write = ends[1];
	if (!above_stdio(ret_write) || fcntl(*ret_read, F_SETFL, O_NONBLOCK) < 0)
		return fail_start(child, error);
	return TRUE;
}

/* The input lies in memory whole: no deadlock between the pipes, no SIGPIPE. */
static gboolean open_input(const struct child *child, int *ret_fd, GError **error)
{
	const char *input = child->command->input;
	const char *file = child->command->input_file;
	sw_autofd int fd = input == NULL
				   ? open(file != NULL ? file : "/dev/null", O_RDONLY | O_CLOEXEC)
				   : memfd_create("input", MFD_CLOEXEC);

	if (fd < 0 || !above_stdio(&fd))
		return fail_start(child, error);
	if (input != NULL && !sw_write_at(fd, input, strlen(input), 0, "the input of a program",
					  SW_ERROR_ENVIRONMENT, "program-start", error))
		return FALSE;
	*ret_fd = g_steal_fd(&fd);
	return TRUE;
}

static char **make_environment(const char *const *pairs)
{
	char **environment = g_get_environ();

	for (; pairs != NULL && *pairs != NULL; pairs++) {
		g_auto(GStrv) pair = g_strsplit(*pairs, "=", 2);

		if (pair[0] != NULL && pair[1] != NULL)
			environment = g_environ_setenv(environment, pair[0], pair[1], TRUE);
	}
	return environment;
}

/* Returns an errno. OUTPUT -1: to /dev/null. */
static int spawn(struct child *child, int input, int output, int log)
{
	g_auto(GStrv) environment = make_environment(child->command->env);
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t all;
	sigset_t none;
	int number = 0;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
	if (output < 0)
		posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	else
		posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, log, STDERR_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	number = posix_spawnp(&child->pid, child->command->argv[0], &files, &attributes,
			      (char *const *)child->command->argv, environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return number;
}

/* EACCES may come from a folder of PATH that we may not read (root's, after sudo). */
static gboolean is_missing(const struct child *child, int number)
{
	const char *program = child->command->argv[0];
	g_autofree char *found = NULL;

	if (number != EACCES || strchr(program, '/') != NULL)
		return number == ENOENT;
	found = g_find_program_in_path(program);
	return found == NULL;
}

static gboolean fail_missing(const struct child *child, GError **error)
{
	const char *package = child->command->package;

	if (package == NULL)
		return sw_fail(error, SW_ERROR_ENVIRONMENT, "program-missing",
			       "the program %s is missing: install it", child->name);
	return sw_fail(error, SW_ERROR_ENVIRONMENT, "program-missing",
		       "the program %s is missing: install the package %s", child->name, package);
}

static gboolean start(struct child *child, gboolean want_output, GError **error)
{
	g_autofree char *line = g_strjoinv(" ", (char **)child->command->argv);
	sw_autofd int input = -1;
	sw_autofd int output = -1;
	sw_autofd int log = -1;
	int number = 0;

	g_debug("run: %s", line);
	if (!open_input(child, &input, error) || !open_pipe(child, &child->log, &log, error) ||
	    (want_output && !open_pipe(child, &child->output, &output, error)))
		return FALSE;
	number = spawn(child, input, output, log);
	if (is_missing(child, number))
		return fail_missing(child, error);
	errno = number;
	if (number != 0)
		return fail_start(child, error);
	if (child->command->timeout != 0)
		child->deadline =
			g_get_monotonic_time() + child->command->timeout * G_TIME_SPAN_SECOND;
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	return TRUE;
}

static void end_child(struct child *child)
{
	if (child->kill_at != 0)
		return;
	child->kill_at = g_get_monotonic_time() + GRACE;
	kill(-child->pid, SIGTERM);
}

static void keep_tail(GString *tail, const char *data, size_t length)
{
	g_string_append_len(tail, data, (gssize)length);
	if (tail->len > TAIL_MAX)
		g_string_erase(tail, 0, (gssize)(tail->len - TAIL_MAX));
}

static void keep_output(struct child *child, const char *data, size_t length)
{
	if (child->written->len + length <= OUTPUT_MAX) {
		g_string_append_len(child->written, data, (gssize)length);
		return;
	}
	child->too_much = TRUE;
	end_child(child);
}

/* Reads what is there now; closes *FD at its end.  A bound, so that nobody can keep us here. */
static void drain(struct child *child, int *fd)
{
	char data[16 * SW_KIB];

	for (int i = 0; i < 64 && *fd >= 0; i++) {
		ssize_t n = read(*fd, data, sizeof data);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close(*fd);
			*fd = -1;
		} else if (fd == &child->log) {
			keep_tail(child->tail, data, (size_t)n);
		} else {
			keep_output(child, data, (size_t)n);
		}
	}
}

/* Milliseconds; after the SIGKILL, and without a pidfd, the child is looked at now and again. */
static int poll_timeout(const struct child *child)
{
	gint64 next = child->kill_at != 0 ? child->kill_at : child->deadline;
	gint64 left = (next - g_get_monotonic_time()) / 1000 + 1;

	if (next != 0 && child->pidfd >= 0)
		return (int)CLAMP(left, TICK, 1000);
	return child->pidfd < 0 ? TICK : -1;
}

/* Has the child ended?  It stays a zombie, so that its process group is still its own. */
static gboolean has_ended(const struct child *child)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid == child->pid;
}

static void attend(struct child *child, GCancellable *cancellable)
{
	GPollFD cancel = { .fd = -1 };
	gboolean watched = g_cancellable_make_pollfd(cancellable, &cancel);

	while (!has_ended(child)) {
		struct pollfd fds[] = {
			{ .fd = child->pidfd, .events = POLLIN },
			{ .fd = child->log, .events = POLLIN },
			{ .fd = child->output, .events = POLLIN },
			{ .fd = child->cancelled ? -1 : cancel.fd, .events = POLLIN },
		};

		poll(fds, G_N_ELEMENTS(fds), poll_timeout(child));
		drain(child, &child->log);
		drain(child, &child->output);
		if (!child->cancelled && g_cancellable_is_cancelled(cancellable)) {
			child->cancelled = TRUE;
			end_child(child);
		}
		if (child->deadline != 0 && g_get_monotonic_time() >= child->deadline) {
			child->timed_out = TRUE;
			end_child(child);
		}
		if (child->kill_at != 0 && g_get_monotonic_time() >= child->kill_at)
			kill(-child->pid, SIGKILL);
	}
	if (watched)
		g_cancellable_release_fd(cancellable);
	/* What the child wrote is in the pipes; who else holds their ends is not waited for. */
	drain(child, &child->log);
	drain(child, &child->output);
	if (child->kill_at != 0)
		kill(-child->pid, SIGKILL);
}

/* The last line of the child's stderr with something on it; the caller frees it.  NULL: none. */
static char *last_line(const struct child *child)
{
	g_auto(GStrv) lines = g_strsplit_set(child->tail->str, "\r\n", -1);
	g_autofree char *prefix = g_strconcat(child->name, ": ", NULL);

	for (guint i = g_strv_length(lines); i-- > 0;) {
		g_autofree char *line = g_strstrip(sw_text_line(lines[i]));
		gboolean named = g_str_has_prefix(line, prefix);

		if (line[0] != '\0')
			return g_strdup(named ? line + strlen(prefix) : line);
	}
	return NULL;
}

/* How the child ended, for messages; the caller frees it. */
static char *describe_end(const siginfo_t *info)
{
	const char *abbreviation = NULL;

	if (info->si_code == CLD_EXITED)
		return g_strdup_printf("exit status %d", info->si_status);
	abbreviation = sigabbrev_np(info->si_status);
	if (abbreviation == NULL)
		return g_strdup_printf("killed by signal %d", info->si_status);
	return g_strdup_printf("killed by SIG%s", abbreviation);
}

static gboolean judge(const struct child *child, const siginfo_t *info, GError **error)
{
	const struct sw_command *command = child->command;
	gboolean exited = info->si_code == CLD_EXITED;
	g_autofree char *line = last_line(child);
	g_autofree char *end = describe_end(info);

	if (child->cancelled)
		return sw_fail(error, SW_ERROR_CANCELLED, "cancelled", "cancelled");
	if (child->timed_out)
		return sw_fail(error, command->code, command->id, "%s: no end after %u seconds",
			       child->name, command->timeout);
	if (child->too_much)
		return sw_fail(error, command->code, command->id,
			       "%s wrote more than 16 MiB to its standard output", child->name);
	if (exited && info->si_status == command->success)
		return TRUE;
	g_debug("%s: %s; the end of its stderr: %s", child->name, end, child->tail->str);
	if (line == NULL)
		return sw_fail(error, command->code, command->id, "%s: %s", child->name, end);
	if (exited)
		return sw_fail(error, command->code, command->id, "%s: %s", child->name, line);
	return sw_fail(error, command->code, command->id, "%s: %s: %s", child->name, end, line);
}

static gboolean run(struct child *child, char **ret_output, GCancellable *cancellable,
		    GError **error)
{
	siginfo_t info = { 0 };

	if (!start(child, ret_output != NULL, error))
		return FALSE;
	attend(child, cancellable);
	while (waitid(P_PID, (id_t)child->pid, &info, WEXITED) < 0)
		if (errno != EINTR)
			return sw_fail_errno(error, SW_ERROR_UNFORESEEN, "unforeseen",
					     "cannot wait for %s", child->name);
	if (!judge(child, &info, error))
		return FALSE;
	if (ret_output != NULL)
		*ret_output = g_string_free(g_steal_pointer(&child->written), FALSE);
	return TRUE;
}

gboolean sw_command_run(const struct sw_command *command, char **ret_output,
			GCancellable *cancellable, GError **error)
{
	g_autofree char *name = g_path_get_basename(command->argv[0]);
	struct child child = {
		.command = command, .name = name, .pidfd = -1, .output = -1, .log = -1
	};
	gboolean ok = FALSE;

	if (!sw_check_cancelled(cancellable, error))
		return FALSE;
	child.written = g_string_new(NULL);
	child.tail = g_string_new(NULL);
	ok = run(&child, ret_output, cancellable, error);
	child_clear(&child);
	return ok;
}
