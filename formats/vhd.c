/* SPDX-License-Identifier: MIT */
#include "core/bytes.h"
#include "core/error.h"
#include "core/format.h"
#include "core/size.h"
#include "formats/shared/blocks.h"
#include "formats/shared/identity.h"
#include "formats/shared/table.h"

/*
 * Microsoft's VHD 1.0: fixed (the disk, then a footer) and dynamic (the footer, a header, a table of
 * blocks, blocks of 2 MiB, the footer once more).
 */
#define ID "vhd-write"
#define SECTOR 512
#define VERSION 0x00010000
#define FEATURES 2 /* a bit that is always set */
#define TYPE_FIXED 2
#define TYPE_DYNAMIC 3
#define UNIT SW_MIB /* Azure takes no other sizes */
#define DISK_MAX (2040 * SW_GIB)
#define BLOCK (2 * SW_MIB)
#define HEADER_OFFSET SECTOR
#define HEADER_SIZE 1024
#define TABLE_OFFSET (HEADER_OFFSET + HEADER_SIZE)
/* The bitmap of a block lies just before its data, which is at whole pages. */
#define BITMAP_SIZE SECTOR
#define PAGE (4 * SW_KIB)
/* The greatest geometry; with it readers take the size in bytes, which is exact. */
#define CYLINDERS 65535u
#define HEADS 16u
#define SECTORS 255u

extern const struct sw_format sw_format_vhd;

struct options {
	char *subformat;
};

static const char *const aliases[] = { "azure", "vpc", NULL };

static const char *const subformats[] = { "fixed", "dynamic", NULL };

static const struct sw_param params[] = {
	{ "subformat", SW_PARAM_CHOICE, "fixed", subformats,
	  G_STRUCT_OFFSET(struct options, subformat), FALSE,
	  "fixed is what Azure takes; dynamic leaves out what is empty" },
	{ 0 },
};

struct writer {
	struct sw_blocks blocks;
	struct sw_table table;
	guint64 size; /* of the virtual disk */
	char *seed;   /* of the id */
};

static gboolean vhd_check(G_GNUC_UNUSED const void *state, guint64 disk_size, GError **error)
{
	if (disk_size > DISK_MAX)
		return sw_fail(error, SW_ERROR_USAGE, "disk-too-large",
			       "format vhd: a disk has at most 2040 GiB");
	return TRUE;
}

/* Both checksums are the complement of the sum of all bytes, with zeros in their place. */
static guint32 checksum(const guint8 *bytes, size_t length)
{
	guint32 sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += bytes[i];
	return ~sum;
}

static gboolean write_footer(struct writer *w, guint32 type, guint64 offset, GError **error)
{
	guint8 footer[SECTOR] = "conectix";

	sw_put_be32(footer + 8, FEATURES);
	sw_put_be32(footer + 12, VERSION);
	sw_put_be64(footer + 16, type == TYPE_FIXED ? G_MAXUINT64 : HEADER_OFFSET);
	memcpy(footer + 28, "slip", 4);
	memcpy(footer + 36, "Wi2k", 4);
	sw_put_be64(footer + 40, w->size);
	sw_put_be64(footer + 48, w->size);
	sw_put_be32(footer + 56, CYLINDERS << 16 | HEADS << 8 | SECTORS);
	sw_put_be32(footer + 60, type);
	sw_identity_uuid(w->seed, "vhd", footer + 68);
	sw_put_be32(footer + 64, checksum(footer, sizeof(footer)));
	return sw_blocks_write(&w->blocks, footer, sizeof(footer), offset, error);
}

static gboolean write_header(struct writer *w, GError **error)
{
	guint8 header[HEADER_SIZE] = "cxsparse";

	sw_put_be64(header + 8, G_MAXUINT64);
	sw_put_be64(header + 16, TABLE_OFFSET);
	sw_put_be32(header + 24, VERSION);
	sw_put_be32(header + 28, (guint32)(sw_round_up(w->size, BLOCK) / BLOCK));
	sw_put_be32(header + 32, (guint32)BLOCK);
	sw_put_be32(header + 36, checksum(header, sizeof(header)));
	return sw_blocks_write(&w->blocks, header, sizeof(header), HEADER_OFFSET, error);
}

