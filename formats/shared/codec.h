/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Levels of every codec, so that a change of codec keeps its meaning. */
#define SW_CODEC_LEVEL_MIN 1
#define SW_CODEC_LEVEL_MAX 9

/* A way to compress one cluster by itself. */
struct sw_codec {
	const char *name;
	/* At most what a context needs for clusters of CLUSTER_SIZE bytes, in bytes. */
	size_t (*memory)(size_t cluster_size);
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

/* Raw deflate with a window of 4 KiB. */
extern const struct sw_codec sw_codec_deflate;

/* One zstd frame. */
extern const struct sw_codec sw_codec_zstd;
