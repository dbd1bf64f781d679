/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <string.h>

/*
 * Numbers in headers and tables of disk images, big-endian (be) or little-endian (le), at any place.
 */

/* The big-endian number at BYTES. */
static inline guint32 sw_get_be32(const void *bytes)
{
	guint32 value;

	memcpy(&value, bytes, sizeof(value));
	return GUINT32_FROM_BE(value);
}

/* Likewise, 64 bits. */
static inline guint64 sw_get_be64(const void *bytes)
{
	guint64 value;

	memcpy(&value, bytes, sizeof(value));
	return GUINT64_FROM_BE(value);
}

/* The little-endian number at BYTES. */
static inline guint16 sw_get_le16(const void *bytes)
{
	guint16 value;

	memcpy(&value, bytes, sizeof(value));
	return GUINT16_FROM_LE(value);
}

/* Likewise, 32 bits. */
static inline guint32 sw_get_le32(const void *bytes)
{
	guint32 value;

	memcpy(&value, bytes, sizeof(value));
	return GUINT32_FROM_LE(value);
}

/* Likewise, 64 bits. */
static inline guint64 sw_get_le64(const void *bytes)
{
	guint64 value;

	memcpy(&value, bytes, sizeof(value));
	return GUINT64_FROM_LE(value);
}

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

/* Puts VALUE at BYTES, little-endian. */
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
