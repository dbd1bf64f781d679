/* SPDX-License-Identifier: MIT */
#include "image/writer.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/hash.h"
#include "core/size.h"
#include "image/paths.h"

/* A larger file goes through a temporary file instead of the memory, bytes. */
#define MEMORY_LIMIT (4 * SW_MIB)

/* Extended attributes of less fit everywhere, bytes; ext4 takes about 4 KiB. */
#define XATTRS_SMALL 2048

struct sw_writer {
	OstreeRepo *repo;
	GByteArray *object; /* a whole content object, header and all */
};

struct sw_writer *sw_writer_new(OstreeRepo *repo)
{
	struct sw_writer *writer = g_new0(struct sw_writer, 1);

	writer->repo = g_object_ref(repo);
	writer->object = g_byte_array_new();
	return writer;
}

void sw_writer_free(struct sw_writer *writer)
{
	if (writer == NULL)
		return;
	g_object_unref(writer->repo);
	g_byte_array_unref(writer->object);
	g_free(writer);
}

static const char *cache_path(const struct sw_writer *writer)
{
	return g_file_peek_path(ostree_repo_get_path(writer->repo));
}

/* A filesystem without room for large extended attributes says the same as a full one. */
static gboolean failed(const struct sw_writer *writer, const struct sw_tar_entry *entry,
		       GError **error)
{
	gsize size = entry->xattrs == NULL ? 0 : g_variant_get_size(entry->xattrs);
	guint64 space = 0;

	if (size > XATTRS_SMALL && error != NULL &&
	    g_error_matches(*error, G_IO_ERROR, G_IO_ERROR_NO_SPACE) &&
	    sw_free_space(cache_path(writer), &space, NULL) && space > 2 * entry->size + SW_MIB) {
		g_autofree char *path = sw_path_show(entry->path);

		g_clear_error(error);
		return sw_fail(
			error, SW_ERROR_ENVIRONMENT, "xattrs",
			"'%s' has %" G_GSIZE_FORMAT " bytes of extended attributes, more "
			"than the filesystem of the cache %s can hold: set XDG_CACHE_HOME to "
			"a directory on XFS or Btrfs",
			path, size, cache_path(writer));
	}
	return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache", "cannot write to the cache %s",
			      cache_path(writer));
}

void sw_writer_header(GByteArray *object, const struct sw_tar_entry *entry)
{
	gboolean is_link = entry->type == SW_TAR_SYMLINK;
	guint32 mode = is_link ? S_IFLNK | 0777 : S_IFREG | entry->mode;
	g_autoptr(GVariant) xattrs = entry->xattrs != NULL
					     ? g_variant_ref(entry->xattrs)
					     : g_variant_ref_sink(g_variant_new("a(ayay)", NULL));
	g_autoptr(GVariant) header = g_variant_ref_sink(g_variant_new(
		"(uuuus@a(ayay))", GUINT32_TO_BE(entry->uid), GUINT32_TO_BE(entry->gid),
		GUINT32_TO_BE(mode), 0, is_link ? entry->target : "", xattrs));
	guint32 prefix[2] = { GUINT32_TO_BE((guint32)g_variant_get_size(header)), 0 };

	g_byte_array_append(object, (const guint8 *)prefix, sizeof(prefix));
	g_byte_array_append(object, g_variant_get_data(header), (guint)g_variant_get_size(header));
}

/*
 * Stores the object that INPUT gives under its CHECKSUM.  libostree, which may have been built without
 * a fast SHA-256, is not asked to compute it once more.
 */
static gboolean store(struct sw_writer *writer, const struct sw_tar_entry *entry,
		      const char *checksum, GInputStream *input, guint64 length,
		      GCancellable *cancellable, GError **error)
{
	return ostree_repo_write_content(writer->repo, checksum, input, length, NULL, cancellable,
					 error) ||
	       failed(writer, entry, error);
}

