/* SPDX-License-Identifier: MIT */
#include "formats/shared/zlib-stream.h"

#include <libdeflate.h>
#include <string.h>
#include <zlib.h>

#include "core/bytes.h"
#include "core/size.h"

#define HEADER_SIZE 2
#define TRAILER_SIZE 4
#define STORED_MAX 65535

static size_t put_trailer(const void *in, size_t length, guint8 *out)
{
	sw_put_be32(out, (guint32)adler32(adler32(0, NULL, 0), in, (uInt)length));
	return TRAILER_SIZE;
}

size_t sw_zlib_store(const void *in, size_t length, guint8 *out)
{
	const guint8 *from = in;
	size_t size = HEADER_SIZE;

	memcpy(out, "\x78\x01", HEADER_SIZE);
	for (size_t at = 0; at < length; at += STORED_MAX) {
		size_t part = MIN(STORED_MAX, length - at);

		out[size] = at + part == length;
		sw_put_le16(out + size + 1, (guint16)part);
		sw_put_le16(out + size + 3, (guint16)~part);
		memcpy(out + size + 5, from + at, part);
		size += 5 + part;
	}
	return size + put_trailer(in, length, out + size);
}

/* As measured: less than 0.8 MiB at level 9. */
static size_t zlib_memory(G_GNUC_UNUSED size_t cluster_size)
{
	return SW_MIB;
}

static void *zlib_open(int level)
{
	struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(level);

	if (compressor == NULL)
		g_error("no memory for libdeflate");
	return compressor;
}

static size_t zlib_compress(void *context, const void *in, size_t length, void *out,
			    size_t capacity)
{
	return libdeflate_zlib_compress(context, in, length, out, capacity);
}

static void zlib_close(void *context)
{
	libdeflate_free_compressor(context);
}

const struct sw_codec sw_codec_zlib_stream = {
	.name = "zlib-stream",
	.memory = zlib_memory,
	.open = zlib_open,
	.compress = zlib_compress,
	.close = zlib_close,
};
