/* SPDX-License-Identifier: MIT */
#include "formats/shared/gpt.h"

#include <string.h>
#include <zlib.h>

#include "core/bytes.h"
#include "core/size.h"
#include "formats/shared/assembly.h"

#define SECTOR 512
#define ENTRY_SIZE 128
#define ENTRIES_MAX 1024
/* The places of the fields in the header. */
#define HEADER_SIZE 12
#define HEADER_CRC 16
#define HEADER_SELF 24
#define HEADER_BACKUP 32
#define HEADER_LAST_USABLE 48
#define HEADER_DISK_UUID 56
#define HEADER_ENTRIES 72
#define HEADER_COUNT 80
#define HEADER_ENTRY_SIZE 84
#define HEADER_ENTRIES_CRC 88
#define HEADER_LENGTH 92

static guint32 crc_of(const void *data, size_t length)
{
	return (guint32)crc32(0, data, (uInt)length);
}

static guint32 header_crc(const guint8 *header)
{
	guint8 copy[HEADER_LENGTH];

	memcpy(copy, header, sizeof(copy));
	sw_put_le32(copy + HEADER_CRC, 0);
	return crc_of(copy, sizeof(copy));
}

/* The first three groups of the text are little-endian numbers. */
static void format_uuid(const guint8 *u, char text[37])
{
	g_snprintf(text, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		   u[3], u[2], u[1], u[0], u[5], u[4], u[7], u[6], u[8], u[9], u[10], u[11], u[12],
		   u[13], u[14], u[15]);
}

/* Is the header one that we read?  The entries are not looked at yet. */
static gboolean header_is_good(const guint8 *header, guint64 disk_size)
{
	guint64 sectors = disk_size / SECTOR;

	return memcmp(header, "EFI PART", 8) == 0 &&
	       sw_get_le32(header + HEADER_SIZE) == HEADER_LENGTH &&
	       sw_get_le32(header + HEADER_CRC) == header_crc(header) &&
	       sw_get_le64(header + HEADER_SELF) == 1 &&
	       sw_get_le64(header + HEADER_ENTRIES) == 2 &&
	       sw_get_le32(header + HEADER_COUNT) >= 1 &&
	       sw_get_le32(header + HEADER_COUNT) <= ENTRIES_MAX &&
	       sw_get_le32(header + HEADER_ENTRY_SIZE) == ENTRY_SIZE &&
	       sw_get_le64(header + HEADER_BACKUP) < sectors;
}

static void add_partition(struct sw_gpt *gpt, const guint8 *entry, guint64 disk_size)
{
	static const guint8 unused[16];
	struct sw_gpt_partition partition = { 0 };
	guint64 first = sw_get_le64(entry + 32), last = sw_get_le64(entry + 40);

	if (memcmp(entry, unused, sizeof(unused)) == 0 || first > last ||
	    last >= disk_size / SECTOR)
		return;
	format_uuid(entry, partition.type);
	format_uuid(entry + 16, partition.uuid);
	partition.start = first * SECTOR;
	partition.end = (last + 1) * SECTOR;
	g_array_append_val(gpt->partitions, partition);
}

gboolean sw_gpt_read(struct sw_sparse *disk, struct sw_gpt **ret_gpt, GError **error)
{
	g_autoptr(SwGpt) gpt = g_new0(struct sw_gpt, 1);
	guint64 size = sw_sparse_size(disk);
	guint32 length;

	gpt->partitions = g_array_new(FALSE, FALSE, sizeof(struct sw_gpt_partition));
	gpt->mbr = g_malloc(SECTOR);
	gpt->header = g_malloc(SECTOR);
	if (!sw_sparse_read(disk, gpt->mbr, SECTOR, 0, error) ||
	    !sw_sparse_read(disk, gpt->header, SECTOR, SECTOR, error))
		return FALSE;
	*ret_gpt = NULL;
	if (!header_is_good(gpt->header, size))
		return TRUE;
	length = sw_get_le32(gpt->header + HEADER_COUNT) * ENTRY_SIZE;
	gpt->entries_length = sw_round_up(length, SECTOR);
	gpt->entries = g_malloc(gpt->entries_length);
	if (!sw_sparse_read(disk, gpt->entries, gpt->entries_length, (guint64)2 * SECTOR, error))
		return FALSE;
	if (crc_of(gpt->entries, length) != sw_get_le32(gpt->header + HEADER_ENTRIES_CRC))
		return TRUE;
	format_uuid(gpt->header + HEADER_DISK_UUID, gpt->uuid);
	gpt->end = (sw_get_le64(gpt->header + HEADER_BACKUP) + 1) * SECTOR;
	for (guint32 at = 0; at < length; at += ENTRY_SIZE)
		add_partition(gpt, gpt->entries + at, size);
	*ret_gpt = g_steal_pointer(&gpt);
	return TRUE;
}

