/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Levels of every codec, so that a change of codec keeps its meaning. */
#define SW_CODEC_LEVEL_MIN 1
#define SW_CODEC_LEVEL_MAX 9

/* Is LEVEL one of them?  SW_ERROR_USAGE, about the option "level" of the format OWNER. */
gboolean sw_codec_check_level(const char *owner, int level,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A way to compress one cluster by itself. */
struct sw_codec {
	const char *name;
	/* At most what a context needs for clusters of CLUSTER_SIZE bytes, in bytes. */
	size_t (*memory)(size_t cluster_size);
	/*
	 * The most that compress() makes of LENGTH bytes, which it then always makes; NULL: what does not
	 * become smaller stays as it is.
	 */
	size_t (*bound)(size_t length);
	/* A context for one thread, LEVEL 1 (fast) to 9 (small); never NULL. */
	void *(*open)(int level);
	/*
	 * Compresses LENGTH bytes of IN into OUT; returns the size, or 0 when it would be more than
	 * CAPACITY bytes.  What was compressed before makes no difference.
	 */
	size_t (*compress)(void *context, const void *in, size_t length, void *out,
			   size_t capacity);
	void (*close)(void *context);
};

/* Raw deflate. */
extern const struct sw_codec sw_codec_deflate;

/* One zstd frame. */
extern const struct sw_codec sw_codec_zstd;

/* The same, whatever the size becomes. */
extern const struct sw_codec sw_codec_zstd_frame;

/*
 * The CRC-32 of the cluster in the machine's byte order (4 bytes), then raw deflate without a last block that
 * ends with a full flush: such pieces may follow each other.  Levels 1 to 3 are ISA-L's where it is found.
 */
extern const struct sw_codec sw_codec_gzip_chunk;

/* One xz stream. */
extern const struct sw_codec sw_codec_xz_stream;
