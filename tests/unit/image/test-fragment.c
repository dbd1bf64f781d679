/* SPDX-License-Identifier: MIT */
#include "image/fragment.h"

#include "tree-fixture.h"

static void test_architecture(void)
{
	g_assert_cmpstr(sw_fragment_architecture("amd64"), ==, "x86_64");
	g_assert_cmpstr(sw_fragment_architecture("arm64"), ==, "aarch64");
	g_assert_cmpstr(sw_fragment_architecture("ppc64le"), ==, "powerpc64");
	g_assert_null(sw_fragment_architecture("x86_64"));
	g_assert_null(sw_fragment_architecture(""));
}

/* What the list in the GVariant text LIST becomes, joined by "|"; NULL: an error. */
static char *split(const char *list)
{
	g_autoptr(GVariant) value = g_variant_parse(NULL, list, NULL, NULL, NULL);
	g_autoptr(GPtrArray) kargs = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;

	g_assert_nonnull(value);
	if (!sw_fragment_kargs(value, "kargs", "f.toml", "id", kargs, &error)) {
		g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
		g_assert_cmpstr(sw_error_id(error), ==, "id");
		return NULL;
	}
	g_ptr_array_add(kargs, NULL);
	return g_strjoinv("|", (char **)kargs->pdata);
}

static void test_kargs(void)
{
	static const struct {
		const char *list;
		const char *expected;
	} cases[] = {
		{ "@av []", "" },
		{ "[<'quiet'>]", "quiet" },
		{ "[<'a b  c=1'>, <' d '>]", "a|b|c=1|d" },
		{ "[<'a=\"b c\" d'>]", "a=\"b c\"|d" },
		{ "[<'\"a=b c\"'>]", "\"a=b c\"" },
		{ "[<'a=\"b'>, <'c\"'>]", "a=\"b c\"" },
		{ "[<'a\\nb\\tc'>]", "a|b|c" },
		{ "[<''>, <'  '>]", "" },
		{ "[<'a=\"b'>]", NULL },
		{ "[<'a=\"b\\nc\"'>]", NULL },
		{ "[<'a\\u0001'>]", NULL },
		{ "[<1>]", NULL },
		{ "[<'a'>, <true>]", NULL },
		{ "'a'", NULL },
		{ "true", NULL },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *result = split(cases[i].list);

		g_assert_cmpstr(result, ==, cases[i].expected);
	}
}

static gboolean matches(const char *table, const char *architecture)
{
	g_autoptr(GVariant) value =
		g_variant_parse(G_VARIANT_TYPE_VARDICT, table, NULL, NULL, NULL);
	g_autoptr(GError) error = NULL;
	gboolean result;

	g_assert_true(sw_fragment_matches(value, architecture, "f", "id", &result, &error));
	g_assert_no_error(error);
	return result;
}

static void test_matches(void)
{
	g_autoptr(GVariant) wrong = g_variant_parse(
		G_VARIANT_TYPE_VARDICT, "{'match-architectures': <'x86_64'>}", NULL, NULL, NULL);
	g_autoptr(GError) error = NULL;
	gboolean result;

	g_assert_true(matches("{}", "amd64"));
	g_assert_true(matches("{}", "unknown"));
	g_assert_true(matches("{'match-architectures': <[<'aarch64'>, <'x86_64'>]>}", "amd64"));
	g_assert_false(matches("{'match-architectures': <[<'aarch64'>]>}", "amd64"));
	g_assert_false(matches("{'match-architectures': <@av []>}", "amd64"));
	g_assert_false(matches("{'match-architectures': <[<'x86_64'>]>}", "unknown"));
	g_assert_false(sw_fragment_matches(wrong, "amd64", "f", "id", &result, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
}

static void test_list(void)
{
	static const char *const directories[] = { "/usr/lib/c", "/etc/c", NULL };
	g_autoptr(Fixture) fixture = fixture_new();
	g_autofree char *joined = NULL;
	g_autoptr(SwTree) tree = NULL;
	g_auto(GStrv) paths = NULL;

	fixture_write(fixture, "usr/lib/c/20.toml", "");
	fixture_write(fixture, "usr/lib/c/10.toml", "");
	fixture_write(fixture, "usr/lib/c/README", "");
	fixture_write(fixture, "usr/etc/c/20.toml", "");
	fixture_write(fixture, "usr/etc/c/15.toml", "");
	tree = fixture_open(fixture);
	g_assert_true(sw_fragment_list(tree, directories, &paths, NULL));
	joined = g_strjoinv(" ", paths);
	g_assert_cmpstr(joined, ==, "/usr/lib/c/10.toml /etc/c/15.toml /etc/c/20.toml");
}

static void test_bad_name(void)
{
	static const char *const directories[] = { "/usr/lib/c", NULL };
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(SwTree) tree = NULL;
	g_auto(GStrv) paths = NULL;

	fixture_write(fixture, "usr/lib/c/\033[2J.toml", "");
	tree = fixture_open(fixture);
	g_assert_false(sw_fragment_list(tree, directories, &paths, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "names");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fragment/architecture", test_architecture);
	g_test_add_func("/fragment/kargs", test_kargs);
	g_test_add_func("/fragment/matches", test_matches);
	g_test_add_func("/fragment/list", test_list);
	g_test_add_func("/fragment/bad-name", test_bad_name);
	return g_test_run();
}
