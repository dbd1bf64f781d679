/* SPDX-License-Identifier: MIT */
#include "core/bytes.h"
#include "core/error.h"
#include "core/format.h"
#include "core/size.h"
#include "formats/shared/blocks.h"
#include "formats/shared/identity.h"
#include "formats/shared/table.h"

/*
 * VirtualBox's VDI 1.1, dynamic.  In the file: header, the map of blocks, blocks of 1 MiB (QEMU reads
 * no other size).
 */
#define ID "vdi-write"
#define SIGNATURE 0xbeda107f
#define VERSION 0x00010001
#define TYPE_DYNAMIC 1
#define SECTOR 512
#define BLOCK SW_MIB
#define MAP_OFFSET SECTOR
#define HEADER_SIZE 400 /* counted from its own field on */
/* As many blocks as QEMU reads. */
#define BLOCKS_MAX 0x3fffffff

extern const struct sw_format sw_format_vdi;

struct writer {
	struct sw_blocks blocks;
	struct sw_table map;
	guint64 size; /* of the virtual disk, whole sectors */
	char *seed;   /* of the ids */
};

static gboolean vdi_check(G_GNUC_UNUSED const void *state, guint64 disk_size, GError **error)
{
	if (disk_size > BLOCKS_MAX * BLOCK)
		return sw_fail(error, SW_ERROR_USAGE, "disk-too-large",
			       "format vdi: a disk has at most 1 PiB");
	return TRUE;
}

static gboolean begin_block(guint64 block, guint64 offset, void *data, GError **error)
{
	struct writer *w = data;
	guint32 number = GUINT32_TO_LE((guint32)((offset - w->blocks.first) / BLOCK));

	return sw_table_put(&w->map, block, &number, error);
}

static gboolean write_header(struct writer *w, GError **error)
{
	guint8 header[SECTOR] = "<<< VirtualBox disk image made by slipway >>>\n";

	sw_put_le32(header + 64, SIGNATURE);
	sw_put_le32(header + 68, VERSION);
	sw_put_le32(header + 72, HEADER_SIZE);
	sw_put_le32(header + 76, TYPE_DYNAMIC);
	sw_put_le32(header + 340, MAP_OFFSET);
	sw_put_le32(header + 344, (guint32)w->blocks.first);
	sw_put_le32(header + 360, SECTOR);
	sw_put_le64(header + 368, w->size);
	sw_put_le32(header + 376, (guint32)BLOCK);
	sw_put_le32(header + 384, (guint32)w->map.count);
	sw_put_le32(header + 388, (guint32)w->blocks.used);
	sw_identity_guid(w->seed, "vdi", header + 392);
	sw_identity_guid(w->seed, "vdi modification", header + 408);
	return sw_blocks_write(&w->blocks, header, sizeof(header), 0, error);
}

static gboolean vdi_write(G_GNUC_UNUSED const void *state, const struct sw_format_input *input,
			  struct sw_output *output, GCancellable *cancellable, GError **error)
{
	static const guint32 unset = G_MAXUINT32;
	guint64 size = sw_round_up(sw_sparse_size(input->disk), SECTOR);
	guint64 count = sw_round_up(size, BLOCK) / BLOCK;
	const struct sw_output_file *file = NULL;
	struct writer w = { .size = size };
	gboolean good;

	if (!sw_output_add(output, sw_format_vdi.file, sw_format_vdi.media_type, size, &file,
			   error))
		return FALSE;
	w.map = (struct sw_table){ .file = file,
				   .id = ID,
				   .offset = MAP_OFFSET,
				   .entry_size = sizeof(unset),
				   .count = count,
				   .unset = &unset,
				   .cancellable = cancellable };
	w.blocks = (struct sw_blocks){ .input = input,
				       .file = file,
				       .id = ID,
				       .block_size = BLOCK,
				       .first = sw_round_up(MAP_OFFSET + count * 4, BLOCK),
				       .stride = BLOCK,
				       .begin = begin_block,
				       .data = &w };
	sw_table_begin(&w.map);
	good = sw_identity_seed(input->disk, &w.seed, error) &&
	       sw_blocks_run(&w.blocks, cancellable, error) && sw_table_finish(&w.map, error) &&
	       sw_blocks_set_size(&w.blocks, w.blocks.end, error) && write_header(&w, error);
	sw_table_clear(&w.map);
	g_free(w.seed);
	return good;
}

const struct sw_format sw_format_vdi = {
	.name = "vdi",
	.summary = "VirtualBox's disk format, dynamic",
	.file = "vdi/disk.vdi",
	.media_type = "application/x-virtualbox-vdi",
	.hint = "VBoxManage storageattach VM --storagectl SATA --port 0 --type hdd --medium FILE",
	.disk_unit = SECTOR,
	.check = vdi_check,
	.write = vdi_write,
};
