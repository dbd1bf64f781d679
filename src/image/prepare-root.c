/* SPDX-License-Identifier: MIT */
#include "image/prepare-root.h"

#include "core/text.h"

#define ID "prepare-root"
#define FILE_LIMIT ((size_t)64 * 1024)

/* The mode that WORD ("yes", "true", "1", "no", ..., "signed") means; FALSE: none. */
static gboolean parse_word(const char *word, enum sw_composefs *ret_mode)
{
	static const struct {
		const char *word;
		enum sw_composefs mode;
	} words[] = {
		{ "no", SW_COMPOSEFS_NO },	   { "false", SW_COMPOSEFS_NO },
		{ "0", SW_COMPOSEFS_NO },	   { "maybe", SW_COMPOSEFS_MAYBE },
		{ "yes", SW_COMPOSEFS_YES },	   { "true", SW_COMPOSEFS_YES },
		{ "1", SW_COMPOSEFS_YES },	   { "verity", SW_COMPOSEFS_VERITY },
		{ "signed", SW_COMPOSEFS_SIGNED },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
		if (g_str_equal(words[i].word, word)) {
			*ret_mode = words[i].mode;
			return TRUE;
		}
	}
	return FALSE;
}

gboolean sw_composefs_override(const char *word, enum sw_composefs *mode)
{
	enum sw_composefs wanted;

	if (!parse_word(word, &wanted) || wanted == SW_COMPOSEFS_VERITY)
		return FALSE;
	if (*mode >= SW_COMPOSEFS_VERITY &&
	    (wanted == SW_COMPOSEFS_MAYBE || wanted == SW_COMPOSEFS_YES))
		wanted = SW_COMPOSEFS_VERITY;
	*mode = wanted;
	return TRUE;
}

gboolean sw_prepare_root_parse(const char *text, size_t length, const char *name,
			       enum sw_composefs *ret_mode, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autofree char *word = NULL;
	enum sw_composefs mode = SW_COMPOSEFS_NO;

	if (length > 0 && !g_key_file_load_from_data(file, text, length, G_KEY_FILE_NONE, NULL))
		return sw_fail(error, SW_ERROR_IMAGE, ID, "%s: not a key file", name);
	word = g_key_file_get_value(file, "composefs", "enabled", NULL);
	if (word != NULL && !parse_word(g_strstrip(word), &mode)) {
		g_autofree char *line = sw_text_line(word);

		return sw_fail(error, SW_ERROR_IMAGE, ID,
			       "%s: [composefs] enabled is \"%s\", not yes, no, maybe, verity or "
			       "signed",
			       name, line);
	}
	*ret_mode = mode;
	return TRUE;
}

gboolean sw_prepare_root_read(const struct sw_tree *tree, enum sw_composefs *ret_mode,
			      const char **ret_path, GError **error)
{
	static const char *const paths[] = {
		"/etc/ostree/prepare-root.conf",
		"/usr/lib/ostree/prepare-root.conf",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autofree char *text = NULL;
		size_t length;

		if (!sw_tree_read(tree, paths[i], FILE_LIMIT, &text, &length, error))
			return FALSE;
		if (text == NULL)
			continue;
		if (!sw_prepare_root_parse(text, length, paths[i], ret_mode, error))
			return FALSE;
		*ret_path = paths[i];
		return TRUE;
	}
	*ret_mode = SW_COMPOSEFS_NO;
	*ret_path = NULL;
	return TRUE;
}

gboolean sw_prepare_root_has_overlay(const struct sw_tree *tree, gboolean *ret_has, GError **error)
{
	static const char path[] = "/usr/lib/ostree/prepare-root.conf";
	g_autoptr(GKeyFile) file = g_key_file_new();
	enum sw_composefs mode = SW_COMPOSEFS_NO;
	g_autofree char *text = NULL;
	size_t length = 0;

	*ret_has = FALSE;
	if (!sw_tree_read(tree, path, FILE_LIMIT, &text, &length, error))
		return FALSE;
	if (text == NULL)
		return TRUE;
	if (!sw_prepare_root_parse(text, length, path, &mode, error))
		return FALSE;
	*ret_has = mode != SW_COMPOSEFS_NO ||
		   (length > 0 &&
		    g_key_file_load_from_data(file, text, length, G_KEY_FILE_NONE, NULL) &&
		    g_key_file_get_boolean(file, "root", "transient", NULL));
	return TRUE;
}
