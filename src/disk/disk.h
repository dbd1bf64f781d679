/* SPDX-License-Identifier: MIT */
#pragma once

#include "disk/bound-store.h"
#include "disk/compose.h"
#include "disk/guest.h"

/* What a disk is made from.  All is borrowed. */
struct sw_disk_request {
	const struct sw_compose_request *compose;
	struct sw_guest *guest; /* started on PATH */
	const char *path;	/* of the raw disk file, empty but for its size */
	const GPtrArray *bound; /* struct sw_bound_image for the image store; NULL: no store */
	const char *scratch;	/* a directory for short-lived files */
	struct sw_progress *progress;
};

/*
 * Makes the raw disk: partition table, filesystems, ESP, /boot, physical root, bootloader,
 * .ostree.cfs; trims and unmounts it cleanly.  The file is cut to the size of the layout.
 * SW_ERROR_DEPLOY; an appliance that died is SW_ERROR_ENVIRONMENT "appliance-died", and the caller
 * may try again with a new one.
 */
gboolean sw_disk_make(const struct sw_disk_request *request, GCancellable *cancellable,
		      GError **error) G_GNUC_WARN_UNUSED_RESULT;
