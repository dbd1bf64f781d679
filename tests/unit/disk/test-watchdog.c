/* SPDX-License-Identifier: MIT */
#include "disk/watchdog.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that would outlive every test; it is ended by the watchdog, or at the end by the test. */
static pid_t start_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("sleep", "sleep", "60", NULL);
		_exit(127);
	}
	g_assert_cmpint(pid, >, 0);
	return pid;
}

static void assert_killed(pid_t pid)
{
	int status = 0;

	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFSIGNALED(status));
	g_assert_cmpint(WTERMSIG(status), ==, SIGKILL);
}

static void test_hung(void)
{
	struct sw_watchdog *watchdog = sw_watchdog_new("/", NULL);
	pid_t pid = start_child();

	sw_watchdog_arm_process(watchdog, pid, 1);
	assert_killed(pid);
	g_assert_cmpint(sw_watchdog_verdict(watchdog), ==, SW_WATCHDOG_HUNG);
	sw_watchdog_free(watchdog);
}

static void test_in_time(void)
{
	struct sw_watchdog *watchdog = sw_watchdog_new("/", NULL);
	pid_t pid = start_child();
	int status = 0;

	sw_watchdog_arm_process(watchdog, pid, 1);
	sw_watchdog_disarm(watchdog);
	g_usleep(1300000);
	g_assert_cmpint(waitpid(pid, &status, WNOHANG), ==, 0);
	g_assert_cmpint(sw_watchdog_verdict(watchdog), ==, SW_WATCHDOG_QUIET);
	sw_watchdog_free(watchdog);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
}

static void test_cancelled(void)
{
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	struct sw_watchdog *watchdog = sw_watchdog_new("/", cancellable);
	pid_t pid = start_child();

	sw_watchdog_arm_process(watchdog, pid, 60);
	g_cancellable_cancel(cancellable);
	assert_killed(pid);
	g_assert_cmpint(sw_watchdog_verdict(watchdog), ==, SW_WATCHDOG_CANCELLED);
	sw_watchdog_free(watchdog);
}

/* Before the id of a child is known: all children of the thread that makes it. */
static void test_children_of_thread(void)
{
	struct sw_watchdog *watchdog = sw_watchdog_new("/", NULL);
	pid_t pid = start_child();

	sw_watchdog_arm_thread(watchdog, (pid_t)syscall(SYS_gettid), 60);
	sw_watchdog_end(watchdog);
	assert_killed(pid);
	g_assert_cmpint(sw_watchdog_verdict(watchdog), ==, SW_WATCHDOG_CANCELLED);
	sw_watchdog_free(watchdog);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/watchdog/hung", test_hung);
	g_test_add_func("/watchdog/in-time", test_in_time);
	g_test_add_func("/watchdog/cancelled", test_cancelled);
	g_test_add_func("/watchdog/children-of-thread", test_children_of_thread);
	return g_test_run();
}
