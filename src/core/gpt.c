/* SPDX-License-Identifier: MIT */
#include "core/gpt.h"

#include <string.h>
#include <zlib.h>

#include "core/bytes.h"
#include "core/size.h"

#define HEADER_SIZE 92
#define ENTRY_SIZE 128
#define ENTRIES_MAX 1024
#define NAME_UNITS 36
/* A protective MBR and two tables of the usual size. */
#define SECTORS_MIN 67
/* The first copy; the second one lies in the last sector. */
#define FIRST_LBA 1

/* Other places in the header. */
#define AT_SIZE 12
#define AT_FIRST_USABLE 40
#define AT_DISK_GUID 56
#define AT_COUNT 80
#define AT_ENTRY_SIZE 84
#define AT_ENTRIES_CRC 88

/* One of the two copies of the table. */
struct copy {
	const char *which;
	guint64 lba;
	guint8 header[SW_SECTOR];
	guint8 *entries;
	guint count;
	size_t length; /* of the entries, in whole sectors */
	gboolean is_whole;
};

/* A disk that is being read. */
struct reader {
	sw_gpt_read_func read;
	void *data;
	guint64 sectors;
	struct sw_gpt *gpt;
};

static void problem(struct sw_gpt *gpt, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void problem(struct sw_gpt *gpt, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(gpt->problems, g_strdup_vprintf(format, args));
	va_end(args);
}

/* The first three fields of a GUID are little-endian. */
static void format_guid(const guint8 *at, char ret_text[37])
{
	g_snprintf(ret_text, 37, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		   sw_get_le32(at), sw_get_le16(at + 4), sw_get_le16(at + 6), at[8], at[9], at[10],
		   at[11], at[12], at[13], at[14], at[15]);
}

guint32 sw_gpt_header_crc(const guint8 *header)
{
	guint8 copy[HEADER_SIZE];

	memcpy(copy, header, sizeof copy);
	memset(copy + SW_GPT_AT_CRC, 0, 4);
	return (guint32)crc32(0, copy, sizeof copy);
}

/* Is the header there and whole? */
static gboolean check_header(const struct reader *reader, const struct copy *copy)
{
	if (memcmp(copy->header, "EFI PART", 8) != 0) {
		problem(reader->gpt, "there is no %s table", copy->which);
		return FALSE;
	}
	if (sw_get_le32(copy->header + AT_SIZE) == HEADER_SIZE &&
	    sw_gpt_header_crc(copy->header) == sw_get_le32(copy->header + SW_GPT_AT_CRC))
		return TRUE;
	problem(reader->gpt, "the header of the %s table is damaged", copy->which);
	return FALSE;
}

/* The entries lie directly behind the first header, and directly before the second. */
static gboolean find_entries(const struct reader *reader, struct copy *copy, guint64 *ret_lba)
{
	guint64 sectors;

	copy->count = sw_get_le32(copy->header + AT_COUNT);
	copy->length = sw_round_up((guint64)copy->count * ENTRY_SIZE, SW_SECTOR);
	sectors = copy->length / SW_SECTOR;
	*ret_lba = copy->lba == FIRST_LBA ? FIRST_LBA + 1 : copy->lba - sectors;
	if (copy->count >= 1 && copy->count <= ENTRIES_MAX && reader->sectors >= 2 * sectors + 3 &&
	    sw_get_le32(copy->header + AT_ENTRY_SIZE) == ENTRY_SIZE &&
	    sw_get_le64(copy->header + SW_GPT_AT_SELF) == copy->lba &&
	    sw_get_le64(copy->header + SW_GPT_AT_ENTRIES) == *ret_lba)
		return TRUE;
	problem(reader->gpt, "the %s table is not where it says", copy->which);
	return FALSE;
}

/* FALSE only where the disk cannot be read. */
static gboolean read_copy(const struct reader *reader, struct copy *copy, GError **error)
{
	guint64 lba;

	if (!reader->read(reader->data, copy->header, SW_SECTOR, copy->lba * SW_SECTOR, error))
		return FALSE;
	if (!check_header(reader, copy) || !find_entries(reader, copy, &lba))
		return TRUE;
	copy->entries = g_malloc(copy->length);
	if (!reader->read(reader->data, copy->entries, copy->length, lba * SW_SECTOR, error))
		return FALSE;
	copy->is_whole = crc32(0, copy->entries, (uInt)(copy->count * ENTRY_SIZE)) ==
			 sw_get_le32(copy->header + AT_ENTRIES_CRC);
	if (!copy->is_whole)
		problem(reader->gpt, "the entries of the %s table are damaged", copy->which);
	return TRUE;
}

static void compare_copies(const struct reader *reader, const struct copy *first,
			   const struct copy *second)
{
	if (first->count != second->count ||
	    memcmp(first->entries, second->entries, (size_t)first->count * ENTRY_SIZE) != 0 ||
	    memcmp(first->header + AT_DISK_GUID, second->header + AT_DISK_GUID, 16) != 0 ||
	    sw_get_le64(first->header + SW_GPT_AT_OTHER) != second->lba ||
	    sw_get_le64(second->header + SW_GPT_AT_OTHER) != first->lba)
		problem(reader->gpt, "the two tables differ");
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

static void read_entry(struct sw_gpt *gpt, const guint8 *at, guint number, guint64 first,
		       guint64 last)
{
	guint64 from = sw_get_le64(at + 32);
	guint64 to = sw_get_le64(at + 40);
	struct sw_gpt_partition *partition;

	if (from < first || to > last || from > to) {
		problem(gpt, "partition %u lies outside of the disk", number);
		return;
	}
	partition = g_new0(struct sw_gpt_partition, 1);
	partition->number = number;
	format_guid(at, partition->type_guid);
	format_guid(at + 16, partition->guid);
	partition->name = read_name(at + 56);
	partition->offset = from * SW_SECTOR;
	partition->size = (to - from + 1) * SW_SECTOR;
	g_ptr_array_add(gpt->partitions, partition);
}

static void check_overlap(struct sw_gpt *gpt, guint i)
{
	const struct sw_gpt_partition *a = gpt->partitions->pdata[i];

	for (guint j = 0; j < i; j++) {
		const struct sw_gpt_partition *b = gpt->partitions->pdata[j];

		if (a->offset < b->offset + b->size && b->offset < a->offset + a->size) {
			problem(gpt, "the partitions %u and %u overlap", b->number, a->number);
			return;
		}
	}
}

static void read_entries(const struct reader *reader, const struct copy *copy)
{
	static const guint8 unused[16];
	guint64 first = sw_get_le64(copy->header + AT_FIRST_USABLE);
	guint64 last = sw_get_le64(copy->header + SW_GPT_AT_LAST_USABLE);
	guint64 sectors = copy->length / SW_SECTOR;

	if (first < sectors + 2 || last > reader->sectors - sectors - 2) {
		problem(reader->gpt, "the table claims sectors that the disk does not have");
		first = sectors + 2;
		last = reader->sectors - sectors - 2;
	}
	for (guint i = 0; i < copy->count; i++) {
		const guint8 *entry = copy->entries + (size_t)i * ENTRY_SIZE;

		if (memcmp(entry, unused, sizeof unused) != 0)
			read_entry(reader->gpt, entry, i + 1, first, last);
	}
	for (guint i = 0; i < reader->gpt->partitions->len; i++)
		check_overlap(reader->gpt, i);
}

static gboolean read_copies(const struct reader *reader, struct copy *first, struct copy *second,
			    GError **error)
{
	struct sw_gpt *gpt = reader->gpt;

	if (!reader->read(reader->data, gpt->mbr, SW_SECTOR, 0, error))
		return FALSE;
	if (gpt->mbr[510] != 0x55 || gpt->mbr[511] != 0xaa || gpt->mbr[446 + 4] != 0xee)
		problem(gpt, "there is no protective MBR");
	if (!read_copy(reader, first, error) || !read_copy(reader, second, error))
		return FALSE;
	if (first->is_whole && second->is_whole)
		compare_copies(reader, first, second);
	if (first->is_whole || second->is_whole)
		read_entries(reader, first->is_whole ? first : second);
	if (first->is_whole) {
		memcpy(gpt->header, first->header, SW_SECTOR);
		gpt->entries = g_steal_pointer(&first->entries);
		gpt->entries_length = first->length;
	}
	return TRUE;
}

static void partition_free(struct sw_gpt_partition *partition)
{
	g_free(partition->name);
	g_free(partition);
}

gboolean sw_gpt_read(sw_gpt_read_func read, void *data, guint64 size, struct sw_gpt **ret_gpt,
		     GError **error)
{
	g_autoptr(SwGpt) gpt = g_new0(struct sw_gpt, 1);
	struct reader reader = { read, data, size / SW_SECTOR, gpt };
	struct copy first = { .which = "first", .lba = FIRST_LBA };
	struct copy second = { .which = "second", .lba = reader.sectors - 1 };
	gboolean good = TRUE;

	gpt->partitions = g_ptr_array_new_with_free_func((GDestroyNotify)partition_free);
	gpt->problems = g_ptr_array_new_with_free_func(g_free);
	if (reader.sectors < SECTORS_MIN)
		problem(gpt, "the disk is too small for a table");
	else
		good = read_copies(&reader, &first, &second, error);
	g_free(first.entries);
	g_free(second.entries);
	if (good)
		*ret_gpt = g_steal_pointer(&gpt);
	return good;
}

void sw_gpt_free(struct sw_gpt *gpt)
{
	if (gpt == NULL)
		return;
	g_ptr_array_unref(gpt->partitions);
	g_ptr_array_unref(gpt->problems);
	g_free(gpt->entries);
	g_free(gpt);
}

const struct sw_gpt_partition *sw_gpt_find(const struct sw_gpt *gpt, const char *type_guid,
					   const char *name)
{
	for (guint i = 0; i < gpt->partitions->len; i++) {
		const struct sw_gpt_partition *partition = gpt->partitions->pdata[i];

		if (type_guid != NULL ? g_str_equal(partition->type_guid, type_guid)
				      : g_str_equal(partition->name, name))
			return partition;
	}
	return NULL;
}
