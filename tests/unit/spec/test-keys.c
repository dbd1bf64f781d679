/* SPDX-License-Identifier: MIT */
#include "spec/keys.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define BLOB "AAAAC3NzaC1lZDI1NTE5AAAAIJ5m1y5ZpWQ0dO5Jk1xK0M9u2Jm3m7m1y5ZpWQ0dO5Jk"

static void check(const char *text, const char *expected)
{
	g_autoptr(GError) error = NULL;
	gboolean ok = sw_keys_parse(text, strlen(text), "keys", &error);

	if (expected == NULL) {
		g_assert_no_error(error);
		g_assert_true(ok);
		return;
	}
	g_assert_false(ok);
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "keys-file");
	g_assert_cmpstr(error->message, ==, expected);
}

static void test_good(void)
{
	check("ssh-ed25519 " BLOB, NULL);
	check("# mine\n\nssh-ed25519 " BLOB " me@host\r\n  \n", NULL);
	check("ecdsa-sha2-nistp256 " BLOB "== a b c\n", NULL);
	check("sk-ssh-ed25519@openssh.com " BLOB "\n", NULL);
	check("no-pty,command=\"echo \\\"a b\\\" c\" ssh-rsa " BLOB "\n", NULL);
}

static void test_bad(void)
{
	static const char *const bad = "keys:2: not a public ssh key (\"ssh-ed25519 AAAA...\")";

	check("", "keys holds no ssh key");
	check("# only a comment\n", "keys holds no ssh key");
	check("# x\nhello\n", bad);
	check("# x\nssh-ed25519\n", bad);
	check("# x\nssh-ed25519 AAAA\n", bad);
	check("# x\nssh-ed25519 " BLOB "!\n", bad);
	check("# x\na b ssh-ed25519 " BLOB "\n", bad);
	check("# x\nno-pty,command=\"echo ssh-rsa " BLOB "\n", bad);
	check("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n",
	      "keys holds a private key: give the public one (.pub)");
}

static void test_nul(void)
{
	static const char text[] = "ssh-ed25519 " BLOB "\n\0x";
	g_autoptr(GError) error = NULL;

	g_assert_false(sw_keys_parse(text, sizeof(text) - 1, "keys", &error));
	g_assert_cmpstr(error->message, ==, "keys is not a text file");
}

static void test_files(void)
{
	g_autofree char *directory = g_dir_make_tmp("slipway-keys-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "keys", NULL);
	g_autofree char *fifo = g_build_filename(directory, "fifo", NULL);
	g_autofree char *large = g_strnfill(65 * 1024, '#');
	g_autoptr(GError) error = NULL;

	g_assert_false(sw_keys_check(path, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_clear_error(&error);
	g_assert_false(sw_authfile_check(path, &error));
	g_assert_cmpstr(sw_error_id(error), ==, "authfile");
	g_clear_error(&error);

	g_assert_true(g_file_set_contents(path, "ssh-ed25519 " BLOB "\n", -1, NULL));
	g_assert_true(sw_keys_check(path, NULL));
	g_assert_true(sw_authfile_check(path, NULL));

	g_assert_true(g_file_set_contents(path, large, -1, NULL));
	g_assert_false(sw_keys_check(path, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_clear_error(&error);

	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	g_assert_false(sw_keys_check(fifo, NULL));
	g_assert_false(sw_authfile_check(directory, NULL));
	g_unlink(path);
	g_unlink(fifo);
	g_rmdir(directory);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/keys/good", test_good);
	g_test_add_func("/keys/bad", test_bad);
	g_test_add_func("/keys/nul", test_nul);
	g_test_add_func("/keys/files", test_files);
	return g_test_run();
}
