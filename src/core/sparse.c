/* SPDX-License-Identifier: MIT */
#include "core/sparse.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"

#define ID "disk-unreadable"

struct sw_sparse {
	const struct sw_sparse_source *source;
	void *data;
	guint64 size;
};

/* A raw file. */
struct file {
	char *path;
	int fd;
	guint64 size;
};

struct sw_sparse *sw_sparse_new(const struct sw_sparse_source *source, void *data, guint64 size)
{
	struct sw_sparse *sparse = g_new0(struct sw_sparse, 1);

	sparse->source = source;
	sparse->data = data;
	sparse->size = size;
	return sparse;
}

/* No data up to the end of the file: it must still end where the disk does. */
static gboolean check_end(const struct file *file, GError **error)
{
	off_t size = lseek(file->fd, 0, SEEK_END);

	if (size < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "cannot size the disk %s",
				     file->path);
	if ((guint64)size < file->size)
		return sw_fail(error, SW_ERROR_FORMAT, ID,
			       "the disk %s became shorter while it was read", file->path);
	return TRUE;
}

static gboolean file_next(void *state, guint64 offset, guint64 *ret_start, guint64 *ret_end,
			  GError **error)
{
	const struct file *file = state;
	off_t start = (off_t)offset;
	off_t end = (off_t)file->size;
	off_t data = lseek(file->fd, start, SEEK_DATA);
	off_t hole = data < 0 ? data : lseek(file->fd, data, SEEK_HOLE);

	if (hole >= 0) {
		start = MIN(data, end);
		end = MIN(hole, end);
	} else if (errno == ENXIO) {
		if (!check_end(file, error))
			return FALSE;
		start = end;
	} else if (errno != EINVAL && errno != EOPNOTSUPP) {
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID,
				     "cannot find the data of the disk %s", file->path);
	}
	*ret_start = (guint64)start;
	*ret_end = (guint64)end;
	return TRUE;
}

static gboolean file_read(void *state, void *buffer, size_t length, guint64 offset, GError **error)
{
	const struct file *file = state;

	return sw_read_at(file->fd, buffer, length, offset, file->path, SW_ERROR_FORMAT, ID, error);
}

static void file_free(void *state)
{
	struct file *file = state;

	close(file->fd);
	g_free(file->path);
	g_free(file);
}

static const struct sw_sparse_source file_source = { file_next, file_read, file_free };

gboolean sw_sparse_open(const char *path, struct sw_sparse **ret_sparse, GError **error)
{
	sw_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct file *file = NULL;
	struct stat st;
	off_t size = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "cannot open the disk %s", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return sw_fail(error, SW_ERROR_FORMAT, ID,
			       "the disk %s is neither a file nor a block device", path);
	size = lseek(fd, 0, SEEK_END);
	if (size < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "cannot size the disk %s", path);
	if (size == 0)
		return sw_fail(error, SW_ERROR_FORMAT, ID, "the disk %s is empty", path);
	file = g_new0(struct file, 1);
	file->path = g_strdup(path);
	file->fd = g_steal_fd(&fd);
	file->size = (guint64)size;
	*ret_sparse = sw_sparse_new(&file_source, file, file->size);
	return TRUE;
}

void sw_sparse_free(struct sw_sparse *sparse)
{
	if (sparse == NULL)
		return;
	sparse->source->free(sparse->data);
	g_free(sparse);
}

guint64 sw_sparse_size(const struct sw_sparse *sparse)
{
	return sparse->size;
}

int sw_sparse_fd(const struct sw_sparse *sparse)
{
	const struct file *file = sparse->data;

	return sparse->source == &file_source ? file->fd : -1;
}

gboolean sw_sparse_next(struct sw_sparse *sparse, guint64 offset, guint64 *ret_start,
			guint64 *ret_end, GError **error)
{
	if (offset < sparse->size)
		return sparse->source->next(sparse->data, offset, ret_start, ret_end, error);
	*ret_start = sparse->size;
	*ret_end = sparse->size;
	return TRUE;
}

gboolean sw_sparse_read(struct sw_sparse *sparse, void *buffer, size_t length, guint64 offset,
			GError **error)
{
	guint64 size = sparse->size;
	size_t inside = offset >= size ? 0 : (size_t)MIN((guint64)length, size - offset);

	memset((guint8 *)buffer + inside, 0, length - inside);
	return inside == 0 || sparse->source->read(sparse->data, buffer, inside, offset, error);
}

/*
 * Equal to itself sixteen bytes on, and those are zero: libc's memcmp() uses what the processor
 * has.
 */
gboolean sw_is_zero(const void *buffer, size_t length)
{
	static const guint8 zero[16];
	const guint8 *bytes = buffer;

	if (length <= sizeof(zero))
		return memcmp(bytes, zero, length) == 0;
	return memcmp(bytes, zero, sizeof(zero)) == 0 &&
	       memcmp(bytes, bytes + sizeof(zero), length - sizeof(zero)) == 0;
}
