/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/text.h"

static void test_line(void)
{
	static const struct {
		const char *text;
		const char *line;
	} rows[] = {
		{ "", "" },
		{ "plain text", "plain text" },
		{ "Ünïcode 日本", "Ünïcode 日本" },
		{ "two\nlines\r\n", "two lines  " },
		{ "\033[31mred\033[0m", " [31mred [0m" },
		{ "tab\there", "tab here" },
		{ "c1 \302\233x", "c1  x" },
		{ "bidi \342\200\256x", "bidi  x" },
		{ "separator \342\200\250x", "separator  x" },
		{ "bad \377 byte", "bad \357\277\275 byte" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *line = sw_text_line(rows[i].text);

		g_assert_cmpstr(line, ==, rows[i].line);
	}
}

static void test_excerpt(void)
{
	g_autofree char *long_text = g_strnfill(1000, 'a');
	g_autofree char *cut = sw_text_excerpt(long_text);
	g_autofree char *clean = sw_text_excerpt(" two\nlines ");
	g_autofree char *none = sw_text_excerpt(NULL);
	char *secret = g_strdup("sesame");

	g_assert_cmpuint(strlen(cut), ==, 300);
	g_assert_cmpstr(clean, ==, "two lines");
	g_assert_cmpstr(none, ==, "");
	sw_text_wipe(&secret);
	g_assert_null(secret);
	sw_text_wipe(&secret);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/text/line", test_line);
	g_test_add_func("/text/excerpt", test_excerpt);
	return g_test_run();
}
