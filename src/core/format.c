/* SPDX-License-Identifier: MIT */
#include "core/format.h"

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
