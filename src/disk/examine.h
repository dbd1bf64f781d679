/* SPDX-License-Identifier: MIT */
#pragma once

#include "disk/guest.h"

/*
 * The appliance as the reader of a disk that may come from anyone: this machine neither mounts nor
 * parses its filesystems.  A call that fails because of the disk is SW_ERROR_DEPLOY with the id
 * "appliance"; when the appliance itself ends it is SW_ERROR_ENVIRONMENT, as for guest.h.
 */

/*
 * Starts an appliance as sw_guest_start() does, for the disk file DISK of FORMAT ("raw" or
 * "qcow2", static), which stays as it is.
 */
gboolean sw_examine_start(const char *disk, const char *format, const char *tmpdir,
			  struct sw_progress *progress, struct sw_guest **ret_guest,
			  GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Waits until the appliance is up; the size of the disk in bytes. */
gboolean sw_examine_size(struct sw_guest *guest, guint64 *ret_size,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* LENGTH bytes of the disk at OFFSET into DATA. */
gboolean sw_examine_read(struct sw_guest *guest, guint64 offset, void *data, size_t length,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Type ("ext4"), label and UUID of the filesystem in partition NUMBER; to be freed. */
gboolean sw_examine_probe(struct sw_guest *guest, guint number, char **ret_type, char **ret_label,
			  char **ret_uuid, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Checks the filesystem of TYPE in partition NUMBER by its own program, which only reads.
 * RET_PROBLEM is the end of what that says, to be freed; NULL: the filesystem is clean.
 */
gboolean sw_examine_check(struct sw_guest *guest, guint number, const char *type,
			  char **ret_problem, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Mounts the filesystem in partition NUMBER (instead of the one before) and writes all of it as a
 * tar stream, xattrs included, to FD.  It stays mounted for what is below.
 */
gboolean sw_examine_tree(struct sw_guest *guest, guint number, int fd,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a mounted filesystem can still take. */
struct sw_room {
	guint64 bytes;	    /* of the filesystem */
	guint64 free_bytes; /* for root */
	guint64 inodes;	    /* 0: made as they are needed */
	guint64 free_inodes;
};

/* The room on the filesystem that is mounted. */
gboolean sw_examine_room(struct sw_guest *guest, struct sw_room *ret_room,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The attributes of PATH as lsattr(1) has them ("ie"), to be freed. */
gboolean sw_examine_attributes(struct sw_guest *guest, const char *path, char **ret_attributes,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;
