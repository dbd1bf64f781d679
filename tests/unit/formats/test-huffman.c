/* SPDX-License-Identifier: MIT */
#include "formats/shared/huffman.h"

#include <string.h>

/* Kraft's sum is 1, no symbol is too long, and just those that occur have a code. */
static void check_code(const struct sw_huffman *huffman, const guint32 *frequencies, guint count,
		       guint max_bits)
{
	guint64 sum = 0;

	for (guint i = 0; i < count; i++) {
		guint bits = huffman->lengths[i];

		g_assert_cmpuint(bits, <=, max_bits);
		if (frequencies[i] > 0)
			g_assert_cmpuint(bits, >, 0);
		if (bits > 0)
			sum += 1u << (max_bits - bits);
	}
	g_assert_cmpuint(sum, ==, 1u << max_bits);
}

/* No code begins with another one. */
static void check_prefixes(const struct sw_huffman *huffman, guint count)
{
	for (guint i = 0; i < count; i++)
		for (guint j = 0; j < count; j++) {
			guint bits = huffman->lengths[i];

			if (i == j || bits == 0 || huffman->lengths[j] < bits)
				continue;
			g_assert_cmpuint(huffman->codes[j] & ((1u << bits) - 1), !=,
					 huffman->codes[i]);
		}
}

static guint64 total_size(const struct sw_huffman *huffman, const guint32 *frequencies, guint count)
{
	guint64 size = 0;

	for (guint i = 0; i < count; i++)
		size += (guint64)frequencies[i] * huffman->lengths[i];
	return size;
}

/* What Huffman's method gives, without a limit: the sum of all inner nodes. */
static guint64 best_size(const guint32 *frequencies, guint count)
{
	guint64 weights[SW_HUFFMAN_MAX_SYMBOLS], size = 0;
	guint n = 0;

	for (guint i = 0; i < count; i++)
		if (frequencies[i] > 0)
			weights[n++] = frequencies[i];
	for (; n > 1; n--) {
		for (guint k = 0; k < 2; k++)
			for (guint i = k + 1; i < n; i++)
				if (weights[i] < weights[k]) {
					guint64 weight = weights[i];

					weights[i] = weights[k];
					weights[k] = weight;
				}
		size += weights[0] += weights[1];
		weights[1] = weights[n - 1];
	}
	return size;
}

static void test_random(void)
{
	for (guint round = 0; round < 300; round++) {
		guint32 frequencies[SW_HUFFMAN_MAX_SYMBOLS] = { 0 };
		guint count = (guint)g_test_rand_int_range(2, SW_HUFFMAN_MAX_SYMBOLS + 1);
		struct sw_huffman huffman;

		for (guint i = 0; i < count; i++)
			if (g_test_rand_int_range(0, 3) > 0)
				frequencies[i] = (guint32)g_test_rand_int_range(1, 200);
		frequencies[0] = frequencies[1] = 1;
		sw_huffman_make(&huffman, frequencies, count, SW_HUFFMAN_MAX_BITS);
		check_code(&huffman, frequencies, count, SW_HUFFMAN_MAX_BITS);
		check_prefixes(&huffman, count);
		g_assert_cmpuint(total_size(&huffman, frequencies, count), ==,
				 best_size(frequencies, count));
	}
}

/* Fibonacci's numbers make the deepest tree. */
static void test_limit(void)
{
	for (guint bits = 5; bits <= SW_HUFFMAN_MAX_BITS; bits++) {
		guint32 frequencies[22] = { 1, 1 };
		struct sw_huffman huffman;

		for (guint i = 2; i < 22; i++)
			frequencies[i] = frequencies[i - 1] + frequencies[i - 2];
		sw_huffman_make(&huffman, frequencies, 22, bits);
		check_code(&huffman, frequencies, 22, bits);
		check_prefixes(&huffman, 22);
		g_assert_cmpuint(huffman.lengths[21], <=, 2);
	}
}

static void test_few(void)
{
	guint32 frequencies[30] = { 0 };
	struct sw_huffman huffman;

	sw_huffman_make(&huffman, frequencies, 30, 15);
	check_code(&huffman, frequencies, 30, 15);
	frequencies[7] = 65535;
	sw_huffman_make(&huffman, frequencies, 30, 15);
	check_code(&huffman, frequencies, 30, 15);
	g_assert_cmpuint(huffman.lengths[7], ==, 1);
}

/* The example of RFC 1951, 3.2.2: lengths 3, 3, 3, 3, 3, 2, 4, 4. */
static void test_number(void)
{
	static const guint8 lengths[] = { 3, 3, 3, 3, 3, 2, 4, 4 };
	static const guint16 reversed[] = { 2, 6, 1, 5, 3, 0, 7, 15 };
	struct sw_huffman huffman;

	memcpy(huffman.lengths, lengths, sizeof(lengths));
	sw_huffman_number(&huffman, G_N_ELEMENTS(lengths));
	for (guint i = 0; i < G_N_ELEMENTS(lengths); i++)
		g_assert_cmpuint(huffman.codes[i], ==, reversed[i]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/huffman/random", test_random);
	g_test_add_func("/huffman/limit", test_limit);
	g_test_add_func("/huffman/few", test_few);
	g_test_add_func("/huffman/number", test_number);
	return g_test_run();
}
