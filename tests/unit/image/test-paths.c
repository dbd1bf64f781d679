/* SPDX-License-Identifier: MIT */
#include "image/paths.h"

#include <string.h>

static void test_mapped(void)
{
	static const char *const rows[][2] = {
		{ "usr/bin/bash", "usr/bin/bash" },
		{ "./usr/bin/bash", "usr/bin/bash" },
		{ "/usr/bin/bash", "usr/bin/bash" },
		{ "//usr//./bin/", "usr/bin" },
		{ "././usr/.", "usr" },
		{ ".", "" },
		{ "./", "" },
		{ "/", "" },
		{ "etc", "usr/etc" },
		{ "./etc/", "usr/etc" },
		{ "/etc/passwd", "usr/etc/passwd" },
		{ "etcc", "etcc" },
		{ "etcc/passwd", "etcc/passwd" },
		{ "usr/etc/passwd", "usr/etc/passwd" },
		{ "x/etc/passwd", "x/etc/passwd" },
		{ "etc/.wh.passwd", "usr/etc/.wh.passwd" },
		{ ".wh.etc", ".wh.etc" },
		{ "var/lib/x", "var/lib/x" },
		{ "boot/x", "boot/x" },
		{ "opt/x", "opt/x" },
		{ "dev", "dev" },
		{ "./tmp/", "tmp" },
		{ "proc", "proc" },
		{ "sys", "sys" },
		{ "run", "run" },
		{ "device/x", "device/x" },
		{ "usr/run/x", "usr/run/x" },
		{ "..x/x..", "..x/x.." },
		{ "usr/\xc3\xa9", "usr/\xc3\xa9" },
		{ "usr/a\nb", "usr/a\nb" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *path = NULL;

		g_assert_true(sw_path_map(rows[i][0], &path, &error));
		g_assert_no_error(error);
		g_assert_cmpstr(path, ==, rows[i][1]);
	}
}

static void test_dropped(void)
{
	static const char *const rows[] = { "dev/null", "./proc/1",  "/run/x/y",
					    "sys//x",	"tmp/.wh.x", "tmp/.wh..wh..opq" };

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = g_strdup("untouched");
		char *mapped = path;
		g_autoptr(GError) error = NULL;

		g_assert_true(sw_path_map(rows[i], &mapped, &error));
		g_assert_no_error(error);
		g_assert_null(mapped);
	}
}

static void test_refused(void)
{
	static const char *const rows[] = {
		"",	    "..",   "../x",	"usr/..",     "usr/../x",	 "/..",
		"dev/../x", "\xff", "usr/\xc0", "dev/\xff/x", "usr/\xed\xa0\x80"
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *path = (char *)"untouched";
		g_autoptr(GError) error = NULL;

		g_assert_false(sw_path_map(rows[i], &path, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
		g_assert_cmpstr(sw_error_id(error), ==, "path");
		g_assert_true(g_utf8_validate(error->message, -1, NULL));
		g_assert_cmpstr(path, ==, "untouched");
	}
}

static void check_length(const char *path, gboolean is_good)
{
	g_autofree char *mapped = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(sw_path_map(path, &mapped, &error), ==, is_good);
	if (!is_good)
		g_assert_cmpuint(strlen(error->message), <, 400);
}

static void test_lengths(void)
{
	g_autofree char *name = g_strnfill(256, 'n');
	g_autoptr(GString) path = g_string_new(NULL);

	check_length(name, FALSE);
	name[255] = '\0';
	check_length(name, TRUE);
	while (path->len < 4096)
		g_string_append(path, "x/");
	check_length(path->str, TRUE);
	g_string_append(path, "x");
	check_length(path->str, FALSE);
}

static void test_shown(void)
{
	g_autofree char *shown = sw_path_show("a\nb\033[1m\xff");
	g_autofree char *text = g_strnfill(10000, 'x');
	g_autofree char *cut = sw_path_show(text);

	g_assert_null(strpbrk(shown, "\n\033"));
	g_assert_true(g_utf8_validate(shown, -1, NULL));
	g_assert_cmpuint(strlen(cut), ==, 203);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/paths/mapped", test_mapped);
	g_test_add_func("/paths/dropped", test_dropped);
	g_test_add_func("/paths/refused", test_refused);
	g_test_add_func("/paths/lengths", test_lengths);
	g_test_add_func("/paths/shown", test_shown);
	return g_test_run();
}
