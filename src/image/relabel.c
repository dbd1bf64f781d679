/* SPDX-License-Identifier: MIT */
#include "image/relabel.h"

#include <string.h>
#include <sys/stat.h>

#include "core/hash.h"
#include "core/size.h"

#define BUFFER_SIZE (256 * SW_KIB)

struct relabelling {
	OstreeRepo *repo;
	const struct sw_sepolicy *policy;
	GHashTable *files; /* "CHECKSUM LABEL" to the checksum of the file with that label */
	char *buffer;
	GCancellable *cancellable;
};

static gboolean broken(GError **error)
{
	return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache",
			      "cannot label a layer in the cache");
}

/*
 * libostree looks /proc up as a place that its policies leave alone (contract 1.7): what lies there in
 * an image is a mount point.
 */
static gboolean find_label(struct relabelling *self, const char *path, guint32 mode,
			   char **ret_label, GError **error)
{
	return sw_sepolicy_label(self->policy, g_str_equal(path, "/proc") ? "/mnt" : path, mode,
				 ret_label, error);
}

/* The object that the file CHECKSUM is with XATTRS instead of its own: header and content. */
static gboolean open_object(struct relabelling *self, const char *checksum, GFileInfo *info,
			    GVariant *xattrs, GInputStream **ret_stream, guint64 *ret_length,
			    GError **error)
{
	g_autoptr(GInputStream) content = NULL;

	return (ostree_repo_load_file(self->repo, checksum, &content, NULL, NULL, self->cancellable,
				      error) &&
		ostree_raw_file_to_content_stream(content, info, xattrs, ret_stream, ret_length,
						  self->cancellable, error)) ||
	       broken(error);
}

/* Its checksum is computed here: libostree may have been built without a fast SHA-256. */
static gboolean write_file(struct relabelling *self, const char *checksum, GFileInfo *info,
			   GVariant *xattrs, char ret_checksum[SW_CHECKSUM_SIZE], GError **error)
{
	g_autoptr(SwSha256) hash = sw_sha256_new();
	g_autoptr(GInputStream) first = NULL;
	g_autoptr(GInputStream) second = NULL;
	gboolean exists = FALSE;
	guint64 length = 0;
	gssize n = 0;

	if (!open_object(self, checksum, info, xattrs, &first, &length, error))
		return FALSE;
	while ((n = g_input_stream_read(first, self->buffer, BUFFER_SIZE, self->cancellable,
					error)) > 0)
		sw_sha256_update(hash, self->buffer, (size_t)n);
	if (n < 0)
		return broken(error);
	sw_sha256_hex(hash, ret_checksum);
	if (!ostree_repo_has_object(self->repo, OSTREE_OBJECT_TYPE_FILE, ret_checksum, &exists,
				    self->cancellable, error))
		return broken(error);
	if (exists)
		return TRUE;
	return open_object(self, checksum, info, xattrs, &second, &length, error) &&
	       (ostree_repo_write_content(self->repo, ret_checksum, second, length, NULL,
					  self->cancellable, error) ||
		broken(error));
}

static gboolean relabel_file(struct relabelling *self, const char *path, const char *checksum,
			     char ret_checksum[SW_CHECKSUM_SIZE], GError **error)
{
	g_autoptr(GFileInfo) info = NULL;
	g_autoptr(GVariant) xattrs = NULL;
	g_autoptr(GVariant) labelled = NULL;
	g_autofree char *label = NULL;
	g_autofree char *key = NULL;
	const char *known = NULL;

	if (!ostree_repo_load_file(self->repo, checksum, NULL, &info, &xattrs, self->cancellable,
				   error))
		return broken(error);
	if (!find_label(self, path, g_file_info_get_attribute_uint32(info, "unix::mode"), &label,
			error))
		return FALSE;
	key = g_strconcat(checksum, " ", label, NULL);
	known = g_hash_table_lookup(self->files, key);
	if (known != NULL) {
		memcpy(ret_checksum, known, SW_CHECKSUM_SIZE);
		return TRUE;
	}
	labelled = sw_sepolicy_set(xattrs, label);
	if (g_variant_equal(labelled, xattrs))
		memcpy(ret_checksum, checksum, SW_CHECKSUM_SIZE);
	else if (!write_file(self, checksum, info, labelled, ret_checksum, error))
		return FALSE;
	g_hash_table_insert(self->files, g_steal_pointer(&key), g_strdup(ret_checksum));
	return TRUE;
}

