/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/format.h"
#include "formats/shared/codec.h"

/* The bytes of a file that is one compressed stream, in the making. */
struct sw_stream;

/*
 * A way to compress a whole file.  Its content is cut into chunks that are compressed each by itself, on
 * all threads; the usual decompressors read them as one.
 */
struct sw_stream_kind {
	const char *name;	/* the word of an option: "zstd" */
	const char *suffix;	/* ".zst" */
	const char *media_type; /* RFC 8878, RFC 6713; "application/x-xz" */
	size_t chunk_size;	/* a power of two, at most SW_CLUSTER_MAX */
	const struct sw_codec *codec;
	size_t prefix; /* so many bytes that the codec puts before a chunk are not written */
	/* What comes before the first chunk, after a chunk (not written) and at the end; NULL: nothing. */
	gboolean (*begin)(struct sw_stream *stream, GError **error);
	void (*added)(struct sw_stream *stream, const guint8 *prefix, size_t length,
		      size_t compressed);
	gboolean (*end)(struct sw_stream *stream, GError **error);
};

struct sw_stream {
	const struct sw_stream_kind *kind;
	const struct sw_output_file *file;
	guint64 offset; /* in the file, of what BUFFER holds */
	GByteArray *buffer;
	guint64 content; /* bytes of it so far */
	guint32 crc;	 /* of the content: gzip */
	GArray *frames;	 /* guint32 pairs: zstd */
};

/*
 * zstd (RFC 8878): a frame a chunk, and at the end a table of them in a skippable frame, as zstd's
 * contrib/seekable_format describes it: readers of that jump to any place, others skip it.
 */
extern const struct sw_stream_kind sw_stream_zstd;
/* gzip (RFC 1952): one member, chunks end with a full flush. */
extern const struct sw_stream_kind sw_stream_gzip;
/* xz (xz-file-format): a stream a chunk. */
extern const struct sw_stream_kind sw_stream_xz;

/* "none" and the names of the kinds, NULL at the end. */
extern const char *const sw_stream_names[];

/* The kind called NAME; NULL for "none". */
const struct sw_stream_kind *sw_stream_find(const char *name);

/* Appends to the file, through a buffer. */
gboolean sw_stream_append(struct sw_stream *stream, const void *data, size_t length,
			  GError **error);

/*
 * Compresses CONTENT into FILE with the threads of INPUT, which is also told the progress.  LEVEL is 1
 * (fast) to 9 (small).  A hole is compressed once for all.
 */
gboolean sw_stream_write(const struct sw_stream_kind *kind, int level, struct sw_sparse *content,
			 const struct sw_format_input *input, const struct sw_output_file *file,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
