/* SPDX-License-Identifier: MIT */
#include "core/format.h"

#include <string.h>

#include "core/error.h"

/* Names first, then aliases, NULL at the end; the caller frees the array only. */
static const char **all_words(void)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();

	for (const struct sw_format *const *f = sw_formats; *f != NULL; f++)
		g_ptr_array_add(words, (gpointer)(*f)->name);
	for (const struct sw_format *const *f = sw_formats; *f != NULL; f++)
		for (const char *const *a = (*f)->aliases; a != NULL && *a != NULL; a++)
			g_ptr_array_add(words, (gpointer)*a);
	g_ptr_array_add(words, NULL);
	return (const char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

const struct sw_format *sw_format_find(const char *name, GError **error)
{
	g_autofree const char **words = NULL;
	g_autofree char *all = NULL;
	const char *nearest = NULL;

	for (const struct sw_format *const *f = sw_formats; *f != NULL; f++)
		if (g_str_equal((*f)->name, name) ||
		    ((*f)->aliases != NULL && g_strv_contains((*f)->aliases, name)))
			return *f;
	words = all_words();
	nearest = sw_nearest(name, words);
	all = g_strjoinv(", ", (char **)words);
	if (nearest != NULL)
		sw_fail(error, SW_ERROR_USAGE, "unknown-format",
			"unknown format \"%s\"; did you mean \"%s\"?", name, nearest);
	else
		sw_fail(error, SW_ERROR_USAGE, "unknown-format",
			"unknown format \"%s\": there is %s", name, all);
	return NULL;
}

/* Those of OPTIONS that are FORMAT's, by name; the texts stay OPTIONS' own but for the names. */
static GHashTable *own_options(const struct sw_format *format, char *const *options)
{
	GHashTable *own = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	size_t length = strlen(format->name);

	for (; options != NULL && *options != NULL; options++) {
		const char *value = strchr(*options, '=');

		if (value != NULL && strncmp(*options, format->name, length) == 0 &&
		    (*options)[length] == '.')
			g_hash_table_insert(own,
					    g_strndup(*options + length + 1,
						      (gsize)(value - *options) - length - 1),
					    (gpointer)(value + 1));
	}
	return own;
}

const struct sw_param *sw_format_find_option(const struct sw_format *format, const char *name,
					     GError **error)
{
	g_autofree char *owner = g_strconcat("format ", format->name, NULL);

	return sw_param_find(format->params, name, owner, error);
}

gboolean sw_format_check_option(const char *text, char **ret_canonical, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, "=", 2);
	g_auto(GStrv) names = g_strsplit(parts[0] == NULL ? "" : parts[0], ".", 2);
	const struct sw_format *format = NULL;
	const struct sw_param *param = NULL;
	g_autofree char *owner = NULL;

	if (g_strv_length(parts) != 2 || g_strv_length(names) != 2)
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "\"%s\" is no option of a type: write TYPE.NAME=VALUE", text);
	format = sw_format_find(names[0], error);
	param = format == NULL ? NULL : sw_format_find_option(format, names[1], error);
	if (param == NULL)
		return FALSE;
	owner = g_strconcat("format ", format->name, NULL);
	if (!sw_param_check(param, parts[1], owner, error))
		return FALSE;
	*ret_canonical = g_strdup_printf("%s.%s=%s", format->name, param->name, parts[1]);
	return TRUE;
}

guint64 sw_format_disk_unit(char *const *types)
{
	guint64 unit = 1;

	for (; *types != NULL; types++) {
		const struct sw_format *format = sw_format_find(*types, NULL);

		if (format != NULL)
			unit = MAX(unit, format->disk_unit);
	}
	return unit;
}

gboolean sw_format_configure(const struct sw_format *format, char *const *options,
			     guint64 disk_size, void **ret_state, GError **error)
{
	g_autoptr(GHashTable) own = own_options(format, options);
	g_autofree char *owner = g_strconcat("format ", format->name, NULL);
	g_autofree void *state = g_malloc0(MAX(format->state_size, 1));

	if (!sw_params_apply(format->params, own, state, owner, error))
		return FALSE;
	if (format->check != NULL && !format->check(state, disk_size, error)) {
		sw_params_clear(format->params, state);
		return FALSE;
	}
	*ret_state = g_steal_pointer(&state);
	return TRUE;
}

void sw_format_release(const struct sw_format *format, void *state)
{
	if (state == NULL)
		return;
	sw_params_clear(format->params, state);
	g_free(state);
}

GPtrArray *sw_format_names(const struct sw_format *format, const void *state)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	if (format->names != NULL)
		format->names(state, names);
	else
		g_ptr_array_add(names, g_strdup(format->file));
	return names;
}
