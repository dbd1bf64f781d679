/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/bytes.h"
#include "core/file.h"
#include "core/format.h"
#include "core/size.h"
#include "formats/shared/clusters.h"

/*
 * qcow2 version 3, after docs/interop/qcow2 of QEMU.  In the file: header, refcount table, refcount
 * blocks, L1 table, L2 tables, data.  The tables get room for all that the disk may hold before its
 * data is read, and are filled in behind it: the file is never moved, and can be read in one stream.
 */
#define ID "qcow2-write"
#define MAGIC 0x514649fbu
#define HEADER_LENGTH 112
#define FEATURE_COMPRESSION (G_GUINT64_CONSTANT(1) << 3)
#define EXTENSION_FEATURES 0x6803f857u
#define L2_COPIED (G_GUINT64_CONSTANT(1) << 63)
#define L2_COMPRESSED (G_GUINT64_CONSTANT(1) << 62)
#define REFCOUNT_ORDER 4
#define REFCOUNT_MAX 0xffff
#define SECTOR 512
/* What QEMU reads at most. */
#define L1_BYTES_MAX (32 * SW_MIB)
#define REFCOUNT_TABLE_BYTES_MAX (8 * SW_MIB)

extern const struct sw_format sw_format_qcow2;

struct options {
	char *compression;
	int level;
	guint64 cluster_size;
};

static const char *const compressions[] = { "zlib", "zstd", "none", NULL };

static const struct sw_param params[] = {
	{ "compression", SW_PARAM_CHOICE, "zlib", compressions,
	  G_STRUCT_OFFSET(struct options, compression), FALSE,
	  "how clusters are compressed; zstd needs QEMU 5.1 or newer" },
	{ "level", SW_PARAM_INT, "3", NULL, G_STRUCT_OFFSET(struct options, level), FALSE,
	  "effort of the compression, 1 (fast) to 9 (small)" },
	{ "cluster-size", SW_PARAM_SIZE, "64K", NULL, G_STRUCT_OFFSET(struct options, cluster_size),
	  FALSE, "a power of two from 4K to 2M" },
	{ 0 },
};

/* The places of everything, in clusters of the file. */
struct layout {
	guint64 size; /* of the virtual disk in bytes, whole sectors */
	guint64 l1_entries;
	guint64 refcount_table;
	guint64 refcount_table_clusters;
	guint64 refcount_blocks;
	guint64 refcount_block_count;
	guint64 l1;
	guint64 l2;
	guint64 data;
};

struct writer {
	const struct options *options;
	int fd;
	const char *path;
	struct sw_sparse *disk;
	size_t cluster_size;
	guint cluster_bits;
	struct layout layout;

	guint64 *l1; /* as in the file (big-endian) */
	guint64 *l2; /* the table of L2_INDEX, likewise */
	guint64 l2_index;
	guint16 *refcounts; /* the block of REFCOUNT_INDEX, likewise */
	guint64 refcount_index;

	guint64 free_cluster;	/* the first one that nothing uses yet */
	guint64 packed;		/* the next compressed cluster goes to this byte, if it fits */
	guint64 packed_cluster; /* the cluster that byte is in; 0: none */
	guint packed_refcount;	/* of that cluster, not yet entered */
};

static guint64 divide_up(guint64 value, guint64 unit)
{
	return value / unit + (value % unit != 0);
}

static gboolean write_bytes(struct writer *w, const void *data, size_t length, guint64 offset,
			    GError **error)
{
	return sw_write_at(w->fd, data, length, offset, w->path, SW_ERROR_FORMAT, ID, error);
}

static gboolean qcow2_check(const void *state, guint64 disk_size, GError **error)
{
	const struct options *o = state;
	guint64 covered; /* by a full L1 table */

	if (o->cluster_size < 4 * SW_KIB || o->cluster_size > SW_CLUSTER_MAX ||
	    (o->cluster_size & (o->cluster_size - 1)) != 0)
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "format qcow2: cluster-size is not a power of two from 4K to 2M");
	if (!sw_codec_check_level("qcow2", o->level, error))
		return FALSE;
	covered = L1_BYTES_MAX / 8 * (o->cluster_size / 8) * o->cluster_size;
	if (disk_size > covered) {
		g_autofree char *text = sw_size_format(covered);

		return sw_fail(error, SW_ERROR_USAGE, "disk-too-large",
			       "format qcow2: a disk of more than %s needs a larger cluster-size",
			       text);
	}
	return TRUE;
}

