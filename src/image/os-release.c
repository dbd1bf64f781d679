/* SPDX-License-Identifier: MIT */
#include "image/os-release.h"

#include <string.h>

#include "core/text.h"

static gboolean is_name(const char *text)
{
	return text[0] != '\0' && !g_ascii_isdigit(text[0]) &&
	       text[strspn(text, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_")] == '\0';
}

static gboolean is_line(const char *text)
{
	g_autofree char *line = sw_text_line(text);

	return g_str_equal(line, text);
}

GHashTable *sw_os_release_parse(const char *text, size_t length)
{
	g_autoptr(GHashTable) table =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autofree char *copy = g_strndup(text, length);
	g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		char *equals = strchr(g_strstrip(*line), '=');
		g_autofree char *value = NULL;

		if (equals == NULL)
			continue;
		*equals = '\0';
		if (!is_name(*line))
			continue;
		value = equals[1] == '\0' ? g_strdup("") : g_shell_unquote(equals + 1, NULL);
		if (value != NULL && is_line(value))
			g_hash_table_insert(table, g_strdup(*line), g_steal_pointer(&value));
	}
	return g_steal_pointer(&table);
}
