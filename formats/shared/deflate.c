/* SPDX-License-Identifier: MIT */
#include "formats/shared/deflate.h"

#include <libdeflate.h>
#ifdef HAVE_ISAL
#include "formats/shared/isal.h"
#endif

/* libdeflate's levels for ours. */
static const int efforts[] = { 1, 1, 1, 2, 4, 6, 7, 8, 9 };

struct sw_deflate {
	struct libdeflate_compressor *compressor;
#ifdef HAVE_ISAL
	struct sw_isal *isal; /* NULL: libdeflate does all */
	guint8 buffer[ISAL_DEF_LVL2_DEFAULT];
#endif
};

struct sw_deflate *sw_deflate_new(int level)
{
	struct sw_deflate *deflate = g_new0(struct sw_deflate, 1);
	int effort = efforts[CLAMP(level, 1, (int)G_N_ELEMENTS(efforts)) - 1];

#ifdef HAVE_ISAL
	if (effort == 1)
		deflate->isal = sw_isal_new();
#endif
	deflate->compressor = libdeflate_alloc_compressor(effort);
	if (deflate->compressor == NULL)
		g_error("no memory for libdeflate");
	return deflate;
}

void sw_deflate_free(struct sw_deflate *deflate)
{
	if (deflate == NULL)
		return;
#ifdef HAVE_ISAL
	sw_isal_free(deflate->isal);
#endif
	libdeflate_free_compressor(deflate->compressor);
	g_free(deflate);
}

#ifdef HAVE_ISAL
/* Level 2: level 3 gives other bytes on other processors. */
static size_t run_isal(struct sw_deflate *deflate, const void *in, size_t length, void *out,
		       size_t capacity)
{
	struct isal_zstream *stream = sw_isal_choose(deflate->isal, in);

	isal_deflate_stateless_init(stream);
	stream->level = 2;
	stream->level_buf = deflate->buffer;
	stream->level_buf_size = sizeof(deflate->buffer);
	stream->end_of_stream = 1;
	stream->next_in = (guint8 *)in;
	stream->avail_in = (guint32)length;
	stream->next_out = out;
	stream->avail_out = (guint32)capacity;
	return isal_deflate_stateless(stream) == COMP_OK ? stream->total_out : 0;
}
#endif

size_t sw_deflate_run(struct sw_deflate *deflate, const void *in, size_t length, void *out,
		      size_t capacity)
{
#ifdef HAVE_ISAL
	if (deflate->isal != NULL && length >= SW_ISAL_LENGTH_MIN)
		return run_isal(deflate, in, length, out, capacity);
#endif
	return libdeflate_deflate_compress(deflate->compressor, in, length, out, capacity);
}
