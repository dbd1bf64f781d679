/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <string.h>

#include "image/paths.h"
#include "image/refs.h"

static gboolean is_normal(const char *path)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);

	for (guint i = 0; names[i] != NULL; i++)
		if (*names[i] == '\0' || strcmp(names[i], ".") == 0 ||
		    strcmp(names[i], "..") == 0 || strlen(names[i]) > SW_NAME_MAX)
			return FALSE;
	return TRUE;
}

/* Paths of a layer: whatever comes out stays inside the tree; and any text as a part of a ref. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autofree char *shown = sw_path_show(text);
	g_autofree char *ref = sw_ref_escape(text);
	g_autofree char *path = NULL;
	g_autofree char *again = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(g_utf8_validate(shown, -1, NULL));
	g_assert_null(strpbrk(shown, "\n\r\x1b"));
	for (const char *c = ref; ref != NULL && *c != '\0'; c++)
		g_assert_true(g_ascii_isalnum(*c) || strchr("_-/", *c) != NULL);
	g_assert_true(ref == NULL ||
		      (*ref != '/' && !g_str_has_suffix(ref, "/") && strstr(ref, "//") == NULL));
	if (!sw_path_map(text, &path, &error)) {
		g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
		g_assert_null(strchr(error->message, '\n'));
		return 0;
	}
	if (path == NULL || *path == '\0')
		return 0;
	g_assert_true(is_normal(path));
	g_assert_true(g_utf8_validate(path, -1, NULL));
	g_assert_cmpuint(strlen(path), <=, SW_PATH_MAX);
	g_assert_false(g_str_has_prefix(path, "etc/"));
	g_assert_true(sw_path_map(path, &again, &error));
	g_assert_cmpstr(again, ==, path);
	return 0;
}
