/* SPDX-License-Identifier: MIT */
#pragma once

#include "installer/payload.h"
#include "installer/request.h"
#include "installer/target.h"
#include "installer/write.h"

/*
 * Puts PAYLOAD on TARGET, as REQUEST says: the disk is erased, then all is written, read back and
 * configured (not where TARGET is a file), the partition table fitted to the disk, and the first frame
 * written last: until then the disk boots nothing.   False: as the parts do.
 */
bool si_install(const struct si_payload *payload, const struct si_target *target,
		const struct si_request *request, si_progress progress, struct si_failure *failure);
