/* SPDX-License-Identifier: MIT */
#include "installer/request.h"

#include <glib.h>

static void test_parse(void)
{
	struct si_request request;
	struct si_failure failure = { 0 };

	g_assert_true(si_request_parse(
		"BOOT_IMAGE=/boot/vmlinuz quiet slipway.install=id:S3-1 slipway.wipe "
		"\"slipway.ssh-key=ssh-ed25519 AAAA me\" slipway.karg=a=1 slipway.karg=b "
		"slipway.hostname=edge-7 slipway.poweroff slipway.check\n",
		&request, &failure));
	g_assert_cmpstr(request.install, ==, "id:S3-1");
	g_assert_true(request.wipe);
	g_assert_true(request.check);
	g_assert_false(request.shell);
	g_assert_cmpuint(request.n_ssh_keys, ==, 1);
	g_assert_cmpstr(request.ssh_keys[0], ==, "ssh-ed25519 AAAA me");
	g_assert_cmpuint(request.n_kargs, ==, 2);
	g_assert_cmpstr(request.kargs[0], ==, "a=1");
	g_assert_cmpstr(request.kargs[1], ==, "b");
	g_assert_cmpstr(request.hostname, ==, "edge-7");
	g_assert_cmpint(request.end, ==, SI_END_POWEROFF);
	g_assert_null(request.medium);
	si_request_free(&request);
}

static void test_nothing(void)
{
	struct si_request request;
	struct si_failure failure = { 0 };

	g_assert_true(si_request_parse("root=/dev/vda slipwayx=1", &request, &failure));
	g_assert_null(request.install);
	g_assert_cmpint(request.end, ==, SI_END_ASK);
	si_request_free(&request);
}

static void test_refused(void)
{
	static const char *const lines[] = {
		"slipway.installs=auto",
		"slipway.install",
		"slipway.install=vda",
		"slipway.install=/dev/../etc/passwd",
		"slipway.install=id:",
		"slipway.wipe=yes",
		"slipway.hostname=-edge",
		"slipway.hostname=a_b",
		("slipway.hostname="
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		"slipway.karg=a;b",
		"slipway.karg=$x",
		"\"slipway.karg=a b\"",
		"slipway.ssh-key=AAAA",
		"\"slipway.ssh-key=ssh-rsa AA'AA\"",
		"slipway.medium=12",
		"slipway.=",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		struct si_request request;
		struct si_failure failure = { 0 };

		g_assert_false(si_request_parse(lines[i], &request, &failure));
		g_assert_cmpstr(failure.id, ==, "request");
		g_assert_null(strchr(failure.text, '\n'));
		g_assert_null(request.text);
	}
}

static void test_too_many(void)
{
	g_autoptr(GString) line = g_string_new(NULL);
	struct si_request request;
	struct si_failure failure = { 0 };

	for (int i = 0; i < SI_WORDS_MAX; i++)
		g_string_append(line, "slipway.karg=x ");
	g_assert_true(si_request_parse(line->str, &request, &failure));
	si_request_free(&request);
	g_string_append(line, "slipway.karg=x");
	g_assert_false(si_request_parse(line->str, &request, &failure));
}

static void test_hex(void)
{
	unsigned char bytes[2] = { 0 };
	char text[5];

	g_assert_true(si_parse_hex("0aff", bytes, 2));
	g_assert_cmpint(bytes[0], ==, 10);
	g_assert_cmpint(bytes[1], ==, 255);
	si_print_hex(bytes, 2, text);
	g_assert_cmpstr(text, ==, "0aff");
	g_assert_false(si_parse_hex("0af", bytes, 2));
	g_assert_false(si_parse_hex("0afg", bytes, 2));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/request/parse", test_parse);
	g_test_add_func("/request/nothing", test_nothing);
	g_test_add_func("/request/refused", test_refused);
	g_test_add_func("/request/too-many", test_too_many);
	g_test_add_func("/request/hex", test_hex);
	return g_test_run();
}
