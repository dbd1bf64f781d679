/* SPDX-License-Identifier: MIT */
#include "formats/shared/copy.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/file.h"
#include "core/size.h"

#define ID "raw-write"
#define BUFFER_SIZE SW_MIB
/* Zeros of this size and place become holes: the blocks of most filesystems. */
#define HOLE_SIZE (4 * SW_KIB)

struct copy {
	int fd;
	const char *path;
	struct sw_sparse *disk;
	guint8 *buffer;
};

static size_t zeros_at(const guint8 *bytes, size_t length)
{
	size_t n = 0;

	while (n < length && sw_is_zero(bytes + n, MIN(HOLE_SIZE, length - n)))
		n += MIN(HOLE_SIZE, length - n);
	return n;
}

static size_t data_at(const guint8 *bytes, size_t length)
{
	size_t n = 0;

	while (n < length && !sw_is_zero(bytes + n, MIN(HOLE_SIZE, length - n)))
		n += MIN(HOLE_SIZE, length - n);
	return n;
}

/* OFFSET is a multiple of HOLE_SIZE but at the beginning of a stretch of data. */
static gboolean copy_block(struct copy *copy, guint64 offset, size_t length, GError **error)
{
	if (!sw_sparse_read(copy->disk, copy->buffer, length, offset, error))
		return FALSE;
	for (size_t at = 0; at < length;) {
		size_t data;

		at += zeros_at(copy->buffer + at, length - at);
		data = data_at(copy->buffer + at, length - at);
		if (!sw_write_at(copy->fd, copy->buffer + at, data, offset + at, copy->path,
				 SW_ERROR_FORMAT, ID, error))
			return FALSE;
		at += data;
	}
	return TRUE;
}

static gboolean copy_data(struct copy *copy, void (*progress)(guint64 done, void *data), void *data,
			  GCancellable *cancellable, GError **error)
{
	guint64 start, end = 0, size = sw_sparse_size(copy->disk);

	for (;;) {
		if (!sw_sparse_next(copy->disk, end, &start, &end, error))
			return FALSE;
		if (start >= size)
			return TRUE;
		while (start < end) {
			guint64 length = MIN(BUFFER_SIZE - start % BUFFER_SIZE, end - start);

			if (!sw_check_cancelled(cancellable, error) ||
			    !copy_block(copy, start, length, error))
				return FALSE;
			start += length;
			if (progress != NULL)
				progress(start, data);
		}
	}
}

/* Sharing the disk's blocks takes no time and no space, where the filesystem can. */
gboolean sw_copy_disk(const struct sw_format_input *input, const struct sw_output_file *file,
		      GCancellable *cancellable, GError **error)
{
	g_autofree guint8 *buffer = NULL;
	struct copy copy = { .fd = file->fd, .path = file->path, .disk = input->disk };

	if (ioctl(file->fd, FICLONE, sw_sparse_fd(input->disk)) == 0)
		return TRUE;
	if (ftruncate(file->fd, (off_t)sw_sparse_size(input->disk)) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "cannot write %s", file->path);
	copy.buffer = buffer = g_malloc(BUFFER_SIZE);
	return copy_data(&copy, input->progress, input->progress_data, cancellable, error);
}
