/* SPDX-License-Identifier: MIT */
#include "cli/print.h"

static void test_wrapped(void)
{
	g_autoptr(GString) out = g_string_new("ab");
	g_autofree char *word = g_strnfill(60, 'w');
	g_autofree char *text = g_strdup_printf("one %s  two %s", word, word);
	g_autofree char *expected = g_strdup_printf("abone %s two\n   %s\n", word, word);

	sw_print_wrapped(out, 2, 3, text);
	g_assert_cmpstr(out->str, ==, expected);
}

/* A word ends in the last column exactly. */
static void test_edge(void)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *word = g_strnfill(78, 'w');
	g_autofree char *text = g_strdup_printf("a %s b", word);
	g_autofree char *expected = g_strdup_printf("a %s\nb\n", word);

	sw_print_wrapped(out, 0, 0, text);
	g_assert_cmpstr(out->str, ==, expected);
}

static void test_table(void)
{
	g_autoptr(SwTable) table = sw_table_new("lrl");
	g_autoptr(GString) out = g_string_new(NULL);

	sw_table_add(table, "NAME", "SIZE", "WHAT");
	sw_table_add(table, "gr\303\274n", "1 MiB", "x");
	sw_table_add(table, "a", NULL);
	sw_table_add(table, "", "", "\033[31mred\nline");
	sw_table_print(table, 1, out);
	g_assert_cmpstr(out->str, ==,
			" NAME   SIZE  WHAT\n"
			" gr\303\274n  1 MiB  x\n"
			" a\n"
			"               [31mred line\n");
	g_string_truncate(out, 0);
	sw_table_print(table, 1, out);
	g_assert_cmpstr(out->str, ==, "");
}

static void test_json(void)
{
	static const char *const list[] = { "a", "\377", NULL };
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonNode) node = NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *text = NULL;

	json_builder_begin_object(json);
	sw_json_text(json, "text", "\"\033\n");
	sw_json_text(json, "nothing", NULL);
	sw_json_number(json, "number", G_MAXUINT64);
	sw_json_bool(json, "bool", TRUE);
	sw_json_texts(json, "list", list);
	sw_json_texts(json, "none", NULL);
	json_builder_end_object(json);
	sw_json_print(json, out);
	g_assert_true(g_str_has_suffix(out->str, "}\n"));
	node = json_from_string(out->str, NULL);
	g_assert_nonnull(node);
	text = json_to_string(node, FALSE);
	g_assert_cmpstr(text, ==,
			"{\"text\":\"\\\"\\u001b\\n\",\"nothing\":null,"
			"\"number\":9223372036854775807,\"bool\":true,"
			"\"list\":[\"a\",\"\357\277\275\"],\"none\":[]}");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/print/wrapped", test_wrapped);
	g_test_add_func("/print/edge", test_edge);
	g_test_add_func("/print/table", test_table);
	g_test_add_func("/print/json", test_json);
	return g_test_run();
}
