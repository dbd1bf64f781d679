/* SPDX-License-Identifier: MIT */
#include "image/tree.h"

#include <string.h>

/* Links followed in one look-up, as in the kernel; and names waiting to be looked up. */
#define MAX_LINKS 40
#define MAX_PENDING 4096

struct sw_tree {
	OstreeRepo *repo;
	GCancellable *cancellable;
	char root[OSTREE_SHA256_STRING_LEN + 1];
	char etc[OSTREE_SHA256_STRING_LEN + 1]; /* dirtree of usr/etc; empty: none */
	gboolean has_two_etcs;
};

gboolean sw_tree_cache_failed(GError **error, const char *checksum)
{
	return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache",
			      "cache object %.12s is damaged (remove the cache and build again)",
			      checksum);
}

gboolean sw_tree_get_checksum(GVariant *variant, gsize child, const char *owner, char *ret_checksum,
			      GError **error)
{
	g_autoptr(GVariant) bytes = g_variant_get_child_value(variant, child);
	const guchar *raw = ostree_checksum_bytes_peek_validate(bytes, error);

	if (raw == NULL)
		return sw_tree_cache_failed(error, owner);
	ostree_checksum_inplace_from_bytes(raw, ret_checksum);
	return TRUE;
}

gboolean sw_tree_load_dirtree(const struct sw_tree *tree, const char *checksum,
			      GVariant **ret_dirtree, GError **error)
{
	if (!ostree_repo_load_variant(tree->repo, OSTREE_OBJECT_TYPE_DIR_TREE, checksum,
				      ret_dirtree, error))
		return sw_tree_cache_failed(error, checksum);
	return TRUE;
}

/* The entry NAME of the array LIST of DIRTREE; NULL: none. */
static GVariant *find_entry(GVariant *dirtree, int list, const char *name)
{
	g_autoptr(GVariant) entries = g_variant_get_child_value(dirtree, list);
	gsize count = g_variant_n_children(entries);

	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) entry = g_variant_get_child_value(entries, i);
		const char *its_name;

		g_variant_get_child(entry, 0, "&s", &its_name);
		if (g_str_equal(its_name, name))
			return g_steal_pointer(&entry);
	}
	return NULL;
}

static gboolean load_file_info(const struct sw_tree *tree, const char *checksum,
			       GFileInfo **ret_info, GError **error)
{
	if (!ostree_repo_load_file(tree->repo, checksum, NULL, ret_info, NULL, tree->cancellable,
				   error))
		return sw_tree_cache_failed(error, checksum);
	return TRUE;
}

/* Looks NAME up in the directory DIRTREE; RET_TARGET gets the target of a link. */
static gboolean lookup(const struct sw_tree *tree, const char *dirtree_checksum, const char *name,
		       struct sw_node *ret_node, char **ret_target, GError **error)
{
	g_autoptr(GVariant) dirtree = NULL;
	g_autoptr(GVariant) file = NULL;
	g_autoptr(GVariant) directory = NULL;
	g_autoptr(GFileInfo) info = NULL;
	struct sw_node node = { .kind = SW_NODE_NONE };

	if (!sw_tree_load_dirtree(tree, dirtree_checksum, &dirtree, error))
		return FALSE;
	directory = find_entry(dirtree, SW_DIRTREE_DIRECTORIES, name);
	if (directory != NULL) {
		node.kind = SW_NODE_DIRECTORY;
		if (!sw_tree_get_checksum(directory, 1, dirtree_checksum, node.checksum, error))
			return FALSE;
	} else if ((file = find_entry(dirtree, SW_DIRTREE_FILES, name)) != NULL) {
		if (!sw_tree_get_checksum(file, 1, dirtree_checksum, node.checksum, error) ||
		    !load_file_info(tree, node.checksum, &info, error))
			return FALSE;
		node.kind = SW_NODE_FILE;
		node.size = (guint64)g_file_info_get_size(info);
		if (g_file_info_get_file_type(info) == G_FILE_TYPE_SYMBOLIC_LINK) {
			node.kind = SW_NODE_LINK;
			*ret_target = g_strdup(g_file_info_get_symlink_target(info));
		}
	}
	*ret_node = node;
	return TRUE;
}

/* A look-up under way: the directories from the root down to here, and the names still to come. */
struct walk {
	const struct sw_tree *tree;
	GPtrArray *directories; /* checksums of dirtrees, the root first */
	GPtrArray *pending;	/* names, the next one last */
	struct sw_node node;	/* where the walk is */
};

static void walk_clear(struct walk *walk)
{
	g_ptr_array_unref(walk->directories);
	g_ptr_array_unref(walk->pending);
}

