/* SPDX-License-Identifier: MIT */
#include "core/file.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "core/size.h"

/* pread() and pwrite() move at most about 2 GiB; offsets are signed. */
static gboolean offset_fits(guint64 offset, size_t length)
{
	guint64 end = 0;

	return g_uint64_checked_add(&end, offset, length) && end <= G_MAXINT64;
}

gboolean sw_write_at(int fd, const void *data, size_t length, guint64 offset, const char *path,
		     enum sw_error code, const char *id, GError **error)
{
	const guint8 *bytes = data;

	if (!offset_fits(offset, length)) {
		errno = EFBIG;
		return sw_fail_errno(error, code, id, "cannot write %s", path);
	}
	while (length > 0) {
		ssize_t n = pwrite(fd, bytes, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return sw_fail_errno(error, code, id, "cannot write %s", path);
		bytes += n;
		offset += (guint64)n;
		length -= (size_t)n;
	}
	return TRUE;
}

gboolean sw_read_at(int fd, void *data, size_t length, guint64 offset, const char *path,
		    enum sw_error code, const char *id, GError **error)
{
	guint8 *bytes = data;

	if (!offset_fits(offset, length)) {
		errno = EOVERFLOW;
		return sw_fail_errno(error, code, id, "cannot read %s", path);
	}
	while (length > 0) {
		ssize_t n = pread(fd, bytes, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sw_fail_errno(error, code, id, "cannot read %s", path);
		if (n == 0)
			return sw_fail(error, code, id,
				       "%s ends at byte %" G_GUINT64_FORMAT
				       ", %zu more were expected",
				       path, offset, length);
		bytes += n;
		offset += (guint64)n;
		length -= (size_t)n;
	}
	return TRUE;
}

gboolean sw_mkdirs(const char *path, int mode, GError **error)
{
	if (g_mkdir_with_parents(path, mode) < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "directory",
				     "cannot make the directory %s", path);
	return TRUE;
}

/* Some filesystems cannot sync a directory (EINVAL): there is nothing more to be done then. */
static gboolean sync_directory(const char *directory)
{
	sw_autofd int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
}

static gboolean write_and_sync(int fd, const void *data, size_t length, const char *path,
			       enum sw_error code, const char *id, GError **error)
{
	if (!sw_write_at(fd, data, length, 0, path, code, id, error))
		return FALSE;
	if (fsync(fd) < 0)
		return sw_fail_errno(error, code, id, "cannot sync %s", path);
	return TRUE;
}

gboolean sw_write_file(const char *path, const void *data, size_t length, int mode,
		       enum sw_error code, const char *id, GError **error)
{
	g_autofree char *directory = g_path_get_dirname(path);
	g_autofree char *base = g_path_get_basename(path);
	g_autofree char *temporary = g_strdup_printf("%s/.%s.XXXXXX", directory, base);
	sw_autofd int fd = g_mkstemp_full(temporary, O_RDWR | O_CLOEXEC, mode);

	if (fd < 0)
		return sw_fail_errno(error, code, id, "cannot write %s", path);
	if (!write_and_sync(fd, data, length, path, code, id, error)) {
		unlink(temporary);
		return FALSE;
	}
	if (rename(temporary, path) < 0) {
		sw_fail_errno(error, code, id, "cannot write %s", path);
		unlink(temporary);
		return FALSE;
	}
	if (!sync_directory(directory))
		return sw_fail_errno(error, code, id, "cannot sync the directory %s", directory);
	return TRUE;
}

/* One byte more than LIMIT is asked for, to see that the file is larger. */
static gboolean read_all(int fd, GByteArray *data, size_t limit, const char *path,
			 enum sw_error code, const char *id, GError **error)
{
	for (;;) {
		g_autofree char *text = NULL;
		guint length = data->len;
		guint want = (guint)MIN(64 * SW_KIB, limit + 1 - length);
		ssize_t n = 0;

		g_byte_array_set_size(data, length + want);
		n = read(fd, data->data + length, want);
		g_byte_array_set_size(data, length + (guint)MAX(n, 0));
		if (n == 0)
			return TRUE;
		if (n < 0 && errno != EINTR)
			return sw_fail_errno(error, code, id, "cannot read %s", path);
		if (data->len <= limit)
			continue;
		text = sw_size_format(limit);
		return sw_fail(error, code, id, "%s is larger than %s", path, text);
	}
}

gboolean sw_read_file(const char *path, size_t limit, char **ret_data, size_t *ret_length,
		      enum sw_error code, const char *id, GError **error)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	sw_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return sw_fail_errno(error, code, id, "cannot open %s", path);
	/* GByteArray counts in guint and doubles its size. */
	if (!read_all(fd, data, MIN(limit, G_MAXUINT / 4), path, code, id, error))
		return FALSE;
	if (ret_length != NULL)
		*ret_length = data->len;
	g_byte_array_append(data, (const guint8 *)"", 1);
	*ret_data = (char *)g_byte_array_free(g_steal_pointer(&data), FALSE);
	return TRUE;
}

gboolean sw_free_space(const char *path, guint64 *ret_bytes, GError **error)
{
	g_autofree char *at = g_strdup(path);
	struct statvfs stat = { 0 };
	guint64 bytes = 0;

	while (statvfs(at, &stat) < 0) {
		g_autofree char *parent = g_path_get_dirname(at);

		if (errno == EINTR)
			continue;
		if (errno != ENOENT || g_str_equal(parent, at))
			return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "free-space",
					     "cannot find out the free space at %s", path);
		g_free(at);
		at = g_steal_pointer(&parent);
	}
	if (!g_uint64_checked_mul(&bytes, stat.f_bavail, stat.f_frsize))
		bytes = G_MAXUINT64;
	*ret_bytes = bytes;
	return TRUE;
}

gboolean sw_is_full(const char *path)
{
	guint64 bytes = 0;

	return sw_free_space(path, &bytes, NULL) && bytes < SW_MIB;
}

gboolean sw_next_data(int fd, guint64 offset, guint64 end, guint64 *ret_start, guint64 *ret_end)
{
	off_t start = lseek(fd, (off_t)offset, SEEK_DATA);
	off_t stop = 0;

	if (start < 0 && errno != ENXIO && errno != EINVAL)
		return FALSE;
	if (start < 0) {
		*ret_start = errno == ENXIO ? end : offset;
		*ret_end = end;
		return TRUE;
	}
	stop = lseek(fd, start, SEEK_HOLE);
	*ret_start = MIN((guint64)start, end);
	*ret_end = stop < 0 ? end : MIN((guint64)stop, end);
	return TRUE;
}
