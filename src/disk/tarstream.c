/* SPDX-License-Identifier: MIT */
#include "disk/tarstream.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#include "core/file.h"

#define BUFFER_SIZE (256 * 1024)

struct sw_tarstream {
	struct sw_sink sink;
	struct archive *archive;
	char *buffer;
};

static gboolean fail(struct sw_tarstream *self, const char *path, GError **error)
{
	errno = archive_errno(self->archive);
	return sw_fail_errno(error, SW_ERROR_DEPLOY, "tar", "/%s: cannot write the stream", path);
}

static void set_xattrs(struct archive_entry *entry, GVariant *xattrs)
{
	GVariantIter iter;
	GVariant *name, *value;

	if (xattrs == NULL)
		return;
	g_variant_iter_init(&iter, xattrs);
	while (g_variant_iter_next(&iter, "(@ay@ay)", &name, &value)) {
		g_autoptr(GVariant) owned_name = name;
		g_autoptr(GVariant) owned_value = value;
		gsize length = 0;
		const void *bytes = g_variant_get_fixed_array(value, &length, 1);

		archive_entry_xattr_add_entry(entry, g_variant_get_bytestring(name), bytes, length);
	}
}

static void set_type(struct archive_entry *entry, const struct sw_sink_node *node)
{
	switch (node->type) {
	case SW_SINK_DIRECTORY:
		archive_entry_set_filetype(entry, AE_IFDIR);
		break;
	case SW_SINK_FILE:
		archive_entry_set_filetype(entry, AE_IFREG);
		archive_entry_set_size(entry, (gint64)node->size);
		break;
	case SW_SINK_SYMLINK:
		archive_entry_set_filetype(entry, AE_IFLNK);
		archive_entry_set_symlink(entry, node->target);
		break;
	case SW_SINK_HARDLINK:
		archive_entry_set_filetype(entry, AE_IFREG);
		archive_entry_set_hardlink(entry, node->target);
		break;
	}
}

static gboolean write_data(struct sw_tarstream *self, const struct sw_sink_node *node, GError **error)
{
	for (guint64 done = 0; done < node->size;) {
		size_t n = MIN(node->size - done, BUFFER_SIZE);
		const char *data = (const char *)node->data + done;

		if (node->fd >= 0) {
			if (!sw_read_at(node->fd, self->buffer, n, done, node->path,
					SW_ERROR_DEPLOY, "tar", error))
				return FALSE;
			data = self->buffer;
		}
		if (archive_write_data(self->archive, data, n) != (la_ssize_t)n)
			return fail(self, node->path, error);
		done += n;
	}
	return TRUE;
}

static gboolean tar_add(struct sw_sink *sink, const struct sw_sink_node *node, GError **error)
{
	struct sw_tarstream *self = (struct sw_tarstream *)sink;
	struct archive_entry *entry = archive_entry_new();
	g_autofree char *path = g_strconcat("./", node->path, NULL);
	gboolean ok;

	archive_entry_set_pathname(entry, path);
	archive_entry_set_uid(entry, node->uid);
	archive_entry_set_gid(entry, node->gid);
	archive_entry_set_mtime(entry, node->mtime, 0);
	set_type(entry, node);
	archive_entry_set_perm(entry, node->mode);
	set_xattrs(entry, node->xattrs);
	ok = archive_write_header(self->archive, entry) == ARCHIVE_OK ||
	     fail(self, node->path, error);
	archive_entry_free(entry);
	return ok && (node->type != SW_SINK_FILE || write_data(self, node, error));
}

gboolean sw_tarstream_new(int fd, struct sw_tarstream **ret_tar, GError **error)
{
	g_autoptr(SwTarstream) self = g_new0(struct sw_tarstream, 1);

	self->sink.add = tar_add;
	self->buffer = g_malloc(BUFFER_SIZE);
	self->archive = archive_write_new();
	if (archive_write_set_format_pax_restricted(self->archive) != ARCHIVE_OK ||
	    archive_write_set_options(self->archive, "hdrcharset=BINARY") != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(self->archive, BUFFER_SIZE) != ARCHIVE_OK ||
	    archive_write_open_fd(self->archive, fd) != ARCHIVE_OK)
		return fail(self, "", error);
	*ret_tar = g_steal_pointer(&self);
	return TRUE;
}

struct sw_sink *sw_tarstream_sink(struct sw_tarstream *tar)
{
	return &tar->sink;
}

gboolean sw_tarstream_close(struct sw_tarstream *tar, GError **error)
{
	return archive_write_close(tar->archive) == ARCHIVE_OK || fail(tar, "", error);
}

void sw_tarstream_free(struct sw_tarstream *tar)
{
	if (tar == NULL)
		return;
	archive_write_free(tar->archive);
	g_free(tar->buffer);
	g_free(tar);
}
