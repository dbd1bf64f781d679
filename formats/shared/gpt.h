/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/sparse.h"

/* A partition; UUIDs in lower case. */
struct sw_gpt_partition {
	char type[37];
	char uuid[37];
	guint64 start; /* bytes */
	guint64 end;   /* the first byte behind it */
};

/* The partition table of a disk, UEFI 2.10, 5.3; sectors of 512 bytes. */
struct sw_gpt {
	char uuid[37];	    /* the disk's */
	guint64 end;	    /* the first byte behind the backup table: where the disk ends */
	GArray *partitions; /* struct sw_gpt_partition, in the order of the table */
	guint8 *mbr;	    /* the first sector, as it lies there */
	guint8 *header;	    /* a sector, as it lies there */
	guint8 *entries;
	gsize entries_length; /* bytes, whole sectors */
};

/* Partition types: UEFI 2.10 and the Discoverable Partitions Specification. */
#define SW_GPT_ESP "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
#define SW_GPT_BIOS_BOOT "21686148-6449-6e6f-744e-656564454649"
#define SW_GPT_ROOT_AMD64 "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
#define SW_GPT_ROOT_ARM64 "b921b045-1df0-41c3-af44-4c6f280d3fae"

/*
 * Reads the table of DISK; NULL when it has none that is whole (signature, bounds, both checksums).
 * An error only where the disk cannot be read.
 */
gboolean sw_gpt_read(struct sw_sparse *disk, struct sw_gpt **ret_gpt,
		     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_gpt_free(struct sw_gpt *gpt);
typedef struct sw_gpt SwGpt;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwGpt, sw_gpt_free)

/* Has GPT a partition of TYPE? */
gboolean sw_gpt_has(const struct sw_gpt *gpt, const char *type);

/*
 * DISK with a size of whole UNIT bytes: zeros behind it, and the backup of its partition table at the
 * new end.  DISK must outlive the result.
 */
gboolean sw_gpt_pad(struct sw_sparse *disk, guint64 unit, struct sw_sparse **ret_disk,
		    GError **error) G_GNUC_WARN_UNUSED_RESULT;
