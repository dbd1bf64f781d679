/* SPDX-License-Identifier: MIT */
#include "core/copy.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"

#define BUFFER_SIZE (256 * 1024)
/* A step after which a cancellation is looked for. */
#define STEP_SIZE (8 * 1024 * 1024)

static gboolean copy_buffered(int in, guint64 in_offset, int out, guint64 out_offset,
			      guint64 length, const char *path, enum sw_error code, const char *id,
			      GError **error)
{
	g_autofree char *buffer = g_malloc(BUFFER_SIZE);

	while (length > 0) {
		size_t n = MIN(length, BUFFER_SIZE);

		if (!sw_read_at(in, buffer, n, in_offset, path, code, id, error) ||
		    !sw_write_at(out, buffer, n, out_offset, path, code, id, error))
			return FALSE;
		in_offset += n;
		out_offset += n;
		length -= n;
	}
	return TRUE;
}

gboolean sw_copy_range(int in, guint64 in_offset, int out, guint64 out_offset, guint64 length,
		       const char *path, enum sw_error code, const char *id, GError **error)
{
	while (length > 0) {
		loff_t from = (loff_t)in_offset, to = (loff_t)out_offset;
		ssize_t n = copy_file_range(in, &from, out, &to, length, 0);

		if (n < 0 && errno == EINTR)
			continue;
		/*
		 * Two filesystems that do not know each other, or an end of file: the buffer finds
		 * out.
		 */
		if (n == 0 || (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS ||
					 errno == EOPNOTSUPP)))
			return copy_buffered(in, in_offset, out, out_offset, length, path, code, id,
					     error);
		if (n < 0)
			return sw_fail_errno(error, code, id, "%s: cannot copy", path);
		in_offset += (guint64)n;
		out_offset += (guint64)n;
		length -= (guint64)n;
	}
	return TRUE;
}

gboolean sw_copy_sparse(int in, int out, guint64 out_offset, const char *path, enum sw_error code,
			const char *id, GCancellable *cancellable, GError **error)
{
	struct stat st;
	off_t start = 0, end;

	if (fstat(in, &st) < 0)
		return sw_fail_errno(error, code, id, "%s", path);
	while (start < st.st_size && (start = lseek(in, start, SEEK_DATA)) >= 0) {
		end = lseek(in, start, SEEK_HOLE);
		if (end < 0)
			return sw_fail_errno(error, code, id, "%s", path);
		for (; start < end; start += MIN(end - start, STEP_SIZE))
			if (!sw_check_cancelled(cancellable, error) ||
			    !sw_copy_range(in, (guint64)start, out, out_offset + (guint64)start,
					   (guint64)MIN(end - start, STEP_SIZE), path, code, id,
					   error))
				return FALSE;
	}
	if (start < 0 && errno != ENXIO)
		return sw_fail_errno(error, code, id, "%s", path);
	return TRUE;
}