static void walk_set_directory(struct walk *walk)
{
	walk->node.kind = SW_NODE_DIRECTORY;
	walk->node.size = 0;
	g_strlcpy(walk->node.checksum,
		  g_ptr_array_index(walk->directories, walk->directories->len - 1),
		  sizeof(walk->node.checksum));
}

/* Puts the names of PATH before those that wait; an absolute one begins at the root again. */
static void walk_push(struct walk *walk, const char *path)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);

	if (path[0] == '/')
		g_ptr_array_set_size(walk->directories, 1);
	for (guint i = g_strv_length(names); i > 0; i--)
		if (names[i - 1][0] != '\0' && !g_str_equal(names[i - 1], "."))
			g_ptr_array_add(walk->pending, g_strdup(names[i - 1]));
	walk_set_directory(walk);
}

/* Goes to NAME in the directory where the walk is. */
static gboolean walk_step(struct walk *walk, const char *name, char **ret_target, GError **error)
{
	GPtrArray *directories = walk->directories;

	if (g_str_equal(name, "..")) {
		if (directories->len > 1)
			g_ptr_array_set_size(directories, (int)directories->len - 1);
		walk_set_directory(walk);
		return TRUE;
	}
	if (directories->len == 1 && g_str_equal(name, "etc") && walk->tree->etc[0] != '\0') {
		g_ptr_array_add(directories, g_strdup(walk->tree->etc));
		walk_set_directory(walk);
		return TRUE;
	}
	if (!lookup(walk->tree, g_ptr_array_index(directories, directories->len - 1), name,
		    &walk->node, ret_target, error))
		return FALSE;
	if (walk->node.kind == SW_NODE_DIRECTORY)
		g_ptr_array_add(directories, g_strdup(walk->node.checksum));
	return TRUE;
}

/* Follows the names of WALK to their end; RET_TARGET gets the target of a link that is the end. */
static gboolean walk_run(struct walk *walk, gboolean follow, char **ret_target, GError **error)
{
	guint links = 0;

	while (walk->pending->len > 0) {
		g_autofree char *name = NULL;
		g_autofree char *target = NULL;

		name = g_ptr_array_steal_index(walk->pending, walk->pending->len - 1);
		if (walk->node.kind != SW_NODE_DIRECTORY || walk->pending->len > MAX_PENDING) {
			walk->node = (struct sw_node){ .kind = SW_NODE_NONE };
			return TRUE;
		}
		if (!walk_step(walk, name, &target, error))
			return FALSE;
		if (walk->node.kind != SW_NODE_LINK)
			continue;
		if (!follow && walk->pending->len == 0) {
			*ret_target = g_steal_pointer(&target);
			return TRUE;
		}
		if (++links > MAX_LINKS || target == NULL) {
			walk->node = (struct sw_node){ .kind = SW_NODE_NONE };
			return TRUE;
		}
		walk_push(walk, target);
	}
	return TRUE;
}

static gboolean find(const struct sw_tree *tree, const char *path, gboolean follow,
		     struct sw_node *ret_node, char **ret_target, GError **error)
{
	struct walk walk = { .tree = tree };
	gboolean ok;

	walk.directories = g_ptr_array_new_with_free_func(g_free);
	walk.pending = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(walk.directories, g_strdup(tree->root));
	walk_push(&walk, path);
	ok = walk_run(&walk, follow, ret_target, error);
	if (ok)
		*ret_node = walk.node;
	walk_clear(&walk);
	return ok;
}

gboolean sw_tree_find(const struct sw_tree *tree, const char *path, gboolean follow,
		      struct sw_node *ret_node, GError **error)
{
	g_autofree char *target = NULL;

	return find(tree, path, follow, ret_node, &target, error);
}

gboolean sw_tree_has(const struct sw_tree *tree, const char *path, enum sw_node_kind kind,
		     gboolean *ret_has, GError **error)
{
	struct sw_node node;

	if (!sw_tree_find(tree, path, kind != SW_NODE_LINK, &node, error))
		return FALSE;
	*ret_has = node.kind == kind;
	return TRUE;
}

gboolean sw_tree_read_link(const struct sw_tree *tree, const char *path, char **ret_target,
			   GError **error)
{
	g_autofree char *target = NULL;
	struct sw_node node;

	if (!find(tree, path, FALSE, &node, &target, error))
		return FALSE;
	*ret_target = g_steal_pointer(&target);
	return TRUE;
}

