/* SPDX-License-Identifier: MIT */
/*
 * usage: limit DISK WORK
 *
 * What this machine can do at best with the data of DISK, in seconds, one line on stdout: the data lies
 * in memory, all processors do nothing but WORK on pieces of it.  For contrib/bench.
 *   zlib        deflate of clusters of 64 KiB, at the level of the formats
 *   zstd        zstd of clusters of 64 KiB
 *   zstd-frames zstd of chunks of 2 MiB
 *   copy        a copy in memory
 */
#include <stdio.h>
#include <string.h>

#include "core/size.h"
#include "core/sparse.h"
#include "formats/shared/codec.h"

#define LEVEL 3
#define CLUSTER (64 * SW_KIB)
#define CHUNK (2 * SW_MIB)

struct work {
	const char *name;
	const struct sw_codec *codec; /* NULL: copy */
	size_t piece;
};

static const struct work works[] = {
	{ "zlib", &sw_codec_deflate, CLUSTER },
	{ "zstd", &sw_codec_zstd, CLUSTER },
	{ "zstd-frames", &sw_codec_zstd_frame, CHUNK },
	{ "copy", NULL, CHUNK },
};

struct limit {
	const struct work *work;
	GByteArray *data; /* whole pieces */
	guint8 *copy;	  /* as large; NULL when there is a codec */
	guint next;	  /* number of the next piece; atomic */
};

static gpointer worker(gpointer user_data)
{
	struct limit *limit = user_data;
	const struct sw_codec *codec = limit->work->codec;
	size_t piece = limit->work->piece;
	size_t room = codec == NULL ? 0 : codec->bound != NULL ? codec->bound(piece) : piece;
	void *context = codec == NULL ? NULL : codec->open(LEVEL);
	g_autofree guint8 *out = g_malloc(room);
	guint64 at;

	while ((at = (guint64)g_atomic_int_add(&limit->next, 1) * piece) < limit->data->len) {
		if (codec == NULL)
			memcpy(limit->copy + at, limit->data->data + at, piece);
		else
			codec->compress(context, limit->data->data + at, piece, out, room);
	}
	if (codec != NULL)
		codec->close(context);
	return NULL;
}

/* The data of DISK in whole PIECEs that are not all zeros. */
static GByteArray *load(struct sw_sparse *disk, size_t piece, GError **error)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	guint64 start = 0, end = 0;

	while (sw_sparse_next(disk, end, &start, &end, error)) {
		if (start >= sw_sparse_size(disk))
			return g_steal_pointer(&data);
		for (guint64 at = start & ~(guint64)(piece - 1); at < end; at += piece) {
			guint length = data->len;

			g_byte_array_set_size(data, length + (guint)piece);
			if (!sw_sparse_read(disk, data->data + length, piece, at, error))
				return NULL;
			if (sw_is_zero(data->data + length, piece))
				g_byte_array_set_size(data, length);
		}
		end = sw_round_up(end, piece);
	}
	return NULL;
}

static double seconds_of(struct limit *limit)
{
	guint count = g_get_num_processors();
	g_autofree GThread **threads = g_new(GThread *, count);
	gint64 begin = g_get_monotonic_time();

	for (guint i = 0; i < count; i++)
		threads[i] = g_thread_new("limit", worker, limit);
	for (guint i = 0; i < count; i++)
		g_thread_join(threads[i]);
	return (double)(g_get_monotonic_time() - begin) / G_USEC_PER_SEC;
}

int main(int argc, char **argv)
{
	struct limit limit = { 0 };
	g_autoptr(SwSparse) disk = NULL;
	g_autoptr(GError) error = NULL;

	for (size_t i = 0; argc == 3 && i < G_N_ELEMENTS(works); i++)
		if (g_str_equal(argv[2], works[i].name))
			limit.work = &works[i];
	if (limit.work == NULL) {
		fputs("usage: limit DISK zlib|zstd|zstd-frames|copy\n", stderr);
		return 2;
	}
	if (sw_sparse_open(argv[1], &disk, &error))
		limit.data = load(disk, limit.work->piece, &error);
	if (limit.data == NULL) {
		fprintf(stderr, "limit: %s\n", error->message);
		return 1;
	}
	if (limit.work->codec == NULL) {
		limit.copy = g_malloc(limit.data->len);
		memset(limit.copy, 1, limit.data->len);
	}
	printf("%.3f\n", seconds_of(&limit));
	g_free(limit.copy);
	g_byte_array_unref(limit.data);
	return 0;
}
