/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <zlib.h>

#include "core/bytes.h"
#include "core/size.h"
#include "formats/shared/stream.h"

/* No name, no time, an unknown system: RFC 1952, 2.3. */
static gboolean add_header(struct sw_stream *stream, GError **error)
{
	static const guint8 header[10] = { 0x1f, 0x8b, Z_DEFLATED, 0, 0, 0, 0, 0, 0, 255 };

	return sw_stream_append(stream, header, sizeof(header), error);
}

/* The codec puts the chunk's CRC before it. */
static void chunk_added(struct sw_stream *stream, const guint8 *prefix, size_t length,
			G_GNUC_UNUSED size_t compressed)
{
	guint32 crc;

	memcpy(&crc, prefix, sizeof(crc));
	stream->crc = (guint32)crc32_combine(stream->crc, crc, (z_off_t)length);
}

/* An empty last block, the CRC, the length. */
static gboolean add_trailer(struct sw_stream *stream, GError **error)
{
	guint8 trailer[10] = { 3, 0 };

	sw_put_le32(trailer + 2, stream->crc);
	sw_put_le32(trailer + 6, (guint32)stream->content);
	return sw_stream_append(stream, trailer, sizeof(trailer), error);
}

const struct sw_stream_kind sw_stream_gzip = {
	.name = "gzip",
	.suffix = ".gz",
	.media_type = "application/gzip",
	.chunk_size = SW_MIB,
	.codec = &sw_codec_gzip_chunk,
	.prefix = 4,
	.begin = add_header,
	.added = chunk_added,
	.end = add_trailer,
};
