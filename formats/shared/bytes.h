/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <string.h>

/*
 * Numbers in the headers of disk images: big-endian (BE) or little-endian (LE), at any place.
 */

/* Puts VALUE at BYTES, big-endian. */
static inline void sw_put_be32(void *bytes, guint32 value)
{
	value = GUINT32_TO_BE(value);
	memcpy(bytes, &value, sizeof(value));
}

/* Likewise, 64 bits. */
static inline void sw_put_be64(void *bytes, guint64 value)
{
	value = GUINT64_TO_BE(value);
	memcpy(bytes, &value, sizeof(value));
}

/* Likewise, 16 bits, little-endian. */
static inline void sw_put_le16(void *bytes, guint16 value)
{
	value = GUINT16_TO_LE(value);
	memcpy(bytes, &value, sizeof(value));
}

/* Likewise, 32 bits. */
static inline void sw_put_le32(void *bytes, guint32 value)
{
	value = GUINT32_TO_LE(value);
	memcpy(bytes, &value, sizeof(value));
}

/* Likewise, 64 bits. */
static inline void sw_put_le64(void *bytes, guint64 value)
{
	value = GUINT64_TO_LE(value);
	memcpy(bytes, &value, sizeof(value));
}
