/* SPDX-License-Identifier: MIT */
#include "core/text.h"

#include <string.h>

#define EXCERPT_MAX 300 /* characters */

static gboolean disturbs(gunichar c)
{
	GUnicodeType type = g_unichar_type(c);

	return type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT ||
	       type == G_UNICODE_LINE_SEPARATOR || type == G_UNICODE_PARAGRAPH_SEPARATOR;
}

char *sw_text_line(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *line = g_string_new(NULL);

	for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		g_string_append_unichar(line, disturbs(c) ? ' ' : c);
	}
	return g_string_free(line, FALSE);
}

char *sw_text_excerpt(const char *text)
{
	g_autofree char *line = sw_text_line(text == NULL ? "" : text);

	g_strstrip(line);
	return g_utf8_substring(line, 0, MIN(g_utf8_strlen(line, -1), EXCERPT_MAX));
}

void sw_text_wipe(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	g_clear_pointer(text, g_free);
}