void sw_gpt_free(struct sw_gpt *gpt)
{
	if (gpt == NULL)
		return;
	g_array_unref(gpt->partitions);
	g_free(gpt->mbr);
	g_free(gpt->header);
	g_free(gpt->entries);
	g_free(gpt);
}

gboolean sw_gpt_has(const struct sw_gpt *gpt, const char *type)
{
	for (guint i = 0; i < gpt->partitions->len; i++)
		if (g_str_equal(g_array_index(gpt->partitions, struct sw_gpt_partition, i).type,
				type))
			return TRUE;
	return FALSE;
}

/* The size of the protective MBR's partition: all behind it, or as much as the field can say. */
static void fit_mbr(guint8 *mbr, guint64 sectors)
{
	const size_t entry = 446;

	if (mbr[entry + 4] == 0xee)
		sw_put_le32(mbr + entry + 12, (guint32)MIN(sectors - 1, G_MAXUINT32));
}

/* The pieces of a disk of SECTORS with GPT's table: its head, what lies between, the backup. */
static struct sw_sparse *move_backup(const struct sw_gpt *gpt, struct sw_sparse *disk,
				     guint64 sectors)
{
	struct sw_assembly *assembly = sw_assembly_new();
	guint64 table = gpt->entries_length / SECTOR;
	guint64 old_tail = gpt->end - (table + 1) * SECTOR;
	g_autofree guint8 *mbr = g_memdup2(gpt->mbr, SECTOR);
	g_autofree guint8 *header = g_memdup2(gpt->header, SECTOR);

	fit_mbr(mbr, sectors);
	sw_put_le64(header + HEADER_BACKUP, sectors - 1);
	sw_put_le64(header + HEADER_LAST_USABLE, sectors - table - 2);
	sw_put_le32(header + HEADER_CRC, header_crc(header));
	sw_assembly_add_bytes(assembly, mbr, SECTOR);
	sw_assembly_add_bytes(assembly, header, SECTOR);
	sw_assembly_add_range(assembly, disk, (guint64)2 * SECTOR, old_tail - (guint64)2 * SECTOR);
	sw_assembly_add_zeros(assembly, (sectors - table - 1) * SECTOR - old_tail);
	sw_put_le64(header + HEADER_SELF, sectors - 1);
	sw_put_le64(header + HEADER_BACKUP, 1);
	sw_put_le64(header + HEADER_ENTRIES, sectors - table - 1);
	sw_put_le32(header + HEADER_CRC, header_crc(header));
	sw_assembly_add_bytes(assembly, gpt->entries, gpt->entries_length);
	sw_assembly_add_bytes(assembly, header, SECTOR);
	return sw_assembly_finish(assembly);
}

gboolean sw_gpt_pad(struct sw_sparse *disk, guint64 unit, struct sw_sparse **ret_disk,
		    GError **error)
{
	guint64 old = sw_sparse_size(disk);
	guint64 size = sw_round_up(old, unit);
	g_autoptr(SwGpt) gpt = NULL;
	struct sw_assembly *assembly;

	if (size != old && !sw_gpt_read(disk, &gpt, error))
		return FALSE;
	if (gpt != NULL && gpt->end > (guint64)4 * SECTOR + 2 * gpt->entries_length) {
		*ret_disk = move_backup(gpt, disk, size / SECTOR);
		return TRUE;
	}
	assembly = sw_assembly_new();
	sw_assembly_add_range(assembly, disk, 0, old);
	sw_assembly_add_zeros(assembly, size - old);
	*ret_disk = sw_assembly_finish(assembly);
	return TRUE;
}
