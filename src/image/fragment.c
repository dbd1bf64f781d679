/* SPDX-License-Identifier: MIT */
#include "image/fragment.h"

#include <string.h>

#include "core/text.h"

#define ARCHITECTURES_KEY "match-architectures"

const char *sw_fragment_architecture(const char *architecture)
{
	static const char *const words[][2] = {
		{ "amd64", "x86_64" }, { "arm64", "aarch64" },	 { "ppc64le", "powerpc64" },
		{ "s390x", "s390x" },  { "riscv64", "riscv64" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_str_equal(words[i][0], architecture))
			return words[i][1];
	return NULL;
}

gboolean sw_fragment_matches(GVariant *table, const char *architecture, const char *name,
			     const char *id, gboolean *ret_matches, GError **error)
{
	g_autoptr(GVariant) value = g_variant_lookup_value(table, ARCHITECTURES_KEY, NULL);
	const char *word = sw_fragment_architecture(architecture);
	g_auto(GStrv) listed = NULL;

	if (value == NULL) {
		*ret_matches = TRUE;
		return TRUE;
	}
	if (!sw_fragment_strings(value, ARCHITECTURES_KEY, name, id, &listed, error))
		return FALSE;
	*ret_matches = word != NULL && g_strv_contains((const char *const *)listed, word);
	return TRUE;
}

static gboolean has_control(const char *text)
{
	g_autofree char *line = sw_text_line(text);

	return !g_str_equal(line, text);
}

gboolean sw_fragment_string(GVariant *value, const char *key, const char *name, const char *id,
			    char **ret_text, GError **error)
{
	if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
		return sw_fail(error, SW_ERROR_IMAGE, id, "%s: %s must be a text", name, key);
	if (has_control(g_variant_get_string(value, NULL)))
		return sw_fail(error, SW_ERROR_IMAGE, id, "%s: %s holds a control character", name,
			       key);
	*ret_text = g_variant_dup_string(value, NULL);
	return TRUE;
}

gboolean sw_fragment_strings(GVariant *value, const char *key, const char *name, const char *id,
			     char ***ret_texts, GError **error)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	GVariantIter iter;
	GVariant *inner;

	if (!g_variant_is_of_type(value, G_VARIANT_TYPE("av")))
		return sw_fail(error, SW_ERROR_IMAGE, id, "%s: %s must be a list of texts", name,
			       key);
	g_variant_iter_init(&iter, value);
	while (g_variant_iter_next(&iter, "v", &inner)) {
		g_autoptr(GVariant) element = inner;

		if (!g_variant_is_of_type(element, G_VARIANT_TYPE_STRING))
			return sw_fail(error, SW_ERROR_IMAGE, id, "%s: %s must be a list of texts",
				       name, key);
		g_strv_builder_add(builder, g_variant_get_string(element, NULL));
	}
	*ret_texts = g_strv_builder_end(builder);
	return TRUE;
}

/*
 * The length of the kernel argument at the beginning of TEXT; RET_QUOTED: does a quote stay open?
 */
static size_t karg_length(const char *text, gboolean *ret_quoted)
{
	gboolean quoted = FALSE;
	size_t length;

	for (length = 0; text[length] != '\0'; length++) {
		if (!quoted && g_ascii_isspace(text[length]))
			break;
		if (text[length] == '"')
			quoted = !quoted;
	}
	*ret_quoted = quoted;
	return length;
}

gboolean sw_fragment_kargs(GVariant *value, const char *key, const char *name, const char *id,
			   GPtrArray *kargs, GError **error)
{
	g_auto(GStrv) texts = NULL;
	g_autofree char *joined = NULL;
	const char *rest;

	if (!sw_fragment_strings(value, key, name, id, &texts, error))
		return FALSE;
	joined = g_strjoinv(" ", texts);
	rest = joined;
	for (;;) {
		g_autofree char *karg = NULL;
		gboolean quoted;
		size_t length;

		while (g_ascii_isspace(*rest))
			rest++;
		if (*rest == '\0')
			return TRUE;
		length = karg_length(rest, &quoted);
		karg = g_strndup(rest, length);
		rest += length;
		if (quoted)
			return sw_fail(error, SW_ERROR_IMAGE, id,
				       "%s: %s has a double quote without its second", name, key);
		if (has_control(karg))
			return sw_fail(error, SW_ERROR_IMAGE, id,
				       "%s: %s holds a control character", name, key);
		g_ptr_array_add(kargs, g_steal_pointer(&karg));
	}
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

gboolean sw_fragment_list(const struct sw_tree *tree, const char *const *directories,
			  char ***ret_paths, GError **error)
{
	g_autoptr(GHashTable) where = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GStrvBuilder) paths = g_strv_builder_new();
	g_autofree char **sorted = NULL;
	guint count;

	for (; *directories != NULL; directories++) {
		g_auto(GStrv) names = NULL;

		if (!sw_tree_list(tree, *directories, &names, error))
			return FALSE;
		for (char **name = names; *name != NULL; name++) {
			if (!g_str_has_suffix(*name, ".toml"))
				continue;
			if (has_control(*name))
				return sw_fail(error, SW_ERROR_IMAGE, "names",
					       "%s: a file's name holds control characters",
					       *directories);
			g_hash_table_insert(where, g_strdup(*name), (void *)*directories);
		}
	}
	sorted = (char **)g_hash_table_get_keys_as_array(where, &count);
	qsort(sorted, count, sizeof(*sorted), compare_strings);
	for (guint i = 0; i < count; i++) {
		const char *directory = g_hash_table_lookup(where, sorted[i]);
		g_autofree char *path = g_build_filename(directory, sorted[i], NULL);

		g_strv_builder_add(paths, path);
	}
	*ret_paths = g_strv_builder_end(paths);
	return TRUE;
}
