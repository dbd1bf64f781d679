/* SPDX-License-Identifier: MIT */
#include "verify/gpt-table.h"

#include <string.h>
#include <zlib.h>

#include "core/bytes.h"

#define HEADER_SIZE 92
#define ENTRY_SIZE 128
#define ENTRIES 128
#define ENTRY_BYTES (ENTRIES * ENTRY_SIZE)
#define NAME_UNITS 36

/* Offsets in the header, little-endian. */
#define AT_SIZE 12
#define AT_CRC 16
#define AT_MY_LBA 24
#define AT_OTHER_LBA 32
#define AT_FIRST 40
#define AT_LAST 48
#define AT_DISK_GUID 56
#define AT_ENTRIES_LBA 72
#define AT_COUNT 80
#define AT_ENTRY_SIZE 84
#define AT_ENTRIES_CRC 88

static void problem(struct sw_gpt_table *table, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void problem(struct sw_gpt_table *table, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(table->problems, g_strdup_vprintf(format, args));
	va_end(args);
}

/* The first three fields of a GUID are little-endian. */
static void format_guid(const guint8 *at, char ret_text[37])
{
	g_snprintf(ret_text, 37, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		   sw_get_le32(at), sw_get_le16(at + 4), sw_get_le16(at + 6), at[8], at[9], at[10],
		   at[11], at[12], at[13], at[14], at[15]);
}

/* One of the two copies: is HEADER, which lies at LBA, whole, and so its ENTRIES? */
static gboolean check_copy(struct sw_gpt_table *table, const guint8 *header, const guint8 *entries,
			   guint64 lba, guint64 entries_lba, const char *which)
{
	guint8 copy[HEADER_SIZE];

	if (memcmp(header, "EFI PART", 8) != 0) {
		problem(table, "there is no %s table", which);
		return FALSE;
	}
	memcpy(copy, header, sizeof copy);
	memset(copy + AT_CRC, 0, 4);
	if (sw_get_le32(header + AT_SIZE) != HEADER_SIZE ||
	    crc32(0, copy, HEADER_SIZE) != sw_get_le32(header + AT_CRC)) {
		problem(table, "the header of the %s table is damaged", which);
		return FALSE;
	}
	if (sw_get_le64(header + AT_MY_LBA) != lba ||
	    sw_get_le64(header + AT_ENTRIES_LBA) != entries_lba ||
	    sw_get_le32(header + AT_COUNT) != ENTRIES ||
	    sw_get_le32(header + AT_ENTRY_SIZE) != ENTRY_SIZE) {
		problem(table, "the %s table is not where it says", which);
		return FALSE;
	}
	if (crc32(0, entries, ENTRY_BYTES) != sw_get_le32(header + AT_ENTRIES_CRC)) {
		problem(table, "the entries of the %s table are damaged", which);
		return FALSE;
	}
	return TRUE;
}

static char *read_name(const guint8 *at)
{
	gunichar2 units[NAME_UNITS + 1] = { 0 };
	char *name;

	for (guint i = 0; i < NAME_UNITS; i++)
		units[i] = sw_get_le16(at + 2 * i);
	name = g_utf16_to_utf8(units, -1, NULL, NULL, NULL);
	return name != NULL ? name : g_strdup("?");
}

static void read_entry(struct sw_gpt_table *table, const guint8 *at, guint number, guint64 first,
		       guint64 last)
{
	guint64 from = sw_get_le64(at + 32);
	guint64 to = sw_get_le64(at + 40);
	struct sw_gpt_partition *partition;

	if (from < first || to > last || from > to) {
		problem(table, "partition %u lies outside of the disk", number);
		return;
	}
	partition = g_new0(struct sw_gpt_partition, 1);
	partition->number = number;
	format_guid(at, partition->type_guid);
	format_guid(at + 16, partition->guid);
	partition->name = read_name(at + 56);
	partition->offset = from * SW_SECTOR;
	partition->size = (to - from + 1) * SW_SECTOR;
	g_ptr_array_add(table->partitions, partition);
}

static void check_overlaps(struct sw_gpt_table *table)
{
	for (guint i = 0; i < table->partitions->len; i++)
		for (guint j = 0; j < i; j++) {
			const struct sw_gpt_partition *a = table->partitions->pdata[i];
			const struct sw_gpt_partition *b = table->partitions->pdata[j];

			if (a->offset < b->offset + b->size && b->offset < a->offset + a->size)
				problem(table, "the partitions %u and %u overlap", b->number,
					a->number);
		}
}

static void read_entries(struct sw_gpt_table *table, const guint8 *header, const guint8 *entries,
			 guint64 sectors)
{
	static const guint8 unused[16];
	guint64 first = sw_get_le64(header + AT_FIRST);
	guint64 last = sw_get_le64(header + AT_LAST);

	if (first < SW_GPT_HEAD / SW_SECTOR || last > sectors - SW_GPT_TAIL / SW_SECTOR - 1) {
		problem(table, "the table claims sectors that the disk does not have");
		first = SW_GPT_HEAD / SW_SECTOR;
		last = sectors - SW_GPT_TAIL / SW_SECTOR - 1;
	}
	for (guint i = 0; i < ENTRIES; i++)
		if (memcmp(entries + i * ENTRY_SIZE, unused, sizeof unused) != 0)
			read_entry(table, entries + i * ENTRY_SIZE, i + 1, first, last);
	check_overlaps(table);
}

static void partition_free(struct sw_gpt_partition *partition)
{
	g_free(partition->name);
	g_free(partition);
}

struct sw_gpt_table *sw_gpt_table_parse(const guint8 *head, const guint8 *tail, guint64 size)
{
	struct sw_gpt_table *table = g_new0(struct sw_gpt_table, 1);
	const guint8 *first = head + SW_SECTOR;
	const guint8 *first_entries = head + 2 * SW_SECTOR;
	const guint8 *last = tail + SW_GPT_TAIL - SW_SECTOR;
	guint64 sectors = size / SW_SECTOR;
	gboolean first_ok, last_ok;

	table->partitions = g_ptr_array_new_with_free_func((GDestroyNotify)partition_free);
	table->problems = g_ptr_array_new_with_free_func(g_free);
	if (sectors < (SW_GPT_HEAD + SW_GPT_TAIL) / SW_SECTOR) {
		problem(table, "the disk is too small for a table");
		return table;
	}
	if (head[510] != 0x55 || head[511] != 0xaa || head[446 + 4] != 0xee)
		problem(table, "there is no protective MBR");
	first_ok = check_copy(table, first, first_entries, 1, 2, "first");
	last_ok = check_copy(table, last, tail, sectors - 1, sectors - 33, "second");
	if (first_ok && last_ok &&
	    (memcmp(first_entries, tail, ENTRY_BYTES) != 0 ||
	     memcmp(first + AT_DISK_GUID, last + AT_DISK_GUID, 16) != 0 ||
	     sw_get_le64(first + AT_OTHER_LBA) != sectors - 1 ||
	     sw_get_le64(last + AT_OTHER_LBA) != 1))
		problem(table, "the two tables differ");
	if (first_ok)
		read_entries(table, first, first_entries, sectors);
	else if (last_ok)
		read_entries(table, last, tail, sectors);
	return table;
}

void sw_gpt_table_free(struct sw_gpt_table *table)
{
	if (table == NULL)
		return;
	g_ptr_array_unref(table->partitions);
	g_ptr_array_unref(table->problems);
	g_free(table);
}

const struct sw_gpt_partition *sw_gpt_table_find(const struct sw_gpt_table *table,
						 const char *type_guid, const char *name)
{
	for (guint i = 0; i < table->partitions->len; i++) {
		const struct sw_gpt_partition *partition = table->partitions->pdata[i];

		if (type_guid != NULL ? g_str_equal(partition->type_guid, type_guid)
				      : g_str_equal(partition->name, name))
			return partition;
	}
	return NULL;
}
