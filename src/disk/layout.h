/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* What a partition is for. */
enum sw_role {
	SW_ROLE_BIOS_BOOT, /* GRUB's core image for BIOS */
	SW_ROLE_PREP,	   /* GRUB's core image for PowerPC's firmware */
	SW_ROLE_ESP,
	SW_ROLE_BOOT, /* /boot */
	SW_ROLE_ROOT,
};

/* One partition of the plan. */
struct sw_partition {
	enum sw_role role;
	guint number;		/* from 1, as the kernel numbers it */
	guint64 offset;		/* bytes, a multiple of 1 MiB */
	guint64 size;		/* bytes, a multiple of 1 MiB */
	const char *name;	/* GPT partition name ("EFI-SYSTEM"): bootupd looks for it */
	const char *type_guid;	/* GPT partition type, lower case (contract 2.1) */
	char *guid;		/* unique partition GUID, derived */
	const char *filesystem; /* "ext4", "xfs", "btrfs", "vfat"; NULL: none */
	const char *label;	/* of the filesystem; NULL: none */
	char *uuid;		/* of the filesystem, derived; vfat: "XXXX-XXXX"; NULL: none */
};

/* The partition table of a disk. */
struct sw_layout {
	guint64 size;	      /* of the whole disk, bytes, a multiple of 1 MiB */
	guint64 minimum_size; /* the smallest disk that would hold the content once, likewise */
	char *disk_guid;
	GPtrArray *partitions; /* struct sw_partition, by offset */
	char *explanation;     /* how the size came about, one line */
};

/* What a layout is made from. */
struct sw_layout_request {
	const char *architecture; /* OCI's word */
	const char *rootfs;	  /* "ext4", "xfs", "btrfs" */
	guint64 size;		  /* asked for; 0: computed */
	guint64 unit;	    /* the size is rounded up to its multiple, a power of two; 0: any */
	guint64 root_bytes; /* what root will hold, filesystem blocks and objects counted */
	guint64 transient_bytes; /* what root holds beside that while the disk is made */
	guint64 root_inodes;	 /* files, directories and objects among it */
	guint64 boot_bytes;	 /* kernel, initramfs and device trees of one deployment */
	const char *seed;	 /* of every derived UUID; never NULL */
};

/*
 * Plans the partitions (contract 2.1, and a separate ext4 /boot of 1 GiB as in 2.15), aligned to 1
 * MiB, with 1 MiB for the table at either end.  Pure: the same request gives the same plan.
 * Without a size, root has room for the content twice (an update brings a second deployment), the
 * filesystem's own needs and 256 MiB for /var.  SW_ERROR_USAGE "size" for a size that is not whole
 * MiB, "size-too-small" for one that does not hold the content once, naming the least that does,
 * "rootfs" for an unknown filesystem; SW_ERROR_IMAGE "architecture" for one without a layout,
 * "size" for content beyond measure.
 */
gboolean sw_layout_plan(const struct sw_layout_request *request, struct sw_layout **ret_layout,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_layout_free(struct sw_layout *layout);
typedef struct sw_layout SwLayout;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwLayout, sw_layout_free)

/* The partition of ROLE; NULL when the layout has none. */
const struct sw_partition *sw_layout_find(const struct sw_layout *layout, enum sw_role role);
