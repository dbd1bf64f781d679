/* SPDX-License-Identifier: MIT */
#include <lzma.h>

#include "core/size.h"
#include "formats/shared/codec.h"

/* A dictionary of more than a chunk would only take memory. */
#define DICTIONARY_MAX (512 * SW_KIB)

/* With twice that, lzma_raw_encoder_memusage() of liblzma 5.4 says 11.6 MiB for the highest level. */
static size_t xz_memory(G_GNUC_UNUSED size_t cluster_size)
{
	return 12 * SW_MIB;
}

static void *xz_open(int level)
{
	lzma_options_lzma *options = g_new0(lzma_options_lzma, 1);

	if (lzma_lzma_preset(options, (guint32)level))
		g_error("xz has no level %d", level);
	options->dict_size = MIN(options->dict_size, DICTIONARY_MAX);
	return options;
}

static size_t xz_compress(void *context, const void *in, size_t length, void *out, size_t capacity)
{
	lzma_filter filters[] = { { .id = LZMA_FILTER_LZMA2, .options = context },
				  { .id = LZMA_VLI_UNKNOWN } };
	size_t size = 0;

	if (lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC64, NULL, in, length, out, &size,
				      capacity) != LZMA_OK)
		g_error("no memory for xz");
	return size;
}

const struct sw_codec sw_codec_xz_stream = {
	.name = "xz",
	.memory = xz_memory,
	.bound = lzma_stream_buffer_bound,
	.open = xz_open,
	.compress = xz_compress,
	.close = g_free,
};
