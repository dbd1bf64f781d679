/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/bytes.h"
#include "core/error.h"
#include "core/file.h"
#include "formats/shared/clusters.h"
#include "formats/shared/vmdk.h"
#include "formats/shared/zlib-stream.h"

/*
 * streamOptimized: header, descriptor, compressed grains with their tables behind them, the directory
 * of the tables, a footer (the header with the directory's place).  All but grains and header begin
 * with a marker.
 */
#define ID "vmdk-write"
#define VERSION 3
#define FLAGS 0x30001	   /* text check, compressed grains, markers */
#define AT_END G_MAXUINT64 /* the directory's place is in the footer */
#define OVERHEAD 128
#define GRAIN_HEADER 12
#define LEVEL 3

enum marker { MARKER_END, MARKER_TABLE, MARKER_DIRECTORY, MARKER_FOOTER };

struct stream {
	const struct sw_vmdk *vmdk;
	struct sw_sha256 *hash;
	guint64 offset; /* of the VMDK in the file */
	guint64 size;	/* of what was written, whole sectors */
	guint64 disk_size;
	guint32 table[SW_VMDK_TABLE_ENTRIES]; /* as in the file, like all tables here */
	guint64 table_index;
	gboolean table_used;
	guint32 *directory;
	size_t directory_size; /* in bytes, whole sectors */
	guint8 *sectors;       /* a grain, its header and the rest of its last sector */
};

static gboolean append(struct stream *s, const void *data, size_t length, GError **error)
{
	if (s->hash != NULL)
		sw_sha256_update(s->hash, data, length);
	if (!sw_write_at(s->vmdk->file->fd, data, length, s->offset + s->size, s->vmdk->file->path,
			 SW_ERROR_FORMAT, ID, error))
		return FALSE;
	s->size += length;
	return TRUE;
}

static gboolean append_marker(struct stream *s, enum marker type, guint64 sectors, GError **error)
{
	guint8 marker[SW_VMDK_SECTOR] = { 0 };

	sw_put_le64(marker, sectors);
	sw_put_le32(marker + 12, type);
	return append(s, marker, sizeof(marker), error);
}

/* The sector of what is appended next. */
static gboolean next_sector(const struct stream *s, guint32 *ret_sector, GError **error)
{
	if (s->size / SW_VMDK_SECTOR > G_MAXUINT32)
		return sw_vmdk_fail_large(s->vmdk->file->path, error);
	*ret_sector = (guint32)(s->size / SW_VMDK_SECTOR);
	return TRUE;
}

static gboolean flush_table(struct stream *s, GError **error)
{
	guint32 sector = 0;

	if (!s->table_used)
		return TRUE;
	if (!append_marker(s, MARKER_TABLE, sizeof(s->table) / SW_VMDK_SECTOR, error) ||
	    !next_sector(s, &sector, error) || !append(s, s->table, sizeof(s->table), error))
		return FALSE;
	sw_put_le32(&s->directory[s->table_index], sector);
	memset(s->table, 0, sizeof(s->table));
	s->table_used = FALSE;
	return TRUE;
}

static gboolean put_grain(const struct sw_cluster *cluster, void *data, GError **error)
{
	struct stream *s = data;
	guint64 index = cluster->index / SW_VMDK_TABLE_ENTRIES;
	size_t length = cluster->length, padded;
	guint32 sector = 0;

	if (index != s->table_index && !flush_table(s, error))
		return FALSE;
	if (!next_sector(s, &sector, error))
		return FALSE;
	s->table_index = index;
	s->table_used = TRUE;
	sw_put_le32(&s->table[cluster->index % SW_VMDK_TABLE_ENTRIES], sector);
	sw_put_le64(s->sectors, cluster->index * (SW_VMDK_GRAIN / SW_VMDK_SECTOR));
	if (cluster->compressed)
		memcpy(s->sectors + GRAIN_HEADER, cluster->data, length);
	else
		length = sw_zlib_store(cluster->data, length, s->sectors + GRAIN_HEADER);
	sw_put_le32(s->sectors + 8, (guint32)length);
	length += GRAIN_HEADER;
	padded = (size_t)sw_round_up(length, SW_VMDK_SECTOR);
	memset(s->sectors + length, 0, padded - length);
	return append(s, s->sectors, padded, error);
}

static gboolean append_header(struct stream *s, guint64 directory, GError **error)
{
	const struct sw_vmdk_header header = { .version = VERSION,
					       .flags = FLAGS,
					       .directory = directory,
					       .overhead = OVERHEAD,
					       .compressed = TRUE };
	guint8 sector[SW_VMDK_SECTOR];

	sw_vmdk_make_header(&header, s->disk_size, sector);
	return append(s, sector, sizeof(sector), error);
}

static gboolean append_start(struct stream *s, GError **error)
{
	g_autofree guint8 *rest = g_malloc0((OVERHEAD - 1) * SW_VMDK_SECTOR);

	return sw_vmdk_make_descriptor(s->vmdk, "streamOptimized", rest, error) &&
	       append_header(s, AT_END, error) &&
	       append(s, rest, (OVERHEAD - 1) * SW_VMDK_SECTOR, error);
}

static gboolean append_end(struct stream *s, GError **error)
{
	guint32 sector = 0;

	return flush_table(s, error) &&
	       append_marker(s, MARKER_DIRECTORY, s->directory_size / SW_VMDK_SECTOR, error) &&
	       next_sector(s, &sector, error) &&
	       append(s, s->directory, s->directory_size, error) &&
	       append_marker(s, MARKER_FOOTER, 1, error) && append_header(s, sector, error) &&
	       append_marker(s, MARKER_END, 0, error);
}

gboolean sw_vmdk_write_stream(const struct sw_vmdk *vmdk, guint64 offset, struct sw_sha256 *hash,
			      guint64 *ret_size, GCancellable *cancellable, GError **error)
{
	guint64 size = sw_vmdk_size(vmdk->input);
	guint64 tables = sw_round_up(size, SW_VMDK_TABLE_COVERS) / SW_VMDK_TABLE_COVERS;
	struct stream s = { .vmdk = vmdk, .hash = hash, .offset = offset, .disk_size = size };
	struct sw_clusters clusters = {
		.disk = vmdk->input->disk,
		.cluster_size = SW_VMDK_GRAIN,
		.codec = &sw_codec_zlib_stream,
		.level = LEVEL,
		.threads = vmdk->input->threads,
		.put = put_grain,
		.data = &s,
		.progress = vmdk->input->progress,
		.progress_data = vmdk->input->progress_data,
	};
	gboolean good;

	s.directory_size = (size_t)sw_round_up(tables * 4, SW_VMDK_SECTOR);
	s.directory = g_malloc0(s.directory_size);
	s.sectors = g_malloc(GRAIN_HEADER + SW_VMDK_GRAIN + SW_ZLIB_STORE_EXTRA(SW_VMDK_GRAIN) +
			     SW_VMDK_SECTOR);
	good = append_start(&s, error) && sw_clusters_run(&clusters, cancellable, error) &&
	       append_end(&s, error);
	*ret_size = s.size;
	g_free(s.directory);
	g_free(s.sectors);
	return good;
}
