/* SPDX-License-Identifier: MIT */
#include "formats/shared/deflate.h"

#include <zlib.h>

#include "../../disk.h"

/* Inflates in pieces, with the largest window. */
static void check_inflates(const guint8 *packed, size_t size, const guint8 *wanted, size_t length)
{
	z_stream stream = { .next_in = (Bytef *)packed, .avail_in = (uInt)size };
	size_t done = 0;
	int status = Z_OK;

	g_assert_cmpint(inflateInit2(&stream, -15), ==, Z_OK);
	while (status != Z_STREAM_END) {
		guint8 piece[512];

		stream.next_out = piece;
		stream.avail_out = sizeof(piece);
		status = inflate(&stream, Z_SYNC_FLUSH);
		g_assert_cmpstr(stream.msg, ==, NULL);
		g_assert_true(status == Z_OK || status == Z_STREAM_END);
		g_assert_cmpuint(done + sizeof(piece) - stream.avail_out, <=, length);
		g_assert_cmpmem(piece, sizeof(piece) - stream.avail_out, wanted + done,
				sizeof(piece) - stream.avail_out);
		done += sizeof(piece) - stream.avail_out;
	}
	g_assert_cmpuint(done, ==, length);
	g_assert_cmpuint(stream.avail_in, ==, 0);
	inflateEnd(&stream);
}

/* Compresses into a buffer of just CAPACITY, so that the sanitizer sees what goes over it. */
static size_t check_round_trip(struct sw_deflate *encoder, const guint8 *bytes, size_t length,
			       size_t capacity)
{
	g_autofree guint8 *in = g_memdup2(bytes, length);
	g_autofree guint8 *out = g_malloc(MAX(capacity, 1));
	size_t size = sw_deflate_run(encoder, in, length, out, capacity);

	g_assert_cmpuint(size, <=, capacity);
	if (size > 0)
		check_inflates(out, size, bytes, length);
	return size;
}

/* Every kind of data in one buffer, at places that are no multiples of anything. */
static guint8 *make_mixture(size_t length)
{
	guint8 *bytes = g_malloc0(length);
	guint32 seed = 0;

	for (size_t at = 0; at < length; seed++) {
		size_t wanted = (size_t)g_test_rand_int_range(1, 9000);
		size_t n = MIN(wanted, length - at);
		g_autofree guint8 *part = make_bytes((enum kind)(seed % 4), n, seed);

		if (seed % 5 == 4 && at >= n)
			memcpy(bytes + at, bytes + at - n, n);
		else
			memcpy(bytes + at, part, n);
		at += n;
	}
	return bytes;
}

static void test_levels(void)
{
	static const size_t lengths[] = { 4096, 65536, 262144, 2097152 };

	for (int level = 1; level <= 9; level++) {
		g_autoptr(SwDeflate) encoder = sw_deflate_new(level);

		for (size_t i = 0; i < (level % 4 == 1 ? 4 : 2); i++) {
			g_autofree guint8 *bytes = make_mixture(lengths[i]);
			size_t size = check_round_trip(encoder, bytes, lengths[i], 2 * lengths[i]);

			g_assert_cmpuint(size, >, 0);
		}
	}
}

static void test_small(void)
{
	g_autoptr(SwDeflate) encoder = sw_deflate_new(6);

	for (int kind = KIND_RANDOM; kind <= KIND_SPECKS; kind++)
		for (size_t length = 0; length < 600; length++) {
			g_autofree guint8 *bytes = make_bytes((enum kind)kind, length, 7);
			size_t size = check_round_trip(encoder, bytes, length, length + 64);

			g_assert_cmpuint(size, >, 0);
			g_assert_cmpuint(size, <=, length + 12);
		}
}

/* Matches are found up to the largest distance there is, and not beyond. */
static void test_window(void)
{
	g_autoptr(SwDeflate) encoder = sw_deflate_new(9);
	g_autofree guint8 *random = make_bytes(KIND_RANDOM, 40000, 1);
	g_autofree guint8 *bytes = g_malloc(80000);
	size_t sizes[2] = { 0 };

	for (size_t i = 0; i < 2; i++) {
		for (size_t at = 0; at < 80000; at++)
			bytes[at] = random[at % (32700 + 100 * i)];
		sizes[i] = check_round_trip(encoder, bytes, 80000, 90000);
	}
	g_assert_cmpuint(sizes[0], <, 36000);
	g_assert_cmpuint(sizes[1], >, 70000);
}

