/* SPDX-License-Identifier: MIT */
#include "core/storage.h"

#include <string.h>

#include "core/error.h"
#include "core/text.h"

#define KEY_MAX 1024
#define SHOWN_MAX 100

static gboolean is_plain_text(const char *key)
{
	if (!g_utf8_validate(key, -1, NULL))
		return FALSE;
	for (; *key != '\0'; key = g_utf8_next_char(key))
		if (g_unichar_iscntrl(g_utf8_get_char(key)))
			return FALSE;
	return TRUE;
}

static gboolean is_relative_path(const char *key)
{
	g_auto(GStrv) parts = g_strsplit(key, "/", -1);

	for (char **part = parts; *part != NULL; part++)
		if (**part == '\0' || g_str_equal(*part, ".") || g_str_equal(*part, ".."))
			return FALSE;
	return parts[0] != NULL;
}

gboolean sw_key_check(const char *key, GError **error)
{
	g_autofree char *line = NULL;
	g_autofree char *shown = NULL;

	if (strlen(key) <= KEY_MAX && is_plain_text(key) && is_relative_path(key))
		return TRUE;
	line = sw_text_line(key);
	shown = g_utf8_substring(line, 0, MIN(g_utf8_strlen(line, -1), SHOWN_MAX));
	return sw_fail(error, SW_ERROR_STORAGE, "bad-key", "\"%s\" cannot name an artifact", shown);
}
