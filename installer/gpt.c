/* SPDX-License-Identifier: MIT */
#include "installer/gpt.h"

#include <stdio.h>
#include <string.h>

#include "installer/bytes.h"

/* UEFI 2.10, 5.3. */
#define HEADER_SIZE 92
#define ENTRY_SIZE 128
#define ENTRIES_SIZE (SI_PARTITIONS_MAX * ENTRY_SIZE)
#define AT_SIZE 12
#define AT_CRC 16
#define AT_SELF 24
#define AT_OTHER 32
#define AT_LAST_USABLE 48
#define AT_ENTRIES 72
#define AT_COUNT 80
#define AT_ENTRY_SIZE 84
#define AT_ENTRIES_CRC 88
#define ENTRY_FIRST 32
#define ENTRY_LAST 40

#define MIB (1024 * 1024)
#define MBR_ENTRY 446

static uint32_t crc32(const unsigned char *data, size_t length)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < length; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static uint32_t header_crc(const unsigned char *header)
{
	unsigned char copy[HEADER_SIZE];

	memcpy(copy, header, sizeof(copy));
	memset(copy + AT_CRC, 0, 4);
	return crc32(copy, sizeof(copy));
}

static bool is_whole(const unsigned char *header, const unsigned char *entries, size_t room)
{
	return memcmp(header, "EFI PART", 8) == 0 && si_get32(header + AT_SIZE) == HEADER_SIZE &&
	       si_get32(header + AT_CRC) == header_crc(header) && si_get64(header + AT_SELF) == 1 &&
	       si_get64(header + AT_ENTRIES) == 2 &&
	       si_get32(header + AT_COUNT) <= room / ENTRY_SIZE &&
	       si_get32(header + AT_ENTRY_SIZE) == ENTRY_SIZE &&
	       si_get32(header + AT_ENTRIES_CRC) ==
		       crc32(entries, (size_t)si_get32(header + AT_COUNT) * ENTRY_SIZE);
}

/* The first three fields of a GUID are little-endian. */
static void print_guid(const unsigned char *at, char text[37])
{
	snprintf(text, 37, "%08x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", si_get32(at),
		 at[5], at[4], at[7], at[6], at[8], at[9], at[10], at[11], at[12], at[13], at[14],
		 at[15]);
}

static bool take_entry(struct si_gpt *gpt, const unsigned char *entry, unsigned number,
		       uint64_t sectors)
{
	static const unsigned char none[SI_GUID_SIZE];
	uint64_t first = si_get64(entry + ENTRY_FIRST), last = si_get64(entry + ENTRY_LAST);
	struct si_partition *partition;

	if (memcmp(entry, none, sizeof(none)) == 0 || gpt->count == SI_PARTITIONS_MAX)
		return true;
	if (first > last || last >= sectors)
		return false;
	partition = &gpt->partitions[gpt->count++];
	partition->number = number;
	partition->offset = first * SI_SECTOR;
	partition->size = (last - first + 1) * SI_SECTOR;
	print_guid(entry, partition->type);
	return true;
}

bool si_gpt_read(struct si_gpt *gpt, unsigned char *head, size_t size, uint64_t disk_size)
{
	const unsigned char *entries = head + (size_t)2 * SI_SECTOR;

	*gpt = (struct si_gpt){ .head = head };
	if (!is_whole(head + SI_SECTOR, entries, size - (size_t)2 * SI_SECTOR))
		return false;
	gpt->entries = si_get32(head + SI_SECTOR + AT_COUNT);
	for (uint32_t i = 0; i < gpt->entries; i++)
		if (!take_entry(gpt, entries + (size_t)i * ENTRY_SIZE, i + 1,
				disk_size / SI_SECTOR))
			return false;
	return true;
}

const struct si_partition *si_gpt_find(const struct si_gpt *gpt, const char *type)
{
	for (size_t i = 0; i < gpt->count; i++)
		if (strcmp(gpt->partitions[i].type, type) == 0)
			return &gpt->partitions[i];
	return NULL;
}

const struct si_partition *si_gpt_last(const struct si_gpt *gpt)
{
	const struct si_partition *last = NULL;

	for (size_t i = 0; i < gpt->count; i++)
		if (last == NULL || gpt->partitions[i].offset > last->offset)
			last = &gpt->partitions[i];
	return last;
}

static void grow_last(struct si_gpt *gpt, uint64_t last_usable)
{
	struct si_partition *last = (struct si_partition *)si_gpt_last(gpt);
	uint64_t end = (last_usable + 1) * SI_SECTOR / MIB * MIB;

	if (last == NULL || last->offset + last->size >= end)
		return;
	last->size = end - last->offset;
	si_put64(gpt->head + (size_t)2 * SI_SECTOR + (size_t)(last->number - 1) * ENTRY_SIZE +
			 ENTRY_LAST,
		 end / SI_SECTOR - 1);
}

bool si_gpt_fit(struct si_gpt *gpt, uint64_t disk_size, unsigned char *ret_backup)
{
	unsigned char *header = gpt->head + SI_SECTOR, *entries = header + SI_SECTOR;
	unsigned char *backup = ret_backup + ENTRIES_SIZE;
	uint64_t sectors = disk_size / SI_SECTOR;
	uint64_t table = sectors - 1 - ENTRIES_SIZE / SI_SECTOR;
	size_t used = (size_t)gpt->entries * ENTRY_SIZE;

	if (gpt->entries > SI_PARTITIONS_MAX)
		return false;
	grow_last(gpt, table - 1);
	/* The protective MBR, as far as its field can say. */
	if (gpt->head[MBR_ENTRY + 4] == 0xee)
		si_put32(gpt->head + MBR_ENTRY + 12,
			 (uint32_t)(sectors - 1 < UINT32_MAX ? sectors - 1 : UINT32_MAX));
	si_put64(header + AT_OTHER, sectors - 1);
	si_put64(header + AT_LAST_USABLE, table - 1);
	si_put32(header + AT_ENTRIES_CRC, crc32(entries, used));
	si_put32(header + AT_CRC, header_crc(header));
	memset(ret_backup, 0, SI_GPT_BYTES);
	memcpy(ret_backup, entries, used);
	memcpy(backup, header, HEADER_SIZE);
	si_put64(backup + AT_SELF, sectors - 1);
	si_put64(backup + AT_OTHER, 1);
	si_put64(backup + AT_ENTRIES, table);
	si_put32(backup + AT_CRC, header_crc(backup));
	return true;
}
