/* SPDX-License-Identifier: MIT */
#include "formats/shared/deflate.h"

#include <zlib.h>

#include "../../disk.h"
#include "core/hash.h"

/*
 * Inflates as the strictest reader does: a window of 4 KiB, and output in pieces, so that zlib has
 * nothing but that window to look back at.
 */
static void check_inflates(const guint8 *packed, size_t size, const guint8 *wanted, size_t length)
{
	z_stream stream = { .next_in = (Bytef *)packed, .avail_in = (uInt)size };
	size_t done = 0;
	int status = Z_OK;

	g_assert_cmpint(inflateInit2(&stream, -12), ==, Z_OK);
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

/* Matches of each distance around the window's size: those beyond must not be used. */
static void test_window(void)
{
	g_autoptr(SwDeflate) encoder = sw_deflate_new(9);
	g_autofree guint8 *random = make_bytes(KIND_RANDOM, 8192, 1);
	g_autofree guint8 *bytes = g_malloc(65536);
	size_t sizes[2] = { 0 };

	for (size_t period = 4000; period <= 4200; period += 4)
		for (size_t shift = 0; shift < 2; shift++) {
			size_t exact = shift == 0 ? period : 4095 + period % 8;

			for (size_t at = 0; at < 65536; at++)
				bytes[at] = random[at % exact];
			check_round_trip(encoder, bytes, 65536, 70000);
		}
	for (size_t i = 0; i < 2; i++) {
		for (size_t at = 0; at < 65536; at++)
			bytes[at] = random[at % (4096 + i)];
		sizes[i] = check_round_trip(encoder, bytes, 65536, 70000);
	}
	g_assert_cmpuint(sizes[0], <, 6000);
	g_assert_cmpuint(sizes[1], >, 60000);
}

static void test_capacity(void)
{
	g_autoptr(SwDeflate) encoder = sw_deflate_new(3);
	g_autofree guint8 *bytes = make_bytes(KIND_TEXT, 20000, 3);
	g_autofree guint8 *random = make_bytes(KIND_RANDOM, 20000, 3);
	size_t size = check_round_trip(encoder, bytes, 20000, 20000);

	g_assert_cmpuint(size, >, 0);
	g_assert_cmpuint(size, <, 10000);
	g_assert_cmpuint(check_round_trip(encoder, bytes, 20000, size + 8), ==, size);
	for (size_t capacity = 0; capacity < size + 8; capacity += 1 + size / 500)
		g_assert_cmpuint(check_round_trip(encoder, bytes, 20000, capacity), ==, 0);
	g_assert_cmpuint(check_round_trip(encoder, random, 20000, 19999), ==, 0);
}

/* The same bytes of a fresh encoder and of one that has done something else. */
static void check_as_fresh(struct sw_deflate *used, const guint8 *bytes, size_t length)
{
	g_autoptr(SwDeflate) fresh = sw_deflate_new(6);
	g_autofree guint8 *a = g_malloc(length + 100);
	g_autofree guint8 *b = g_malloc(length + 100);
	size_t size = sw_deflate_run(fresh, bytes, length, a, length + 100);

	g_assert_cmpuint(sw_deflate_run(used, bytes, length, b, length + 100), ==, size);
	g_assert_true(memcmp(a, b, size) == 0);
}

/*
 * In the second piece, what is at 1000 comes too long after a match for all its places to be
 * entered; those of the first piece must not be remembered for its copy at 3000.
 */
static void test_earlier_calls(void)
{
	g_autoptr(SwDeflate) used = sw_deflate_new(6);
	g_autofree guint8 *first = make_bytes(KIND_RANDOM, 4000, 1);
	g_autofree guint8 *second = make_bytes(KIND_RANDOM, 4000, 2);

	memcpy(second + 1000, first + 1000, 1000);
	memcpy(second + 3000, first + 1000, 1000);
	memset(first, 0, 1000);
	check_as_fresh(used, first, 4000);
	check_as_fresh(used, second, 4000);
	for (int i = 0; i < 20; i++) {
		size_t length = i % 2 == 0 ? 65536 : 150000;
		g_autofree guint8 *bytes = make_mixture(length);

		check_as_fresh(used, bytes, length);
		check_as_fresh(used, bytes, length);
	}
}

static void test_same_bytes(void)
{
	static const char wanted[] =
		"0407b759a34194ed363e56c9eff0bf7ca0c041422eaee9b9dc5f6734b807d253";
	g_autoptr(SwDeflate) encoder = sw_deflate_new(3);
	g_autofree guint8 *text = make_bytes(KIND_TEXT, 65536, 1);
	g_autofree guint8 *out = g_malloc(70000);
	size_t size = sw_deflate_run(encoder, text, 65536, out, 70000);
	char sha256[SW_SHA256_SIZE];

	/* The same on every machine; changes with the encoder only. */
	sw_sha256_data(out, size, sha256);
	g_assert_cmpstr(sha256, ==, wanted);
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

/* On a real file (this program) at most three in a hundred larger than zlib as QEMU calls it. */
static void test_size(void)
{
	g_autoptr(SwDeflate) encoder = sw_deflate_new(3);
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
	g_assert_cmpuint(ours, <=, theirs * 103 / 100);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/deflate/levels", test_levels);
	g_test_add_func("/deflate/small", test_small);
	g_test_add_func("/deflate/window", test_window);
	g_test_add_func("/deflate/capacity", test_capacity);
	g_test_add_func("/deflate/earlier-calls", test_earlier_calls);
	g_test_add_func("/deflate/same-bytes", test_same_bytes);
	g_test_add_func("/deflate/size", test_size);
	return g_test_run();
}
