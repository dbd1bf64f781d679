/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <string.h>

#include "cli/verbs.h"
#include "core/error.h"

/* Takes the command line LINE apart at its blanks. */
static struct sw_call *parse(const char *line, GError **error)
{
	g_auto(GStrv) argv = g_strsplit(line, " ", -1);
	struct sw_call *call = NULL;

	return sw_call_parse(argv, &call, error) ? call : NULL;
}

/* "flag=text ..." of what LINE gives. */
static void accept(const char *line, const char *verb, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwCall) call = parse(line, &error);
	g_autoptr(GString) got = g_string_new(NULL);

	g_assert_no_error(error);
	g_assert_nonnull(call);
	g_assert_cmpstr(call->verb == NULL ? NULL : call->verb->name, ==, verb);
	for (guint i = 0; i < call->given->len; i++) {
		const struct sw_given *one = call->given->pdata[i];

		g_assert_cmpint(one->origin, ==, SW_ORIGIN_FLAG);
		g_string_append_printf(got, "%s%s=%s", i > 0 ? " " : "", one->setting->flag,
				       one->text);
	}
	g_assert_cmpstr(got->str, ==, expected);
}

static void refuse(const char *line, const char *part)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwCall) call = parse(line, &error);

	g_assert_null(call);
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_assert_nonnull(strstr(error->message, part));
}

static void test_spellings(void)
{
	accept("slipway build x --size 1G", "build", "image=x size=1G");
	accept("slipway build x --size=1G", "build", "image=x size=1G");
	accept("slipway build -t raw -tqcow2 x", "build", "type=raw type=qcow2 image=x");
	accept("slipway build -o a=b --karg=c=d", "build", "output=a=b karg=c=d");
	accept("slipway build --karg --", "build", "karg=--");
	accept("slipway --cache /c build -v x", "build", "cache=/c image=x");
	accept("slipway build x --cache /c -vo d", "build", "image=x cache=/c output=d");
	accept("slipway list -- formats", "list", "");
	accept("slipway build --json --json", "build", "json=true json=true");
}

static void test_own_flags(void)
{
	g_autoptr(SwCall) call = parse("slipway build -v -f a.yaml", NULL);
	g_autoptr(SwCall) help = parse("slipway --help build --nonsense", NULL);
	g_autoptr(SwCall) version = parse("slipway --version", NULL);
	g_autoptr(SwCall) argument = parse("slipway completion zsh", NULL);

	g_assert_true(call->verbose);
	g_assert_cmpstr(call->file, ==, "a.yaml");
	g_assert_true(help->help);
	g_assert_cmpstr(help->verb->name, ==, "build");
	g_assert_true(version->version);
	g_assert_null(version->verb);
	g_assert_cmpstr(argument->argument, ==, "zsh");
}

static void test_refused(void)
{
	refuse("slipway", "no verb");
	refuse("slipway biuld", "did you mean build?");
	refuse("slipway build --tpye raw", "did you mean --type?");
	refuse("slipway build --keep=1", "takes no value");
	refuse("slipway build -f a -f b", "--file is given twice");
	refuse("slipway build x --output", "--output DIR");
	refuse("slipway build --size 1.5", "--size: ");
	refuse("slipway build -x", "unknown option -x");
	refuse("slipway build -- x --", "a second");
	refuse("slipway list format", "did you mean formats?");
	refuse("slipway -t raw build", "unknown option -t");
}

/* The rows of the verbs name options that exist, and no letter is given to two of a verb. */
static void test_verbs(void)
{
	for (const struct sw_verb *verb = sw_verbs; verb->name != NULL; verb++) {
		g_autoptr(GHashTable) letters = g_hash_table_new(NULL, NULL);
		g_autofree const char **words = verb->words == NULL ? NULL : verb->words();

		g_assert_nonnull(verb->run);
		g_assert_nonnull(verb->examples[0].command);
		g_assert_false(verb->required && verb->argument == NULL);
		g_assert_true(words == NULL || verb->argument != NULL);
		for (const struct sw_example *e = verb->examples; e->command != NULL; e++)
			g_assert_cmpuint(strlen(e->command), <=, 76);
		for (guint i = 0; verb->options[i] != NULL; i++) {
			const struct sw_setting *row = sw_option_find(verb->options[i]);

			g_assert_nonnull(row);
			if (row->letter != '\0')
				g_assert_true(
					g_hash_table_add(letters, GINT_TO_POINTER(row->letter)));
		}
	}
	for (guint i = 0; sw_global_options[i] != NULL; i++)
		g_assert_nonnull(sw_option_find(sw_global_options[i]));
}

/* build takes every setting there is. */
static void test_build_is_whole(void)
{
	const struct sw_verb *build = sw_verb_find("build", NULL);

	for (const struct sw_setting *row = sw_settings; row->flag != NULL; row++)
		g_assert_true(row->positional || g_strv_contains(build->options, row->flag) ||
			      g_strv_contains(sw_global_options, row->flag));
}

static void test_environment(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwCall) call = parse("slipway version", NULL);
	g_autoptr(SwCall) flag = parse("slipway version --cache /flag", NULL);
	g_autoptr(SwCall) bad = parse("slipway version", NULL);

	g_setenv("SLIPWAY_CACHE", "/environment", TRUE);
	g_assert_true(sw_call_complete(call, NULL, &error));
	g_assert_cmpstr(call->build->cache, ==, "/environment");
	g_assert_cmpstr(sw_build_origin(call->build, "cache"), ==, "environment");
	g_assert_true(sw_call_complete(flag, NULL, &error));
	g_assert_cmpstr(flag->build->cache, ==, "/flag");
	g_setenv("SLIPWAY_CACHE", "a\nb", TRUE);
	g_assert_false(sw_call_complete(bad, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_assert_true(g_str_has_prefix(error->message, "SLIPWAY_CACHE: "));
	g_unsetenv("SLIPWAY_CACHE");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/options/spellings", test_spellings);
	g_test_add_func("/options/own-flags", test_own_flags);
	g_test_add_func("/options/refused", test_refused);
	g_test_add_func("/options/verbs", test_verbs);
	g_test_add_func("/options/build-is-whole", test_build_is_whole);
	g_test_add_func("/options/environment", test_environment);
	return g_test_run();
}
