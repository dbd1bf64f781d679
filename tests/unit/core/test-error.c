/* SPDX-License-Identifier: MIT */
#include "core/error.h"

#include <errno.h>

static void check(const GError *error, enum sw_error code, const char *id, const char *message)
{
	g_assert_error(error, SW_ERROR, (int)code);
	g_assert_cmpstr(sw_error_id(error), ==, id);
	g_assert_cmpint(sw_error_exit_status(error), ==, (int)code);
	g_assert_cmpstr(error->message, ==, message);
}

static void test_fail(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) copy = NULL;

	g_assert_false(sw_fail(NULL, SW_ERROR_USAGE, "x", "not seen"));
	g_assert_false(sw_fail(&error, SW_ERROR_SOURCE, "image-not-found", "no image %s", "a:1"));
	check(error, SW_ERROR_SOURCE, "image-not-found", "no image a:1");
	copy = g_error_copy(error);
	g_clear_error(&error);
	check(copy, SW_ERROR_SOURCE, "image-not-found", "no image a:1");
}

static void test_errno(void)
{
	static const struct {
		int number;
		enum sw_error code;
		const char *id;
	} rows[] = {
		{ EACCES, SW_ERROR_FORMAT, "write" },
		{ ENOSPC, SW_ERROR_ENVIRONMENT, "disk-full" },
		{ EDQUOT, SW_ERROR_ENVIRONMENT, "disk-full" },
		{ ECANCELED, SW_ERROR_CANCELLED, "cancelled" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *message =
			g_strdup_printf("cannot write f: %s", g_strerror(rows[i].number));

		errno = rows[i].number;
		g_assert_false(
			sw_fail_errno(&error, SW_ERROR_FORMAT, "write", "cannot write %s", "f"));
		check(error, rows[i].code, rows[i].id, message);
	}
}

static void test_prefix_of_ours(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_false(sw_fail_prefix(NULL, SW_ERROR_IMAGE, "x", "p"));
	g_assert_false(sw_fail_prefix(&error, SW_ERROR_IMAGE, "x", "p"));
	g_assert_null(error);
	sw_fail(&error, SW_ERROR_USAGE, "bad-number", "inner");
	g_assert_false(sw_fail_prefix(&error, SW_ERROR_IMAGE, "x", "option %d", 7));
	check(error, SW_ERROR_USAGE, "bad-number", "option 7: inner");
}

static void test_prefix_of_others(void)
{
	static const struct {
		int number;
		enum sw_error code;
		const char *id;
	} rows[] = {
		{ G_IO_ERROR_NOT_FOUND, SW_ERROR_IMAGE, "x" },
		{ G_IO_ERROR_NO_SPACE, SW_ERROR_ENVIRONMENT, "disk-full" },
		{ G_IO_ERROR_CANCELLED, SW_ERROR_CANCELLED, "cancelled" },
	};
	g_autoptr(GError) file = g_error_new_literal(G_FILE_ERROR, G_FILE_ERROR_NOSPC, "full");

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = g_error_new_literal(G_IO_ERROR, rows[i].number, "inner");

		g_assert_false(sw_fail_prefix(&error, SW_ERROR_IMAGE, "x", "p"));
		check(error, rows[i].code, rows[i].id, "p: inner");
	}
	g_assert_false(sw_fail_prefix(&file, SW_ERROR_IMAGE, "x", "p"));
	check(file, SW_ERROR_ENVIRONMENT, "disk-full", "p: full");
}

static void test_foreign(void)
{
	g_autoptr(GError) foreign = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_FAILED, "f");
	g_autoptr(GError) cancelled = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "c");

	g_assert_cmpint(sw_error_exit_status(foreign), ==, SW_ERROR_UNFORESEEN);
	g_assert_cmpstr(sw_error_id(foreign), ==, "unforeseen");
	g_assert_cmpint(sw_error_exit_status(cancelled), ==, SW_ERROR_CANCELLED);
	g_assert_cmpstr(sw_error_id(cancelled), ==, "cancelled");
}

static void test_cancelled(void)
{
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_check_cancelled(NULL, &error));
	g_assert_true(sw_check_cancelled(cancellable, &error));
	g_assert_no_error(error);
	g_cancellable_cancel(cancellable);
	g_assert_false(sw_check_cancelled(cancellable, &error));
	check(error, SW_ERROR_CANCELLED, "cancelled", "cancelled");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/error/fail", test_fail);
	g_test_add_func("/error/errno", test_errno);
	g_test_add_func("/error/prefix-of-ours", test_prefix_of_ours);
	g_test_add_func("/error/prefix-of-others", test_prefix_of_others);
	g_test_add_func("/error/foreign", test_foreign);
	g_test_add_func("/error/cancelled", test_cancelled);
	return g_test_run();
}
