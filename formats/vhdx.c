/* SPDX-License-Identifier: MIT */
#include "core/bytes.h"
#include "core/error.h"
#include "core/format.h"
#include "core/size.h"
#include "formats/shared/blocks.h"
#include "formats/shared/identity.h"
#include "formats/shared/table.h"

/*
 * Hyper-V's VHDX, dynamic, after [MS-VHDX].  In the file: identifier, two headers, two region tables,
 * an empty log, the metadata, the block allocation table (BAT), blocks.
 */
#define ID "vhdx-write"
#define SECTOR 512
#define PHYSICAL_SECTOR 4096
#define IDENTIFIER_SIZE 520
#define HEADER_SIZE (4 * SW_KIB)
#define HEADER_OFFSET (64 * SW_KIB)
#define REGION_SIZE (64 * SW_KIB)
#define REGION_OFFSET (192 * SW_KIB)
#define LOG_OFFSET SW_MIB
#define METADATA_OFFSET (2 * SW_MIB)
#define METADATA_TABLE_SIZE (64 * SW_KIB)
#define BAT_OFFSET (3 * SW_MIB)
#define REGION_UNIT SW_MIB /* of all that is behind the region tables */
/* The sector bitmap of a chunk has an entry in the BAT, behind those of the chunk's blocks. */
#define CHUNK_SIZE ((guint64)SECTOR << 23)
#define BLOCK_MIN SW_MIB
#define BLOCK_MAX (256 * SW_MIB)
#define STATE_ZERO 2
#define STATE_PRESENT 6
#define DISK_MAX (64 * 1024 * SW_GIB)

extern const struct sw_format sw_format_vhdx;

struct options {
	guint64 block_size;
};

static const struct sw_param params[] = {
	{ "block-size", SW_PARAM_SIZE, "1M", NULL, G_STRUCT_OFFSET(struct options, block_size),
	  FALSE, "a power of two from 1M to 256M; 1M is best for Linux's filesystems" },
	{ 0 },
};

struct writer {
	struct sw_blocks blocks;
	struct sw_table bat;
	guint64 size; /* of the virtual disk, whole sectors */
	char *seed;   /* of the ids */
};

static gboolean vhdx_check(const void *state, guint64 disk_size, GError **error)
{
	const struct options *o = state;

	if (o->block_size < BLOCK_MIN || o->block_size > BLOCK_MAX ||
	    (o->block_size & (o->block_size - 1)) != 0)
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "format vhdx: block-size is not a power of two from 1M to 256M");
	if (disk_size > DISK_MAX)
		return sw_fail(error, SW_ERROR_USAGE, "disk-too-large",
			       "format vhdx: a disk has at most 64 TiB");
	return TRUE;
}

/* CRC-32C, reflected. */
static guint32 checksum(const guint8 *bytes, size_t length)
{
	guint32 crc = G_MAXUINT32;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0x82f63b78u & -(crc & 1));
	}
	return ~crc;
}

static gboolean begin_block(guint64 block, guint64 offset, void *data, GError **error)
{
	struct writer *w = data;
	guint64 entry = GUINT64_TO_LE(offset | STATE_PRESENT);

	return sw_table_put(&w->bat, block + block / (w->bat.period - 1), &entry, error);
}

static gboolean write_identifier(struct writer *w, GError **error)
{
	static const char signature[] = "vhdxfile", creator[] = "slipway";
	guint8 bytes[IDENTIFIER_SIZE] = { 0 };

	memcpy(bytes, signature, 8);
	for (size_t i = 0; creator[i] != '\0'; i++)
		bytes[8 + 2 * i] = (guint8)creator[i];
	return sw_blocks_write(&w->blocks, bytes, sizeof(bytes), 0, error);
}

/* Of the two headers the one with the higher sequence number counts. */
static gboolean write_headers(struct writer *w, GError **error)
{
	for (guint i = 0; i < 2; i++) {
		guint8 bytes[HEADER_SIZE] = "head";

		sw_put_le64(bytes + 8, 1 + i);
		sw_identity_guid(w->seed, "vhdx file", bytes + 16);
		sw_identity_guid(w->seed, "vhdx data", bytes + 32);
		sw_put_le16(bytes + 66, 1);
		sw_put_le32(bytes + 68, (guint32)REGION_UNIT);
		sw_put_le64(bytes + 72, LOG_OFFSET);
		sw_put_le32(bytes + 4, checksum(bytes, sizeof(bytes)));
		if (!sw_blocks_write(&w->blocks, bytes, sizeof(bytes), HEADER_OFFSET * (1 + i),
				     error))
			return FALSE;
	}
	return TRUE;
}

static void put_region(guint8 *entry, const char *guid, guint64 offset, guint64 length)
{
	sw_identity_parse_guid(guid, entry);
	sw_put_le64(entry + 16, offset);
	sw_put_le32(entry + 24, (guint32)length);
	sw_put_le32(entry + 28, 1); /* required */
}

