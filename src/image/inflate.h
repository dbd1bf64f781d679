/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"

/*
 * Undoes the compression of a stream: gzip (any number of members), zstd (any number of frames,
 * skippable ones too) or none at all, found out by its first bytes (RFC 1952, RFC 8878).  ISA-L
 * inflates where it is built in, zlib where not.  Errors are SW_ERROR_SOURCE with the id
 * "compression".
 */
struct sw_inflate;

/* Reads at most SIZE bytes of the compressed stream; RET_LENGTH is 0 only at its end. */
typedef gboolean (*sw_input_func)(void *data, guint8 *buffer, size_t size, size_t *ret_length,
				  GError **error);

/* A new one over INPUT (with DATA); never NULL. */
struct sw_inflate *sw_inflate_new(sw_input_func input, void *data);

/* Frees; NULL is fine. */
void sw_inflate_free(struct sw_inflate *inflate);
typedef struct sw_inflate SwInflate;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwInflate, sw_inflate_free)

/* Fills BUFFER with SIZE bytes, with less (RET_LENGTH) only at the end of the stream. */
gboolean sw_inflate_read(struct sw_inflate *inflate, guint8 *buffer, size_t size,
			 size_t *ret_length, GError **error) G_GNUC_WARN_UNUSED_RESULT;