gboolean sw_tree_read(const struct sw_tree *tree, const char *path, size_t limit, char **ret_data,
		      size_t *ret_length, GError **error)
{
	g_autoptr(GInputStream) input = NULL;
	g_autofree char *data = NULL;
	struct sw_node node;
	gsize length = 0;

	if (!sw_tree_find(tree, path, TRUE, &node, error))
		return FALSE;
	if (node.kind != SW_NODE_FILE) {
		*ret_data = NULL;
		*ret_length = 0;
		return TRUE;
	}
	if (node.size > limit)
		return sw_fail(error, SW_ERROR_IMAGE, "file-too-large",
			       "%s: larger than the %zu bytes that it may have", path, limit);
	data = g_malloc(node.size + 1);
	if (!ostree_repo_load_file(tree->repo, node.checksum, &input, NULL, NULL, tree->cancellable,
				   error) ||
	    !g_input_stream_read_all(input, data, node.size, &length, tree->cancellable, error))
		return sw_tree_cache_failed(error, node.checksum);
	data[length] = '\0';
	*ret_data = g_steal_pointer(&data);
	*ret_length = length;
	return TRUE;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

gboolean sw_tree_list(const struct sw_tree *tree, const char *path, char ***ret_names,
		      GError **error)
{
	g_autoptr(GVariant) dirtree = NULL;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	struct sw_node node;

	if (!sw_tree_find(tree, path, TRUE, &node, error))
		return FALSE;
	if (node.kind == SW_NODE_DIRECTORY &&
	    !sw_tree_load_dirtree(tree, node.checksum, &dirtree, error))
		return FALSE;
	for (int list = SW_DIRTREE_FILES; dirtree != NULL && list <= SW_DIRTREE_DIRECTORIES;
	     list++) {
		g_autoptr(GVariant) entries = g_variant_get_child_value(dirtree, list);
		gsize count = g_variant_n_children(entries);

		for (gsize i = 0; i < count; i++) {
			g_autoptr(GVariant) entry = g_variant_get_child_value(entries, i);
			char *name;

			g_variant_get_child(entry, 0, "s", &name);
			g_ptr_array_add(names, name);
		}
	}
	g_ptr_array_sort(names, compare_names);
	g_ptr_array_add(names, NULL);
	*ret_names = (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
	return TRUE;
}

/* Is there anything in the directory NODE? */
static gboolean is_filled(const struct sw_tree *tree, const struct sw_node *node,
			  gboolean *ret_filled, GError **error)
{
	g_autoptr(GVariant) dirtree = NULL;
	gsize count = 0;

	if (node->kind == SW_NODE_DIRECTORY) {
		if (!sw_tree_load_dirtree(tree, node->checksum, &dirtree, error))
			return FALSE;
		for (int list = SW_DIRTREE_FILES; list <= SW_DIRTREE_DIRECTORIES; list++) {
			g_autoptr(GVariant) entries = g_variant_get_child_value(dirtree, list);

			count += g_variant_n_children(entries);
		}
	}
	*ret_filled = count > 0;
	return TRUE;
}

/* Finds out where /etc lies, while TREE->etc is still empty, so that paths are the commit's own. */
static gboolean find_etc(struct sw_tree *tree, GError **error)
{
	struct sw_node etc;
	struct sw_node usr_etc;
	gboolean etc_filled;
	gboolean usr_etc_filled;

	if (!sw_tree_find(tree, "etc", FALSE, &etc, error) ||
	    !sw_tree_find(tree, "usr/etc", FALSE, &usr_etc, error) ||
	    !is_filled(tree, &etc, &etc_filled, error) ||
	    !is_filled(tree, &usr_etc, &usr_etc_filled, error))
		return FALSE;
	tree->has_two_etcs = etc_filled && usr_etc_filled;
	if (usr_etc.kind == SW_NODE_DIRECTORY)
		g_strlcpy(tree->etc, usr_etc.checksum, sizeof(tree->etc));
	return TRUE;
}

gboolean sw_tree_open(OstreeRepo *repo, const char *commit, struct sw_tree **ret_tree,
		      GCancellable *cancellable, GError **error)
{
	g_autoptr(SwTree) tree = g_new0(struct sw_tree, 1);
	g_autoptr(GVariant) variant = NULL;

	tree->repo = repo;
	tree->cancellable = cancellable;
	if (!ostree_repo_load_commit(repo, commit, &variant, NULL, error))
		return sw_tree_cache_failed(error, commit);
	if (!sw_tree_get_checksum(variant, 6, commit, tree->root, error) || !find_etc(tree, error))
		return FALSE;
	*ret_tree = g_steal_pointer(&tree);
	return TRUE;
}

void sw_tree_free(struct sw_tree *tree)
{
	g_free(tree);
}

gboolean sw_tree_has_two_etcs(const struct sw_tree *tree)
{
	return tree->has_two_etcs;
}

gboolean sw_tree_has_usr_etc(const struct sw_tree *tree)
{
	return tree->etc[0] != '\0';
}

OstreeRepo *sw_tree_repo(const struct sw_tree *tree)
{
	return tree->repo;
}
