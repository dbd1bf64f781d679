/* SPDX-License-Identifier: MIT */
#include "core/storage.h"

#include <string.h>

#include "core/error.h"

static void test_good_keys(void)
{
	static const char *const keys[] = {
		"a",   "disk.raw", "qcow2/disk.qcow2", "a b/c%20d", "\xc3\xa4/\xe2\x82\xac",
		"...", ".hidden",  "a/..b/c..",	       "-f",	    "a\\b",
	};
	g_autofree char *longest = g_strnfill(1024, 'x');
	g_autoptr(GError) error = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		g_assert_true(sw_key_check(keys[i], &error));
	g_assert_true(sw_key_check(longest, &error));
	g_assert_no_error(error);
}

static void test_bad_keys(void)
{
	static const char *const keys[] = {
		"",    "/",    "/etc/passwd", "..",   ".",	 "a/..",  "../a",     "a/../b",
		"a/.", "a//b", "a/",	      "a\nb", "\x1b[2J", "a\x7f", "\xc2\x9b", "\xff\xfe",
	};
	g_autoptr(GString) long_key = g_string_new("x");
	const char *too_long = NULL;

	while (long_key->len <= 1024)
		g_string_append(long_key, "\xe2\x82\xac");
	too_long = long_key->str;

	for (size_t i = 0; i <= G_N_ELEMENTS(keys); i++) {
		const char *key = i < G_N_ELEMENTS(keys) ? keys[i] : too_long;
		g_autoptr(GError) error = NULL;

		g_assert_false(sw_key_check(key, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_STORAGE);
		g_assert_cmpstr(sw_error_id(error), ==, "bad-key");
		g_assert_true(g_utf8_validate(error->message, -1, NULL));
		for (const char *c = error->message; *c != '\0'; c++)
			g_assert_false(g_ascii_iscntrl(*c));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/storage/good-keys", test_good_keys);
	g_test_add_func("/storage/bad-keys", test_bad_keys);
	return g_test_run();
}
