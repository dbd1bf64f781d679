/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <zlib.h>

#include "core/size.h"
#include "formats/shared/codec.h"
#ifdef HAVE_ISAL
#include "formats/shared/isal.h"
#endif

#define CRC_SIZE sizeof(guint32)
/* Ours; ISA-L's third is not used, as its bytes depend on the processor. */
#define ISAL_LEVEL_MAX 3

struct context {
	z_stream zlib;
#ifdef HAVE_ISAL
	struct sw_isal *isal; /* NULL: zlib does all */
	guint32 level;
	guint32 level_buffer_size;
	guint8 *level_buffer;
#endif
};

static size_t gzip_memory(G_GNUC_UNUSED size_t cluster_size)
{
	return SW_MIB;
}

/* Stored blocks of at most 16 KiB cost 5 bytes each, the flush and ends some more. */
static size_t gzip_bound(size_t length)
{
	return CRC_SIZE + length + length / 1024 + 64;
}

#ifdef HAVE_ISAL
static void isal_open(struct context *context, int level)
{
	static const guint32 sizes[] = { 0, ISAL_DEF_LVL1_LARGE, ISAL_DEF_LVL2_LARGE };

	context->isal = sw_isal_new();
	context->level = (guint32)MIN(level, (int)G_N_ELEMENTS(sizes) - 1);
	context->level_buffer_size = sizes[context->level];
	context->level_buffer = g_malloc(context->level_buffer_size);
}

static size_t isal_compress(struct context *context, const void *in, size_t length, guint8 *out,
			    size_t capacity)
{
	struct isal_zstream *stream = sw_isal_choose(context->isal, in);

	isal_deflate_init(stream);
	stream->level = context->level;
	stream->level_buf = context->level_buffer;
	stream->level_buf_size = context->level_buffer_size;
	stream->flush = FULL_FLUSH;
	stream->next_in = (guint8 *)in;
	stream->avail_in = (guint32)length;
	stream->next_out = out;
	stream->avail_out = (guint32)capacity;
	if (isal_deflate(stream) != COMP_OK || stream->avail_in != 0 || stream->avail_out == 0)
		g_error("ISA-L needs more room than it may");
	return capacity - stream->avail_out;
}
#endif

static void *gzip_open(int level)
{
	struct context *context = g_new0(struct context, 1);

#ifdef HAVE_ISAL
	if (level <= ISAL_LEVEL_MAX)
		isal_open(context, level);
#endif
	if (deflateInit2(&context->zlib, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		g_error("no memory for zlib");
	return context;
}

static size_t zlib_compress(struct context *context, const void *in, size_t length, guint8 *out,
			    size_t capacity)
{
	z_stream *stream = &context->zlib;

	stream->next_in = (Bytef *)in;
	stream->avail_in = (uInt)length;
	stream->next_out = out;
	stream->avail_out = (uInt)capacity;
	if (deflateReset(stream) != Z_OK || deflate(stream, Z_FULL_FLUSH) != Z_OK ||
	    stream->avail_in != 0 || stream->avail_out == 0)
		g_error("zlib needs more room than it may");
	return capacity - stream->avail_out;
}

static size_t gzip_compress(void *state, const void *in, size_t length, void *out, size_t capacity)
{
	struct context *context = state;
	guint32 crc = (guint32)crc32(0, in, (uInt)length);
	guint8 *to = (guint8 *)out + CRC_SIZE;

	memcpy(out, &crc, sizeof(crc));
#ifdef HAVE_ISAL
	if (context->isal != NULL && length >= SW_ISAL_LENGTH_MIN)
		return CRC_SIZE + isal_compress(context, in, length, to, capacity - CRC_SIZE);
#endif
	return CRC_SIZE + zlib_compress(context, in, length, to, capacity - CRC_SIZE);
}

static void gzip_close(void *state)
{
	struct context *context = state;

#ifdef HAVE_ISAL
	sw_isal_free(context->isal);
	g_free(context->level_buffer);
#endif
	deflateEnd(&context->zlib);
	g_free(context);
}

const struct sw_codec sw_codec_gzip_chunk = {
	.name = "gzip",
	.memory = gzip_memory,
	.bound = gzip_bound,
	.open = gzip_open,
	.compress = gzip_compress,
	.close = gzip_close,
};
