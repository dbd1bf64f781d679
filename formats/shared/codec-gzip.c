/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <zlib.h>

#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

#include "core/size.h"
#include "formats/shared/codec.h"

#define CRC_SIZE sizeof(guint32)
/* ISA-L's, but for its third, whose bytes depend on the processor. */
#define FAST_LEVEL_MAX 3

struct context {
	z_stream zlib;
	gboolean fast; /* the one below is used */
#ifdef HAVE_ISAL
	struct isal_zstream isal;
	guint8 *level_buffer;
	guint32 level_buffer_size;
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
static gboolean fast_open(struct context *context, int level)
{
	static const guint32 sizes[] = { 0, ISAL_DEF_LVL1_LARGE, ISAL_DEF_LVL2_LARGE };

	if (level > FAST_LEVEL_MAX)
		return FALSE;
	level = MIN(level, (int)G_N_ELEMENTS(sizes) - 1);
	isal_deflate_init(&context->isal);
	context->isal.level = (guint32)level;
	context->level_buffer_size = sizes[level];
	context->level_buffer = g_malloc(sizes[level]);
	return TRUE;
}

static size_t fast_compress(struct context *context, const void *in, size_t length, guint8 *out,
			    size_t capacity)
{
	struct isal_zstream *stream = &context->isal;
	guint32 level = stream->level;

	isal_deflate_init(stream);
	stream->level = level;
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

static void fast_close(struct context *context)
{
	g_free(context->level_buffer);
}
#else
static gboolean fast_open(G_GNUC_UNUSED struct context *context, G_GNUC_UNUSED int level)
{
	return FALSE;
}

static size_t fast_compress(G_GNUC_UNUSED struct context *context, G_GNUC_UNUSED const void *in,
			    G_GNUC_UNUSED size_t length, G_GNUC_UNUSED guint8 *out,
			    G_GNUC_UNUSED size_t capacity)
{
	g_assert_not_reached();
}

static void fast_close(G_GNUC_UNUSED struct context *context)
{
}
#endif

static void *gzip_open(int level)
{
	struct context *context = g_new0(struct context, 1);

	context->fast = fast_open(context, level);
	if (!context->fast &&
	    deflateInit2(&context->zlib, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
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
	if (context->fast)
		return CRC_SIZE + fast_compress(context, in, length, to, capacity - CRC_SIZE);
	return CRC_SIZE + zlib_compress(context, in, length, to, capacity - CRC_SIZE);
}

static void gzip_close(void *state)
{
	struct context *context = state;

	if (context->fast)
		fast_close(context);
	else
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
