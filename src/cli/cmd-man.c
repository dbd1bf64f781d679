/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/help.h"
#include "cli/print.h"
#include "core/file.h"
#include "core/format.h"
#include "core/storage.h"

#define TEMPLATE_LIMIT (256 * 1024)

/*
 * TEXT as lines of mdoc(7): a line a sentence, none too long, no backslash and none at whose
 * beginning a dot or quote would make a macro of it.
 */
static void print_text(GString *out, const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, "\\", -1);
	g_autofree char *escaped = g_strjoinv("\\e", parts);
	g_auto(GStrv) sentences = g_strsplit(escaped, ". ", -1);

	for (guint i = 0; sentences[i] != NULL; i++) {
		g_autofree char *sentence =
			g_strdup_printf("%s%s%s", strchr(".'", *sentences[i]) ? "\\&" : "",
					sentences[i], sentences[i + 1] != NULL ? "." : "");

		sw_print_wrapped(out, 0, 0, sentence);
	}
}

static void print_flags(GString *out, const char *heading, const char *const *flags)
{
	if (*flags == NULL)
		return;
	g_string_append_printf(out, ".Pp\n%s:\n", heading);
	for (; *flags != NULL; flags++)
		g_string_append_printf(out, ".Fl -%s%s\n", *flags, flags[1] == NULL ? "" : " ,");
}

static void print_verbs(GString *out)
{
	g_string_append(out, ".Bl -tag -width Ds\n");
	for (const struct sw_verb *v = sw_verb_next(NULL); v != NULL; v = sw_verb_next(v)) {
		g_auto(GStrv) paragraphs = g_strsplit(v->description, "\n", -1);

		g_string_append_printf(out, ".It Cm %s Oo Ar OPTION Oc Ns ...", v->name);
		if (v->argument != NULL)
			g_string_append_printf(out, " %s %s%s", v->required ? "Ar" : "Op Ar",
					       v->argument, v->several ? " ..." : "");
		g_string_append_c(out, '\n');
		for (guint i = 0; paragraphs[i] != NULL; i++) {
			if (i > 0)
				g_string_append(out, ".Pp\n");
			print_text(out, paragraphs[i]);
		}
		print_flags(out, "Options", v->options);
	}
	g_string_append(out, ".El\n");
}

/* All flags, in the order in which the verbs name them. */
static GPtrArray *all_flags(void)
{
	GPtrArray *flags = g_ptr_array_new();

	for (const struct sw_verb *v = sw_verb_next(NULL); v != NULL; v = sw_verb_next(v))
		for (guint i = 0; v->options[i] != NULL; i++)
			if (!g_ptr_array_find_with_equal_func(flags, v->options[i], g_str_equal,
							      NULL))
				g_ptr_array_add(flags, (gpointer)v->options[i]);
	for (guint i = 0; sw_global_options[i] != NULL; i++)
		g_ptr_array_add(flags, (gpointer)sw_global_options[i]);
	return flags;
}

static void print_options(GString *out)
{
	g_autoptr(GPtrArray) flags = all_flags();

	g_string_append(out, ".Bl -tag -width Ds\n");
	for (guint i = 0; i < flags->len; i++) {
		const struct sw_setting *row = sw_option_find(flags->pdata[i]);
		g_autofree char *text = sw_help_text(row);

		g_string_append(out, ".It ");
		if (row->letter != '\0')
			g_string_append_printf(out, "Fl %c , ", row->letter);
		g_string_append_printf(out, "Fl -%s", row->flag);
		if (row->value != NULL)
			g_string_append_printf(out, " Ar %s", row->value);
		g_string_append_c(out, '\n');
		print_text(out, text);
	}
	g_string_append(out, ".El\n");
}

static const char *type_text(const struct sw_setting *row)
{
	if (row->kind == SW_KIND_OPTION)
		return "types with their options";
	switch (row->type) {
	case SW_SETTING_LIST:
		return "a list of texts";
	case SW_SETTING_SIZE:
		return "a size, in quotes or not";
	case SW_SETTING_BOOL:
		return "true or false";
	default:
		return row->kind == SW_KIND_PLAIN ? "a text" : "a path";
	}
}

static void print_keys(GString *out)
{
	g_string_append(out, ".Bl -tag -width Ds\n");
	for (const struct sw_setting *row = sw_settings; row->flag != NULL; row++) {
		if (row->key == NULL)
			continue;
		g_string_append_printf(out, ".It Cm %s\n%s, as\n", row->key, type_text(row));
		if (row->positional)
			g_string_append_printf(out, ".Ar %s .\n", row->value);
		else
			g_string_append_printf(out, ".Fl -%s .\n", row->flag);
	}
	g_string_append(out, ".El\n");
}

static void print_params(GString *out, const char *name, const struct sw_param *params)
{
	if (params == NULL || params->name == NULL)
		return;
	g_string_append(out, ".Bl -tag -width Ds\n");
	for (; params->name != NULL; params++) {
		g_autofree char *text = sw_help_param_text(params);

		g_string_append_printf(out, ".It Cm %s.%s\n", name, params->name);
		print_text(out, text);
	}
	g_string_append(out, ".El\n");
}

static void print_formats(GString *out)
{
	g_string_append(out, ".Bl -tag -width Ds\n");
	for (guint i = 0; sw_formats[i] != NULL; i++) {
		const struct sw_format *format = sw_formats[i];

		g_string_append_printf(out, ".It Cm %s", format->name);
		for (const char *const *a = format->aliases; a != NULL && *a != NULL; a++)
			g_string_append_printf(out, " , %s", *a);
		g_string_append_c(out, '\n');
		print_text(out, format->summary);
		g_string_append_printf(out, ".Pp\nFile:\n.Pa %s\n", format->file);
		print_params(out, format->name, format->params);
	}
	g_string_append(out, ".El\n");
}

static void print_storages(GString *out)
{
	g_string_append(out, ".Bl -tag -width Ds\n");
	for (guint i = 0; sw_storages[i] != NULL; i++) {
		g_string_append_printf(out, ".It Cm %s\n", sw_storages[i]->name);
		print_text(out, sw_storages[i]->summary);
		g_string_append_printf(out, ".Pp\nURIs:\n.Pa %s://\n", sw_storages[i]->scheme);
		print_params(out, sw_storages[i]->name, sw_storages[i]->params);
	}
	g_string_append(out, ".El\n");
}

/* Lines of a template that stand for a table. */
static const struct {
	const char *line;
	void (*print)(GString *out);
} tables[] = {
	{ "@verbs@", print_verbs },	{ "@options@", print_options },	 { "@keys@", print_keys },
	{ "@formats@", print_formats }, { "@storage@", print_storages },
};

gboolean sw_cmd_man(const struct sw_call *call, GString *out,
		    G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!sw_read_file(call->argument, TEMPLATE_LIMIT, &text, NULL, SW_ERROR_USAGE, "template",
			  error))
		return FALSE;
	lines = g_strsplit(g_strchomp(text), "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++) {
		guint table = 0;

		while (table < G_N_ELEMENTS(tables) && !g_str_equal(lines[i], tables[table].line))
			table++;
		if (table < G_N_ELEMENTS(tables))
			tables[table].print(out);
		else
			g_string_append_printf(out, "%s\n", lines[i]);
	}
	return TRUE;
}
