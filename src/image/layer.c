/* SPDX-License-Identifier: MIT */
#include "image/layer.h"

#include <string.h>

#include "image/entries.h"
#include "image/paths.h"
#include "image/stream.h"
#include "image/writer.h"

/* Where an encapsulated image has its objects, for containers made from it. */
#define BASE_REPO "sysroot/ostree/repo/"

struct import {
	struct sw_tar *tar;
	struct sw_writer *writer;
	struct sw_entries *entries;
	GHashTable *changed; /* path to checksum, of files changed in the base's repository */
	const struct sw_tar_entry *entry; /* the present one; NULL: before the first */
	GCancellable *cancellable;
};

GVariant *sw_layer_metadata(GVariant *links)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&builder, "{sv}", "ostree.importer.version",
			      g_variant_new_string(SW_IMPORTER_VERSION));
	if (links != NULL)
		g_variant_builder_add(&builder, "{sv}", SW_KEY_LINKS, links);
	return g_variant_builder_end(&builder);
}

/* The metadata of a directory that the layer does not list; a sw_parent_func. */
static gboolean make_parent(void *data, char ret_meta[SW_CHECKSUM_SIZE], GError **error)
{
	struct import *import = data;
	struct sw_tar_entry parent = { .type = SW_TAR_DIRECTORY,
				       .path = (char *)"/",
				       .mode = 0755 };

	if (import->entry != NULL) {
		parent.uid = import->entry->uid;
		parent.gid = import->entry->gid;
	}
	return sw_writer_directory(import->writer, &parent, ret_meta, import->cancellable, error);
}

static gboolean refuse(const struct sw_tar_entry *entry, const char *id, const char *what,
		       GError **error)
{
	g_autofree char *path = sw_path_show(entry->path);

	return sw_fail(error, SW_ERROR_IMAGE, id, "'%s' %s", path, what);
}

static gboolean import_file(struct import *import, const char *path, GError **error)
{
	char checksum[SW_CHECKSUM_SIZE];

	return sw_writer_file(import->writer, import->entry, import->tar, checksum,
			      import->cancellable, error) &&
	       sw_entries_file(import->entries, path, checksum, error);
}

static gboolean import_directory(struct import *import, const char *path, GError **error)
{
	char checksum[SW_CHECKSUM_SIZE];

	return sw_writer_directory(import->writer, import->entry, checksum, import->cancellable,
				   error) &&
	       sw_entries_directory(import->entries, path, checksum, error);
}

static gboolean import_symlink(struct import *import, const char *path, GError **error)
{
	const struct sw_tar_entry *entry = import->entry;
	char checksum[SW_CHECKSUM_SIZE];

	if (!sw_link_target_valid(entry->target))
		return refuse(entry, "path",
			      "is a symbolic link whose target is empty, over-long or not UTF-8",
			      error);
	return sw_writer_symlink(import->writer, entry, checksum, import->cancellable, error) &&
	       sw_entries_file(import->entries, path, checksum, error);
}

/*
 * A container that changes a file of an encapsulated image changes its object, too, and its layer may
 * have the content there, with the file as a hard link to it.  The file is what counts (contract 1.6).
 */
static gboolean keep_changed(struct import *import, const char *path, GError **error)
{
	char checksum[SW_CHECKSUM_SIZE];

	if (!sw_writer_file(import->writer, import->entry, import->tar, checksum,
			    import->cancellable, error))
		return FALSE;
	g_hash_table_replace(import->changed, g_strdup(path), g_strdup(checksum));
	return TRUE;
}

