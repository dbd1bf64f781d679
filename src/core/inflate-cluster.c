/* SPDX-License-Identifier: MIT */
#include "core/inflate-cluster.h"

#include <zlib.h>
#include <zstd.h>

/* The largest window of zstd, as a power of two: what a hostile frame may take of the memory. */
#define WINDOW_LOG 23

struct sw_cluster_inflater {
	size_t size;
	ZSTD_DCtx *zstd; /* NULL: raw deflate */
	guint8 *in;
	size_t capacity; /* of IN */
	guint8 *out;
	guint64 key; /* of what is in OUT; 0: nothing */
};

struct sw_cluster_inflater *sw_cluster_inflater_new(size_t size, gboolean is_zstd)
{
	struct sw_cluster_inflater *inflater = g_new0(struct sw_cluster_inflater, 1);

	inflater->size = size;
	inflater->out = g_malloc(size);
	if (is_zstd) {
		inflater->zstd = ZSTD_createDCtx();
		if (inflater->zstd == NULL)
			g_error("no memory for zstd");
		ZSTD_DCtx_setParameter(inflater->zstd, ZSTD_d_windowLogMax, WINDOW_LOG);
	}
	return inflater;
}

void sw_cluster_inflater_free(struct sw_cluster_inflater *inflater)
{
	if (inflater == NULL)
		return;
	ZSTD_freeDCtx(inflater->zstd);
	g_free(inflater->in);
	g_free(inflater->out);
	g_free(inflater);
}

guint8 *sw_cluster_inflater_input(struct sw_cluster_inflater *inflater, size_t length)
{
	if (length > inflater->capacity) {
		inflater->in = g_realloc(inflater->in, length);
		inflater->capacity = length;
	}
	return inflater->in;
}

static gboolean run_zlib(struct sw_cluster_inflater *inflater, size_t length)
{
	z_stream stream = { .next_in = inflater->in,
			    .avail_in = (uInt)length,
			    .next_out = inflater->out,
			    .avail_out = (uInt)inflater->size };
	int status;

	if (inflateInit2(&stream, -15) != Z_OK)
		g_error("no memory for zlib");
	status = inflate(&stream, Z_FINISH);
	inflateEnd(&stream);
	return (status == Z_STREAM_END || status == Z_BUF_ERROR) && stream.avail_out == 0;
}

static gboolean run_zstd(struct sw_cluster_inflater *inflater, size_t length)
{
	ZSTD_inBuffer in = { inflater->in, length, 0 };
	ZSTD_outBuffer out = { inflater->out, inflater->size, 0 };
	size_t status = 1;

	ZSTD_DCtx_reset(inflater->zstd, ZSTD_reset_session_only);
	while (out.pos < out.size && in.pos < in.size && status != 0 && !ZSTD_isError(status)) {
		size_t in_before = in.pos, out_before = out.pos;

		status = ZSTD_decompressStream(inflater->zstd, &out, &in);
		if (in.pos == in_before && out.pos == out_before)
			break;
	}
	return !ZSTD_isError(status) && out.pos == out.size;
}

const guint8 *sw_cluster_inflater_run(struct sw_cluster_inflater *inflater, size_t length,
				      guint64 key)
{
	gboolean good =
		inflater->zstd != NULL ? run_zstd(inflater, length) : run_zlib(inflater, length);

	inflater->key = good ? key : 0;
	return good ? inflater->out : NULL;
}

const guint8 *sw_cluster_inflater_last(const struct sw_cluster_inflater *inflater, guint64 key)
{
	return inflater->key == key ? inflater->out : NULL;
}
