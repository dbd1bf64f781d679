/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "installer/failure.h"
#include "installer/gpt.h"

/* The disk that is being installed to: a block device, or a file that stands for one. */
struct si_target {
	const char *path;
	int fd;
	uint64_t size;
	bool is_device;
};

/*
 * Opens PATH (must outlive TARGET) for an image of NEEDED bytes: it must be large enough, have sectors
 * of 512 bytes, and be used by nobody; unless WIPE it must be empty: nothing but zeros at both its
 * ends, where tables and superblocks lie.  False: "disk-too-small", "disk-sectors", "disk-in-use",
 * "disk-not-empty", "disk".
 */
bool si_target_open(struct si_target *target, const char *path, uint64_t needed, bool wipe,
		    struct si_failure *failure);

/* Closes. */
void si_target_close(struct si_target *target);

/* Writes all LENGTH bytes at OFFSET; false: "disk-write". */
bool si_target_write(const struct si_target *target, const void *data, size_t length,
		     uint64_t offset, struct si_failure *failure);

/* Waits until all is on the disk, and forgets what the kernel has of it: what is read is the disk's. */
bool si_target_sync(const struct si_target *target, struct si_failure *failure);

/* Makes the disk one without a partition table, also for the kernel. */
bool si_target_erase(const struct si_target *target, struct si_failure *failure);

/*
 * Tells the kernel of PARTITION, though there is no table yet, and waits for its node, whose path is
 * written to RET_PATH.  False: "partition".
 */
bool si_target_add_partition(const struct si_target *target, const struct si_partition *partition,
			     char *ret_path, size_t size, struct si_failure *failure);

/* Makes the kernel forget it again. */
void si_target_remove_partition(const struct si_target *target,
				const struct si_partition *partition);