static gboolean import_hardlink(struct import *import, const char *path, GError **error)
{
	g_autofree char *target = NULL;

	if (import->entry->size > 0)
		return import_file(import, path, error);
	if (!sw_path_map(import->entry->target, &target, error))
		return FALSE;
	if (target == NULL)
		return refuse(import->entry, "hardlink",
			      "is a hard link into a directory that is not kept (dev, proc, run, "
			      "sys or tmp)",
			      error);
	if (import->entry->has_time && g_str_has_prefix(target, BASE_REPO) &&
	    !g_str_has_prefix(path, BASE_REPO)) {
		const char *checksum = g_hash_table_lookup(import->changed, target);

		if (checksum == NULL)
			g_debug("%s is passed over: it links to %s, which did not change", path,
				target);
		return checksum == NULL || sw_entries_file(import->entries, path, checksum, error);
	}
	return sw_entries_link(import->entries, path, target, error);
}

/* Some tools write "/" for the root itself. */
static gboolean is_absolute(const char *path)
{
	return path[0] == '/' && path[strspn(path, "/.")] != '\0';
}

static gboolean import_entry(struct import *import, GError **error)
{
	g_autofree char *path = NULL;

	if (is_absolute(import->entry->path))
		return refuse(import->entry, "path",
			      "is an absolute path, and a layer holds relative ones: make the "
			      "image again",
			      error);
	if (!sw_path_map(import->entry->path, &path, error))
		return FALSE;
	if (path == NULL)
		return TRUE;
	switch (import->entry->type) {
	case SW_TAR_FILE:
		return import->entry->has_time && g_str_has_prefix(path, BASE_REPO)
			       ? keep_changed(import, path, error)
			       : import_file(import, path, error);
	case SW_TAR_DIRECTORY:
		return import_directory(import, path, error);
	case SW_TAR_SYMLINK:
		return import_symlink(import, path, error);
	case SW_TAR_HARDLINK:
		return import_hardlink(import, path, error);
	case SW_TAR_DEVICE:
		return refuse(
			import->entry, "device",
			"is a device node, which a bootable image cannot hold: remove it from "
			"the image",
			error);
	case SW_TAR_FIFO:
		return refuse(import->entry, "device",
			      "is a FIFO, which a bootable image cannot hold: remove it from the "
			      "image",
			      error);
	}
	g_return_val_if_reached(FALSE);
}

static gboolean import_entries(struct import *import, GError **error)
{
	for (guint count = 0;; count++) {
		if (count == SW_ENTRY_LIMIT)
			return sw_fail(error, SW_ERROR_IMAGE, "path", "more than %d entries",
				       SW_ENTRY_LIMIT);
		if (!sw_check_cancelled(import->cancellable, error) ||
		    !sw_tar_next(import->tar, &import->entry, error))
			return FALSE;
		if (import->entry == NULL)
			return TRUE;
		if (!import_entry(import, error))
			return FALSE;
	}
}

gboolean sw_layer_import(OstreeRepo *repo, int fd, const struct sw_oci_layer *layer,
			 const char *expected_digest, char **ret_commit, gboolean *ret_has_links,
			 GCancellable *cancellable, GError **error)
{
	g_autoptr(SwStream) stream = sw_stream_new(fd, layer, expected_digest, cancellable);
	g_autoptr(SwTar) tar = sw_tar_new(sw_stream_next, stream);
	g_autoptr(SwWriter) writer = sw_writer_new(repo);
	g_autoptr(GHashTable) changed =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	struct import import = {
		.tar = tar, .writer = writer, .changed = changed, .cancellable = cancellable
	};
	g_autoptr(SwEntries) entries = sw_entries_new(make_parent, &import);
	g_autoptr(GError) local_error = NULL;
	g_autoptr(GVariant) metadata = NULL;
	g_autoptr(GVariant) links = NULL;
	OstreeMutableTree *root = NULL;

	import.entries = entries;
	if (!sw_stream_finish(stream, import_entries(&import, &local_error), &local_error) ||
	    !sw_entries_finish(entries, &root, &links, &local_error)) {
		g_propagate_error(error, g_steal_pointer(&local_error));
		return FALSE;
	}
	metadata = g_variant_ref_sink(sw_layer_metadata(links));
	if (!sw_mtree_commit(repo, root, NULL, metadata, 0, ret_commit, cancellable, error))
		return FALSE;
	*ret_has_links = links != NULL;
	return TRUE;
}