/* Marks the L2 tables that the disk's data needs in w->l1, and counts them and its clusters. */
static gboolean scan(struct writer *w, guint64 *ret_tables, guint64 *ret_clusters, GError **error)
{
	guint64 covered = w->cluster_size / 8 * w->cluster_size; /* by an L2 table */
	guint64 tables = 0, clusters = 0, start, end = 0;

	for (;;) {
		if (!sw_clusters_next(w->disk, w->cluster_size, end, &start, &end, error))
			return FALSE;
		if (start >= sw_sparse_size(w->disk))
			break;
		clusters += (end - start) / w->cluster_size;
		for (guint64 i = start / covered; i <= (end - 1) / covered; i++) {
			tables += w->l1[i] == 0;
			w->l1[i] = 1;
		}
	}
	*ret_tables = tables;
	*ret_clusters = clusters;
	return TRUE;
}

/*
 * Places all tables.  A cluster of the disk takes at most one of the file, so the refcounts have room
 * when they count one for each; they count themselves, too.
 */
static gboolean make_layout(struct writer *w, GError **error)
{
	struct layout *l = &w->layout;
	guint64 l1_clusters, l2_clusters, data_clusters, blocks = 0, clusters, offset;

	l->size = sw_round_up(sw_sparse_size(w->disk), SECTOR);
	l->l1_entries = divide_up(l->size, w->cluster_size / 8 * w->cluster_size);
	w->l1 = g_new0(guint64, l->l1_entries);
	if (!scan(w, &l2_clusters, &data_clusters, error))
		return FALSE;
	l1_clusters = divide_up(l->l1_entries * 8, w->cluster_size);
	do {
		l->refcount_block_count = blocks;
		l->refcount_table_clusters = MAX(1, divide_up(blocks * 8, w->cluster_size));
		clusters = 1 + l->refcount_table_clusters + blocks + l1_clusters + l2_clusters +
			   data_clusters;
		blocks = divide_up(clusters, w->cluster_size / 2);
	} while (blocks != l->refcount_block_count);
	if (blocks * 8 > REFCOUNT_TABLE_BYTES_MAX)
		return sw_fail(error, SW_ERROR_USAGE, "disk-too-large",
			       "format qcow2: the disk has too much data for this cluster-size");
	l->refcount_table = 1;
	l->refcount_blocks = l->refcount_table + l->refcount_table_clusters;
	l->l1 = l->refcount_blocks + blocks;
	l->l2 = l->l1 + l1_clusters;
	l->data = l->l2 + l2_clusters;
	offset = l->l2 * w->cluster_size;
	for (guint64 i = 0; i < l->l1_entries; i++)
		if (w->l1[i] != 0) {
			w->l1[i] = GUINT64_TO_BE(offset | L2_COPIED);
			offset += w->cluster_size;
		}
	return TRUE;
}

static gboolean fail_changed(const struct writer *w, GError **error)
{
	return sw_fail(error, SW_ERROR_FORMAT, "disk-changed",
		       "%s: the disk got more data while it was read", w->path);
}

static gboolean flush_refcounts(struct writer *w, GError **error)
{
	guint64 block = w->layout.refcount_blocks + w->refcount_index;

	if (!write_bytes(w, w->refcounts, w->cluster_size, block * w->cluster_size, error))
		return FALSE;
	memset(w->refcounts, 0, w->cluster_size);
	w->refcount_index++;
	return TRUE;
}

/*
 * Counts grow with the file, so one block is in memory; a cluster of packed data may be counted after
 * its block was written.
 */
static gboolean set_refcount(struct writer *w, guint64 cluster, guint count, GError **error)
{
	guint64 entries = w->cluster_size / 2;
	guint16 value = GUINT16_TO_BE((guint16)count);

	if (cluster / entries >= w->layout.refcount_block_count)
		return fail_changed(w, error);
	if (cluster / entries < w->refcount_index)
		return write_bytes(w, &value, sizeof(value),
				   w->layout.refcount_blocks * w->cluster_size + cluster * 2,
				   error);
	while (cluster / entries > w->refcount_index)
		if (!flush_refcounts(w, error))
			return FALSE;
	w->refcounts[cluster % entries] = value;
	return TRUE;
}

