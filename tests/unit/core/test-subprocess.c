/* SPDX-License-Identifier: MIT */
#include "core/subprocess.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define SHELL(script) ((const char *const[]){ "sh", "-c", script, NULL })

static gboolean run(const char *const *argv, const char *input, char **ret_output,
		    GCancellable *cancellable, GError **error)
{
	static const char *const env[] = { "SLIPWAY_TEST=a=b", "HOME=/elsewhere", NULL };
	const struct sw_command command = { .argv = argv,
					    .env = env,
					    .input = input,
					    .code = SW_ERROR_DEPLOY,
					    .id = "test-failed",
					    .package = "the-package" };

	return sw_command_run(&command, ret_output, cancellable, error);
}

static void check_output(const char *const *argv, const char *input, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *output = NULL;

	g_assert_true(run(argv, input, &output, NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(output, ==, expected);
}

static void check_failure(const char *const *argv, enum sw_error code, const char *id,
			  const char *message)
{
	g_autoptr(GError) error = NULL;
	char *output = NULL;

	g_assert_false(run(argv, NULL, &output, NULL, &error));
	g_assert_error(error, SW_ERROR, (int)code);
	g_assert_cmpstr(sw_error_id(error), ==, id);
	g_assert_cmpstr(error->message, ==, message);
	g_assert_null(output);
}

static void test_output(void)
{
	g_autoptr(GError) error = NULL;

	check_output(SHELL("echo one; echo two >&2"), NULL, "one\n");
	check_output(SHELL("echo \"$SLIPWAY_TEST $HOME\""), NULL, "a=b /elsewhere\n");
	check_output(SHELL("test -n \"$PATH\" && echo path"), NULL, "path\n");
	check_output((const char *const[]){ "printf", "%s|", "a b", "$HOME;", "", NULL }, NULL,
		     "a b|$HOME;||");
	g_assert_true(run(SHELL("echo thrown away"), NULL, NULL, NULL, &error));
	g_assert_no_error(error);
}

static void test_input(void)
{
	g_autofree char *large = g_strnfill(3 * 1024 * 1024, 'x');

	check_output(SHELL("cat"), NULL, "");
	check_output(SHELL("cat"), "", "");
	check_output(SHELL("cat"), large, large);
	check_output(SHELL("exec <&-; echo not read"), large, "not read\n");
}

static void test_failures(void)
{
	const enum sw_error code = SW_ERROR_DEPLOY;
	const char *id = "test-failed";

	check_failure(SHELL("exit 7"), code, id, "sh: exit status 7");
	check_failure(SHELL("echo out; echo first >&2; echo ' the last '  >&2; echo >&2; exit 1"),
		      code, id, "sh: the last");
	check_failure(SHELL("echo 'sh: said by itself' >&2; exit 1"), code, id,
		      "sh: said by itself");
	check_failure(SHELL("printf 'a\\033[31mb\\rc\\377' >&2; exit 1"), code, id,
		      "sh: c\357\277\275");
	check_failure(SHELL("kill -SEGV $$"), code, id, "sh: killed by SIGSEGV");
	check_failure(SHELL("echo why >&2; kill -KILL $$"), code, id, "sh: killed by SIGKILL: why");
	check_failure(SHELL("kill -35 $$"), code, id, "sh: killed by signal 35");
}

/* Also with a folder in PATH that cannot be searched, as users have it who came by sudo. */
static void test_missing(void)
{
	const char *message = "the program no-such-program is missing: install the package "
			      "the-package";
	g_autofree char *path = g_strdup(g_getenv("PATH"));
	g_autofree char *longer = g_strconcat("/proc/1/root/bin:", path, NULL);

	check_failure((const char *const[]){ "no-such-program", NULL }, SW_ERROR_ENVIRONMENT,
		      "program-missing", message);
	g_setenv("PATH", longer, TRUE);
	check_failure((const char *const[]){ "no-such-program", NULL }, SW_ERROR_ENVIRONMENT,
		      "program-missing", message);
	g_setenv("PATH", path, TRUE);
	check_failure((const char *const[]){ "/no/such-program", NULL }, SW_ERROR_ENVIRONMENT,
		      "program-missing",
		      "the program such-program is missing: install the package the-package");
	check_failure((const char *const[]){ "/etc/passwd", NULL }, SW_ERROR_ENVIRONMENT,
		      "program-start", "cannot run passwd: Permission denied");
}

/* fsck's way: a status that is not zero may be good. */
static void test_success(void)
{
	struct sw_command command = {
		.argv = SHELL("exit 1"), .code = SW_ERROR_DEPLOY, .id = "test-failed", .success = 1
	};
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_command_run(&command, NULL, NULL, &error));
	g_assert_no_error(error);
	command.argv = SHELL("exit 2");
	g_assert_false(sw_command_run(&command, NULL, NULL, &error));
	g_assert_cmpstr(error->message, ==, "sh: exit status 2");
}

static void test_timeout(void)
{
	struct sw_command command = { .argv = SHELL("sleep 30"),
				      .code = SW_ERROR_DEPLOY,
				      .id = "test-failed",
				      .timeout = 1 };
	g_autoptr(GError) error = NULL;
	gint64 began = g_get_monotonic_time();

	g_assert_false(sw_command_run(&command, NULL, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_DEPLOY);
	g_assert_cmpstr(error->message, ==, "sh: no end after 1 seconds");
	g_assert_cmpint(g_get_monotonic_time() - began, <, 4 * G_TIME_SPAN_SECOND);
}

static void test_bounds(void)
{
	g_autofree char *tail = g_strnfill(4096 - 1, 'x');
	g_autofree char *message = g_strdup_printf("sh: %s", tail);

	check_failure(SHELL("yes"), SW_ERROR_DEPLOY, "test-failed",
		      "sh wrote more than 16 MiB to its standard output");
	check_failure(SHELL("yes | head -c 2000000 >&2; echo end >&2; exit 1"), SW_ERROR_DEPLOY,
		      "test-failed", "sh: end");
	check_failure(SHELL("head -c 100000 /dev/zero | tr '\\0' x >&2; echo >&2; exit 1"),
		      SW_ERROR_DEPLOY, "test-failed", message);
}

/* The child gets a clean slate, whatever this process has. */
static void test_clean_slate(void)
{
	int stray = open("/dev/null", O_RDONLY);
	sigset_t blocked;
	sigset_t old;

	g_assert_cmpint(stray, >=, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &blocked, &old);
	/* glibc's posix_spawn() leaves its own two signals, 32 and 33, ignored. */
	check_output((const char *const[]){ "grep", "-cE",
					    "^SigBlk:\\s0{16}$|^SigIgn:\\s0{7}(00|18)0{7}$",
					    "/proc/self/status", NULL },
		     NULL, "2\n");
	/* 3 is ls's own, of the directory. */
	check_output((const char *const[]){ "ls", "/proc/self/fd", NULL }, "input", "0\n1\n2\n3\n");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	close(stray);
}

/* Who inherits the pipes is not waited for. */
static void test_daemon(void)
{
	gint64 began = g_get_monotonic_time();

	check_output(SHELL("sleep 8 & echo started"), NULL, "started\n");
	g_assert_cmpint(g_get_monotonic_time() - began, <, 5 * G_TIME_SPAN_SECOND);
}

struct cancelling {
	GCancellable *cancellable;
	const char *file; /* cancels when this holds a line; NULL: soon */
	gint64 when;
};

static gboolean has_line(const char *path)
{
	g_autofree char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) && strchr(text, '\n') != NULL;
}

static gpointer cancel_soon(gpointer data)
{
	struct cancelling *cancelling = data;

	if (cancelling->file == NULL)
		g_usleep(200000);
	for (int i = 0; cancelling->file != NULL && i < 1000 && !has_line(cancelling->file); i++)
		g_usleep(10000);
	cancelling->when = g_get_monotonic_time();
	g_cancellable_cancel(cancelling->cancellable);
	return NULL;
}

/* Runs ARGV, cancels it (FILE: see above), returns the seconds that it then took. */
static double run_cancelled(const char *const *argv, const char *file)
{
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GError) error = NULL;
	struct cancelling cancelling = { .cancellable = cancellable, .file = file };
	GThread *thread = g_thread_new("cancel", cancel_soon, &cancelling);

	g_assert_false(run(argv, NULL, NULL, cancellable, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
	g_assert_cmpstr(sw_error_id(error), ==, "cancelled");
	g_thread_join(thread);
	return (double)(g_get_monotonic_time() - cancelling.when) / G_TIME_SPAN_SECOND;
}

/* Gone, or a zombie that nobody has reaped. */
static gboolean is_dead(const char *pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid);
	g_autofree char *stat = NULL;

	return !g_file_get_contents(path, &stat, NULL, NULL) || strstr(stat, ") Z ") != NULL;
}

static void test_cancel(void)
{
	g_autofree char *directory = g_dir_make_tmp("slipway-test-XXXXXX", NULL);
	g_autofree char *file = g_build_filename(directory, "pid", NULL);
	g_autofree char *script = g_strdup_printf(
		"trap '' TERM; sleep 30 & echo $! > %s; wait; wait; sleep 30", file);
	g_autofree char *pid = NULL;

	g_assert_cmpfloat(run_cancelled((const char *const[]){ "sleep", "30", NULL }, NULL), <,
			  1.7);
	/* One that ignores SIGTERM, and so does its child. */
	g_assert_cmpfloat(run_cancelled(SHELL(script), file), <, 8);
	g_assert_true(g_file_get_contents(file, &pid, NULL, NULL));
	g_strchomp(pid);
	for (int i = 0; i < 50 && !is_dead(pid); i++)
		g_usleep(20000);
	g_assert_true(is_dead(pid));
	g_assert_cmpint(unlink(file), ==, 0);
	g_assert_cmpint(rmdir(directory), ==, 0);
}

static void test_cancelled_before(void)
{
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GError) error = NULL;

	g_cancellable_cancel(cancellable);
	g_assert_false(run(SHELL("exit 0"), NULL, NULL, cancellable, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
}

static gpointer run_many(G_GNUC_UNUSED gpointer data)
{
	for (int i = 0; i < 20; i++)
		check_output(SHELL("cat; echo end"), "text ", "text end\n");
	return NULL;
}

static int count_descriptors(void)
{
	g_autoptr(GDir) directory = g_dir_open("/proc/self/fd", 0, NULL);
	int count = 0;

	while (g_dir_read_name(directory) != NULL)
		count++;
	return count;
}

static void test_threads(void)
{
	GThread *threads[4];
	int before = count_descriptors();

	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("run", run_many, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		g_thread_join(threads[i]);
	g_assert_cmpint(count_descriptors(), ==, before);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_setenv("LC_ALL", "C", TRUE);
	/* Not /subprocess: GLib skips tests of that name. */
	g_test_add_func("/command/output", test_output);
	g_test_add_func("/command/input", test_input);
	g_test_add_func("/command/failures", test_failures);
	g_test_add_func("/command/missing", test_missing);
	g_test_add_func("/command/success", test_success);
	g_test_add_func("/command/timeout", test_timeout);
	g_test_add_func("/command/bounds", test_bounds);
	g_test_add_func("/command/clean-slate", test_clean_slate);
	g_test_add_func("/command/daemon", test_daemon);
	g_test_add_func("/command/cancel", test_cancel);
	g_test_add_func("/command/cancelled-before", test_cancelled_before);
	g_test_add_func("/command/threads", test_threads);
	return g_test_run();
}
