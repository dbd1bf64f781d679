/* SPDX-License-Identifier: MIT */
#pragma once

#include <guestfs.h>

#include "core/scratch.h"
#include "disk/guest.h"
#include "disk/watchdog.h"

/*
 * What the files that speak to libguestfs (guest.c and guest-label.c make disks, examine.c
 * reads them) share.  For
 * them only.
 */

/* A call into the appliance that takes longer than this has hung. */
#define SW_GUEST_CALL_SECONDS 600
#define SW_GUEST_TRANSFER_SECONDS 3600

/*
 * libguestfs makes /dev/disk/guestfs/LABEL a link to the disk: the kernel's own order is anybody's
 * guess.
 */
#define SW_GUEST_LABEL "slipway"

struct sw_guest {
	guestfs_h *handle;
	char *disk;
	const char *examined; /* the format of a disk that is only read, static; NULL: written */
	struct sw_progress *progress;
	GCancellable *cancellable;
	struct sw_scratch *scratch; /* short path: sockets lie in it */
	struct sw_watchdog *watchdog;
	GThread *launcher;		 /* NULL: joined */
	const struct sw_partition *boot; /* the one on /boot; of the layout that was mounted */
	GError *launch_error;
	GMutex lock;	  /* innermost; guards console */
	GString *console; /* the end of what the appliance wrote */
};

/* As sw_guest_start(); with EXAMINED ("raw", "qcow2") DISK is such a file and not written to. */
gboolean sw_guest_start_for(const char *disk, const char *examined, const char *tmpdir,
			    struct sw_progress *progress, struct sw_guest **ret_guest,
			    GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Waits until the appliance is up. */
gboolean sw_guest_await(struct sw_guest *guest, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* From now on the call that follows has SECONDS; sw_watchdog_disarm() ends that. */
void sw_guest_arm(struct sw_guest *guest, guint seconds);

/* Turns the failure of the call WHAT into an error: who ended the appliance decides. */
gboolean sw_guest_fail(struct sw_guest *guest, const char *what, GError **error);
