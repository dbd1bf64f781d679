/* SPDX-License-Identifier: MIT */
#pragma once

#include "formats/shared/codec.h"

/* One zlib stream (RFC 1950), by libdeflate. */
extern const struct sw_codec sw_codec_zlib_stream;

/* What sw_zlib_store() adds to LENGTH bytes. */
#define SW_ZLIB_STORE_EXTRA(length) (2 + 5 * ((length) / 65535 + 1) + 4)

/* Makes a zlib stream without compression of LENGTH bytes (not 0); returns its size. */
size_t sw_zlib_store(const void *in, size_t length, guint8 *out);