static gboolean write_regions(struct writer *w, GError **error)
{
	g_autofree guint8 *bytes = g_malloc0(REGION_SIZE);

	memcpy(bytes, "regi", 4);
	sw_put_le32(bytes + 8, 2);
	put_region(bytes + 16, "2dc27766-f623-4200-9d64-115e9bfd4a08", BAT_OFFSET,
		   w->blocks.first - BAT_OFFSET);
	put_region(bytes + 48, "8b7ca206-4790-4b9a-b8fe-575f050f886e", METADATA_OFFSET,
		   BAT_OFFSET - METADATA_OFFSET);
	sw_put_le32(bytes + 4, checksum(bytes, REGION_SIZE));
	return sw_blocks_write(&w->blocks, bytes, REGION_SIZE, REGION_OFFSET, error) &&
	       sw_blocks_write(&w->blocks, bytes, REGION_SIZE, REGION_OFFSET + REGION_SIZE, error);
}

static gboolean write_metadata(struct writer *w, GError **error)
{
	/* Flags: 4 is required, 2 of the virtual disk. */
	static const struct {
		const char *guid;
		guint32 offset, length, flags;
	} items[] = {
		{ "caa16737-fa36-4d43-b3b6-33f0aa44e76b", 0, 8, 4 },   /* block size, no parent */
		{ "2fa54224-cd1b-4876-b211-5dbed83bf4b8", 8, 8, 6 },   /* size of the disk */
		{ "beca12ab-b2e6-4523-93ef-c309e000c746", 16, 16, 6 }, /* id of the disk */
		{ "8141bf1d-a96f-4709-ba47-f233a8faab5f", 32, 4, 6 },  /* logical sector */
		{ "cda348c7-445d-4471-9cc9-e9885251c556", 36, 4, 6 },  /* physical sector */
	};
	g_autofree guint8 *bytes = g_malloc0(METADATA_TABLE_SIZE + 40);
	guint8 *values = bytes + METADATA_TABLE_SIZE;

	memcpy(bytes, "metadata", 8);
	sw_put_le16(bytes + 10, G_N_ELEMENTS(items));
	for (size_t i = 0; i < G_N_ELEMENTS(items); i++) {
		guint8 *entry = bytes + 32 * (1 + i);

		sw_identity_parse_guid(items[i].guid, entry);
		sw_put_le32(entry + 16, (guint32)METADATA_TABLE_SIZE + items[i].offset);
		sw_put_le32(entry + 20, items[i].length);
		sw_put_le32(entry + 24, items[i].flags);
	}
	sw_put_le32(values, (guint32)w->blocks.block_size);
	sw_put_le64(values + 8, w->size);
	sw_identity_guid(w->seed, "vhdx disk", values + 16);
	sw_put_le32(values + 32, SECTOR);
	sw_put_le32(values + 36, PHYSICAL_SECTOR);
	return sw_blocks_write(&w->blocks, bytes, METADATA_TABLE_SIZE + 40, METADATA_OFFSET, error);
}

/* The identifier comes last: without it the file is none. */
static gboolean write_image(struct writer *w, GCancellable *cancellable, GError **error)
{
	return sw_identity_seed(w->blocks.input->disk, &w->seed, error) &&
	       sw_blocks_run(&w->blocks, cancellable, error) && sw_table_finish(&w->bat, error) &&
	       sw_blocks_set_size(&w->blocks, w->blocks.end, error) && write_metadata(w, error) &&
	       write_regions(w, error) && write_headers(w, error) && write_identifier(w, error);
}

static gboolean vhdx_write(const void *state, const struct sw_format_input *input,
			   struct sw_output *output, GCancellable *cancellable, GError **error)
{
	static const guint64 unset = GUINT64_TO_LE(STATE_ZERO);
	const struct options *options = state;
	guint64 size = sw_round_up(sw_sparse_size(input->disk), SECTOR);
	guint64 count = sw_round_up(size, options->block_size) / options->block_size;
	guint64 ratio = CHUNK_SIZE / options->block_size;
	guint64 entries = count + (count - 1) / ratio;
	const struct sw_output_file *file = NULL;
	struct writer w = { .size = size };
	gboolean good;

	if (!sw_output_add(output, sw_format_vhdx.file, sw_format_vhdx.media_type, size, &file,
			   error))
		return FALSE;
	w.bat = (struct sw_table){ .file = file,
				   .id = ID,
				   .offset = BAT_OFFSET,
				   .entry_size = sizeof(unset),
				   .count = entries,
				   .unset = &unset,
				   .period = ratio + 1,
				   .cancellable = cancellable };
	w.blocks = (struct sw_blocks){ .input = input,
				       .file = file,
				       .id = ID,
				       .block_size = options->block_size,
				       .first = sw_round_up(BAT_OFFSET + entries * 8, REGION_UNIT),
				       .stride = options->block_size,
				       .begin = begin_block,
				       .data = &w };
	sw_table_begin(&w.bat);
	good = write_image(&w, cancellable, error);
	sw_table_clear(&w.bat);
	g_free(w.seed);
	return good;
}

const struct sw_format sw_format_vhdx = {
	.name = "vhdx",
	.summary = "Hyper-V's disk format, dynamic",
	.file = "vhdx/disk.vhdx",
	.media_type = "application/x-vhdx-disk",
	.hint = "New-VM -Generation 2 -Name machine -MemoryStartupBytes 2GB -VHDPath FILE",
	.state_size = sizeof(struct options),
	.params = params,
	.disk_unit = SECTOR,
	.check = vhdx_check,
	.write = vhdx_write,
};
