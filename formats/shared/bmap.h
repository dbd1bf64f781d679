/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/format.h"

/* Bytes of a disk that must be written, from START up to END. */
struct sw_bmap_range {
	guint64 start;
	guint64 end;
};

/*
 * What of DISK a block map has (see sw_bmap_write()): struct sw_bmap_range, whole blocks of 4 KiB but at
 * the disk's end, in order and apart from each other or touching.
 */
gboolean sw_bmap_ranges(struct sw_sparse *disk, GArray **ret_ranges,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Writes the block map of INPUT's disk to FILE, bmap-tools' format 2.0: what must be written when the raw
 * disk is flashed, with a SHA-256 for each stretch.  That is the disk's data, and the holes in which a
 * filesystem relies on zeros: the tables of FAT, and all of a filesystem that is not known here (ext4 marks
 * what it has not written yet).
 */
gboolean sw_bmap_write(const struct sw_format_input *input, const struct sw_output_file *file,
		       GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
