/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* A machine with one disk, as an OVF descriptor says it. */
struct sw_ovf {
	const char *name;      /* UTF-8 without control characters */
	const char *disk;      /* file name of the disk, a streamOptimized VMDK */
	guint64 disk_size;     /* of the file */
	guint64 disk_capacity; /* of the virtual disk */
	guint64 memory;	       /* in bytes, whole MiB */
	int cpus;
	const char *hardware; /* version of VMware's virtual hardware: "13" */
	const char *firmware; /* "efi" or "bios" */
	gboolean secure_boot;
};

/*
 * The descriptor: OVF 1.0, with VMware's words for the firmware.  Its length does not depend on
 * DISK_SIZE.
 */
char *sw_ovf_make(const struct sw_ovf *ovf);
