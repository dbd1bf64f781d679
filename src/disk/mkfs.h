/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"
#include "disk/layout.h"

/* A file that goes onto the ESP. */
struct sw_esp_file {
	char *path; /* on the ESP: "EFI/BOOT/BOOTX64.EFI" */
	GBytes *data;
};

/* Frees; NULL is fine. */
void sw_esp_file_free(struct sw_esp_file *file);

/*
 * Makes the empty filesystem of PARTITION (ext4, xfs or btrfs) in the disk file DISK, with its
 * planned UUID and label, by the distribution's mkfs on the host.  Deterministic for ext4: the
 * same plan and NOW give the same bytes.  SCRATCH is a directory for a short-lived sparse file.
 */
gboolean sw_mkfs(const struct sw_partition *partition, const char *disk, const char *scratch,
		 gint64 now, GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Makes the FAT filesystem of the ESP PARTITION in the disk file DISK with FILES in it (struct
 * sw_esp_file; mkfs.fat and mtools), every time stamp NOW.
 */
gboolean sw_mkfs_esp(const struct sw_partition *partition, const char *disk, const char *scratch,
		     gint64 now, GPtrArray *files, GCancellable *cancellable,
		     GError **error) G_GNUC_WARN_UNUSED_RESULT;