static void test_capacity(void)
{
	g_autoptr(SwDeflate) encoder = sw_deflate_new(3);
	g_autofree guint8 *bytes = make_bytes(KIND_TEXT, 20000, 3);
	g_autofree guint8 *random = make_bytes(KIND_RANDOM, 20000, 3);
	size_t size = check_round_trip(encoder, bytes, 20000, 20000);

	g_assert_cmpuint(size, >, 0);
	g_assert_cmpuint(size, <, 10000);
	g_assert_cmpuint(check_round_trip(encoder, bytes, 20000, size + 16), ==, size);
	for (size_t capacity = 0; capacity < size; capacity += 1 + size / 500)
		g_assert_cmpuint(check_round_trip(encoder, bytes, 20000, capacity), ==, 0);
	g_assert_cmpuint(check_round_trip(encoder, random, 20000, 19999), ==, 0);
}

/*
 * An encoder gives the bytes of another one, wherever both lie.  ISA-L hashes its address, and it
 * matters for an input that starts with bytes of the same hash and has them again later on: the
 * inputs start with all hashes that there are.
 */
static void test_addresses(void)
{
	enum { LENGTH = 4096, HASHES = 8192 };
	g_autoptr(SwDeflate) a = sw_deflate_new(3);
	g_autoptr(SwDeflate) b = sw_deflate_new(3);
	g_autofree guint8 *in = make_bytes(KIND_TEXT, LENGTH, 1);
	guint8 of_a[LENGTH], of_b[LENGTH];

	for (guint32 i = 0; i < 4 * HASHES; i++) {
		size_t size;

		memcpy(in, &i, sizeof(i));
		memcpy(in + LENGTH / 2, &i, sizeof(i));
		size = sw_deflate_run(a, in, LENGTH, of_a, LENGTH - 1);
		g_assert_cmpuint(size, >, 0);
		g_assert_cmpuint(sw_deflate_run(b, in, LENGTH, of_b, LENGTH - 1), ==, size);
		g_assert_true(memcmp(of_a, of_b, size) == 0);
	}
}

/* The same bytes of a fresh encoder and of one that has done something else. */
static void check_as_fresh(struct sw_deflate *used, int level, const guint8 *bytes, size_t length)
{
	g_autoptr(SwDeflate) fresh = sw_deflate_new(level);
	g_autofree guint8 *a = g_malloc(length + 100);
	g_autofree guint8 *b = g_malloc(length + 100);
	size_t size = sw_deflate_run(fresh, bytes, length, a, length + 100);

	g_assert_cmpuint(sw_deflate_run(used, bytes, length, b, length + 100), ==, size);
	g_assert_true(memcmp(a, b, size) == 0);
}

static void test_earlier_calls(void)
{
	g_autoptr(SwDeflate) fast = sw_deflate_new(3);
	g_autoptr(SwDeflate) small = sw_deflate_new(6);

	for (int i = 0; i < 40; i++) {
		size_t length = i % 2 == 0 ? 65536 : 150000;
		g_autofree guint8 *bytes = make_mixture(length);

		check_as_fresh(fast, 3, bytes, length);
		check_as_fresh(small, 6, bytes, length);
	}
}

static size_t zlib_size(guint8 *bytes, size_t length, guint8 *out, size_t capacity)
{
	z_stream stream = { .next_in = bytes,
			    .avail_in = (uInt)length,
			    .next_out = out,
			    .avail_out = (uInt)capacity };

	g_assert_cmpint(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -12, 9,
				     Z_DEFAULT_STRATEGY),
			==, Z_OK);
	g_assert_cmpint(deflate(&stream, Z_FINISH), ==, Z_STREAM_END);
	deflateEnd(&stream);
	return stream.total_out;
}

/* How much larger than zlib, as QEMU calls it, on a real file (this program), in percent. */
static size_t percent_of_zlib(int level)
{
	g_autoptr(SwDeflate) encoder = sw_deflate_new(level);
	g_autofree guint8 *out = g_malloc(70000);
	g_autofree char *file = NULL;
	gsize length = 0;
	size_t ours = 0, theirs = 0;

	g_assert_true(g_file_get_contents("/proc/self/exe", &file, &length, NULL));
	for (gsize at = 0; at + 65536 <= MIN(length, 4 * SW_MIB); at += 65536) {
		guint8 *bytes = (guint8 *)file + at;

		ours += check_round_trip(encoder, bytes, 65536, 70000);
		theirs += zlib_size(bytes, 65536, out, 70000);
	}
	return ours * 100 / theirs;
}

/* A whole system repeats itself more than a program: there level 3 is no larger than zlib. */
static void test_size(void)
{
	g_assert_cmpuint(percent_of_zlib(3), <=, 106);
	g_assert_cmpuint(percent_of_zlib(6), <=, 100);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/deflate/levels", test_levels);
	g_test_add_func("/deflate/small", test_small);
	g_test_add_func("/deflate/window", test_window);
	g_test_add_func("/deflate/capacity", test_capacity);
	g_test_add_func("/deflate/addresses", test_addresses);
	g_test_add_func("/deflate/earlier-calls", test_earlier_calls);
	g_test_add_func("/deflate/size", test_size);
	return g_test_run();
}
