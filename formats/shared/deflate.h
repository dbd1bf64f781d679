/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Raw deflate (RFC 1951) with the whole window of 32 KiB: up to level 3 by ISA-L where slipway was
 * built with it, else by libdeflate.  Same bytes on every processor and at every address
 * (formats/README.md says what was tried).
 */
struct sw_deflate;

/* A new encoder for one thread, LEVEL 1 (fast) to 9 (small); never NULL. */
struct sw_deflate *sw_deflate_new(int level);

/* Frees; NULL is fine. */
void sw_deflate_free(struct sw_deflate *deflate);
typedef struct sw_deflate SwDeflate;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwDeflate, sw_deflate_free)

/*
 * Compresses LENGTH bytes (less than 2 GiB) of IN into one stream in OUT.  Returns its size, or 0
 * when it may not fit into CAPACITY bytes.  Earlier calls make no difference.
 */
size_t sw_deflate_run(struct sw_deflate *deflate, const void *in, size_t length, void *out,
		      size_t capacity);