static gboolean flush_l2(struct writer *w, GError **error)
{
	guint64 offset = GUINT64_FROM_BE(w->l1[w->l2_index]) & ~L2_COPIED;

	return offset == 0 || write_bytes(w, w->l2, w->cluster_size, offset, error);
}

static gboolean set_l2(struct writer *w, guint64 index, guint64 entry, GError **error)
{
	guint64 entries = w->cluster_size / 8;

	if (index / entries != w->l2_index) {
		if (!flush_l2(w, error))
			return FALSE;
		memset(w->l2, 0, w->cluster_size);
		w->l2_index = index / entries;
	}
	if (w->l1[w->l2_index] == 0)
		return fail_changed(w, error);
	w->l2[index % entries] = GUINT64_TO_BE(entry);
	return TRUE;
}

/* Nothing more goes into the cluster of packed data. */
static gboolean close_packed(struct writer *w, GError **error)
{
	guint64 cluster = w->packed_cluster;

	w->packed_cluster = 0;
	return cluster == 0 || set_refcount(w, cluster, w->packed_refcount, error);
}

/*
 * Gives LENGTH bytes (less than a cluster) the next place among the packed data: in the last cluster of it, on
 * into the one behind if that is free, else in a new one.  A cluster's refcount is how many have a
 * part in it.
 */
static gboolean place_packed(struct writer *w, size_t length, guint64 *ret_offset, GError **error)
{
	guint64 end = (w->packed_cluster + 1) * w->cluster_size;
	gboolean open = w->packed_cluster != 0 && w->packed_refcount < REFCOUNT_MAX;
	gboolean fits = open && length <= end - w->packed;
	gboolean spans =
		open && !fits && w->packed < end && w->free_cluster * w->cluster_size == end;

	if (fits || spans)
		w->packed_refcount++;
	if (!fits) {
		if (!close_packed(w, error))
			return FALSE;
		w->packed_cluster = w->free_cluster++;
		w->packed_refcount = 1;
		if (!spans)
			w->packed = w->packed_cluster * w->cluster_size;
	}
	*ret_offset = w->packed;
	w->packed += length;
	return TRUE;
}

/* The descriptor of a compressed cluster: its place, and the sectors it touches behind the first. */
static guint64 packed_entry(const struct writer *w, guint64 offset, size_t length)
{
	guint64 sectors = (offset + length - 1) / SECTOR - offset / SECTOR;

	return L2_COMPRESSED | sectors << (62 - (w->cluster_bits - 8)) | offset;
}

static gboolean put_cluster(const struct sw_cluster *cluster, void *data, GError **error)
{
	struct writer *w = data;
	guint64 offset, entry;

	if (cluster->compressed) {
		if (!place_packed(w, cluster->length, &offset, error))
			return FALSE;
		entry = packed_entry(w, offset, cluster->length);
	} else {
		offset = w->free_cluster * w->cluster_size;
		entry = L2_COPIED | offset;
		if (!set_refcount(w, w->free_cluster++, 1, error))
			return FALSE;
	}
	return set_l2(w, cluster->index, entry, error) &&
	       write_bytes(w, cluster->data, cluster->length, offset, error);
}

static gboolean write_refcount_table(struct writer *w, GError **error)
{
	const struct layout *l = &w->layout;
	g_autofree guint64 *table = g_new0(guint64, l->refcount_block_count);

	for (guint64 i = 0; i < l->refcount_block_count; i++)
		table[i] = GUINT64_TO_BE((l->refcount_blocks + i) * w->cluster_size);
	return write_bytes(w, table, l->refcount_block_count * 8,
			   l->refcount_table * w->cluster_size, error);
}

