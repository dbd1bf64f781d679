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
	char *path;
	int fd;
	guint64 size;
};

gboolean sw_sparse_open(const char *path, struct sw_sparse **ret_sparse, GError **error)
{
	sw_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct sw_sparse *sparse = NULL;
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
	sparse = g_new0(struct sw_sparse, 1);
	sparse->path = g_strdup(path);
	sparse->fd = g_steal_fd(&fd);
	sparse->size = (guint64)size;
	*ret_sparse = sparse;
	return TRUE;
}

void sw_sparse_free(struct sw_sparse *sparse)
{
	if (sparse == NULL)
		return;
	close(sparse->fd);
	g_free(sparse->path);
	g_free(sparse);
}

guint64 sw_sparse_size(const struct sw_sparse *sparse)
{
	return sparse->size;
}

int sw_sparse_fd(const struct sw_sparse *sparse)
{
	return sparse->fd;
}

/* No data up to the end of the file: it must still end where the disk does. */
static gboolean check_end(const struct sw_sparse *sparse, GError **error)
{
	off_t size = lseek(sparse->fd, 0, SEEK_END);

	if (size < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "cannot size the disk %s",
				     sparse->path);
	if ((guint64)size < sparse->size)
		return sw_fail(error, SW_ERROR_FORMAT, ID,
			       "the disk %s became shorter while it was read", sparse->path);
	return TRUE;
}

gboolean sw_sparse_next(struct sw_sparse *sparse, guint64 offset, guint64 *ret_start,
			guint64 *ret_end, GError **error)
{
	off_t start = (off_t)MIN(offset, sparse->size);
	off_t end = (off_t)sparse->size;

	if (offset < sparse->size) {
		off_t data = lseek(sparse->fd, start, SEEK_DATA);
		off_t hole = data < 0 ? data : lseek(sparse->fd, data, SEEK_HOLE);

		if (hole >= 0) {
			start = MIN(data, end);
			end = MIN(hole, end);
		} else if (errno == ENXIO) {
			if (!check_end(sparse, error))
				return FALSE;
			start = end;
		} else if (errno != EINVAL && errno != EOPNOTSUPP) {
			return sw_fail_errno(error, SW_ERROR_FORMAT, ID,
					     "cannot find the data of the disk %s", sparse->path);
		}
	}
	*ret_start = (guint64)start;
	*ret_end = (guint64)end;
	return TRUE;
}

gboolean sw_sparse_read(struct sw_sparse *sparse, void *buffer, size_t length, guint64 offset,
			GError **error)
{
	size_t inside =
		offset >= sparse->size ? 0 : (size_t)MIN((guint64)length, sparse->size - offset);

	memset((guint8 *)buffer + inside, 0, length - inside);
	return inside == 0 || sw_read_at(sparse->fd, buffer, inside, offset, sparse->path,
					 SW_ERROR_FORMAT, ID, error);
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
