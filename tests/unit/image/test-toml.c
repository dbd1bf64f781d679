/* SPDX-License-Identifier: MIT */
#include "image/toml.h"

#include <string.h>

static GVariant *parse(const char *text, size_t length, GError **error)
{
	GVariant *table = NULL;

	if (!sw_toml_parse(text, length, "f.toml", SW_ERROR_IMAGE, "toml", &table, error))
		g_assert_null(table);
	return table;
}

static void assert_parses_to(const char *text, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) table = parse(text, strlen(text), &error);
	g_autofree char *printed = NULL;

	g_assert_no_error(error);
	g_assert_false(g_variant_is_floating(table));
	printed = g_variant_print(table, FALSE);
	g_assert_cmpstr(printed, ==, expected);
}

static void assert_refused(const char *text, size_t length, const char *pattern)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(parse(text, length, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "toml");
	if (!g_pattern_match_simple(pattern, error->message))
		g_error("\"%s\" is not \"%s\"", error->message, pattern);
	g_assert_null(strpbrk(error->message, "\r\n"));
	g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

static void test_types(void)
{
	assert_parses_to("", "{}");
	assert_parses_to("# nothing\n", "{}");
	assert_parses_to("s = \"a\\\"b\"\ni = -5\nb = true\nf = 1.5\n",
			 "{'b': <true>, 'f': <1.5>, 'i': <int64 -5>, 's': <'a\"b'>}");
	assert_parses_to("a = [1, 'x', []]", "{'a': <[<int64 1>, <'x'>, <@av []>]>}");
	assert_parses_to("[a.b]\nc = 'd'", "{'a': <{'b': <{'c': <'d'>}>}>}");
	assert_parses_to("[[a]]\nb = 1\n[[a]]", "{'a': <[<{'b': <int64 1>}>, <@a{sv} {}>]>}");
	assert_parses_to("d = 2024-02-29\nt = 01:02:03\nz = 2024-02-29T01:02:03Z",
			 "{'d': <'2024-02-29'>, 't': <'01:02:03'>, 'z': <'2024-02-29T01:02:03Z'>}");
	assert_parses_to("s = 'äöü'", "{'s': <'äöü'>}");
}

static void test_refused(void)
{
	static const struct {
		const char *text;
		const char *pattern;
	} cases[] = {
		{ "a = ", "f.toml:1:*" },
		{ "a = 1\nb == 2", "f.toml:2:*" },
		{ "a = 1\na = 2", "f.toml:2:*" },
		{ "[a", "f.toml:1:*" },
		{ "a = \"\\q\"", "f.toml:1:*" },
		{ "a = \"\\u0000\"", "f.toml: *NUL*" },
		{ "\"\\u0000\" = 1", "f.toml: *NUL*" },
		{ "a = '\xff'", "f.toml:1:*" },
		{ "a = 99999999999999999999", "f.toml:1:*" },
		{ "a = '\x01'", "f.toml:1:*" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_refused(cases[i].text, strlen(cases[i].text), cases[i].pattern);
	assert_refused("a = 1\0b = 2", 11, "f.toml*");
}

static void test_nested(void)
{
	g_autofree char *open = g_strnfill(60000, '[');
	g_autofree char *arrays = g_strdup_printf("a = %s", open);
	GString *dotted = g_string_new("a");
	g_autofree char *keys = NULL;

	assert_refused(arrays, strlen(arrays), "f.toml*");
	assert_refused("a = [[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]", 48,
		       "*nested too deeply");
	for (int i = 0; i < 4096; i++)
		g_string_append(dotted, ".a");
	g_string_append(dotted, " = 1");
	assert_refused(dotted->str, dotted->len, "*nested too deeply");
	g_string_prepend(dotted, "a.");
	keys = g_string_free(dotted, FALSE);
	assert_refused(keys, strlen(keys), "f.toml: more than 4096 dots");
}

static void test_too_large(void)
{
	g_autofree char *text = g_strnfill(SW_TOML_LIMIT + 1, '\n');
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) table = parse(text, SW_TOML_LIMIT, &error);

	g_assert_no_error(error);
	g_assert_nonnull(table);
	assert_refused(text, SW_TOML_LIMIT + 1, "f.toml: larger than 64 KiB");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/toml/types", test_types);
	g_test_add_func("/toml/refused", test_refused);
	g_test_add_func("/toml/nested", test_nested);
	g_test_add_func("/toml/too-large", test_too_large);
	return g_test_run();
}
