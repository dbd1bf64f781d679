/* SPDX-License-Identifier: MIT */
#include "image/encapsulated.h"

#include <string.h>
#include <sys/stat.h>

#include "image/layer.h"
#include "image/paths.h"
#include "image/stream.h"
#include "image/writer.h"

#define LABEL "ostree.final-diffid"

gboolean sw_encapsulated_layers(const struct sw_oci_image *image, guint *ret_count, GError **error)
{
	const char *diff_id = g_hash_table_lookup(image->labels, LABEL);
	const struct sw_oci_layer *last = NULL;
	guint count = 0;

	for (guint i = 0; diff_id != NULL && i < image->layers->len; i++) {
		const struct sw_oci_layer *layer = image->layers->pdata[i];

		if (last == NULL && g_str_equal(layer->diff_id, diff_id)) {
			last = layer;
			count = i + 1;
		} else if (last != NULL && g_str_equal(layer->digest, last->digest)) {
			return sw_fail(error, SW_ERROR_IMAGE, "final-diffid",
				       "the label " LABEL
				       " names a layer that the image has twice: "
				       "rebuild the image");
		}
	}
	if (diff_id != NULL && last == NULL)
		return sw_fail(error, SW_ERROR_IMAGE, "final-diffid",
			       "the label " LABEL " names no layer of the image, as when its "
			       "layers were squashed: rebuild the image without --squash-all, or "
			       "remove the label");
	*ret_count = count;
	return TRUE;
}

/* One layer on its way into the repository. */
struct import {
	OstreeRepo *repo;
	struct sw_tar *tar;
	struct sw_writer *writer;
	char *commit;		  /* of SW_SPLIT_COMMIT */
	OstreeMutableTree *files; /* of SW_SPLIT_OBJECTS: each under its checksum */
	guint count;
	GCancellable *cancellable;
};

static gboolean cache_failed(GError **error)
{
	return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache", "cannot write to the cache");
}

static gboolean write_file(struct import *import, const struct sw_split_object *object,
			   GError **error)
{
	const struct sw_tar_entry *file = &object->file;
	char checksum[SW_CHECKSUM_SIZE];

	if (!(file->type == SW_TAR_SYMLINK ? sw_writer_symlink(import->writer, file, checksum,
							       import->cancellable, error)
					   : sw_writer_file(import->writer, file, import->tar,
							    checksum, import->cancellable, error)))
		return FALSE;
	if (!g_str_equal(checksum, object->checksum))
		return sw_fail(error, SW_ERROR_IMAGE, "encapsulated",
			       "the file object %s is not what its name says (it is %s)",
			       object->checksum, checksum);
	if (import->files == NULL)
		return TRUE;
	if (g_hash_table_contains(ostree_mutable_tree_get_files(import->files), checksum))
		return sw_fail(error, SW_ERROR_IMAGE, "encapsulated", "the object %s comes twice",
			       checksum);
	if (++import->count > SW_ENTRY_LIMIT)
		return sw_fail(error, SW_ERROR_IMAGE, "encapsulated", "more than %d objects",
			       SW_ENTRY_LIMIT);
	return sw_mtree_put_file(import->files, checksum, checksum, error);
}

/* Until all of its objects are there, and checked, a commit is marked as partial. */
static gboolean write_metadata(struct import *import, const struct sw_split_object *object,
			       GError **error)
{
	g_autofree guchar *checksum = NULL;

	if (object->type == OSTREE_OBJECT_TYPE_COMMIT_META)
		return ostree_repo_write_commit_detached_metadata(import->repo, object->checksum,
								  object->metadata,
								  import->cancellable, error) ||
		       cache_failed(error);
	if (object->type == OSTREE_OBJECT_TYPE_COMMIT) {
		import->commit = g_strdup(object->checksum);
		if (!ostree_repo_mark_commit_partial(import->repo, object->checksum, TRUE, error))
			return cache_failed(error);
	}
	return ostree_repo_write_metadata(import->repo, object->type, object->checksum,
					  object->metadata, &checksum, import->cancellable,
					  error) ||
	       cache_failed(error);
}

