/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * fs-verity as the kernel lays it out on ext4 (Linux, Documentation/filesystems/fsverity.rst):
 * SHA-256, blocks of 4096 bytes, no salt.  Feed the content of a file in order; out come the bytes
 * that stand behind it.
 */
struct sw_verity;

/* Begins with a file of SIZE bytes; never NULL. */
struct sw_verity *sw_verity_new(guint64 size);

/* Frees; NULL is fine. */
void sw_verity_free(struct sw_verity *verity);
typedef struct sw_verity SwVerity;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwVerity, sw_verity_free)

/* The next LENGTH bytes of the file. */
void sw_verity_update(struct sw_verity *verity, const void *data, size_t length);

/*
 * When all bytes were given: the Merkle tree and the descriptor, whole blocks.  RET_DIGEST (65
 * bytes; NULL: not wanted) gets the file's digest in hexadecimal, as `fsverity measure` shows it.
 */
GBytes *sw_verity_finish(struct sw_verity *verity, char *ret_digest);

/* Where on ext4 the bytes of sw_verity_finish() begin in a file of SIZE bytes. */
guint64 sw_verity_offset(guint64 size);
