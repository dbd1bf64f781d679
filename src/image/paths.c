/* SPDX-License-Identifier: MIT */
#include "image/paths.h"

#include <string.h>

#include "core/text.h"

/* How much of a path an error shows, bytes. */
#define SHOWN 200

static const char *const emptied[] = { "dev", "proc", "run", "sys", "tmp", NULL };

char *sw_path_show(const char *path)
{
	g_autofree char *start = NULL;
	g_autofree char *line = NULL;

	if (strlen(path) <= SHOWN)
		return sw_text_line(path);
	start = g_strndup(path, SHOWN);
	line = sw_text_line(start);
	return g_strconcat(line, "...", NULL);
}

static gboolean refuse(const char *path, const char *why, GError **error)
{
	g_autofree char *shown = sw_path_show(path);

	return sw_fail(error, SW_ERROR_IMAGE, "path", "the path '%s' %s", shown, why);
}

/* Appends NAME (LENGTH bytes), a component of PATH. */
static gboolean append_name(GString *mapped, const char *name, size_t length, const char *path,
			    GError **error)
{
	if (length == 0 || (length == 1 && name[0] == '.'))
		return TRUE;
	if (length == 2 && name[0] == '.' && name[1] == '.')
		return refuse(path, "has '..' in it", error);
	if (length > SW_NAME_MAX)
		return refuse(path, "has a name of more than 255 bytes", error);
	if (mapped->len == 0 && length == 3 && memcmp(name, "etc", 3) == 0)
		g_string_append(mapped, "usr");
	if (mapped->len > 0)
		g_string_append_c(mapped, '/');
	g_string_append_len(mapped, name, (gssize)length);
	return TRUE;
}

static gboolean is_dropped(const char *mapped)
{
	const char *slash = strchr(mapped, '/');

	for (guint i = 0; slash != NULL && emptied[i] != NULL; i++) {
		size_t length = strlen(emptied[i]);

		if ((size_t)(slash - mapped) == length && memcmp(mapped, emptied[i], length) == 0)
			return TRUE;
	}
	return FALSE;
}

gboolean sw_path_map(const char *path, char **ret_path, GError **error)
{
	g_autoptr(GString) mapped = g_string_new(NULL);

	if (*path == '\0')
		return sw_fail(error, SW_ERROR_IMAGE, "path", "a path is empty");
	if (!g_utf8_validate(path, -1, NULL))
		return refuse(path, "is not UTF-8", error);
	for (const char *name = path; name != NULL;) {
		const char *slash = strchr(name, '/');
		size_t length = slash == NULL ? strlen(name) : (size_t)(slash - name);

		if (!append_name(mapped, name, length, path, error))
			return FALSE;
		if (mapped->len > SW_PATH_MAX)
			return refuse(path, "is longer than 4095 bytes", error);
		name = slash == NULL ? NULL : slash + 1;
	}
	*ret_path = is_dropped(mapped->str) ? NULL : g_string_free(g_steal_pointer(&mapped), FALSE);
	return TRUE;
}

gboolean sw_link_target_valid(const char *target)
{
	return *target != '\0' && strlen(target) <= SW_PATH_MAX &&
	       g_utf8_validate(target, -1, NULL);
}
