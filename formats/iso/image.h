/* SPDX-License-Identifier: MIT */
#pragma once

#include "formats/iso/bios.h"
#include "formats/iso/boot.h"

/* The parts of a medium. */
struct sw_iso_image {
	const char *volume_id;
	const char *seed; /* of ids */
	const char *medium;
	const struct sw_iso_boot *boot;
	const struct sw_iso_bios *bios;
	const struct sw_output_file *installer;
	const struct sw_output_file *menu;
	const struct sw_output_file *mark; /* empty */
	const struct sw_output_file *payload;
};

/*
 * Puts IMAGE together in FILE by xorriso: an ISO 9660 filesystem with a GUID partition table, which a firmware
 * takes for a CD and for a disk.
 */
gboolean sw_iso_assemble(const struct sw_iso_image *image, const struct sw_output_file *file,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
