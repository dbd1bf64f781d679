/* SPDX-License-Identifier: MIT */
#include "formats/iso/payload.h"

#include "core/file.h"
#include "core/hash.h"
#include "formats/shared/bmap.h"
#include "formats/shared/clusters.h"
#include "installer/bytes.h"

#define ID "iso-write"

/* A payload being written. */
struct writer {
	const struct sw_output_file *file;
	guint64 disk_size;
	GArray *ranges;	   /* struct sw_bmap_range: what must be written */
	guint range;	   /* the first one that does not end before NEXT */
	guint64 next;	   /* the first cluster that no frame was made for */
	GByteArray *index; /* of the frames so far */
	guint64 place;	   /* behind them */
	guint64 content;
};

static void sum(const void *data, size_t length, guint8 ret_sum[SI_SHA256])
{
	g_autoptr(SwSha256) hash = sw_sha256_new();

	sw_sha256_update(hash, data, length);
	sw_sha256_bytes(hash, ret_sum);
}

/* Adds the frame of the cluster INDEX to the index; DATA of STORED bytes is what it is stored as. */
static void add_entry(struct writer *writer, guint64 index, const void *data, size_t stored)
{
	guint64 offset = index * SI_FRAME_SIZE;
	guint32 length = (guint32)MIN(SI_FRAME_SIZE, writer->disk_size - offset);
	guint8 entry[SI_ENTRY_SIZE] = { 0 };

	si_put64(entry + SI_ENTRY_OFFSET, offset);
	si_put64(entry + SI_ENTRY_PLACE, writer->place);
	si_put32(entry + SI_ENTRY_LENGTH, length);
	si_put32(entry + SI_ENTRY_STORED, (guint32)stored);
	if (stored > 0)
		sum(data, stored, entry + SI_ENTRY_SUM);
	g_byte_array_append(writer->index, entry, sizeof(entry));
	writer->content += length;
}

/* Frames of zeros for the clusters before END in which something must be written. */
static void add_zeros(struct writer *writer, guint64 end)
{
	while (writer->range < writer->ranges->len) {
		const struct sw_bmap_range *range =
			&g_array_index(writer->ranges, struct sw_bmap_range, writer->range);
		guint64 first = MAX(writer->next, range->start / SI_FRAME_SIZE);

		if (first >= end)
			break;
		if (first * SI_FRAME_SIZE >= range->end) {
			writer->range++;
			continue;
		}
		add_entry(writer, first, NULL, 0);
		writer->next = first + 1;
	}
	writer->next = MAX(writer->next, end);
}

static gboolean put(const struct sw_cluster *cluster, void *data, GError **error)
{
	struct writer *writer = data;

	add_zeros(writer, cluster->index);
	if (!sw_write_at(writer->file->fd, cluster->data, cluster->length, writer->place,
			 writer->file->path, SW_ERROR_FORMAT, ID, error))
		return FALSE;
	add_entry(writer, cluster->index, cluster->data, cluster->length);
	writer->place += cluster->length;
	writer->next = cluster->index + 1;
	return TRUE;
}

static gboolean write_header(const struct writer *writer, const guint8 id[SI_ID_SIZE],
			     GError **error)
{
	guint8 header[SI_HEADER_SIZE] = { 0 };

	memcpy(header + SI_AT_MAGIC, SI_MAGIC, strlen(SI_MAGIC));
	si_put32(header + SI_AT_FRAMES, writer->index->len / SI_ENTRY_SIZE);
	si_put64(header + SI_AT_DISK_SIZE, writer->disk_size);
	si_put64(header + SI_AT_INDEX, writer->place);
	si_put64(header + SI_AT_CONTENT, writer->content);
	memcpy(header + SI_AT_ID, id, SI_ID_SIZE);
	sum(writer->index->data, writer->index->len, header + SI_AT_INDEX_SUM);
	sum(header, SI_AT_HEADER_SUM, header + SI_AT_HEADER_SUM);
	return sw_write_at(writer->file->fd, header, sizeof(header), 0, writer->file->path,
			   SW_ERROR_FORMAT, ID, error) &&
	       sw_write_at(writer->file->fd, writer->index->data, writer->index->len, writer->place,
			   writer->file->path, SW_ERROR_FORMAT, ID, error);
}

gboolean sw_iso_write_payload(const struct sw_format_input *input, const guint8 id[SI_ID_SIZE],
			      int level, const struct sw_output_file *file,
			      GCancellable *cancellable, GError **error)
{
	struct writer writer = { .file = file,
				 .disk_size = sw_sparse_size(input->disk),
				 .place = SI_HEADER_SIZE };
	const struct sw_clusters clusters = { .disk = input->disk,
					      .cluster_size = SI_FRAME_SIZE,
					      .codec = &sw_codec_zstd_frame,
					      .level = level,
					      .threads = input->threads,
					      .cut_end = TRUE,
					      .put = put,
					      .progress = input->progress,
					      .data = &writer,
					      .progress_data = input->progress_data };
	gboolean good;

	if (!sw_bmap_ranges(input->disk, &writer.ranges, error))
		return FALSE;
	writer.index = g_byte_array_new();
	good = sw_clusters_run(&clusters, cancellable, error);
	if (good) {
		add_zeros(&writer, (writer.disk_size + SI_FRAME_SIZE - 1) / SI_FRAME_SIZE);
		good = write_header(&writer, id, error);
	}
	g_byte_array_unref(writer.index);
	g_array_unref(writer.ranges);
	return good;
}
