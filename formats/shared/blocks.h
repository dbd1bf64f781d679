/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/format.h"

/*
 * The data of a disk as blocks of a file, one behind the other in the order of the disk; blocks of
 * zeros are left out, and what is zero inside a block becomes a hole.
 */
struct sw_blocks {
	const struct sw_format_input *input;
	const struct sw_output_file *file;
	const char *id;	    /* of errors */
	guint64 block_size; /* a power of two, at least 4 KiB */
	guint64 first;	    /* where the first block's data goes in the file */
	guint64 stride;	    /* from one block to the next */

	/*
	 * Block BLOCK of the disk will lie at OFFSET of the file: enters it into the format's
	 * table.  NULL: each block lies at its own place, FIRST + BLOCK * STRIDE.
	 */
	gboolean (*begin)(guint64 block, guint64 offset, void *data, GError **error);
	void *data;

	guint64 used; /* set by sw_blocks_run(): blocks that begin() was called for */
	guint64 end;  /* likewise: where the next block would begin */
};

/* Writes the blocks of all data.  The file may end before the last one does. */
gboolean sw_blocks_run(struct sw_blocks *blocks, GCancellable *cancellable,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writes to the blocks' file. */
gboolean sw_blocks_write(const struct sw_blocks *blocks, const void *data, size_t length,
			 guint64 offset, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Gives the blocks' file SIZE bytes. */
gboolean sw_blocks_set_size(const struct sw_blocks *blocks, guint64 size,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;
