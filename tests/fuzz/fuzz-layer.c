/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <string.h>

#include "image/entries.h"
#include "image/inflate.h"
#include "image/paths.h"
#include "image/tar.h"
#include "tar.h"

/* What one input may inflate to, bytes, so that a bomb does not count as a hang. */
#define OUTPUT_LIMIT (1 << 22)

struct feed {
	const uint8_t *data;
	size_t left;
};

static gboolean input(void *data, guint8 *buffer, size_t size, size_t *ret_length,
		      G_GNUC_UNUSED GError **error)
{
	struct feed *feed = data;
	size_t n = MIN(size, feed->left);

	if (n > 0) {
		memcpy(buffer, feed->data, n);
		feed->data += n;
		feed->left -= n;
	}
	*ret_length = n;
	return TRUE;
}

struct pipe {
	struct sw_inflate *inflate;
	guint8 chunk[4096];
	size_t total;
};

static gboolean next_chunk(void *data, const guint8 **ret_chunk, size_t *ret_length, GError **error)
{
	struct pipe *pipe = data;

	*ret_chunk = pipe->chunk;
	*ret_length = 0;
	if (pipe->total >= OUTPUT_LIMIT)
		return TRUE;
	if (!sw_inflate_read(pipe->inflate, pipe->chunk, sizeof(pipe->chunk), ret_length, error))
		return FALSE;
	pipe->total += *ret_length;
	return TRUE;
}

/* Any checksum does: nothing is written. */
static const char checksum[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static gboolean make_parent(G_GNUC_UNUSED void *data, char ret_meta[SW_CHECKSUM_SIZE],
			    G_GNUC_UNUSED GError **error)
{
	memcpy(ret_meta, checksum, sizeof(checksum));
	return TRUE;
}

static gboolean put(struct sw_entries *entries, const struct sw_tar_entry *entry, GError **error)
{
	g_autofree char *path = NULL;
	g_autofree char *target = NULL;

	if (!sw_path_map(entry->path, &path, error))
		return FALSE;
	if (path == NULL)
		return TRUE;
	if (entry->type == SW_TAR_DIRECTORY)
		return sw_entries_directory(entries, path, checksum, error);
	if (entry->type != SW_TAR_HARDLINK)
		return sw_entries_file(entries, path, checksum, error);
	if (!sw_path_map(entry->target, &target, error))
		return FALSE;
	return target == NULL || sw_entries_link(entries, path, target, error);
}

static gboolean read_content(struct sw_tar *tar, guint64 size, GError **error)
{
	guint64 total = 0;
	const guint8 *data = NULL;
	size_t n = 1;

	while (n > 0 && total < OUTPUT_LIMIT) {
		if (!sw_tar_data(tar, &data, &n, error))
			return FALSE;
		total += n;
	}
	g_assert_true(n > 0 || total == size);
	return TRUE;
}

static gboolean read_layer(struct sw_tar *tar, struct sw_entries *entries, GError **error)
{
	const struct sw_tar_entry *entry = NULL;
	OstreeMutableTree *root = NULL;
	g_autoptr(GVariant) links = NULL;

	for (guint count = 0;; count++) {
		if (!sw_tar_next(tar, &entry, error))
			return FALSE;
		if (entry == NULL)
			return sw_entries_finish(entries, &root, &links, error);
		if (entry->xattrs != NULL)
			g_assert_true(g_variant_is_normal_form(entry->xattrs));
		/* Every other content is passed over. */
		if (count % 2 == 0 && !read_content(tar, entry->size, error))
			return FALSE;
		if (!put(entries, entry, error))
			return FALSE;
	}
}

/* A layer's blob: compression, tar, paths, links; all but the writing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree guint8 *sealed = seal(data, size);
	struct feed feed = { sealed, size };
	struct pipe pipe = { .inflate = sw_inflate_new(input, &feed) };
	g_autoptr(SwTar) tar = sw_tar_new(next_chunk, &pipe);
	g_autoptr(SwEntries) entries = sw_entries_new(make_parent, NULL);
	g_autoptr(GError) error = NULL;

	if (!read_layer(tar, entries, &error)) {
		g_assert_true(error->domain == SW_ERROR);
		g_assert_true(error->code == SW_ERROR_SOURCE || error->code == SW_ERROR_IMAGE);
		g_assert_null(strchr(error->message, '\n'));
		g_assert_true(g_utf8_validate(error->message, -1, NULL));
	}
	sw_inflate_free(pipe.inflate);
	return 0;
}
