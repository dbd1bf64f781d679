/* SPDX-License-Identifier: MIT */
#include "cli/help.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "core/format.h"
#include "core/storage.h"

const char **sw_list_words(void)
{
	static const char *const words[] = { "formats", "storage", NULL };

	return g_memdup2(words, sizeof(words));
}

static const char *type_name(enum sw_param_type type)
{
	static const char *const names[] = { "text", "bool", "size", "int", "choice", "secret" };

	return names[type];
}

static void params_to_json(JsonBuilder *json, const struct sw_param *params)
{
	json_builder_set_member_name(json, "options");
	json_builder_begin_array(json);
	for (; params != NULL && params->name != NULL; params++) {
		json_builder_begin_object(json);
		sw_json_text(json, "name", params->name);
		sw_json_text(json, "type", type_name(params->type));
		sw_json_text(json, "default", params->fallback);
		sw_json_texts(json, "choices", params->choices);
		sw_json_bool(json, "required", params->required);
		sw_json_text(json, "help", params->help);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void formats_to_json(JsonBuilder *json)
{
	for (guint i = 0; sw_formats[i] != NULL; i++) {
		const struct sw_format *format = sw_formats[i];

		json_builder_begin_object(json);
		sw_json_text(json, "name", format->name);
		sw_json_texts(json, "aliases", format->aliases);
		sw_json_text(json, "summary", format->summary);
		sw_json_text(json, "file", format->file);
		sw_json_text(json, "media_type", format->media_type);
		sw_json_bool(json, "needs_tree", format->needs_tree);
		sw_json_number(json, "disk_unit", MAX(format->disk_unit, 1));
		params_to_json(json, format->params);
		json_builder_end_object(json);
	}
}

static void storages_to_json(JsonBuilder *json)
{
	for (guint i = 0; sw_storages[i] != NULL; i++) {
		json_builder_begin_object(json);
		sw_json_text(json, "name", sw_storages[i]->name);
		sw_json_text(json, "scheme", sw_storages[i]->scheme);
		sw_json_text(json, "summary", sw_storages[i]->summary);
		params_to_json(json, sw_storages[i]->params);
		json_builder_end_object(json);
	}
}

/* "NAME, ALIAS, ..." */
static char *all_names(const struct sw_format *format)
{
	g_autofree char *aliases =
		format->aliases == NULL ? NULL : g_strjoinv(", ", (char **)format->aliases);

	return g_strjoin(", ", format->name, aliases, NULL);
}

static void print_params(GString *out, const char *name, const struct sw_param *params)
{
	for (; params != NULL && params->name != NULL; params++) {
		g_autofree char *left = g_strdup_printf("  %s.%s", name, params->name);
		g_autofree char *text = sw_help_param_text(params);

		sw_help_entry(out, left, text);
	}
}

static void print_formats(GString *out)
{
	g_autoptr(SwTable) table = sw_table_new("lll");

	sw_table_add(table, "TYPE", "FILE", "WHAT");
	for (guint i = 0; sw_formats[i] != NULL; i++) {
		g_autofree char *names = all_names(sw_formats[i]);

		sw_table_add(table, names, sw_formats[i]->file, sw_formats[i]->summary);
	}
	sw_table_print(table, 0, out);
	g_string_append(out, "\nOptions, for --option TYPE.NAME=VALUE:\n");
	for (guint i = 0; sw_formats[i] != NULL; i++)
		print_params(out, sw_formats[i]->name, sw_formats[i]->params);
}

static void print_storages(GString *out)
{
	g_autoptr(SwTable) table = sw_table_new("lll");

	sw_table_add(table, "STORAGE", "URI", "WHAT");
	for (guint i = 0; sw_storages[i] != NULL; i++) {
		g_autofree char *uri = g_strconcat(sw_storages[i]->scheme, "://", NULL);

		sw_table_add(table, sw_storages[i]->name, uri, sw_storages[i]->summary);
	}
	sw_table_print(table, 0, out);
	g_string_append(out,
			"\nOptions, for --option STORAGE.NAME=VALUE or a URI's ?NAME=VALUE:\n");
	for (guint i = 0; sw_storages[i] != NULL; i++)
		print_params(out, sw_storages[i]->name, sw_storages[i]->params);
}

gboolean sw_cmd_list(const struct sw_call *call, GString *out,
		     G_GNUC_UNUSED GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
	gboolean is_formats = g_str_equal(call->argument, "formats");
	g_autoptr(JsonBuilder) json = NULL;

	if (!call->build->json) {
		if (is_formats)
			print_formats(out);
		else
			print_storages(out);
		return TRUE;
	}
	json = json_builder_new();
	json_builder_begin_array(json);
	if (is_formats)
		formats_to_json(json);
	else
		storages_to_json(json);
	json_builder_end_array(json);
	sw_json_print(json, out);
	return TRUE;
}
