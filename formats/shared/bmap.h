/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/format.h"

/*
 * Writes the block map of INPUT's disk to FILE, bmap-tools' format 2.0: what must be written when the raw
 * disk is flashed, with a SHA-256 for each stretch.  That is the disk's data, and the holes in which a
 * filesystem relies on zeros: the tables of FAT, and all of a filesystem that is not known here (ext4 marks
 * what it has not written yet).
 */
gboolean sw_bmap_write(const struct sw_format_input *input, const struct sw_output_file *file,
		       GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