static gboolean write_objects(struct import *import, struct sw_split *split, GError **error)
{
	const struct sw_split_object *object = NULL;

	for (;;) {
		if (!sw_split_next(split, &object, import->cancellable, error))
			return FALSE;
		if (object == NULL)
			return TRUE;
		if (!(object->type == OSTREE_OBJECT_TYPE_FILE
			      ? write_file(import, object, error)
			      : write_metadata(import, object, error)))
			return FALSE;
	}
}

/* The commit that keeps a layer of files alive: without metadata, at time 0. */
static gboolean commit_files(struct import *import, char **ret_commit, GError **error)
{
	const struct sw_tar_entry root = { .type = SW_TAR_DIRECTORY,
					   .path = (char *)"/",
					   .mode = 0755 };
	char meta[SW_CHECKSUM_SIZE];

	if (!sw_writer_directory(import->writer, &root, meta, import->cancellable, error))
		return FALSE;
	ostree_mutable_tree_set_metadata_checksum(import->files, meta);
	return sw_mtree_commit(import->repo, import->files, NULL, NULL, 0, ret_commit,
			       import->cancellable, error);
}

static gboolean run(struct import *import, struct sw_stream *stream, enum sw_split_kind kind,
		    char **ret_commit, GError **error)
{
	g_autoptr(SwSplit) split = sw_split_new(import->tar, kind);

	if (!sw_stream_finish(stream, write_objects(import, split, error), error))
		return FALSE;
	if (kind == SW_SPLIT_OBJECTS)
		return commit_files(import, ret_commit, error);
	*ret_commit = g_strdup(import->commit);
	return TRUE;
}

gboolean sw_encapsulated_import(OstreeRepo *repo, int fd, const struct sw_oci_layer *layer,
				const char *expected_digest, enum sw_split_kind kind,
				char **ret_commit, GCancellable *cancellable, GError **error)
{
	g_autoptr(SwStream) stream = sw_stream_new(fd, layer, expected_digest, cancellable);
	g_autoptr(SwTar) tar = sw_tar_new(sw_stream_next, stream);
	g_autoptr(SwWriter) writer = sw_writer_new(repo);
	g_autoptr(OstreeMutableTree) files = NULL;
	g_autoptr(GError) local_error = NULL;
	struct import import = {
		.repo = repo, .tar = tar, .writer = writer, .cancellable = cancellable
	};
	gboolean ok = FALSE;

	if (kind == SW_SPLIT_OBJECTS)
		files = ostree_mutable_tree_new();
	import.files = files;
	ok = run(&import, stream, kind, ret_commit, &local_error);
	g_free(import.commit);
	if (!ok)
		g_propagate_error(error, g_steal_pointer(&local_error));
	return ok;
}

/* What is known of a directory: it and all below, each path counted. */
struct extent {
	guint64 entries;
	guint depth;
};

/* A look at all of a commit; the same directory is looked at once, however often it is in there. */
struct check {
	OstreeRepo *repo;
	const char *commit;
	GHashTable *directories; /* checksum of a dirtree to struct extent */
	GCancellable *cancellable;
};

static gboolean lacks(const struct check *check, OstreeObjectType type, const char *checksum,
		      GError **error)
{
	return sw_fail(error, SW_ERROR_IMAGE, "encapsulated",
		       "the commit %s in the image lacks the object %s.%s: the image was made or "
		       "copied badly",
		       check->commit, checksum, ostree_object_type_to_string(type));
}

/* Is the object that is the child number CHILD of ENTRY there?  RET_CHECKSUM is its name. */
static gboolean check_object(struct check *check, OstreeObjectType type, GVariant *entry,
			     gsize child, char ret_checksum[SW_CHECKSUM_SIZE], GError **error)
{
	g_autoptr(GVariant) bytes = g_variant_get_child_value(entry, child);
	gboolean is_there = FALSE;

	ostree_checksum_inplace_from_bytes(ostree_checksum_bytes_peek(bytes), ret_checksum);
	if (!ostree_repo_has_object(check->repo, type, ret_checksum, &is_there, check->cancellable,
				    error))
		return cache_failed(error);
	return is_there || lacks(check, type, ret_checksum, error);
}

