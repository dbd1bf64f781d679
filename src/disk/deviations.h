/* SPDX-License-Identifier: MIT */
#pragma once

#include "disk/layout.h"
#include "image/facts.h"

/*
 * In what a disk differs from one of `bootc install to-disk`, on purpose.  `plan` tells those that a
 * disk will have, `verify` those that it has.
 */
enum sw_deviation {
	SW_DEVIATION_BOOT_PARTITION,
	SW_DEVIATION_DERIVED_IDS,
	SW_DEVIATION_LAYER_TIMES,
	SW_DEVIATION_ALEPH_KERNEL,
	SW_DEVIATION_NO_IMAGE_STORE,
	SW_DEVIATION_DEBIAN_GRUB,
	SW_DEVIATION_NO_BOOTUPD,
};

/* The row of one of them. */
struct sw_deviation_row {
	const char *id;	  /* "boot-partition": stable, for scripts */
	const char *what; /* one line, no full stop */
	const char *why;  /* likewise */
};

/* The rows in the order of enum sw_deviation; a NULL id ends them. */
extern const struct sw_deviation_row sw_deviations[];

/*
 * The deviations (bits 1 << enum sw_deviation) of a disk of LAYOUT for an image of FACTS.  HAS_STORE:
 * bound images are put onto it.
 */
guint sw_deviations_planned(const struct sw_facts *facts, const struct sw_layout *layout,
			    gboolean has_store);
