/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/mtree.h"
#include "image/sepolicy.h"

/*
 * Writes COMMIT of REPO, which is in a transaction, once more with the labels that POLICY gives to its
 * paths (contract 1.7, steps 4 and 8): /usr/etc by that very name, metadata and time as they were,
 * without a parent.
 * Labels that were there are replaced, or removed where the policy gives none.  Errors are
 * SW_ERROR_ENVIRONMENT, or SW_ERROR_IMAGE "selinux".
 */
gboolean sw_relabel(OstreeRepo *repo, const struct sw_sepolicy *policy, const char *commit,
		    char **ret_commit, GCancellable *cancellable,
		    GError **error) G_GNUC_WARN_UNUSED_RESULT;
