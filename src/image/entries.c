/* SPDX-License-Identifier: MIT */
#include "image/entries.h"

#include <string.h>

#include "image/paths.h"

/* The longest chain of hard links of which each is listed before its target. */
#define CHAIN_LIMIT 40

struct sw_entries {
	sw_parent_func parent;
	void *data;
	OstreeMutableTree *root;
	GHashTable *links; /* path to target, of the links whose target was not there yet */
};

struct sw_entries *sw_entries_new(sw_parent_func parent, void *data)
{
	struct sw_entries *entries = g_new0(struct sw_entries, 1);

	entries->parent = parent;
	entries->data = data;
	entries->root = ostree_mutable_tree_new();
	entries->links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return entries;
}

void sw_entries_free(struct sw_entries *entries)
{
	if (entries == NULL)
		return;
	g_hash_table_destroy(entries->links);
	g_object_unref(entries->root);
	g_free(entries);
}

static gboolean ensure_meta(struct sw_entries *entries, OstreeMutableTree *tree, GError **error)
{
	char meta[SW_CHECKSUM_SIZE];

	if (ostree_mutable_tree_get_metadata_checksum(tree) != NULL)
		return TRUE;
	if (!entries->parent(entries->data, meta, error))
		return FALSE;
	ostree_mutable_tree_set_metadata_checksum(tree, meta);
	return TRUE;
}

/* Finds or makes the directory of PATH; RET_NAME is the last name in PATH, which is not empty. */
static gboolean enter_parent(struct sw_entries *entries, const char *path,
			     OstreeMutableTree **ret_tree, const char **ret_name, GError **error)
{
	OstreeMutableTree *tree = entries->root;
	const char *slash = NULL;
	const char *name = path;

	if (!ensure_meta(entries, tree, error))
		return FALSE;
	for (; (slash = strchr(name, '/')) != NULL; name = slash + 1) {
		g_autofree char *directory = g_strndup(name, (size_t)(slash - name));

		if (g_hash_table_contains(ostree_mutable_tree_get_files(tree), directory)) {
			g_autofree char *shown = sw_path_show(path);

			return sw_fail(error, SW_ERROR_IMAGE, "path",
				       "the path '%s' leads through something that is no directory",
				       shown);
		}
		if (!sw_mtree_put_directory(tree, directory, &tree, NULL, error) ||
		    !ensure_meta(entries, tree, error))
			return FALSE;
	}
	*ret_tree = tree;
	*ret_name = name;
	return TRUE;
}

static gboolean refuse_root(GError **error)
{
	return sw_fail(error, SW_ERROR_IMAGE, "path",
		       "the top directory is listed as something else than a directory");
}

gboolean sw_entries_file(struct sw_entries *entries, const char *path, const char *checksum,
			 GError **error)
{
	OstreeMutableTree *tree = NULL;
	const char *name = NULL;

	if (*path == '\0')
		return refuse_root(error);
	g_hash_table_remove(entries->links, path);
	return enter_parent(entries, path, &tree, &name, error) &&
	       sw_mtree_put_file(tree, name, checksum, error);
}

gboolean sw_entries_directory(struct sw_entries *entries, const char *path, const char *meta,
			      GError **error)
{
	OstreeMutableTree *tree = entries->root;
	const char *name = NULL;

	g_hash_table_remove(entries->links, path);
	if (*path != '\0' && (!enter_parent(entries, path, &tree, &name, error) ||
			      !sw_mtree_put_directory(tree, name, &tree, NULL, error)))
		return FALSE;
	ostree_mutable_tree_set_metadata_checksum(tree, meta);
	return TRUE;
}

gboolean sw_entries_link(struct sw_entries *entries, const char *path, const char *target,
			 GError **error)
{
	const char *checksum = sw_mtree_find(entries->root, target);
	OstreeMutableTree *tree = NULL;
	const char *name = NULL;
	const char *further = NULL;

	if (checksum != NULL)
		return sw_entries_file(entries, path, checksum, error);
	if (*path == '\0')
		return refuse_root(error);
	if (!enter_parent(entries, path, &tree, &name, error) ||
	    !sw_mtree_remove(tree, name, error))
		return FALSE;
	further = g_hash_table_lookup(entries->links, target);
	g_hash_table_replace(entries->links, g_strdup(path),
			     g_strdup(further != NULL ? further : target));
	return TRUE;
}

/* Where the link at PATH leads in the end. */
static gboolean follow(struct sw_entries *entries, const char *path, const char **ret_target,
		       GError **error)
{
	const char *target = path;
	const char *next = NULL;

	for (guint i = 0; (next = g_hash_table_lookup(entries->links, target)) != NULL; i++) {
		if (i == CHAIN_LIMIT) {
			g_autofree char *shown = sw_path_show(path);

			return sw_fail(error, SW_ERROR_IMAGE, "hardlink",
				       "the hard link '%s' leads in a circle or over more than %d "
				       "others",
				       shown, CHAIN_LIMIT);
		}
		target = next;
	}
	*ret_target = target;
	return TRUE;
}

static int compare_texts(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

gboolean sw_entries_finish(struct sw_entries *entries, OstreeMutableTree **ret_root,
			   GVariant **ret_links, GError **error)
{
	g_autoptr(GVariantBuilder) builder = g_variant_builder_new(G_VARIANT_TYPE("a(ss)"));
	g_autofree const char **paths = NULL;
	guint count = 0;
	guint left = 0;

	if (!ensure_meta(entries, entries->root, error))
		return FALSE;
	paths = (const char **)g_hash_table_get_keys_as_array(entries->links, &count);
	qsort(paths, count, sizeof(*paths), compare_texts);
	for (guint i = 0; i < count; i++) {
		OstreeMutableTree *tree = NULL;
		const char *checksum = NULL;
		const char *target = NULL;
		const char *name = NULL;

		if (!follow(entries, paths[i], &target, error) ||
		    !enter_parent(entries, paths[i], &tree, &name, error))
			return FALSE;
		checksum = sw_mtree_find(entries->root, target);
		if (checksum == NULL) {
			g_variant_builder_add(builder, "(ss)", paths[i], target);
			left++;
		} else if (!sw_mtree_put_file(tree, name, checksum, error)) {
			return FALSE;
		}
	}
	*ret_root = entries->root;
	*ret_links = left == 0 ? NULL : g_variant_ref_sink(g_variant_builder_end(builder));
	return TRUE;
}
