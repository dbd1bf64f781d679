/* SPDX-License-Identifier: MIT */
#pragma once

#include "../disk.h"

/*
 * The disks that every format is made of, for the one suite that includes this file.
 */

static const struct stretch mixed[] = {
	{ 0, 440, KIND_RANDOM },
	{ SW_MIB, SW_MIB + 5000, KIND_TEXT },
	{ 5 * SW_MIB, SW_MIB, KIND_RANDOM },
	{ 7 * SW_MIB, 100000, KIND_TEXT },
	{ 8 * SW_MIB, 2 * SW_MIB, KIND_ZEROS },
	{ 12 * SW_MIB + 512, 2 * SW_MIB, KIND_SPECKS },
	{ 20 * SW_MIB, 70000, KIND_RANDOM },
	{ 20 * SW_MIB + 131072, 70000, KIND_TEXT },
	{ 30 * SW_MIB, 400000, KIND_REPEAT },
	{ 600 * SW_MIB, SW_MIB, KIND_TEXT },
	{ 700 * SW_MIB - 33 * 512, 33 * 512, KIND_RANDOM },
	{ 0 },
};
static const struct stretch large[] = {
	{ 0, 8 * SW_MIB, KIND_TEXT },
	{ 8 * SW_MIB, 48 * SW_MIB, KIND_RANDOM },
	{ 56 * SW_MIB, 56 * SW_MIB, KIND_FLAT },
	{ 0 },
};
static const struct stretch zeros[] = { { 0, 3 * SW_MIB, KIND_ZEROS }, { 0 } };
static const struct stretch full[] = { { 0, SW_MIB, KIND_TEXT },
				       { SW_MIB, 2 * SW_MIB, KIND_RANDOM },
				       { 0 } };
static const struct stretch flat[] = { { 0, 3 * SW_MIB, KIND_FLAT }, { 0 } };
static const struct stretch sector[] = { { 0, 512, KIND_TEXT }, { 0 } };
static const struct stretch last[] = { { 3 * SW_MIB - 512, 512, KIND_TEXT }, { 0 } };
static const struct stretch odd_byte[] = { { SW_MIB - 1, 2, KIND_FLAT }, { 0 } };
static const struct stretch odd_sector[] = { { 65536, 512, KIND_RANDOM }, { 0 } };
static const struct stretch odd_grain[] = { { SW_MIB, SW_MIB - 512, KIND_TEXT }, { 0 } };
static const struct stretch far[] = {
	{ 0, 512, KIND_TEXT },
	{ SW_GIB * 1024 + 4096, 100000, KIND_RANDOM },
	{ SW_GIB * 2048 - 512, 512, KIND_TEXT },
	{ 0 },
};

enum disk {
	DISK_MIXED,
	DISK_LARGE,
	DISK_HOLES,
	DISK_ZEROS,
	DISK_FULL,
	DISK_FLAT,
	DISK_SECTOR,
	DISK_LAST,
	DISK_ODD_BYTE,
	DISK_ODD_SECTOR,
	DISK_ODD_GRAIN,
	DISK_FAR,
	DISKS,
};

/* The disks, made once; paths are in the scratch directory. */
static struct {
	struct sw_scratch *scratch;
	char *mixed;
	char *large;
	char *all[DISKS];
} disks;

static const struct {
	guint64 size;
	const struct stretch *stretches;
} contents[DISKS] = {
	[DISK_MIXED] = { 700 * SW_MIB, mixed },
	[DISK_LARGE] = { 113 * SW_MIB, large },
	[DISK_HOLES] = { 16 * SW_GIB, NULL },
	[DISK_ZEROS] = { 3 * SW_MIB, zeros },
	[DISK_FULL] = { 3 * SW_MIB, full },
	[DISK_FLAT] = { 3 * SW_MIB, flat },
	[DISK_SECTOR] = { 512, sector },
	[DISK_LAST] = { 3 * SW_MIB, last },
	[DISK_ODD_BYTE] = { SW_MIB + 1, odd_byte },
	[DISK_ODD_SECTOR] = { 65536 + 512, odd_sector },
	[DISK_ODD_GRAIN] = { 2 * SW_MIB - 512, odd_grain },
	[DISK_FAR] = { 2048 * SW_GIB, far },
};

static inline void make_disks(void)
{
	disks.scratch = make_scratch("slipway-conformance-formats-");
	for (size_t i = 0; i < DISKS; i++) {
		g_autofree char *name = g_strdup_printf("disk-%zu", i);

		disks.all[i] = scratch_path(disks.scratch, name);
		make_disk(disks.all[i], contents[i].size, contents[i].stretches);
	}
	disks.mixed = disks.all[DISK_MIXED];
	disks.large = disks.all[DISK_LARGE];
}
