/* SPDX-License-Identifier: MIT */
#include "image/tree-size.h"

#include <string.h>

#include "core/size.h"

#define MAX_DEPTH 1024
#define BLOCK G_GUINT64_CONSTANT(4096)

/* A measurement under way. */
struct measure {
	const struct sw_tree *tree;
	GHashTable *seen; /* binary checksum of a file to its size (guint64) */
	GCancellable *cancellable;
	struct sw_tree_size size;
};

static guint checksum_hash(const void *key)
{
	guint hash;

	memcpy(&hash, key, sizeof(hash));
	return hash;
}

static gboolean checksum_equal(const void *a, const void *b)
{
	return memcmp(a, b, OSTREE_SHA256_DIGEST_LEN) == 0;
}

/* The size of the file CHECKSUM, which is asked of the repository and counted once. */
static gboolean measure_object(struct measure *measure, const char *checksum, guint64 *ret_size,
			       GError **error)
{
	guchar raw[OSTREE_SHA256_DIGEST_LEN];
	const guint64 *known;
	guint64 size;

	ostree_checksum_inplace_to_bytes(checksum, raw);
	known = g_hash_table_lookup(measure->seen, raw);
	if (known != NULL) {
		*ret_size = *known;
		return TRUE;
	}
	if (!ostree_repo_query_object_storage_size(sw_tree_repo(measure->tree),
						   OSTREE_OBJECT_TYPE_FILE, checksum, &size,
						   measure->cancellable, error))
		return sw_tree_cache_failed(error, checksum);
	g_hash_table_insert(measure->seen, g_memdup2(raw, sizeof(raw)),
			    g_memdup2(&size, sizeof(size)));
	measure->size.bytes += size;
	*ret_size = size;
	return TRUE;
}

static gboolean measure_file(struct measure *measure, const char *dirtree, GVariant *entry,
			     GError **error)
{
	char checksum[OSTREE_SHA256_STRING_LEN + 1];
	guint64 size = 0;

	if (!sw_tree_get_checksum(entry, 1, dirtree, checksum, error) ||
	    !measure_object(measure, checksum, &size, error))
		return FALSE;
	measure->size.entries++;
	measure->size.copy_bytes += sw_round_up(size, BLOCK);
	return TRUE;
}

static gboolean measure_tree(struct measure *measure, const char *checksum, guint depth,
			     GError **error);

static gboolean measure_directory(struct measure *measure, const char *dirtree, GVariant *entry,
				  guint depth, GError **error)
{
	char checksum[OSTREE_SHA256_STRING_LEN + 1];

	if (!sw_tree_get_checksum(entry, 1, dirtree, checksum, error))
		return FALSE;
	measure->size.entries++;
	measure->size.copy_bytes += BLOCK;
	return measure_tree(measure, checksum, depth + 1, error);
}

static gboolean measure_tree(struct measure *measure, const char *checksum, guint depth,
			     GError **error)
{
	g_autoptr(GVariant) dirtree = NULL;

	if (depth > MAX_DEPTH)
		return sw_fail(error, SW_ERROR_IMAGE, "tree",
			       "the image's directories are nested deeper than %d", MAX_DEPTH);
	if (!sw_check_cancelled(measure->cancellable, error) ||
	    !sw_tree_load_dirtree(measure->tree, checksum, &dirtree, error))
		return FALSE;
	for (int list = SW_DIRTREE_FILES; list <= SW_DIRTREE_DIRECTORIES; list++) {
		g_autoptr(GVariant) entries = g_variant_get_child_value(dirtree, list);
		gsize count = g_variant_n_children(entries);

		for (gsize i = 0; i < count; i++) {
			g_autoptr(GVariant) entry = g_variant_get_child_value(entries, i);

			if (!(list == SW_DIRTREE_FILES
				      ? measure_file(measure, checksum, entry, error)
				      : measure_directory(measure, checksum, entry, depth, error)))
				return FALSE;
		}
	}
	return TRUE;
}

gboolean sw_tree_measure(const struct sw_tree *tree, const char *path,
			 struct sw_tree_size *ret_size, GCancellable *cancellable, GError **error)
{
	g_autoptr(GHashTable) seen =
		g_hash_table_new_full(checksum_hash, checksum_equal, g_free, g_free);
	struct measure measure = { .tree = tree, .seen = seen, .cancellable = cancellable };
	struct sw_node node;

	if (!sw_tree_find(tree, path, TRUE, &node, error))
		return FALSE;
	if (node.kind == SW_NODE_DIRECTORY && !measure_tree(&measure, node.checksum, 0, error))
		return FALSE;
	*ret_size = measure.size;
	return TRUE;
}
