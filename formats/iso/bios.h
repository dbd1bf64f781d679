/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/format.h"

/* What a BIOS starts the medium with. */
struct sw_iso_bios {
	const struct sw_output_file
		*sector;		 /* the first one of a stick; NULL: it does not start it */
	const struct sw_output_file *cd; /* El Torito's image */
};

/*
 * Makes a GRUB that runs CONFIG, of the modules that TREE has for a BIOS, by grub-mkimage; nothing where the
 * image has none.
 */
gboolean sw_iso_make_bios(const struct sw_format_tree *tree, const char *config,
			  struct sw_output *output, struct sw_iso_bios *bios,
			  GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Adds the modules that NAMES need to it, by the text of GRUB's moddep.lst (hostile): lines "NAME: NAME...".
 * Names that are none of a file are left out.
 */
void sw_iso_add_dependencies(GPtrArray *names, const char *list);
