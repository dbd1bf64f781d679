/* SPDX-License-Identifier: MIT */
#include "storage/s3/profile.h"

#include <string.h>

/* "[profile  x ]" and "[profile x]" are the same. */
static gboolean is_section(char *line, const char *section)
{
	char *end = strchr(line, ']');
	g_auto(GStrv) wanted = g_strsplit(section, " ", -1);
	char *rest = line + 1;

	if (end == NULL)
		return FALSE;
	*end = '\0';
	for (char **word = wanted; *word != NULL; word++) {
		rest += strspn(rest, " \t");
		if (!g_str_has_prefix(rest, *word))
			return FALSE;
		rest += strlen(*word);
		if (*rest != '\0' && *rest != ' ' && *rest != '\t')
			return FALSE;
	}
	return rest[strspn(rest, " \t")] == '\0';
}

char *sw_s3_profile_get(const char *text, const char *section, const char *key)
{
	g_auto(GStrv) lines = g_strsplit_set(text, "\r\n", -1);
	gboolean inside = FALSE;

	for (char **line = lines; *line != NULL; line++) {
		char *equals = strchr(*line, '=');

		if (**line == '[') {
			inside = is_section(*line, section);
			continue;
		}
		/* An indented line belongs to a nested table. */
		if (!inside || equals == NULL || strchr("#; \t", **line) != NULL)
			continue;
		*equals = '\0';
		if (g_ascii_strcasecmp(g_strchomp(*line), key) == 0)
			return g_strdup(g_strstrip(equals + 1));
	}
	return NULL;
}
