/* SPDX-License-Identifier: MIT */
#pragma once

#include "installer/disks.h"
#include "installer/payload.h"

/*
 * Opens the payload in the partition of SI_PARTITION_TYPE of the medium at PATH: a device or an ISO
 * file.  False where it has none: "payload"; RET_FD is the caller's to close when it is true.
 */
bool si_medium_open(const char *path, struct si_payload *payload, int *ret_fd,
		    struct si_failure *failure);

/*
 * Looks at all DISKS for the medium with the id MEDIUM (hexadecimal; NULL: any), and marks it.
 * False: "payload" where there is none.
 */
bool si_medium_find(struct si_disks *disks, const char *medium, struct si_payload *payload,
		    int *ret_fd, struct si_failure *failure);
