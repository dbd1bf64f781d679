/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <isa-l/igzip_lib.h>

/* A piece shorter than this is not for ISA-L. */
#define SW_ISAL_LENGTH_MIN 4096

/*
 * Streams of ISA-L whose output does not depend on where they lie in memory.
 *
 * At levels 1 and 2 on x86-64, ISA-L 2.30 to 2.32 hashes bits 16 to 47 of the stream's address
 * where it means to hash the bytes at position 2 (igzip_icf_body_h1_gr_bt.asm, write_first_byte:
 * tmp2 is never loaded), and notes position 2 under that hash.  It matters when the hash is also
 * that of position 0, 1 or 2, in about one of 3000 pieces.  So there are some streams with different
 * hashes, and each piece is given to one where it does not matter.
 */
struct sw_isal;

/* New streams for one thread; never NULL. */
struct sw_isal *sw_isal_new(void);

/* Frees; NULL is fine. */
void sw_isal_free(struct sw_isal *isal);

/*
 * The stream for a piece that starts with IN (SW_ISAL_LENGTH_MIN bytes or more), owned by ISAL; the
 * caller initializes it, with level 1 or 2.
 */
struct isal_zstream *sw_isal_choose(struct sw_isal *isal, const void *in);
