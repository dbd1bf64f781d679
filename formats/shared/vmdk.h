/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/format.h"
#include "core/hash.h"
#include "core/size.h"

/*
 * VMware's VMDK, after "Virtual Disk Format 5.0": a sparse extent with its descriptor inside.
 */
#define SW_VMDK_SECTOR 512
#define SW_VMDK_GRAIN (64 * SW_KIB)
#define SW_VMDK_TABLE_ENTRIES 512
/* What one grain table covers. */
#define SW_VMDK_TABLE_COVERS (SW_VMDK_TABLE_ENTRIES * SW_VMDK_GRAIN)
/* Places are 32-bit numbers of sectors. */
#define SW_VMDK_DISK_MAX (2048 * SW_GIB)
/* Virtual hardware that knows EFI with Secure Boot: ESXi 6.5, Workstation 14, and later. */
#define SW_VMDK_HARDWARE "13"
/* The descriptor follows the header. */
#define SW_VMDK_DESCRIPTOR_SECTORS 20
#define SW_VMDK_MEDIA_TYPE "application/x-vmdk"

/* A VMDK being written. */
struct sw_vmdk {
	const struct sw_format_input *input;
	const struct sw_output_file *file;
	const char *name;    /* of the extent's own file, for the descriptor */
	const char *adapter; /* "lsilogic" */
};

/* The fields of a header that differ. */
struct sw_vmdk_header {
	guint32 version;
	guint32 flags;
	guint64 redundant; /* sector of the redundant grain directory */
	guint64 directory; /* sector of the grain directory */
	guint64 overhead;  /* sectors before the first grain */
	gboolean compressed;
};

/* The size of the virtual disk: whole grains. */
guint64 sw_vmdk_size(const struct sw_format_input *input);

/* Refuses a disk of more than SW_VMDK_DISK_MAX bytes; FORMAT is the row's name. */
gboolean sw_vmdk_check_size(const char *format, guint64 disk_size,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* SW_ERROR_FORMAT: the places in PATH do not suffice for so much data. */
gboolean sw_vmdk_fail_large(const char *path, GError **error);

/* Makes the header's sector of a disk of SIZE bytes. */
void sw_vmdk_make_header(const struct sw_vmdk_header *header, guint64 size,
			 guint8 ret_sector[SW_VMDK_SECTOR]);

/*
 * Makes the descriptor in RET_SECTORS (zeroed, SW_VMDK_DESCRIPTOR_SECTORS); TYPE is its createType.
 * Its ids derive from the disk.
 */
gboolean sw_vmdk_make_descriptor(const struct sw_vmdk *vmdk, const char *type, guint8 *ret_sectors,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Writes a streamOptimized VMDK to the file from OFFSET on, each byte after the one before, without
 * going back.  HASH, which may be NULL, sees all of them.  *RET_SIZE is how many there are.
 */
gboolean sw_vmdk_write_stream(const struct sw_vmdk *vmdk, guint64 offset, struct sw_sha256 *hash,
			      guint64 *ret_size, GCancellable *cancellable,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;
