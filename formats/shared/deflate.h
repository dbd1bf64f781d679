/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Raw deflate (RFC 1951) for the clusters of disk images, with distances of at most 4 KiB.  Own code:
 * readers inflate with windowBits 12, and zlib.h promises them no more than a window of that size
 * (that zlib takes greater distances within one output buffer is not a promise, and readers that inflate
 * in pieces refuse them).  With it ISA-L's files are 4 % larger than zlib's, libdeflate cannot do
 * it, and zlib takes three times as long.  The same input gives the same bytes on every machine.
 */
struct sw_deflate;

/* A new encoder for one thread, LEVEL 1 (fast) to 9 (small); never NULL. */
struct sw_deflate *sw_deflate_new(int level);

/* Frees; NULL is fine. */
void sw_deflate_free(struct sw_deflate *deflate);
typedef struct sw_deflate SwDeflate;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwDeflate, sw_deflate_free)

/*
 * Compresses LENGTH bytes (less than 2 GiB) of IN into one stream in OUT.  Returns its size, or 0 when it
 * does not fit: of CAPACITY bytes the last eight are not used.  Earlier calls make no difference.
 */
size_t sw_deflate_run(struct sw_deflate *deflate, const void *in, size_t length, void *out,
		      size_t capacity);
