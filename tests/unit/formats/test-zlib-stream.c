/* SPDX-License-Identifier: MIT */
#include "formats/shared/zlib-stream.h"

#include <zlib.h>

#include "../../disk.h"

/* zlib makes the same bytes of it, and nothing is left over. */
static void check_inflates(const guint8 *stream, size_t size, const guint8 *wanted, size_t length)
{
	g_autofree guint8 *found = g_malloc(length + 1);
	z_stream z = { .next_in = (guint8 *)stream,
		       .avail_in = (uInt)size,
		       .next_out = found,
		       .avail_out = (uInt)length + 1 };

	g_assert_cmpint(inflateInit(&z), ==, Z_OK);
	g_assert_cmpint(inflate(&z, Z_FINISH), ==, Z_STREAM_END);
	g_assert_cmpuint(z.avail_in, ==, 0);
	g_assert_cmpuint(z.total_out, ==, length);
	g_assert_cmpint(inflateEnd(&z), ==, Z_OK);
	g_assert_cmpmem(found, length, wanted, length);
}

static void test_store(void)
{
	static const size_t lengths[] = { 1, 65534, 65535, 65536, 131070, 131071 };

	for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
		size_t length = lengths[i], most = length + SW_ZLIB_STORE_EXTRA(length);
		g_autofree guint8 *bytes = make_bytes(KIND_RANDOM, length, 1);
		g_autofree guint8 *stream = g_malloc(most);
		size_t size = sw_zlib_store(bytes, length, stream);

		g_assert_cmpuint(size, <=, most);
		check_inflates(stream, size, bytes, length);
	}
}

static void check_codec(int level, enum kind kind, size_t capacity)
{
	const struct sw_codec *codec = &sw_codec_zlib_stream;
	g_autofree guint8 *bytes = make_bytes(kind, 65536, 2);
	g_autofree guint8 *stream = g_malloc(65536);
	void *context = codec->open(level);
	size_t size = codec->compress(context, bytes, 65536, stream, capacity);

	codec->close(context);
	if (kind == KIND_RANDOM || capacity < 1000)
		g_assert_cmpuint(size, ==, 0);
	else
		check_inflates(stream, size, bytes, 65536);
}

static void test_codec(void)
{
	for (int level = SW_CODEC_LEVEL_MIN; level <= SW_CODEC_LEVEL_MAX; level++) {
		check_codec(level, KIND_TEXT, 65535);
		check_codec(level, KIND_ZEROS, 65535);
		check_codec(level, KIND_RANDOM, 65535);
		check_codec(level, KIND_TEXT, 100);
		check_codec(level, KIND_TEXT, 1);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/zlib-stream/store", test_store);
	g_test_add_func("/zlib-stream/codec", test_codec);
	return g_test_run();
}
