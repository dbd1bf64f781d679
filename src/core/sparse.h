/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * The one reader of disks for every writer: it knows where the data is.  May be used by several
 * threads at once.
 */
struct sw_sparse;

/* Where the bytes of a disk come from that is no raw file.  May be called by several threads. */
struct sw_sparse_source {
	/* As sw_sparse_next(), with OFFSET less than the size. */
	gboolean (*next)(void *data, guint64 offset, guint64 *ret_start, guint64 *ret_end,
			 GError **error);
	/* Reads exactly LENGTH (not 0) bytes at OFFSET; all of them are inside the size. */
	gboolean (*read)(void *data, void *buffer, size_t length, guint64 offset, GError **error);
	void (*free)(void *data);
};

/* A disk of SIZE bytes that SOURCE (static) reads with DATA, which it frees in the end. */
struct sw_sparse *sw_sparse_new(const struct sw_sparse_source *source, void *data, guint64 size);

/*
 * Opens the raw disk at PATH read-only.  SW_ERROR_FORMAT when it cannot, when it is no regular file
 * or block device, or is empty.
 */
gboolean sw_sparse_open(const char *path, struct sw_sparse **ret_sparse,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Closes and frees; NULL is fine. */
void sw_sparse_free(struct sw_sparse *sparse);
typedef struct sw_sparse SwSparse;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwSparse, sw_sparse_free)

/* The virtual size in bytes. */
guint64 sw_sparse_size(const struct sw_sparse *sparse);

/* The descriptor of a raw file, for sharing blocks (FICLONE), stays SPARSE's own; else -1. */
int sw_sparse_fd(const struct sw_sparse *sparse);

/*
 * The next stretch at or behind OFFSET that may hold data (SEEK_DATA, SEEK_HOLE): [*ret_start,
 * *ret_end). At the end both are the size of the disk.  Where the filesystem knows no holes it is
 * all data.
 */
gboolean sw_sparse_next(struct sw_sparse *sparse, guint64 offset, guint64 *ret_start,
			guint64 *ret_end, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Reads exactly LENGTH bytes at OFFSET.  A disk that has become shorter is an error, not zeros;
 * behind the size the buffer is filled with zeros, so that a last cluster may reach over it.
 */
gboolean sw_sparse_read(struct sw_sparse *sparse, void *buffer, size_t length, guint64 offset,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Are all LENGTH bytes zero?  Vectorised. */
gboolean sw_is_zero(const void *buffer, size_t length);