/* All sectors of a block are there; those without data are holes. */
static gboolean begin_block(guint64 block, guint64 offset, void *data, GError **error)
{
	struct writer *w = data;
	guint64 at = offset - BITMAP_SIZE;
	guint32 entry = GUINT32_TO_BE((guint32)(at / SECTOR));
	guint8 bitmap[BITMAP_SIZE];

	memset(bitmap, 0xff, sizeof(bitmap));
	return sw_table_put(&w->table, block, &entry, error) &&
	       sw_blocks_write(&w->blocks, bitmap, sizeof(bitmap), at, error);
}

static gboolean write_fixed(struct writer *w, GCancellable *cancellable, GError **error)
{
	w->blocks.block_size = w->blocks.stride = BLOCK;
	return sw_blocks_run(&w->blocks, cancellable, error) &&
	       write_footer(w, TYPE_FIXED, w->size, error) &&
	       sw_blocks_set_size(&w->blocks, w->size + SECTOR, error);
}

/* The footer at the end is found from there, so the file ends with it. */
static gboolean write_dynamic(struct writer *w, GCancellable *cancellable, GError **error)
{
	static const guint32 unset = G_MAXUINT32;
	guint64 count = sw_round_up(w->size, BLOCK) / BLOCK, end;

	w->table = (struct sw_table){ .file = w->blocks.file,
				      .id = ID,
				      .offset = TABLE_OFFSET,
				      .entry_size = sizeof(unset),
				      .count = sw_round_up(count * sizeof(unset), SECTOR) /
					       sizeof(unset),
				      .unset = &unset,
				      .cancellable = cancellable };
	w->blocks.block_size = BLOCK;
	w->blocks.stride = BLOCK + PAGE;
	w->blocks.first =
		sw_round_up(TABLE_OFFSET + w->table.count * sizeof(unset) + BITMAP_SIZE, PAGE);
	w->blocks.begin = begin_block;
	w->blocks.data = w;
	sw_table_begin(&w->table);
	if (!sw_blocks_run(&w->blocks, cancellable, error) || !sw_table_finish(&w->table, error))
		return FALSE;
	/* Where the next block's bitmap would be. */
	end = w->blocks.end - BITMAP_SIZE;
	return write_footer(w, TYPE_DYNAMIC, end, error) && write_header(w, error) &&
	       write_footer(w, TYPE_DYNAMIC, 0, error) &&
	       sw_blocks_set_size(&w->blocks, end + SECTOR, error);
}

static gboolean vhd_write(const void *state, const struct sw_format_input *input,
			  struct sw_output *output, GCancellable *cancellable, GError **error)
{
	const struct options *options = state;
	struct writer w = { .size = sw_round_up(sw_sparse_size(input->disk), UNIT) };
	const struct sw_output_file *file = NULL;
	gboolean good;

	if (!sw_output_add(output, sw_format_vhd.file, sw_format_vhd.media_type, w.size, &file,
			   error))
		return FALSE;
	w.blocks = (struct sw_blocks){ .input = input, .file = file, .id = ID };
	good = sw_identity_seed(input->disk, &w.seed, error) &&
	       (g_str_equal(options->subformat, "fixed") ? write_fixed(&w, cancellable, error)
							 : write_dynamic(&w, cancellable, error));
	sw_table_clear(&w.table);
	g_free(w.seed);
	return good;
}

const struct sw_format sw_format_vhd = {
	.name = "vhd",
	.aliases = aliases,
	.summary = "Microsoft's disk format, for Azure (fixed) and older Hyper-V",
	.file = "vpc/disk.vhd",
	.media_type = "application/x-vhd",
	.hint = "azcopy copy FILE \"$SAS_URL\" --blob-type PageBlob",
	.state_size = sizeof(struct options),
	.params = params,
	.disk_unit = UNIT,
	.check = vhd_check,
	.write = vhd_write,
};
