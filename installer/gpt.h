/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "installer/failure.h"

#define SI_SECTOR 512
#define SI_PARTITIONS_MAX 128
#define SI_GUID_SIZE 16
/* Header and entries of a table of the usual size. */
#define SI_GPT_BYTES (33 * SI_SECTOR)

/* A partition: where it is, in bytes. */
struct si_partition {
	unsigned number; /* from 1 */
	uint64_t offset;
	uint64_t size;
	char type[37]; /* GUID, lower case */
};

/* As much of a disk's beginning as a table may take that is only read. */
#define SI_GPT_READ_MAX (2 * SI_SECTOR + 1024 * 128)

/*
 * A GUID partition table for sectors of 512 bytes, whose first copy was whole.  HEAD points at the first
 * sectors of the disk, and is the caller's.
 */
struct si_gpt {
	unsigned char *head;
	uint32_t entries; /* places for partitions */
	struct si_partition partitions[SI_PARTITIONS_MAX];
	size_t count;
};

/*
 * Reads the table in HEAD (hostile), the first SIZE bytes of a disk of DISK_SIZE; false where there is
 * none in it.  Of more than SI_PARTITIONS_MAX partitions it has the first.
 */
bool si_gpt_read(struct si_gpt *gpt, unsigned char *head, size_t size, uint64_t disk_size);

/* The first partition of TYPE (lower case), or NULL. */
const struct si_partition *si_gpt_find(const struct si_gpt *gpt, const char *type);

/* The partition that ends last, or NULL. */
const struct si_partition *si_gpt_last(const struct si_gpt *gpt);

/*
 * Fits the table to a disk of DISK_SIZE bytes, not less than it had: the last partition reaches to
 * the end, in whole MiB, and RET_BACKUP (SI_GPT_BYTES) is what the disk must end with.  False where the
 * table is larger than that.
 */
bool si_gpt_fit(struct si_gpt *gpt, uint64_t disk_size, unsigned char *ret_backup);
