/* SPDX-License-Identifier: MIT */
#pragma once

#include "installer/payload.h"
#include "installer/target.h"

/* What is to be done with all frames but the first. */
enum si_pass {
	SI_PASS_CHECK,	/* read them from the medium */
	SI_PASS_WRITE,	/* write them to the disk */
	SI_PASS_VERIFY, /* compare them with what the disk has */
};

/* Told DONE of ALL bytes about once a second, and at the end. */
typedef void (*si_progress)(enum si_pass pass, uint64_t done, uint64_t all);

/*
 * Makes PASS over PAYLOAD and TARGET (NULL for SI_PASS_CHECK, which takes the first frame, too), by as
 * many threads as there are processors, up to 4.  Nothing of a frame is written before all of it was
 * found good.  False: as si_reader_read() or si_target_write(), or "disk-verify".
 */
bool si_run_pass(enum si_pass pass, const struct si_payload *payload,
		 const struct si_target *target, si_progress progress, struct si_failure *failure);
