/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/progress.h"
#include "verify/check.h"

/*
 * Looks at the disk file PATH (raw or qcow2), which stays as it is, in an appliance, and runs all
 * checks: RET_FINDINGS is an array of struct sw_finding, RET_DEVIATIONS what the disk has on purpose
 * not as bootc's install would (bits 1 << enum sw_deviation, src/disk/deviations.h).  A broken disk is no error; errors are a
 * file that cannot be opened or is no disk (SW_ERROR_USAGE "disk", "disk-format"), a qcow2 that
 * leads to other files (SW_ERROR_DEPLOY "qcow2"), and those of the appliance.
 */
gboolean sw_verify(const char *path, struct sw_progress *progress, GPtrArray **ret_findings,
		   guint *ret_deviations, GCancellable *cancellable,
		   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* FALSE with SW_ERROR_DEPLOY "verify" when a finding of FINDINGS is failed: names the first. */
gboolean sw_verify_judge(GPtrArray *findings, const char *path,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;
