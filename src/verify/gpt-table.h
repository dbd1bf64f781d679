/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#define SW_SECTOR 512
/* Bytes that sw_gpt_table_parse() wants of the disk's beginning, and of its end. */
#define SW_GPT_HEAD (34 * SW_SECTOR)
#define SW_GPT_TAIL (33 * SW_SECTOR)

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
struct sw_gpt_table {
	GPtrArray *partitions; /* struct sw_gpt_partition, by number */
	GPtrArray *problems;   /* char *, what is wrong with the table; empty: nothing */
};

/*
 * Reads the table (UEFI 2.10, 5.3) of a disk of SIZE bytes with sectors of 512 from its first
 * SW_GPT_HEAD and last SW_GPT_TAIL bytes (hostile): both copies, their checksums, whether they
 * agree, the protective MBR, partitions within the disk and apart from each other.  Never NULL; what
 * is wrong becomes a problem, and the partitions come from the first copy that is whole.
 */
struct sw_gpt_table *sw_gpt_table_parse(const guint8 *head, const guint8 *tail, guint64 size);

/* Frees; NULL is fine. */
void sw_gpt_table_free(struct sw_gpt_table *table);
typedef struct sw_gpt_table SwGptTable;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwGptTable, sw_gpt_table_free)

/* The first partition of TYPE_GUID (lower case), or called NAME when TYPE_GUID is NULL; or NULL. */
const struct sw_gpt_partition *sw_gpt_table_find(const struct sw_gpt_table *table,
						 const char *type_guid, const char *name);
