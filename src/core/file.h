/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <unistd.h>

#include "core/error.h"

/* Closes *FD if it is a descriptor; errno is kept. */
static inline void sw_close_fd(int *fd)
{
	int number = errno;

	if (*fd >= 0)
		close(*fd);
	errno = number;
}

/* "sw_autofd int fd = -1;": closed when it leaves the scope; g_steal_fd() takes it out. */
#define sw_autofd __attribute__((cleanup(sw_close_fd)))

/*
 * Writes all LENGTH bytes at OFFSET (pwrite).  PATH, CODE and ID are for the error.  Here and below
 * a full disk is SW_ERROR_ENVIRONMENT "disk-full", whatever CODE is (sw_fail_errno).
 */
gboolean sw_write_at(int fd, const void *data, size_t length, guint64 offset, const char *path,
		     enum sw_error code, const char *id, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reads exactly LENGTH bytes at OFFSET; a file that ends before is an error. */
gboolean sw_read_at(int fd, void *data, size_t length, guint64 offset, const char *path,
		    enum sw_error code, const char *id, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* mkdir -p with MODE (less the umask); SW_ERROR_ENVIRONMENT with the id "directory". */
gboolean sw_mkdirs(const char *path, int mode, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Writes DATA to PATH whole or not at all: a hidden temporary name beside it, fsync, rename, fsync
 * of the directory.  MODE less the umask.
 */
gboolean sw_write_file(const char *path, const void *data, size_t length, int mode,
		       enum sw_error code, const char *id,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Reads a file (or a pipe) of at most LIMIT bytes, NUL at the end (not counted).  RET_LENGTH may be
 * NULL.  The caller frees the data.
 */
gboolean sw_read_file(const char *path, size_t limit, char **ret_data, size_t *ret_length,
		      enum sw_error code, const char *id, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Bytes that an ordinary user may still write below PATH (statvfs of its nearest existing parent).
 * SW_ERROR_ENVIRONMENT with the id "free-space".
 */
gboolean sw_free_space(const char *path, guint64 *ret_bytes,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Is there no space left below PATH?  Less than 1 MiB is nothing: filesystems keep some for themselves. */
gboolean sw_is_full(const char *path);

/*
 * The next stretch of data of FD at or behind OFFSET, [*ret_start, *ret_end); both END when only a hole
 * is left.  A filesystem that knows no holes has only data.  FALSE: errno says why.
 */
gboolean sw_next_data(int fd, guint64 offset, guint64 end, guint64 *ret_start,
		      guint64 *ret_end) G_GNUC_WARN_UNUSED_RESULT;