static gboolean relabel_meta(struct relabelling *self, const char *path, const char *checksum,
			     OstreeMutableTree *tree, GError **error)
{
	g_autoptr(GVariant) meta = NULL;
	g_autoptr(GVariant) xattrs = NULL;
	g_autoptr(GVariant) labelled = NULL;
	g_autoptr(GVariant) result = NULL;
	g_autofree char *label = NULL;
	g_autofree guchar *bytes = NULL;
	char hex[SW_CHECKSUM_SIZE];
	guint32 uid, gid, mode;

	if (!ostree_repo_load_variant(self->repo, OSTREE_OBJECT_TYPE_DIR_META, checksum, &meta,
				      error))
		return broken(error);
	g_variant_get(meta, "(uuu@a(ayay))", &uid, &gid, &mode, &xattrs);
	if (!find_label(self, path, S_IFDIR, &label, error))
		return FALSE;
	labelled = sw_sepolicy_set(xattrs, label);
	result = g_variant_ref_sink(g_variant_new("(uuu@a(ayay))", uid, gid, mode, labelled));
	if (!ostree_repo_write_metadata(self->repo, OSTREE_OBJECT_TYPE_DIR_META, NULL, result,
					&bytes, self->cancellable, error))
		return broken(error);
	ostree_checksum_inplace_from_bytes(bytes, hex);
	ostree_mutable_tree_set_metadata_checksum(tree, hex);
	return TRUE;
}

static gboolean relabel_directory(struct relabelling *self, OstreeMutableTree *tree,
				  const char *path, const char *contents, const char *meta,
				  GError **error)
{
	g_autoptr(GVariant) dirtree = NULL;
	g_autoptr(GVariantIter) files = NULL;
	g_autoptr(GVariantIter) directories = NULL;
	const char *prefix = g_str_equal(path, "/") ? "" : path;
	GVariant *bytes = NULL, *meta_bytes = NULL;
	const char *name = NULL;
	gboolean ok = TRUE;

	if (!sw_check_cancelled(self->cancellable, error) ||
	    !relabel_meta(self, path, meta, tree, error))
		return FALSE;
	if (!ostree_repo_load_variant(self->repo, OSTREE_OBJECT_TYPE_DIR_TREE, contents, &dirtree,
				      error))
		return broken(error);
	g_variant_get(dirtree, "(a(say)a(sayay))", &files, &directories);
	while (ok && g_variant_iter_next(files, "(&s@ay)", &name, &bytes)) {
		g_autofree char *child = g_strconcat(prefix, "/", name, NULL);
		char checksum[SW_CHECKSUM_SIZE], labelled[SW_CHECKSUM_SIZE];

		ostree_checksum_inplace_from_bytes(ostree_checksum_bytes_peek(bytes), checksum);
		g_variant_unref(bytes);
		ok = relabel_file(self, child, checksum, labelled, error) &&
		     sw_mtree_put_file(tree, name, labelled, error);
	}
	while (ok && g_variant_iter_next(directories, "(&s@ay@ay)", &name, &bytes, &meta_bytes)) {
		g_autofree char *child = g_strconcat(prefix, "/", name, NULL);
		char checksum[SW_CHECKSUM_SIZE], child_meta[SW_CHECKSUM_SIZE];
		OstreeMutableTree *subtree = NULL;

		ostree_checksum_inplace_from_bytes(ostree_checksum_bytes_peek(bytes), checksum);
		ostree_checksum_inplace_from_bytes(ostree_checksum_bytes_peek(meta_bytes),
						   child_meta);
		g_variant_unref(bytes);
		g_variant_unref(meta_bytes);
		ok = sw_mtree_put_directory(tree, name, &subtree, NULL, error) &&
		     relabel_directory(self, subtree, child, checksum, child_meta, error);
	}
	return ok;
}

gboolean sw_relabel(OstreeRepo *repo, const struct sw_sepolicy *policy, const char *commit,
		    char **ret_commit, GCancellable *cancellable, GError **error)
{
	g_autoptr(GHashTable) files =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autofree char *buffer = g_malloc(BUFFER_SIZE);
	g_autoptr(OstreeMutableTree) root = ostree_mutable_tree_new();
	g_autoptr(OstreeMutableTree) old = NULL;
	g_autoptr(GVariant) variant = NULL;
	g_autoptr(GVariant) metadata = NULL;
	struct relabelling self = { repo, policy, files, buffer, cancellable };

	if (!ostree_repo_load_commit(repo, commit, &variant, NULL, error))
		return broken(error);
	old = ostree_mutable_tree_new_from_commit(repo, commit, error);
	if (old == NULL)
		return broken(error);
	metadata = g_variant_get_child_value(variant, 0);
	return relabel_directory(&self, root, "/", ostree_mutable_tree_get_contents_checksum(old),
				 ostree_mutable_tree_get_metadata_checksum(old), error) &&
	       sw_mtree_commit(repo, root, NULL, metadata, ostree_commit_get_timestamp(variant),
			       ret_commit, cancellable, error);
}
