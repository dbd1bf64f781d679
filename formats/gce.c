/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/size.h"
#include "formats/shared/assembly.h"
#include "formats/shared/gpt-pad.h"
#include "formats/shared/stream.h"

/*
 * What Google Compute Engine imports: disk.raw, of whole GiB, in a gzipped tar of the old GNU format.  The
 * sparse file in it is laid out as GNU tar's manual, appendix "Sparse Formats", says: the places of the data
 * in the header and in blocks behind it, then the data without the holes.
 */
#define BLOCK 512
#define RECORD (20 * BLOCK)
#define HEADER_ENTRIES 4
#define BLOCK_ENTRIES 21
/* Of a disk in an image. */
#define SIZE_MAX_GCE (2048 * SW_GIB)

struct options {
	int level;
};

static const struct sw_param params[] = {
	{ "level", SW_PARAM_INT, "3", NULL, G_STRUCT_OFFSET(struct options, level), FALSE,
	  "effort of the compression, 1 (fast) to 9 (small)" },
	{ 0 },
};

struct extent {
	guint64 start;
	guint64 end;
};

static gboolean gce_check(const void *state, guint64 disk_size, GError **error)
{
	const struct options *options = state;

	if (disk_size > SIZE_MAX_GCE)
		return sw_fail(error, SW_ERROR_FORMAT, "disk-too-large",
			       "format gce: Compute Engine takes disks of at most 2 TiB");
	return sw_codec_check_level("gce", options->level, error);
}

/* The data of DISK in whole blocks; at the end an empty extent that says how long the file is. */
static gboolean find_extents(struct sw_sparse *disk, GArray *extents, GError **error)
{
	guint64 size = sw_sparse_size(disk);
	struct extent extent = { 0 };

	for (;;) {
		guint64 start, end;

		if (!sw_sparse_next(disk, extent.end, &start, &end, error))
			return FALSE;
		if (start >= size)
			break;
		extent.start = start & ~(guint64)(BLOCK - 1);
		extent.end = MIN(sw_round_up(end, BLOCK), size);
		g_array_append_val(extents, extent);
	}
	extent.start = extent.end = size;
	g_array_append_val(extents, extent);
	return TRUE;
}

/* Octal digits, or, what is too large for them, a number in base 256: GNU's extension. */
static void put_number(guint8 *field, size_t width, guint64 value)
{
	if (value >> (3 * (width - 1)) == 0) {
		g_snprintf((char *)field, width, "%0*" G_GINT64_MODIFIER "o", (int)width - 1,
			   value);
		return;
	}
	for (size_t i = width; i-- > 0; value >>= 8)
		field[i] = (guint8)value;
	field[0] = 0x80;
}

static void put_entries(guint8 *at, const GArray *extents, guint from, guint count)
{
	for (guint i = from; i < MIN(from + count, extents->len); i++, at += 24) {
		const struct extent *extent = &g_array_index(extents, struct extent, i);

		put_number(at, 12, extent->start);
		put_number(at + 12, 12, extent->end - extent->start);
	}
}

static void put_checksum(guint8 *header)
{
	guint sum = 0;

	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += header[i];
	g_snprintf((char *)header + 148, 8, "%06o", sum);
}

static void add_header(struct sw_assembly *assembly, const GArray *extents, guint64 size)
{
	guint8 header[BLOCK] = { 0 };
	guint64 stored = 0;

	for (guint i = 0; i < extents->len; i++) {
		const struct extent *extent = &g_array_index(extents, struct extent, i);

		stored += extent->end - extent->start;
	}
	memcpy(header, "disk.raw", 8);
	put_number(header + 100, 8, 0644);
	put_number(header + 108, 8, 0);
	put_number(header + 116, 8, 0);
	put_number(header + 124, 12, stored);
	put_number(header + 136, 12, 0);
	header[156] = 'S';
	memcpy(header + 257, "ustar  ", 8);
	put_entries(header + 386, extents, 0, HEADER_ENTRIES);
	header[482] = extents->len > HEADER_ENTRIES;
	put_number(header + 483, 12, size);
	put_checksum(header);
	sw_assembly_add_bytes(assembly, header, BLOCK);
	for (guint at = HEADER_ENTRIES; at < extents->len; at += BLOCK_ENTRIES) {
		guint8 block[BLOCK] = { 0 };

		put_entries(block, extents, at, BLOCK_ENTRIES);
		block[504] = at + BLOCK_ENTRIES < extents->len;
		sw_assembly_add_bytes(assembly, block, BLOCK);
	}
}

/* The tar as a whole: two empty blocks end it, and records of 20 blocks. */
static gboolean make_tar(struct sw_sparse *disk, struct sw_sparse **ret_tar, GError **error)
{
	g_autoptr(GArray) extents = g_array_new(FALSE, FALSE, sizeof(struct extent));
	struct sw_assembly *assembly;
	guint64 length;

	if (!find_extents(disk, extents, error))
		return FALSE;
	assembly = sw_assembly_new();
	add_header(assembly, extents, sw_sparse_size(disk));
	for (guint i = 0; i < extents->len; i++) {
		const struct extent *extent = &g_array_index(extents, struct extent, i);

		sw_assembly_add_range(assembly, disk, extent->start, extent->end - extent->start);
	}
	length = sw_assembly_size(assembly);
	sw_assembly_add_zeros(assembly,
			      sw_round_up(sw_round_up(length, BLOCK) + 2 * BLOCK, RECORD) - length);
	*ret_tar = sw_assembly_finish(assembly);
	return TRUE;
}

static gboolean gce_write(const void *state, const struct sw_format_input *input,
			  struct sw_output *output, GCancellable *cancellable, GError **error)
{
	const struct options *options = state;
	const struct sw_output_file *file = NULL;
	g_autoptr(SwSparse) disk = NULL;
	g_autoptr(SwSparse) tar = NULL;

	if (!sw_gpt_pad(input->disk, SW_GIB, &disk, error) || !make_tar(disk, &tar, error) ||
	    !sw_output_add(output, "gce/image.tar.gz", "application/gzip", sw_sparse_size(disk),
			   &file, error) ||
	    !sw_stream_write(&sw_stream_gzip, options->level, tar, input, file, cancellable, error))
		return FALSE;
	if (input->progress != NULL)
		input->progress(sw_sparse_size(input->disk), input->progress_data);
	return TRUE;
}

static const char *const aliases[] = { "gcp", NULL };

const struct sw_format sw_format_gce = {
	.name = "gce",
	.aliases = aliases,
	.summary = "Google Compute Engine: disk.raw in a gzipped tar",
	.file = "gce/image.tar.gz",
	.media_type = "application/gzip",
	.hint = "gcloud storage cp FILE gs://BUCKET/ && gcloud compute images create NAME "
		"--source-uri gs://BUCKET/image.tar.gz --guest-os-features UEFI_COMPATIBLE",
	.state_size = sizeof(struct options),
	.params = params,
	.disk_unit = SW_GIB,
	.check = gce_check,
	.write = gce_write,
};
