/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#define SW_HUFFMAN_MAX_SYMBOLS 288
#define SW_HUFFMAN_MAX_BITS 15

/* A Huffman code as deflate has it (RFC 1951, 3.2.2). */
struct sw_huffman {
	guint16 codes[SW_HUFFMAN_MAX_SYMBOLS];	/* bit-reversed: the first bit to write is bit 0 */
	guint8 lengths[SW_HUFFMAN_MAX_SYMBOLS]; /* 0: the symbol does not occur */
};

/*
 * Makes the best code of at most MAX_BITS (15 or less) a symbol for COUNT symbols that occur FREQUENCIES times
 * (each below 2^16).  Nearly best where MAX_BITS binds.  At least two symbols get a code, so that it
 * is always complete, which every reader accepts.
 */
void sw_huffman_make(struct sw_huffman *huffman, const guint32 *frequencies, guint count,
		     guint max_bits);

/* Gives the symbols of HUFFMAN, whose lengths are set, their codes. */
void sw_huffman_number(struct sw_huffman *huffman, guint count);
