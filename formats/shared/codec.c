/* SPDX-License-Identifier: MIT */
#include "formats/shared/codec.h"

#include <zstd.h>

#include "core/error.h"
#include "core/size.h"
#include "formats/shared/deflate.h"

gboolean sw_codec_check_level(const char *owner, int level, GError **error)
{
	if (level < SW_CODEC_LEVEL_MIN || level > SW_CODEC_LEVEL_MAX)
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "format %s: level is not from 1 to 9", owner);
	return TRUE;
}

/* libdeflate takes less at its level 9, and with ISA-L at its level 2. */
static size_t deflate_memory(G_GNUC_UNUSED size_t cluster_size)
{
	return SW_MIB;
}

static void *deflate_open(int level)
{
	return sw_deflate_new(level);
}

static size_t deflate_compress(void *context, const void *in, size_t length, void *out,
			       size_t capacity)
{
	return sw_deflate_run(context, in, length, out, capacity);
}

static void deflate_close(void *context)
{
	sw_deflate_free(context);
}

const struct sw_codec sw_codec_deflate = {
	.name = "zlib",
	.memory = deflate_memory,
	.open = deflate_open,
	.compress = deflate_compress,
	.close = deflate_close,
};

/* As measured at level 9 (ZSTD_sizeof_CCtx) with zstd 1.5: 1.0 MiB for 64 KiB, 12.5 MiB for 2 MiB. */
static size_t zstd_memory(size_t cluster_size)
{
	return SW_MIB + 6 * cluster_size;
}

/* zstd's levels for ours: at its first, clusters are no more than 3 % larger than at its third. */
static void *zstd_open(int level)
{
	static const int efforts[] = { 1, 1, 1, 2, 3, 5, 6, 8, 9 };
	int effort = efforts[CLAMP(level, 1, (int)G_N_ELEMENTS(efforts)) - 1];
	ZSTD_CCtx *context = ZSTD_createCCtx();

	if (context == NULL)
		g_error("no memory for zstd");
	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, effort);
	return context;
}

static size_t zstd_compress(void *context, const void *in, size_t length, void *out,
			    size_t capacity)
{
	size_t size = ZSTD_compress2(context, out, capacity, in, length);

	return ZSTD_isError(size) ? 0 : size;
}

static void zstd_close(void *context)
{
	ZSTD_freeCCtx(context);
}

const struct sw_codec sw_codec_zstd = {
	.name = "zstd",
	.memory = zstd_memory,
	.open = zstd_open,
	.compress = zstd_compress,
	.close = zstd_close,
};

const struct sw_codec sw_codec_zstd_frame = {
	.name = "zstd",
	.memory = zstd_memory,
	.bound = ZSTD_compressBound,
	.open = zstd_open,
	.compress = zstd_compress,
	.close = zstd_close,
};
