/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Raw deflate (RFC 1951) for the clusters of disk images, with distances of at most 4 KiB: QEMU
 * reads them with windowBits 12, and zlib.h promises no more than that such a window suffices.
 * Own code, as ISA-L's files are 4 % larger with this window, libdeflate has no such window, and
 * zlib is too slow; and as the same input has to give the same bytes on every machine.
 */
struct sw_deflate;

#define SW_DEFLATE_WINDOW 4096

/* A new encoder for one thread, LEVEL 1 (fast) to 9 (small); never NULL. */
struct sw_deflate *sw_deflate_new(int level);

/* Frees; NULL is fine. */
void sw_deflate_free(struct sw_deflate *deflate);
typedef struct sw_deflate SwDeflate;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwDeflate, sw_deflate_free)

/*
 * Compresses LENGTH bytes (at most 16 MiB) of IN into one stream in OUT.  Returns its size, or 0 when
 * it would be more than CAPACITY bytes.
 */
size_t sw_deflate_run(struct sw_deflate *deflate, const void *in, size_t length, void *out,
		      size_t capacity);
