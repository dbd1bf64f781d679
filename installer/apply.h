/* SPDX-License-Identifier: MIT */
#pragma once

#include "installer/gpt.h"
#include "installer/request.h"
#include "installer/target.h"

/*
 * Mounts the filesystems of the system on TARGET, whose table is to be GPT, and gives it what REQUEST
 * says: its name, keys of root, kernel arguments; the root filesystem fills its partition.  False:
 * "partition", "mount", "deployment", "file".
 */
bool si_apply(const struct si_request *request, const struct si_target *target,
	      const struct si_gpt *gpt, struct si_failure *failure);

/*
 * Gives REQUEST's name, keys and kernel arguments to the system whose filesystems are mounted at ROOT and
 * BOOT.  False: "deployment", "file".
 */
bool si_configure(const struct si_request *request, const char *root, const char *boot,
		  struct si_failure *failure);
