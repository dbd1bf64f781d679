/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"
#include "core/hash.h"

/*
 * Copies LENGTH bytes at IN_OFFSET of IN to OUT_OFFSET of OUT, inside the kernel where the two
 * files allow it (shared blocks where the filesystem can), through a buffer where not.  An IN that
 * ends before is an error.  PATH, CODE and ID are for the error.
 */
gboolean sw_copy_range(int in, guint64 in_offset, int out, guint64 out_offset, guint64 length,
		       const char *path, enum sw_error code, const char *id,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Copies what IN holds (all but its holes) to the same places of OUT, OUT_OFFSET further on; what
 * lies between stays as it is.
 */
gboolean sw_copy_sparse(int in, int out, guint64 out_offset, const char *path, enum sw_error code,
			const char *id, GCancellable *cancellable,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * As sw_copy_sparse() to the same places, SIZE bytes, and the SHA-256 of what is written, made of the same
 * bytes in memory by a second thread.
 */
gboolean sw_copy_hashed(int in, int out, guint64 size, const char *path, enum sw_error code,
			const char *id, char ret_hex[SW_SHA256_SIZE], GCancellable *cancellable,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;
