/* SPDX-License-Identifier: MIT */
#include "image/inflate.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* A stream out of memory, in pieces of STEP bytes. */
struct feed {
	const guint8 *data;
	gsize left;
	gsize step;
};

static gboolean input(void *data, guint8 *buffer, size_t size, size_t *ret_length,
		      G_GNUC_UNUSED GError **error)
{
	struct feed *feed = data;
	gsize n = MIN(MIN(size, feed->step), feed->left);

	if (n > 0) {
		memcpy(buffer, feed->data, n);
		feed->data += n;
	}
	feed->left -= n;
	*ret_length = n;
	return TRUE;
}

static void add_gzip(GByteArray *stream, const void *data, gsize length, gboolean with_name)
{
	gz_header header = { 0 };
	z_stream gzip = { 0 };
	guint start = stream->len;
	guint8 extra[] = { 'S', 'G', 4, 0, 'a', 'b', 'c', 'd' };

	g_assert_cmpint(deflateInit2(&gzip, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
	header.name = (Bytef *)(void *)"a name";
	header.comment = (Bytef *)(void *)"a comment";
	header.extra = extra;
	header.extra_len = sizeof(extra);
	header.hcrc = 1;
	if (with_name)
		g_assert_cmpint(deflateSetHeader(&gzip, &header), ==, Z_OK);
	g_byte_array_set_size(stream, start + (guint)deflateBound(&gzip, length) + 100);
	gzip.next_in = (Bytef *)data;
	gzip.avail_in = (uInt)length;
	gzip.next_out = stream->data + start;
	gzip.avail_out = (uInt)(stream->len - start);
	g_assert_cmpint(deflate(&gzip, Z_FINISH), ==, Z_STREAM_END);
	g_byte_array_set_size(stream, stream->len - gzip.avail_out);
	deflateEnd(&gzip);
}

static void add_zstd(GByteArray *stream, const void *data, gsize length)
{
	gsize bound = ZSTD_compressBound(length);
	g_autofree guint8 *out = g_malloc(bound);
	gsize n = ZSTD_compress(out, bound, data, length, 3);

	g_assert_false(ZSTD_isError(n));
	g_byte_array_append(stream, out, (guint)n);
}

static gboolean inflate_all(const GByteArray *stream, gsize step, gsize size, GByteArray *out,
			    GError **error)
{
	struct feed feed = { stream->data, stream->len, step };
	g_autoptr(SwInflate) inflate = sw_inflate_new(input, &feed);
	g_autofree guint8 *buffer = g_malloc(size);
	size_t n = size;

	while (n == size) {
		if (!sw_inflate_read(inflate, buffer, size, &n, error))
			return FALSE;
		g_byte_array_append(out, buffer, (guint)n);
	}
	g_assert_cmpuint(feed.left, ==, 0);
	return TRUE;
}

/* STREAM gives DATA, in whatever pieces it comes and goes. */
static void check(const GByteArray *stream, const guint8 *data, gsize length)
{
	static const gsize steps[] = { 1, 3, 1000, 1 << 20 };
	static const gsize sizes[] = { 100, 65536, 1 << 20 };

	for (guint i = 0; i < G_N_ELEMENTS(steps) * G_N_ELEMENTS(sizes); i++) {
		g_autoptr(GByteArray) out = g_byte_array_new();
		g_autoptr(GError) error = NULL;

		g_assert_true(inflate_all(stream, steps[i % G_N_ELEMENTS(steps)],
					  sizes[i / G_N_ELEMENTS(steps)], out, &error));
		g_assert_no_error(error);
		g_assert_cmpmem(out->data, out->len, data, length);
	}
}

static void check_refused(const GByteArray *stream)
{
	static const gsize steps[] = { 1, 1 << 20 };

	for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
		g_autoptr(GByteArray) out = g_byte_array_new();
		g_autoptr(GError) error = NULL;

		g_assert_false(inflate_all(stream, steps[i], 65536, out, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_SOURCE);
		g_assert_cmpstr(sw_error_id(error), ==, "compression");
	}
}

/* Half text, half noise, so that stored, fixed and dynamic blocks occur. */
static GByteArray *sample(gsize length)
{
	GByteArray *data = g_byte_array_new();
	g_autoptr(GRand) rand = g_rand_new_with_seed(7);

	g_byte_array_set_size(data, (guint)length);
	for (gsize i = 0; i < length; i++)
		data->data[i] = (guint8)(i % 20000 < 10000 ? "abcdefgh"[i % 8 & (i / 64)]
							   : g_rand_int_range(rand, 0, 256));
	return data;
}

static void test_plain(void)
{
	g_autoptr(GByteArray) data = sample(70000);
	g_autoptr(GByteArray) few = sample(3);

	check(data, data->data, data->len);
	check(few, few->data, few->len);
}

static void test_gzip(void)
{
	g_autoptr(GByteArray) data = sample(300000);
	g_autoptr(GByteArray) stream = g_byte_array_new();

	add_gzip(stream, data->data, data->len, TRUE);
	check(stream, data->data, data->len);
}

/* Members one behind the other are one stream (eStargz, pigz), empty ones too. */
static void test_gzip_members(void)
{
	g_autoptr(GByteArray) data = sample(300000);
	g_autoptr(GByteArray) stream = g_byte_array_new();

	add_gzip(stream, data->data, 100000, FALSE);
	add_gzip(stream, "", 0, TRUE);
	add_gzip(stream, data->data + 100000, 1, FALSE);
	add_gzip(stream, data->data + 100001, data->len - 100001, TRUE);
	add_gzip(stream, "", 0, TRUE);
	check(stream, data->data, data->len);
}

static void test_zstd(void)
{
	static const guint8 skippable[] = { 0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c' };
	g_autoptr(GByteArray) data = sample(300000);
	g_autoptr(GByteArray) stream = g_byte_array_new();

	g_byte_array_append(stream, skippable, sizeof(skippable));
	add_zstd(stream, data->data, 100000);
	g_byte_array_append(stream, skippable, sizeof(skippable));
	add_zstd(stream, "", 0);
	add_zstd(stream, data->data + 100000, data->len - 100000);
	g_byte_array_append(stream, skippable, sizeof(skippable));
	check(stream, data->data, data->len);
}

static void test_empty(void)
{
	g_autoptr(GByteArray) none = g_byte_array_new();
	g_autoptr(GByteArray) gzip = g_byte_array_new();
	g_autoptr(GByteArray) zstd = g_byte_array_new();

	add_gzip(gzip, "", 0, FALSE);
	add_zstd(zstd, "", 0);
	check(none, NULL, 0);
	check(gzip, NULL, 0);
	check(zstd, NULL, 0);
}

/* A stream cut anywhere is refused, but between members or frames. */
static void test_truncated(void)
{
	g_autoptr(GByteArray) data = sample(2000);

	for (guint i = 0; i < 2; i++) {
		g_autoptr(GByteArray) stream = g_byte_array_new();

		if (i == 0)
			add_gzip(stream, data->data, data->len, TRUE);
		else
			add_zstd(stream, data->data, data->len);
		while (stream->len > 4) {
			g_byte_array_set_size(stream, stream->len - 1);
			check_refused(stream);
		}
	}
}

static void test_damaged(void)
{
	g_autoptr(GByteArray) data = sample(50000);
	g_autoptr(GByteArray) stream = g_byte_array_new();

	add_gzip(stream, data->data, data->len, FALSE);
	stream->data[stream->len - 6] ^= 1;
	check_refused(stream);
	stream->data[stream->len - 6] ^= 1;
	stream->data[stream->len - 1] ^= 1;
	check_refused(stream);
	stream->data[stream->len - 1] ^= 1;
	g_byte_array_append(stream, (const guint8 *)"garbage behind it", 17);
	check_refused(stream);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/inflate/plain", test_plain);
	g_test_add_func("/inflate/gzip", test_gzip);
	g_test_add_func("/inflate/gzip-members", test_gzip_members);
	g_test_add_func("/inflate/zstd", test_zstd);
	g_test_add_func("/inflate/empty", test_empty);
	g_test_add_func("/inflate/truncated", test_truncated);
	g_test_add_func("/inflate/damaged", test_damaged);
	return g_test_run();
}
