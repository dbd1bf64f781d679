/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"
#include "source/oci.h"

/*
 * A layer's blob on its way from a descriptor to the one who reads its tar: a thread of its own reads,
 * hashes, inflates and hashes again, a few buffers ahead.
 */
struct sw_stream;

/*
 * Starts reading FD, the blob of LAYER, expected to have the SHA-256 EXPECTED_DIGEST ("sha256:HEX").
 * LAYER, FD and the text must outlive the stream.
 */
struct sw_stream *sw_stream_new(int fd, const struct sw_oci_layer *layer,
				const char *expected_digest, GCancellable *cancellable);

/* Stops reading at once and frees; NULL is fine. */
void sw_stream_free(struct sw_stream *stream);
typedef struct sw_stream SwStream;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwStream, sw_stream_free)

/* The next piece of the tar; a sw_chunk_func, STREAM being its data. */
gboolean sw_stream_next(void *stream, const guint8 **ret_chunk, size_t *ret_length,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Reads what is left to its end and verifies the whole: SW_ERROR_SOURCE with the id "digest" (also for
 * a blob that ends early or is too long), "compression" or "diff-id", SW_ERROR_ENVIRONMENT "read" when FD
 * cannot be read.  With ABANDONED the tar was no good: only the digest counts, which tells a lying
 * source from a bad image.
 */
gboolean sw_stream_verify(struct sw_stream *stream, gboolean abandoned,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Verifies the stream after the import of what is in it ended (OK) or failed with *ERROR, and returns
 * whether all is well.  A failure for the content gives way to the stream's own: content that is not
 * what its digest says is to blame on the source.
 */
gboolean sw_stream_finish(struct sw_stream *stream, gboolean ok,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;
