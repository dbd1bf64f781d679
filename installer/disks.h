/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "installer/failure.h"
#include "installer/request.h"

#define SI_DISKS_MAX 64

/* A whole disk of this machine. */
struct si_disk {
	char name[64]; /* "vda" */
	char path[72]; /* "/dev/vda" */
	char model[64];
	char serial[64];
	uint64_t size;
	unsigned sector; /* bytes of a logical one */
	bool is_cd;
	bool is_medium; /* what is being installed lies on it */
};

struct si_disks {
	struct si_disk all[SI_DISKS_MAX];
	size_t count;
};

/*
 * Lists the disks below SYS ("/sys/block") whose size is not 0, sorted by name; without what is made
 * of others (loop, dm, md, zram, ...).  Their nodes are in /dev.
 */
bool si_disks_list(struct si_disks *disks, const char *sys, struct si_failure *failure);

/*
 * The disk that WHICH (si_request.install) means, of those that are no CD, not the medium and of NEEDED
 * bytes or more.  NULL: "no-disk", "which-disk" or "disk-too-small", saying what there is.
 */
const struct si_disk *si_disks_choose(const struct si_disks *disks, const char *which,
				      uint64_t needed, struct si_failure *failure);

/* May DISK be offered: no CD and not the medium? */
bool si_disk_is_offered(const struct si_disk *disk);

/* "/dev/vda, 20.0 GB, Model (serial S)". */
void si_disk_describe(const struct si_disk *disk, char *ret_text, size_t size);
