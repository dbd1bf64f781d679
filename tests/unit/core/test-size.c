/* SPDX-License-Identifier: MIT */
#include "core/size.h"

#include "core/error.h"

static void test_parse(void)
{
	static const struct {
		const char *text;
		guint64 bytes;
	} rows[] = {
		{ "1", 1 },
		{ "007", 7 },
		{ "512B", 512 },
		{ "1k", 1024 },
		{ "64K", 64 * SW_KIB },
		{ "64KiB", 64 * SW_KIB },
		{ "64 kib", 64 * SW_KIB },
		{ "64KB", 64000 },
		{ "3M", 3 * SW_MIB },
		{ "3 MB", 3000000 },
		{ "1 GiB", SW_GIB },
		{ "1.5G", 3 * SW_GIB / 2 },
		{ "1.50  GiB", 3 * SW_GIB / 2 },
		{ "0.125K", 128 },
		{ "0.001kb", 1 },
		{ "1.25GB", 1250000000 },
		{ "2T", 2048 * SW_GIB },
		{ "2TB", G_GUINT64_CONSTANT(2000000000000) },
		{ "5.000000000000000000000000", 5 },
		{ "9223372036854775807", G_MAXINT64 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		guint64 bytes = 0;

		g_assert_true(sw_size_parse(rows[i].text, &bytes, &error));
		g_assert_no_error(error);
		g_assert_cmpuint(bytes, ==, rows[i].bytes);
	}
}

static void test_parse_refuses(void)
{
	static const char *const texts[] = {
		"",
		" ",
		"G",
		" 1",
		"+1",
		"-1",
		"1 ",
		"1K ",
		"1  ",
		"1.",
		".5",
		"1..5",
		"1.5.5",
		"1,5G",
		"0x10",
		"1e3",
		"1Q",
		"1Ki",
		"1iB",
		"1BB",
		"1KiBs",
		"1\t K",
		"1\nK",
		"0",
		"0.0G",
		"0.1K",
		"1.5",
		"1.5B",
		"0.0001KB",
		"8388608T",
		"9223372036854775808",
		"18446744073709551616",
		"99999999999999999999999999T",
		"1.0000000000000000001G",
		"inf",
		"nan",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		guint64 bytes = 77;

		g_assert_false(sw_size_parse(texts[i], &bytes, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
		g_assert_cmpstr(sw_error_id(error), ==, "bad-number");
		g_assert_cmpuint(bytes, ==, 77);
	}
}

static void test_format(void)
{
	static const struct {
		guint64 bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 1023, "1023 B" },
		{ 1024, "1 KiB" },
		{ 1025, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ SW_MIB - 1, "1.0 MiB" },
		{ SW_MIB, "1 MiB" },
		{ 455292109, "434.2 MiB" },
		{ 10 * SW_GIB, "10 GiB" },
		{ G_MAXINT64, "8.0 EiB" },
		{ G_MAXUINT64, "16.0 EiB" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = sw_size_format(rows[i].bytes);

		g_assert_cmpstr(text, ==, rows[i].text);
	}
}

static void test_number(void)
{
	static const char *const refused[] = {
		"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "4", "101", "18446744073709551621", "1a",
	};
	guint64 number = 0;

	g_assert_true(sw_number_parse("5", 5, 100, &number, NULL));
	g_assert_cmpuint(number, ==, 5);
	g_assert_true(sw_number_parse("100", 5, 100, &number, NULL));
	g_assert_cmpuint(number, ==, 100);
	g_assert_true(sw_number_parse("18446744073709551615", 0, G_MAXUINT64, &number, NULL));
	g_assert_cmpuint(number, ==, G_MAXUINT64);
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(sw_number_parse(refused[i], 5, 100, &number, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	}
	g_assert_cmpuint(number, ==, G_MAXUINT64);
}

static void test_round_up(void)
{
	g_assert_cmpuint(sw_round_up(0, 4096), ==, 0);
	g_assert_cmpuint(sw_round_up(1, 4096), ==, 4096);
	g_assert_cmpuint(sw_round_up(4096, 4096), ==, 4096);
	g_assert_cmpuint(sw_round_up(5, 1), ==, 5);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/size/parse", test_parse);
	g_test_add_func("/size/parse-refuses", test_parse_refuses);
	g_test_add_func("/size/format", test_format);
	g_test_add_func("/size/number", test_number);
	g_test_add_func("/size/round-up", test_round_up);
	return g_test_run();
}
