/* SPDX-License-Identifier: MIT */
#include "core/json.h"

#include <string.h>

static const struct sw_json_subject subject = { "the text", SW_ERROR_SOURCE, "manifest" };

static gboolean parses(const char *text, size_t length)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) root = NULL;
	gboolean done = sw_json_parse(text, length, &subject, &root, &error);

	if (!done) {
		g_assert_error(error, SW_ERROR, SW_ERROR_SOURCE);
		g_assert_cmpstr(sw_error_id(error), ==, "manifest");
		g_assert_true(g_str_has_prefix(error->message, "the text: "));
		g_assert_null(root);
	}
	return done;
}

static char *nest(guint depth)
{
	g_autofree char *open = g_strnfill(depth, '[');
	g_autofree char *close = g_strnfill(depth, ']');

	return g_strconcat("{\"a\":", open, close, "}", NULL);
}

static void test_strict(void)
{
	static const char *const good[] = {
		"{}",
		" {\"a\" : [1, -2.5e3, true, false, null, \"x\\n\\u00fc\"]}\n",
		"{\"\":{}}",
		"{\"a\":\"/* no comment */ // \\\" \"}",
	};
	static const char *const bad[] = {
		"",
		" ",
		"[]",
		"1",
		"null",
		"{",
		"}",
		"{}}",
		"{} {}",
		"{}x",
		"{\"a\":1,}",
		"{\"a\" 1}",
		"{a:1}",
		"{'a':1}",
		"{\"a\":1 /**/}",
		"// x\n{}",
		"var a = {}",
		"{\"a\":0x10}",
		"{\"a\":\"x\ny\"}",
		"{\"a\":\"x",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":\"\xff\"}",
		"{\"a\":[1 2]}",
		"{\"a\":}",
		"{\"a\":tru}",
		"{\"a\":[}",
		"{\"a\":undefined}",
	};

	for (guint i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(parses(good[i], strlen(good[i])));
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_test_message("%s", bad[i]);
		g_assert_false(parses(bad[i], strlen(bad[i])));
	}
	g_assert_false(parses("{}\0{}", 5));
	g_assert_false(parses("{\"a\0b\":1}", 9));
}

static void test_bounds(void)
{
	g_autofree char *shallow = nest(60);
	g_autofree char *deep = nest(64);
	g_autofree char *abyss = nest(1000000);
	g_autoptr(GString) wide = g_string_new("{\"a\":[0");

	g_assert_true(parses(shallow, strlen(shallow)));
	g_assert_false(parses(deep, strlen(deep)));
	g_assert_false(parses(abyss, strlen(abyss)));
	for (guint i = 0; i < 200000; i++)
		g_string_append(wide, ",0");
	g_string_append(wide, "]}");
	g_assert_false(parses(wide->str, wide->len));
}

static void test_members(void)
{
	static const char text[] = "{\"s\":\"x\",\"i\":7,\"d\":1.5,\"o\":{},\"a\":[],\"n\":null}";
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) root = NULL;
	JsonObject *object = NULL;
	JsonObject *child = NULL;
	JsonArray *array = NULL;
	const char *value = "unset";
	gint64 number = -1;

	g_assert_true(sw_json_parse(text, strlen(text), &subject, &root, &error));
	object = json_node_get_object(root);
	g_assert_true(sw_json_get_string(object, "s", TRUE, &subject, &value, &error));
	g_assert_cmpstr(value, ==, "x");
	g_assert_true(sw_json_get_string(object, "n", FALSE, &subject, &value, &error));
	g_assert_null(value);
	g_assert_true(sw_json_get_int(object, "i", TRUE, &subject, &number, &error));
	g_assert_cmpint(number, ==, 7);
	g_assert_true(sw_json_get_int(object, "missing", FALSE, &subject, &number, &error));
	g_assert_cmpint(number, ==, 0);
	g_assert_true(sw_json_get_object(object, "o", TRUE, &subject, &child, &error));
	g_assert_nonnull(child);
	g_assert_true(sw_json_get_array(object, "a", TRUE, &subject, &array, &error));
	g_assert_nonnull(array);
	g_assert_no_error(error);
	g_assert_false(sw_json_get_string(object, "i", FALSE, &subject, &value, NULL));
	g_assert_false(sw_json_get_int(object, "d", FALSE, &subject, &number, NULL));
	g_assert_false(sw_json_get_int(object, "s", FALSE, &subject, &number, NULL));
	g_assert_false(sw_json_get_object(object, "a", FALSE, &subject, &child, NULL));
	g_assert_false(sw_json_get_array(object, "o", FALSE, &subject, &array, NULL));
	g_assert_false(sw_json_get_array(object, "n", TRUE, &subject, &array, NULL));
	g_assert_false(sw_json_get_string(object, "missing", TRUE, &subject, &value, &error));
	g_assert_cmpstr(error->message, ==, "the text: missing is missing");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/json/strict", test_strict);
	g_test_add_func("/json/bounds", test_bounds);
	g_test_add_func("/json/members", test_members);
	return g_test_run();
}
