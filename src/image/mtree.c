/* SPDX-License-Identifier: MIT */
#include "image/mtree.h"

#include <string.h>

/* An in-memory tree fails only when it cannot be read from the repository. */
static gboolean broken(GError **error)
{
	return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache", "the cache's repository");
}

OstreeMutableTree *sw_mtree_directory(OstreeMutableTree *tree, const char *name)
{
	return g_hash_table_lookup(ostree_mutable_tree_get_subdirs(tree), name);
}

const char *sw_mtree_find(OstreeMutableTree *root, const char *path)
{
	const char *slash = NULL;

	for (; root != NULL && (slash = strchr(path, '/')) != NULL; path = slash + 1) {
		g_autofree char *name = g_strndup(path, (size_t)(slash - path));

		root = sw_mtree_directory(root, name);
	}
	return root == NULL ? NULL : g_hash_table_lookup(ostree_mutable_tree_get_files(root), path);
}

GPtrArray *sw_mtree_names(GHashTable *table)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer name = NULL;

	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		g_ptr_array_add(names, g_strdup(name));
	return names;
}

gboolean sw_mtree_remove(OstreeMutableTree *tree, const char *name, GError **error)
{
	return ostree_mutable_tree_remove(tree, name, TRUE, error) || broken(error);
}

gboolean sw_mtree_put_file(OstreeMutableTree *tree, const char *name, const char *checksum,
			   GError **error)
{
	/* It may belong to the directory that is replaced. */
	g_autofree char *copy = g_strdup(checksum);

	if (sw_mtree_directory(tree, name) != NULL && !sw_mtree_remove(tree, name, error))
		return FALSE;
	return ostree_mutable_tree_replace_file(tree, name, copy, error) || broken(error);
}

gboolean sw_mtree_put_directory(OstreeMutableTree *tree, const char *name,
				OstreeMutableTree **ret_child, gboolean *ret_is_new, GError **error)
{
	OstreeMutableTree *child = sw_mtree_directory(tree, name);
	gboolean is_new = child == NULL;

	if (is_new) {
		g_autoptr(OstreeMutableTree) made = NULL;

		if (!sw_mtree_remove(tree, name, error))
			return FALSE;
		if (!ostree_mutable_tree_ensure_dir(tree, name, &made, error))
			return broken(error);
		child = made;
	}
	*ret_child = child;
	if (ret_is_new != NULL)
		*ret_is_new = is_new;
	return TRUE;
}

gboolean sw_mtree_commit(OstreeRepo *repo, OstreeMutableTree *root, const char *parent,
			 GVariant *metadata, guint64 timestamp, char **ret_commit,
			 GCancellable *cancellable, GError **error)
{
	g_autoptr(GFile) file = NULL;

	if (!ostree_mutable_tree_check_error(root, error) ||
	    !ostree_repo_write_mtree(repo, root, &file, cancellable, error) ||
	    !ostree_repo_write_commit_with_time(repo, parent, NULL, NULL, metadata,
						OSTREE_REPO_FILE(file), timestamp, ret_commit,
						cancellable, error))
		return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache",
				      "cannot write a commit to the cache");
	return TRUE;
}
