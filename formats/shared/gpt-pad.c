/* SPDX-License-Identifier: MIT */
#include "formats/shared/gpt-pad.h"

#include <string.h>

#include "core/bytes.h"
#include "core/size.h"
#include "formats/shared/assembly.h"

static gboolean read_disk(void *data, void *buffer, size_t length, guint64 offset, GError **error)
{
	return sw_sparse_read(data, buffer, length, offset, error);
}

/* The sector of the backup, which lies further up front on a disk that has grown. */
static guint64 other_lba(const struct sw_gpt *gpt)
{
	return sw_get_le64(gpt->header + SW_GPT_AT_OTHER);
}

gboolean sw_gpt_of_disk(struct sw_sparse *disk, struct sw_gpt **ret_gpt, GError **error)
{
	g_autoptr(SwGpt) gpt = NULL;
	guint64 size = sw_sparse_size(disk);

	if (!sw_gpt_read(read_disk, disk, size, &gpt, error))
		return FALSE;
	*ret_gpt = NULL;
	if (gpt->entries != NULL && other_lba(gpt) < size / SW_SECTOR)
		*ret_gpt = g_steal_pointer(&gpt);
	return TRUE;
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
	guint64 table = gpt->entries_length / SW_SECTOR;
	guint64 old_tail = (other_lba(gpt) - table) * SW_SECTOR;
	g_autofree guint8 *mbr = g_memdup2(gpt->mbr, SW_SECTOR);
	g_autofree guint8 *header = g_memdup2(gpt->header, SW_SECTOR);

	fit_mbr(mbr, sectors);
	sw_put_le64(header + SW_GPT_AT_OTHER, sectors - 1);
	sw_put_le64(header + SW_GPT_AT_LAST_USABLE, sectors - table - 2);
	sw_put_le32(header + SW_GPT_AT_CRC, sw_gpt_header_crc(header));
	sw_assembly_add_bytes(assembly, mbr, SW_SECTOR);
	sw_assembly_add_bytes(assembly, header, SW_SECTOR);
	sw_assembly_add_range(assembly, disk, (guint64)2 * SW_SECTOR,
			      old_tail - (guint64)2 * SW_SECTOR);
	sw_assembly_add_zeros(assembly, (sectors - table - 1) * SW_SECTOR - old_tail);
	sw_put_le64(header + SW_GPT_AT_SELF, sectors - 1);
	sw_put_le64(header + SW_GPT_AT_OTHER, 1);
	sw_put_le64(header + SW_GPT_AT_ENTRIES, sectors - table - 1);
	sw_put_le32(header + SW_GPT_AT_CRC, sw_gpt_header_crc(header));
	sw_assembly_add_bytes(assembly, gpt->entries, gpt->entries_length);
	sw_assembly_add_bytes(assembly, header, SW_SECTOR);
	return sw_assembly_finish(assembly);
}

gboolean sw_gpt_pad(struct sw_sparse *disk, guint64 unit, struct sw_sparse **ret_disk,
		    GError **error)
{
	guint64 old = sw_sparse_size(disk);
	guint64 size = sw_round_up(old, unit);
	g_autoptr(SwGpt) gpt = NULL;
	struct sw_assembly *assembly;

	if (size != old && !sw_gpt_of_disk(disk, &gpt, error))
		return FALSE;
	if (gpt != NULL && other_lba(gpt) > 3 + 2 * gpt->entries_length / SW_SECTOR) {
		*ret_disk = move_backup(gpt, disk, size / SW_SECTOR);
		return TRUE;
	}
	assembly = sw_assembly_new();
	sw_assembly_add_range(assembly, disk, 0, old);
	sw_assembly_add_zeros(assembly, size - old);
	*ret_disk = sw_assembly_finish(assembly);
	return TRUE;
}
