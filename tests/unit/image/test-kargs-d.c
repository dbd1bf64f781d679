/* SPDX-License-Identifier: MIT */
#include "image/kargs-d.h"

#include "tree-fixture.h"

static void test_parse(void)
{
	static const char text[] = "match-architectures = [\"x86_64\"]\nkargs = [\"a b\", \"c\"]";
	g_autoptr(GPtrArray) kargs = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_kargs_d_parse(text, strlen(text), "f", "arm64", kargs, &error));
	g_assert_cmpuint(kargs->len, ==, 0);
	g_assert_true(sw_kargs_d_parse(text, strlen(text), "f", "amd64", kargs, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(kargs->len, ==, 3);
	g_assert_cmpstr(g_ptr_array_index(kargs, 0), ==, "a");
	g_assert_cmpstr(g_ptr_array_index(kargs, 2), ==, "c");
}

static void test_refused(void)
{
	static const char *const texts[] = {
		"",
		"kargs",
		"kargs = \"a\"",
		"kargs = [1]",
		"kargs = [\"\\\"\"]",
		"kargs = []\nmatch-architecture = []",
		"kargs = []\n\"new\\nline\" = 1",
		"match-architectures = [\"aarch64\"]",
		"match-architectures = [\"aarch64\"]\nkargs = []\nother = 1",
		"kargs = []\nmatch-architectures = 1",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GPtrArray) kargs = g_ptr_array_new_with_free_func(g_free);
		g_autoptr(GError) error = NULL;

		if (sw_kargs_d_parse(texts[i], strlen(texts[i]), "f", "amd64", kargs, &error))
			g_error("taken: %s", texts[i]);
		g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
		g_assert_cmpstr(sw_error_id(error), ==, "kargs-d");
		g_assert_null(strchr(error->message, '\n'));
	}
}

static void test_read(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwTree) tree = NULL;
	g_autofree char *joined = NULL;
	g_auto(GStrv) kargs = NULL;
	g_auto(GStrv) none = NULL;

	fixture_write(fixture, "usr/lib/bootc/kargs.d/20.toml", "kargs = [\"c=\\\"x y\\\" d\"]");
	fixture_write(fixture, "usr/lib/bootc/kargs.d/10.toml", "kargs = [\"a\", \"b\"]");
	fixture_write(fixture, "usr/lib/bootc/kargs.d/30.toml",
		      "kargs = [\"arm\"]\nmatch-architectures = [\"aarch64\"]");
	fixture_write(fixture, "usr/lib/bootc/kargs.d/40.conf", "none");
	tree = fixture_open(fixture);
	g_assert_true(sw_kargs_d_read(tree, "amd64", &kargs, NULL));
	joined = g_strjoinv("|", kargs);
	g_assert_cmpstr(joined, ==, "a|b|c=\"x y\"|d");
	fixture_drop(fixture, "usr/lib/bootc");
	sw_tree_free(g_steal_pointer(&tree));
	tree = fixture_open(fixture);
	g_assert_true(sw_kargs_d_read(tree, "amd64", &none, NULL));
	g_assert_null(none[0]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/kargs-d/parse", test_parse);
	g_test_add_func("/kargs-d/refused", test_refused);
	g_test_add_func("/kargs-d/read", test_read);
	return g_test_run();
}