static gboolean store_from_memory(struct sw_writer *writer, const struct sw_tar_entry *entry,
				  struct sw_tar *tar, char ret_checksum[SW_CHECKSUM_SIZE],
				  GCancellable *cancellable, GError **error)
{
	g_autoptr(GInputStream) input = NULL;
	const guint8 *data = NULL;
	size_t length = 1;

	for (;;) {
		if (!sw_tar_data(tar, &data, &length, error))
			return FALSE;
		if (length == 0)
			break;
		g_byte_array_append(writer->object, data, (guint)length);
	}
	sw_sha256_data(writer->object->data, writer->object->len, ret_checksum);
	input = g_memory_input_stream_new_from_data(writer->object->data, writer->object->len,
						    NULL);
	return store(writer, entry, ret_checksum, input, writer->object->len, cancellable, error);
}

/* A file without a name in the repository's own place for such. */
static gboolean open_temporary(struct sw_writer *writer, int *ret_fd, GError **error)
{
	g_autofree char *path = g_build_filename(cache_path(writer), "tmp", "slipway-XXXXXX", NULL);
	int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "cache", "cannot create %s",
				     path);
	(void)unlink(path);
	*ret_fd = fd;
	return TRUE;
}

static gboolean store_from_file(struct sw_writer *writer, const struct sw_tar_entry *entry,
				struct sw_tar *tar, char ret_checksum[SW_CHECKSUM_SIZE],
				GCancellable *cancellable, GError **error)
{
	g_autoptr(SwSha256) hash = sw_sha256_new();
	g_autoptr(GInputStream) input = NULL;
	const guint8 *data = writer->object->data;
	size_t length = writer->object->len;
	guint64 offset = 0;
	sw_autofd int fd = -1;

	if (!open_temporary(writer, &fd, error))
		return FALSE;
	while (length > 0) {
		sw_sha256_update(hash, data, length);
		if (!sw_write_at(fd, data, length, offset, cache_path(writer), SW_ERROR_ENVIRONMENT,
				 "cache", error))
			return FALSE;
		offset += length;
		if (!sw_tar_data(tar, &data, &length, error))
			return FALSE;
	}
	sw_sha256_hex(hash, ret_checksum);
	/* pwrite() left the file's own position at its start. */
	input = g_unix_input_stream_new(fd, FALSE);
	return store(writer, entry, ret_checksum, input, offset, cancellable, error);
}

gboolean sw_writer_file(struct sw_writer *writer, const struct sw_tar_entry *entry,
			struct sw_tar *tar, char ret_checksum[SW_CHECKSUM_SIZE],
			GCancellable *cancellable, GError **error)
{
	g_byte_array_set_size(writer->object, 0);
	sw_writer_header(writer->object, entry);
	if (entry->size <= MEMORY_LIMIT)
		return store_from_memory(writer, entry, tar, ret_checksum, cancellable, error);
	return store_from_file(writer, entry, tar, ret_checksum, cancellable, error);
}

gboolean sw_writer_symlink(struct sw_writer *writer, const struct sw_tar_entry *entry,
			   char ret_checksum[SW_CHECKSUM_SIZE], GCancellable *cancellable,
			   GError **error)
{
	g_autofree char *checksum =
		ostree_repo_write_symlink(writer->repo, NULL, entry->uid, entry->gid, entry->xattrs,
					  entry->target, cancellable, error);

	if (checksum == NULL)
		return failed(writer, entry, error);
	memcpy(ret_checksum, checksum, SW_CHECKSUM_SIZE);
	return TRUE;
}

gboolean sw_writer_directory(struct sw_writer *writer, const struct sw_tar_entry *entry,
			     char ret_checksum[SW_CHECKSUM_SIZE], GCancellable *cancellable,
			     GError **error)
{
	g_autoptr(GFileInfo) info = g_file_info_new();
	g_autoptr(GVariant) meta = NULL;
	g_autofree guchar *checksum = NULL;

	g_file_info_set_attribute_uint32(info, "unix::uid", entry->uid);
	g_file_info_set_attribute_uint32(info, "unix::gid", entry->gid);
	g_file_info_set_attribute_uint32(info, "unix::mode", S_IFDIR | entry->mode);
	meta = ostree_create_directory_metadata(info, entry->xattrs);
	if (!ostree_repo_write_metadata(writer->repo, OSTREE_OBJECT_TYPE_DIR_META, NULL, meta,
					&checksum, cancellable, error))
		return failed(writer, entry, error);
	ostree_checksum_inplace_from_bytes(checksum, ret_checksum);
	return TRUE;
}