/* The numbers are the format's; what is zero is left out. */
static gboolean write_header(struct writer *w, GError **error)
{
	const struct layout *l = &w->layout;
	guint8 header[512] = { 0 };

	sw_put_be32(header + 0, MAGIC);
	sw_put_be32(header + 4, 3);
	sw_put_be32(header + 20, w->cluster_bits);
	sw_put_be64(header + 24, l->size);
	sw_put_be32(header + 36, (guint32)l->l1_entries);
	sw_put_be64(header + 40, l->l1 * w->cluster_size);
	sw_put_be64(header + 48, l->refcount_table * w->cluster_size);
	sw_put_be32(header + 56, (guint32)l->refcount_table_clusters);
	sw_put_be32(header + 96, REFCOUNT_ORDER);
	sw_put_be32(header + 100, HEADER_LENGTH);
	if (g_str_equal(w->options->compression, "zstd")) {
		sw_put_be64(header + 72, FEATURE_COMPRESSION);
		header[104] = 1;
		/* So that an older QEMU can say what it lacks. */
		sw_put_be32(header + HEADER_LENGTH, EXTENSION_FEATURES);
		sw_put_be32(header + HEADER_LENGTH + 4, 48);
		header[HEADER_LENGTH + 9] = 3;
		memcpy(header + HEADER_LENGTH + 10, "compression type", 16);
	}
	return write_bytes(w, header, sizeof(header), 0, error);
}

/* All that is known only when the data has been written; the header comes last. */
static gboolean finish(struct writer *w, GError **error)
{
	if (!flush_l2(w, error) || !close_packed(w, error))
		return FALSE;
	while (w->refcount_index < w->layout.refcount_block_count)
		if (!flush_refcounts(w, error))
			return FALSE;
	if (!write_refcount_table(w, error) ||
	    !write_bytes(w, w->l1, w->layout.l1_entries * 8, w->layout.l1 * w->cluster_size,
			 error) ||
	    !write_header(w, error))
		return FALSE;
	if (ftruncate(w->fd, (off_t)(w->free_cluster * w->cluster_size)) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "cannot write %s", w->path);
	return TRUE;
}

static const struct sw_codec *find_codec(const char *compression)
{
	static const struct sw_codec *const codecs[] = { &sw_codec_deflate, &sw_codec_zstd };

	for (size_t i = 0; i < G_N_ELEMENTS(codecs); i++)
		if (g_str_equal(compression, codecs[i]->name))
			return codecs[i];
	return NULL;
}

static gboolean write_image(struct writer *w, struct sw_clusters *clusters,
			    GCancellable *cancellable, GError **error)
{
	if (!make_layout(w, error))
		return FALSE;
	w->l2 = g_malloc0(w->cluster_size);
	w->refcounts = g_malloc0(w->cluster_size);
	for (w->free_cluster = 0; w->free_cluster < w->layout.data; w->free_cluster++)
		if (!set_refcount(w, w->free_cluster, 1, error))
			return FALSE;
	return sw_clusters_run(clusters, cancellable, error) && finish(w, error);
}

static gboolean qcow2_write(const void *state, const struct sw_format_input *input,
			    struct sw_output *output, GCancellable *cancellable, GError **error)
{
	const struct options *options = state;
	const struct sw_output_file *file = NULL;
	struct writer w = {
		.options = options,
		.disk = input->disk,
		.cluster_size = (size_t)options->cluster_size,
		.cluster_bits = (guint)__builtin_ctzll(options->cluster_size),
	};
	struct sw_clusters clusters = {
		.disk = input->disk,
		.cluster_size = w.cluster_size,
		.codec = find_codec(options->compression),
		.level = options->level,
		.threads = input->threads,
		.put = put_cluster,
		.data = &w,
		.progress = input->progress,
		.progress_data = input->progress_data,
	};
	gboolean good = FALSE;

	if (!sw_output_add(output, sw_format_qcow2.file, sw_format_qcow2.media_type,
			   sw_sparse_size(input->disk), &file, error))
		return FALSE;
	w.fd = file->fd;
	w.path = file->path;
	good = write_image(&w, &clusters, cancellable, error);
	g_free(w.l1);
	g_free(w.l2);
	g_free(w.refcounts);
	return good;
}

const struct sw_format sw_format_qcow2 = {
	.name = "qcow2",
	.summary = "QEMU's disk format: sparse and compressed",
	.file = "qcow2/disk.qcow2",
	.media_type = "application/vnd.qemu.qcow2",
	.hint = "virt-install --import --disk FILE --memory 2048 --osinfo linux2022",
	.state_size = sizeof(struct options),
	.params = params,
	.check = qcow2_check,
	.write = qcow2_write,
};
