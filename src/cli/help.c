/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include <string.h>

#include "cli/print.h"

/* Where what is said about an option or a verb begins. */
#define COLUMN 26

char *sw_help_text(const struct sw_setting *row)
{
	g_autofree const char **words = sw_setting_words(row);
	GString *text = g_string_new(row->help);

	if (words != NULL && row->type != SW_SETTING_BOOL && row->kind != SW_KIND_OPTION) {
		g_autofree char *all = g_strjoinv(", ", (char **)words);

		g_string_append_printf(text, ": %s", all);
	}
	if (row->fallback != NULL)
		g_string_append_printf(text, " (default: %s)", row->fallback);
	else if (row->otherwise != NULL)
		g_string_append_printf(text, " (default: %s)", row->otherwise);
	if (row->key != NULL && g_strcmp0(row->key, row->flag) != 0)
		g_string_append_printf(text, " [%s]", row->key);
	return g_string_free(text, FALSE);
}

char *sw_help_param_text(const struct sw_param *param)
{
	GString *text = g_string_new(param->help);

	if (param->choices != NULL) {
		g_autofree char *all = g_strjoinv(", ", (char **)param->choices);

		g_string_append_printf(text, ": %s", all);
	}
	if (param->fallback != NULL)
		g_string_append_printf(text, " (default: %s)", param->fallback);
	return g_string_free(text, FALSE);
}

void sw_help_entry(GString *out, const char *left, const char *text)
{
	guint width = (guint)strlen(left);

	g_string_append(out, left);
	if (width + 2 > COLUMN) {
		g_string_append_c(out, '\n');
		width = 0;
	}
	g_string_append_printf(out, "%*s", (int)(COLUMN - width), "");
	sw_print_wrapped(out, COLUMN, COLUMN, text);
}

static void print_option(GString *out, const char *flag)
{
	const struct sw_setting *row = sw_option_find(flag);
	g_autofree char *letter =
		row->letter == '\0' ? g_strdup("   ") : g_strdup_printf("-%c,", row->letter);
	g_autofree char *left =
		g_strdup_printf("  %s --%s%s%s", letter, row->flag, row->value != NULL ? " " : "",
				row->value != NULL ? row->value : "");
	g_autofree char *text = sw_help_text(row);

	sw_help_entry(out, left, text);
}

static void print_options(GString *out, const char *heading, const char *const *flags)
{
	if (*flags == NULL)
		return;
	g_string_append_printf(out, "\n%s:\n", heading);
	for (; *flags != NULL; flags++)
		print_option(out, *flags);
}

static void print_examples(GString *out, const struct sw_example *examples)
{
	g_string_append(out, "\nExamples:\n");
	for (const struct sw_example *example = examples; example->command != NULL; example++)
		g_string_append_printf(out, "%s  # %s\n  %s\n", example == examples ? "" : "\n",
				       example->what, example->command);
}

void sw_help_overview(GString *out)
{
	g_string_append(out, "slipway " SW_VERSION
			     " - bootc container images to bootable disk images\n\n"
			     "Usage: slipway VERB [OPTION]... [ARGUMENT]\n\nVerbs:\n");
	for (const struct sw_verb *v = sw_verb_next(NULL); v != NULL; v = sw_verb_next(v)) {
		g_autofree char *left = g_strdup_printf("  %s", v->name);

		sw_help_entry(out, left, v->summary);
	}
	print_options(out, "Options of every verb", sw_global_options);
	print_examples(out, sw_verbs[0].examples);
	g_string_append(out, "\nSee slipway VERB --help, and slipway(1).\n");
}

static void print_argument(GString *out, const struct sw_verb *verb)
{
	g_autofree const char **words = verb->words == NULL ? NULL : verb->words();
	g_autofree char *left = NULL;
	g_autofree char *text = NULL;

	if (verb->argument == NULL || (words == NULL && !verb->is_image))
		return;
	left = g_strdup_printf("  %s", verb->argument);
	text = verb->is_image ? sw_help_text(sw_setting_find("image"))
			      : g_strjoinv(", ", (char **)words);
	g_string_append(out, "\nArgument:\n");
	sw_help_entry(out, left, text);
}

void sw_help_verb(const struct sw_verb *verb, GString *out)
{
	g_auto(GStrv) paragraphs = g_strsplit(verb->description, "\n", -1);
	const char *argument = verb->argument == NULL ? "" : verb->argument;
	gboolean optional = verb->argument != NULL && !verb->required;

	g_string_append_printf(out, "slipway %s - %s\n\n", verb->name, verb->summary);
	g_string_append_printf(out, "Usage: slipway %s [OPTION]...%s%s%s%s\n", verb->name,
			       optional		   ? " ["
			       : *argument != '\0' ? " "
						   : "",
			       argument, optional ? "]" : "", verb->several ? "..." : "");
	for (guint i = 0; paragraphs[i] != NULL; i++) {
		g_string_append_c(out, '\n');
		sw_print_wrapped(out, 0, 0, paragraphs[i]);
	}
	print_argument(out, verb);
	print_options(
		out,
		g_strv_contains(verb->options, "file")
			? "Options (in brackets the key in a build document, where it differs)"
			: "Options",
		verb->options);
	print_options(out, "Options of every verb", sw_global_options);
	print_examples(out, verb->examples);
}