static gboolean too_large(const struct check *check, GError **error)
{
	return sw_fail(error, SW_ERROR_IMAGE, "encapsulated",
		       "the commit %s in the image has more than %d entries or directories deeper "
		       "than %d",
		       check->commit, SW_ENTRY_LIMIT, SW_DEPTH_LIMIT);
}

static gboolean check_directory(struct check *check, const char *checksum, guint level,
				struct extent *ret_extent, GError **error);

/* The subdirectories of a dirtree; adds to EXTENT what is in them. */
static gboolean check_subdirectories(struct check *check, GVariant *directories, guint level,
				     struct extent *extent, GError **error)
{
	gsize count = g_variant_n_children(directories);

	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) entry = g_variant_get_child_value(directories, i);
		char contents[SW_CHECKSUM_SIZE];
		char meta[SW_CHECKSUM_SIZE];
		struct extent below;

		if (!check_object(check, OSTREE_OBJECT_TYPE_DIR_TREE, entry, 1, contents, error) ||
		    !check_object(check, OSTREE_OBJECT_TYPE_DIR_META, entry, 2, meta, error) ||
		    !check_directory(check, contents, level + 1, &below, error))
			return FALSE;
		extent->entries += 1 + below.entries;
		extent->depth = MAX(extent->depth, below.depth + 1);
		if (extent->entries > SW_ENTRY_LIMIT || level + extent->depth > SW_DEPTH_LIMIT)
			return too_large(check, error);
	}
	return TRUE;
}

static gboolean check_directory(struct check *check, const char *checksum, guint level,
				struct extent *ret_extent, GError **error)
{
	const struct extent *known = g_hash_table_lookup(check->directories, checksum);
	g_autoptr(GVariant) dirtree = NULL;
	g_autoptr(GVariant) files = NULL;
	g_autoptr(GVariant) directories = NULL;
	struct extent extent = { 0 };

	if (known != NULL) {
		*ret_extent = *known;
		return TRUE;
	}
	if (level == SW_DEPTH_LIMIT)
		return too_large(check, error);
	if (!sw_check_cancelled(check->cancellable, error))
		return FALSE;
	if (!ostree_repo_load_variant(check->repo, OSTREE_OBJECT_TYPE_DIR_TREE, checksum, &dirtree,
				      error))
		return cache_failed(error);
	files = g_variant_get_child_value(dirtree, 0);
	directories = g_variant_get_child_value(dirtree, 1);
	extent.entries = g_variant_n_children(files);
	for (gsize i = 0; i < g_variant_n_children(files); i++) {
		g_autoptr(GVariant) entry = g_variant_get_child_value(files, i);
		char file[SW_CHECKSUM_SIZE];

		if (!check_object(check, OSTREE_OBJECT_TYPE_FILE, entry, 1, file, error))
			return FALSE;
	}
	if (!check_subdirectories(check, directories, level, &extent, error))
		return FALSE;
	g_hash_table_insert(check->directories, g_strdup(checksum),
			    g_memdup2(&extent, sizeof(extent)));
	*ret_extent = extent;
	return TRUE;
}

gboolean sw_encapsulated_check(OstreeRepo *repo, const char *commit, GCancellable *cancellable,
			       GError **error)
{
	g_autoptr(GHashTable) directories =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	struct check check = { .repo = repo,
			       .commit = commit,
			       .directories = directories,
			       .cancellable = cancellable };
	g_autoptr(GVariant) variant = NULL;
	char contents[SW_CHECKSUM_SIZE];
	char meta[SW_CHECKSUM_SIZE];
	struct extent extent;

	if (!ostree_repo_load_commit(repo, commit, &variant, NULL, error))
		return cache_failed(error);
	return check_object(&check, OSTREE_OBJECT_TYPE_DIR_TREE, variant, 6, contents, error) &&
	       check_object(&check, OSTREE_OBJECT_TYPE_DIR_META, variant, 7, meta, error) &&
	       check_directory(&check, contents, 0, &extent, error);
}
