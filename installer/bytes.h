/* SPDX-License-Identifier: MIT */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* Little-endian numbers at any place; without GLib, which the installer does not have. */

/* The number at BYTES, 32 bits. */
static inline uint32_t si_get32(const void *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

/* Likewise, 64 bits. */
static inline uint64_t si_get64(const void *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return le64toh(value);
}

/* Puts VALUE at BYTES, 32 bits. */
static inline void si_put32(void *bytes, uint32_t value)
{
	value = htole32(value);
	memcpy(bytes, &value, sizeof(value));
}

/* Likewise, 64 bits. */
static inline void si_put64(void *bytes, uint64_t value)
{
	value = htole64(value);
	memcpy(bytes, &value, sizeof(value));
}
