/* SPDX-License-Identifier: MIT */
#pragma once

#include "verify/examined.h"

/* What a check found. */
enum sw_finding_state {
	SW_FOUND_OK,
	SW_FOUND_WARNING, /* the machine works, less well than it could */
	SW_FOUND_FAILED,  /* the contract is broken */
	SW_FOUND_SKIPPED, /* what the check looks at could not be read: another check says why */
};

/* The words of enum sw_finding_state ("ok", "warning", "failed", "skipped"), in its order. */
extern const char *const sw_finding_states[];

/* The result of one check. */
struct sw_finding {
	const struct sw_check *check;
	enum sw_finding_state state;
	GPtrArray
		*details; /* char *: what is wrong, or with SW_FOUND_OK what was seen; at most 20 */
	guint count;	  /* of what is wrong, also what is not listed */
};

/* What a check cannot do without; bits. */
enum sw_need {
	SW_NEED_ROOT = 1 << 0,
	SW_NEED_BOOT = 1 << 1,
	SW_NEED_ESP = 1 << 2,
	SW_NEED_DEPLOYMENT = 1 << 3 | SW_NEED_ROOT,
	SW_NEED_IMAGE = 1 << 4 | SW_NEED_DEPLOYMENT,
	SW_NEED_ENTRY = 1 << 5 | SW_NEED_BOOT,
};

/* One check of the contract.  RUN is told a finding that is SW_FOUND_OK. */
struct sw_check {
	const char *id;	    /* "objects": stable, for scripts */
	const char *what;   /* "the repository's objects are whole" */
	const char *remedy; /* what to do when it is not so */
	unsigned int needs; /* enum sw_need */
	void (*run)(const struct sw_examined *disk, struct sw_finding *finding);
};

/* The checks of a group, each in its own check-NAME.c; a row with a NULL id ends them. */
extern const struct sw_check sw_checks_table[];
extern const struct sw_check sw_checks_filesystems[];
extern const struct sw_check sw_checks_repository[];
extern const struct sw_check sw_checks_deployment[];
extern const struct sw_check sw_checks_loader[];
extern const struct sw_check sw_checks_bootloader[];
extern const struct sw_check sw_checks_bootupd[];
extern const struct sw_check sw_checks_labels[];
extern const struct sw_check sw_checks_store[];
extern const struct sw_check sw_checks_machine[];

/* All groups in the order of the output; NULL at the end. */
extern const struct sw_check *const sw_checks[];

/* FINDING is failed: what is wrong. */
void sw_found_problem(struct sw_finding *finding, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* FINDING is at least a warning: what is wrong. */
void sw_found_warning(struct sw_finding *finding, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* What was seen, shown when nothing is wrong. */
void sw_found(struct sw_finding *finding, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Runs all checks over DISK: an array of struct sw_finding, which frees them. */
GPtrArray *sw_checks_run(const struct sw_examined *disk);
