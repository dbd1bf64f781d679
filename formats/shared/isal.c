/* SPDX-License-Identifier: MIT */
#ifdef HAVE_ISAL
#include "formats/shared/isal.h"

#include <string.h>

#include "core/bytes.h"

/* The smallest table of hashes that ISA-L uses for SW_ISAL_LENGTH_MIN bytes. */
#define HASH_MASK 0xfff
/* The hashes of so many positions matter; one more stream, and one is free of them. */
#define POSITIONS 3
#define STREAMS (POSITIONS + 1)
/* Streams lie more than 64 KiB apart, so their hashes are of different numbers: few are equal. */
#define CANDIDATES 32

struct sw_isal {
	struct isal_zstream *chosen[STREAMS];
	guint32 hashes[STREAMS];		    /* all different */
	struct isal_zstream candidates[CANDIDATES]; /* memory is used up for the chosen ones only */
};

G_STATIC_ASSERT(sizeof(struct isal_zstream) > 65536);

/* As the instruction crc32 (CRC-32C) of 32 bits, from 0, within the table. */
static guint32 hash(guint32 value)
{
	for (int bit = 0; bit < 32; bit++)
		value = value >> 1 ^ (value & 1 ? 0x82f63b78 : 0);
	return value & HASH_MASK;
}

static gboolean has_hash(const guint32 *hashes, size_t count, guint32 wanted)
{
	for (size_t i = 0; i < count; i++)
		if (hashes[i] == wanted)
			return TRUE;
	return FALSE;
}

struct sw_isal *sw_isal_new(void)
{
	struct sw_isal *isal = g_new(struct sw_isal, 1);
	size_t count = 0;

	for (size_t i = 0; i < CANDIDATES && count < STREAMS; i++) {
		struct isal_zstream *stream = &isal->candidates[i];
		guint32 of_address = hash((guint32)((guint64)(uintptr_t)stream >> 16));

		if (has_hash(isal->hashes, count, of_address))
			continue;
		memset(stream, 0, sizeof(*stream));
		isal->hashes[count] = of_address;
		isal->chosen[count++] = stream;
	}
	g_assert(count == STREAMS);
	return isal;
}

void sw_isal_free(struct sw_isal *isal)
{
	g_free(isal);
}

struct isal_zstream *sw_isal_choose(struct sw_isal *isal, const void *in)
{
	guint32 matter[POSITIONS];
	size_t i = 0;

	for (size_t at = 0; at < POSITIONS; at++)
		matter[at] = hash(sw_get_le32((const guint8 *)in + at));
	while (has_hash(matter, POSITIONS, isal->hashes[i]))
		i++;
	return isal->chosen[i];
}
#endif
