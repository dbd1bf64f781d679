/* SPDX-License-Identifier: MIT */
#include "formats/shared/zlib-stream.h"

#include <libdeflate.h>
#include <string.h>

#include "core/bytes.h"
#include "core/size.h"
#include "formats/shared/deflate.h"

#define HEADER_SIZE 2
#define TRAILER_SIZE 4
#define STORED_MAX 65535
/* Tells whether a cluster is worth the effort; ISA-L takes no less. */
#define SAMPLE 4096

static size_t put_trailer(const void *in, size_t length, guint8 *out)
{
	sw_put_be32(out, libdeflate_adler32(1, in, length));
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

struct context {
	struct libdeflate_compressor *odd;  /* for half of the clusters */
	struct libdeflate_compressor *even; /* for the others */
	struct sw_deflate *quick;	    /* for those that hardly become smaller */
	guint8 sample[SAMPLE];
};

/* Each compressor, as measured: less than 0.8 MiB at level 9. */
static size_t zlib_memory(G_GNUC_UNUSED size_t cluster_size)
{
	return 3 * SW_MIB;
}

static struct libdeflate_compressor *new_compressor(int effort)
{
	struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(effort);

	if (compressor == NULL)
		g_error("no memory for libdeflate");
	return compressor;
}

/*
 * libdeflate's levels for ours.  Between its first (3.9 % larger than zlib's 6 on a root filesystem)
 * and its second (0.6 %, half as much time again) lies much of what people want: half of each.
 */
static void *zlib_open(int level)
{
	static const struct {
		int odd, even;
	} efforts[] = { { 1, 1 }, { 1, 1 }, { 1, 2 }, { 2, 2 }, { 4, 4 },
			{ 6, 6 }, { 7, 7 }, { 8, 8 }, { 9, 9 } };
	int row = CLAMP(level, 1, (int)G_N_ELEMENTS(efforts)) - 1;
	struct context *context = g_new0(struct context, 1);

	context->odd = new_compressor(efforts[row].odd);
	context->even = new_compressor(efforts[row].even);
	context->quick = sw_deflate_new(SW_CODEC_LEVEL_MIN);
	return context;
}

/* Does a sample from the middle hardly become smaller?  It is much faster than all of it. */
static gboolean is_dense(struct context *context, const guint8 *in, size_t length)
{
	return length >= 4 * SAMPLE && sw_deflate_run(context->quick, in + length / 2, SAMPLE,
						      context->sample, SAMPLE - SAMPLE / 8) == 0;
}

static size_t zlib_compress(void *state, const void *in, size_t length, void *out, size_t capacity)
{
	struct context *context = state;
	guint8 *to = out;
	guint32 sum = libdeflate_adler32(1, in, length);
	size_t size;

	if (capacity <= HEADER_SIZE + TRAILER_SIZE)
		return 0;
	capacity -= HEADER_SIZE + TRAILER_SIZE;
	if (is_dense(context, in, length))
		size = sw_deflate_run(context->quick, in, length, to + HEADER_SIZE, capacity);
	else
		/* By its content, as what came before must make no difference. */
		size = libdeflate_deflate_compress(sum & 1 ? context->odd : context->even, in,
						   length, to + HEADER_SIZE, capacity);
	if (size == 0)
		return 0;
	memcpy(to, "\x78\x01", HEADER_SIZE);
	sw_put_be32(to + HEADER_SIZE + size, sum);
	return HEADER_SIZE + size + TRAILER_SIZE;
}

static void zlib_close(void *state)
{
	struct context *context = state;

	libdeflate_free_compressor(context->odd);
	libdeflate_free_compressor(context->even);
	sw_deflate_free(context->quick);
	g_free(context);
}

const struct sw_codec sw_codec_zlib_stream = {
	.name = "zlib-stream",
	.memory = zlib_memory,
	.open = zlib_open,
	.compress = zlib_compress,
	.close = zlib_close,
};
