/* SPDX-License-Identifier: MIT */
#include "core/bytes.h"
#include "core/size.h"
#include "formats/shared/stream.h"

/* The numbers are those of zstd's contrib/seekable_format/zstd_seekable_compression_format.md. */
#define SKIPPABLE_MAGIC 0x184d2a5eu
#define SEEKABLE_MAGIC 0x8f92eab1u
#define FRAMES_MAX 0x8000000u

static void frame_added(struct sw_stream *stream, G_GNUC_UNUSED const guint8 *prefix, size_t length,
			size_t compressed)
{
	guint32 entry[2] = { GUINT32_TO_LE((guint32)compressed), GUINT32_TO_LE((guint32)length) };

	g_array_append_vals(stream->frames, entry, 2);
}

static gboolean add_table(struct sw_stream *stream, GError **error)
{
	guint32 bytes = stream->frames->len * 4;
	guint32 frames = stream->frames->len / 2;
	guint32 head[2] = { GUINT32_TO_LE(SKIPPABLE_MAGIC), GUINT32_TO_LE(bytes + 9) };
	guint8 foot[9] = { 0 }; /* the number of frames, a descriptor: no checksums, the magic */

	if (frames > FRAMES_MAX)
		return TRUE;
	sw_put_le32(foot, frames);
	sw_put_le32(foot + 5, SEEKABLE_MAGIC);
	return sw_stream_append(stream, head, sizeof(head), error) &&
	       sw_stream_append(stream, stream->frames->data, bytes, error) &&
	       sw_stream_append(stream, foot, sizeof(foot), error);
}

const struct sw_stream_kind sw_stream_zstd = {
	.name = "zstd",
	.suffix = ".zst",
	.media_type = "application/zstd",
	.chunk_size = 2 * SW_MIB,
	.codec = &sw_codec_zstd_frame,
	.added = frame_added,
	.end = add_table,
};
