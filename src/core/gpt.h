/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#define SW_SECTOR 512

/* Partition types, lower case: UEFI 2.10 and the Discoverable Partitions Specification. */
#define SW_GPT_ESP "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
#define SW_GPT_BIOS_BOOT "21686148-6449-6e6f-744e-656564454649"
#define SW_GPT_BOOT "bc13c2ff-59e6-4262-a352-b275fd6f7172"
#define SW_GPT_PREP "9e1a2d38-c612-4316-aa26-8b49521e5a8b"
#define SW_GPT_LINUX "0fc63daf-8483-4772-8e79-3d69d8477de4"
#define SW_GPT_ROOT_AMD64 "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
#define SW_GPT_ROOT_ARM64 "b921b045-1df0-41c3-af44-4c6f280d3fae"
#define SW_GPT_ROOT_RISCV64 "72ec70a6-cf74-40e6-bd49-4bda08e8f224"
#define SW_GPT_ROOT_PPC64LE "c31c45e6-3f39-412e-80fb-4809c4980599"
#define SW_GPT_ROOT_S390X "5eead9a9-fe09-4a1e-a1d7-520d00531306"

/* Places in the header, little-endian: what moving a table to a larger disk changes. */
#define SW_GPT_AT_CRC 16
#define SW_GPT_AT_SELF 24
#define SW_GPT_AT_OTHER 32
#define SW_GPT_AT_LAST_USABLE 48
#define SW_GPT_AT_ENTRIES 72

/* One partition. */
struct sw_gpt_partition {
	guint number;	    /* from 1 */
	char type_guid[37]; /* lower case */
	char guid[37];
	char *name;
	guint64 offset; /* bytes */
	guint64 size;
};

/* A GUID partition table, as it is on a disk. */
struct sw_gpt {
	GPtrArray *partitions; /* struct sw_gpt_partition, by number */
	GPtrArray *problems;   /* char *, what is wrong with the table; empty: nothing */
	/* Of the first copy, as it lies there; entries is NULL when it is not whole. */
	guint8 mbr[SW_SECTOR];
	guint8 header[SW_SECTOR];
	guint8 *entries;
	size_t entries_length; /* bytes, whole sectors */
};

/* Reads LENGTH bytes at OFFSET of the disk that DATA stands for; all of them are inside its size. */
typedef gboolean (*sw_gpt_read_func)(void *data, void *buffer, size_t length, guint64 offset,
				     GError **error);

/*
 * Reads the table (UEFI 2.10, 5.3) of a disk of SIZE bytes with sectors of 512 (hostile): both
 * copies, their checksums, whether they agree, the protective MBR, partitions within the disk and
 * apart from each other.  What is wrong becomes a problem, and the partitions come from the first
 * copy that is whole.  An error only where READ has one.
 */
gboolean sw_gpt_read(sw_gpt_read_func read, void *data, guint64 size, struct sw_gpt **ret_gpt,
		     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_gpt_free(struct sw_gpt *gpt);
typedef struct sw_gpt SwGpt;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwGpt, sw_gpt_free)

/* The first partition of TYPE_GUID (lower case), or called NAME when TYPE_GUID is NULL; or NULL. */
const struct sw_gpt_partition *sw_gpt_find(const struct sw_gpt *gpt, const char *type_guid,
					   const char *name);

/* The checksum of the header that begins at HEADER. */
guint32 sw_gpt_header_crc(const guint8 *header);
