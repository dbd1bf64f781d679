/* SPDX-License-Identifier: MIT */
#include "image/kargs-d.h"

#include "core/text.h"
#include "image/fragment.h"
#include "image/toml.h"

#define ID "kargs-d"

gboolean sw_kargs_d_parse(const char *text, size_t length, const char *name,
			  const char *architecture, GPtrArray *kargs, GError **error)
{
	static const char *const known[] = { "kargs", "match-architectures", NULL };
	g_autoptr(GVariant) table = NULL;
	g_autoptr(GVariant) value = NULL;
	gboolean matches;
	GVariantIter iter;
	const char *key;

	if (!sw_toml_parse(text, length, name, SW_ERROR_IMAGE, ID, &table, error))
		return FALSE;
	g_variant_iter_init(&iter, table);
	while (g_variant_iter_next(&iter, "{&sv}", &key, NULL)) {
		g_autofree char *line = sw_text_line(key);

		if (!g_strv_contains(known, key))
			return sw_fail(error, SW_ERROR_IMAGE, ID,
				       "%s: unknown key %s (known: kargs, match-architectures)",
				       name, line);
	}
	value = g_variant_lookup_value(table, "kargs", NULL);
	if (value == NULL)
		return sw_fail(error, SW_ERROR_IMAGE, ID, "%s: the key kargs is missing", name);
	if (!sw_fragment_matches(table, architecture, name, ID, &matches, error))
		return FALSE;
	return !matches || sw_fragment_kargs(value, "kargs", name, ID, kargs, error);
}

gboolean sw_kargs_d_read(const struct sw_tree *tree, const char *architecture, char ***ret_kargs,
			 GError **error)
{
	static const char *const directories[] = { "/usr/lib/bootc/kargs.d", NULL };
	g_autoptr(GPtrArray) kargs = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) paths = NULL;

	if (!sw_fragment_list(tree, directories, &paths, error))
		return FALSE;
	for (char **path = paths; *path != NULL; path++) {
		g_autofree char *text = NULL;
		size_t length;

		if (!sw_tree_read(tree, *path, SW_TOML_LIMIT, &text, &length, error))
			return FALSE;
		if (text != NULL &&
		    !sw_kargs_d_parse(text, length, *path, architecture, kargs, error))
			return FALSE;
	}
	g_ptr_array_add(kargs, NULL);
	*ret_kargs = (char **)g_ptr_array_free(g_steal_pointer(&kargs), FALSE);
	return TRUE;
}
