/* SPDX-License-Identifier: MIT */
#include "formats/shared/huffman.h"

#include <string.h>

#define SYMBOL_BITS 9
#define SYMBOL_MASK ((1u << SYMBOL_BITS) - 1)

/* One pass of a radix sort, by the eight bits from SHIFT on; keeps the order of equal ones. */
static void sort_pass(const guint32 *from, guint32 *to, guint n, guint shift)
{
	guint places[257] = { 0 };

	for (guint i = 0; i < n; i++)
		places[(from[i] >> shift & 0xff) + 1]++;
	for (guint i = 0; i < 255; i++)
		places[i + 1] += places[i];
	for (guint i = 0; i < n; i++)
		to[places[from[i] >> shift & 0xff]++] = from[i];
}

/* The symbols that occur by frequency, which is above the symbol in LEAVES. */
static guint sorted_leaves(const guint32 *frequencies, guint count, guint32 *leaves)
{
	guint32 other[SW_HUFFMAN_MAX_SYMBOLS];
	guint n = 0;

	for (guint i = 0; i < count; i++)
		if (frequencies[i] > 0)
			leaves[n++] = frequencies[i] << SYMBOL_BITS | i;
	for (guint i = 0; n < 2; i++)
		if (frequencies[i] == 0)
			leaves[n++] = 1u << SYMBOL_BITS | i;
	sort_pass(leaves, other, n, SYMBOL_BITS);
	sort_pass(other, leaves, n, SYMBOL_BITS + 8);
	return n;
}

/*
 * How many of the N (2 or more) sorted leaves have which depth in Huffman's tree.  Nodes are made in
 * the order of their weights, so two queues replace the heap, and a node comes before its parent.
 */
static void count_depths(const guint32 *leaves, guint n, guint *counts)
{
	guint32 weights[SW_HUFFMAN_MAX_SYMBOLS];
	guint16 parents[2 * SW_HUFFMAN_MAX_SYMBOLS];
	guint16 depths[2 * SW_HUFFMAN_MAX_SYMBOLS];
	guint leaf = 0, node = 0;

	for (guint made = 0; made < n - 1; made++) {
		weights[made] = 0;
		for (int child = 0; child < 2; child++) {
			if (leaf < n &&
			    (node >= made || leaves[leaf] >> SYMBOL_BITS <= weights[node])) {
				weights[made] += leaves[leaf] >> SYMBOL_BITS;
				parents[leaf++] = (guint16)(n + made);
			} else {
				weights[made] += weights[node];
				parents[n + node++] = (guint16)(n + made);
			}
		}
	}
	depths[2 * n - 2] = 0;
	for (guint i = 2 * n - 2; i-- > 0;) {
		depths[i] = depths[parents[i]] + 1;
		if (i < n)
			counts[depths[i]]++;
	}
}

/*
 * Brings leaves deeper than MAX_BITS up to it, then makes room for them (Kraft's sum must be 1): a leaf
 * as deep as possible above becomes a node, with itself and one of those from the bottom below it.
 */
static void limit_depths(guint *counts, guint n, guint max_bits)
{
	guint total = 0;

	for (guint i = max_bits + 1; i < n; i++)
		counts[max_bits] += counts[i];
	for (guint i = 1; i <= max_bits; i++)
		total += counts[i] << (max_bits - i);
	for (; total > 1u << max_bits; total--) {
		guint i = max_bits - 1;

		while (counts[i] == 0)
			i--;
		counts[i]--;
		counts[i + 1] += 2;
		counts[max_bits]--;
	}
}

void sw_huffman_make(struct sw_huffman *huffman, const guint32 *frequencies, guint count,
		     guint max_bits)
{
	guint32 leaves[SW_HUFFMAN_MAX_SYMBOLS];
	guint counts[SW_HUFFMAN_MAX_SYMBOLS] = { 0 };
	guint n = sorted_leaves(frequencies, count, leaves);
	guint leaf = 0;

	count_depths(leaves, n, counts);
	limit_depths(counts, n, max_bits);
	memset(huffman->lengths, 0, sizeof(huffman->lengths));
	for (guint bits = max_bits; bits > 0; bits--)
		for (guint i = 0; i < counts[bits]; i++)
			huffman->lengths[leaves[leaf++] & SYMBOL_MASK] = (guint8)bits;
	sw_huffman_number(huffman, count);
}

/* The lowest BITS bits of CODE the other way round. */
static guint16 reverse_bits(guint code, guint bits)
{
	code = (code & 0x5555) << 1 | (code & 0xaaaa) >> 1;
	code = (code & 0x3333) << 2 | (code & 0xcccc) >> 2;
	code = (code & 0x0f0f) << 4 | (code & 0xf0f0) >> 4;
	code = (code & 0x00ff) << 8 | (code & 0xff00) >> 8;
	return (guint16)(code >> (16 - bits));
}

void sw_huffman_number(struct sw_huffman *huffman, guint count)
{
	guint counts[SW_HUFFMAN_MAX_BITS + 1] = { 0 };
	guint next[SW_HUFFMAN_MAX_BITS + 2] = { 0 };

	for (guint i = 0; i < count; i++)
		counts[huffman->lengths[i]]++;
	counts[0] = 0;
	for (guint bits = 1; bits <= SW_HUFFMAN_MAX_BITS; bits++)
		next[bits + 1] = (next[bits] + counts[bits]) << 1;
	for (guint i = 0; i < count; i++)
		huffman->codes[i] = reverse_bits(next[huffman->lengths[i]]++, huffman->lengths[i]);
}
