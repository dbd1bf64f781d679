/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/tree.h"

/*
 * What a disk for ARCHITECTURE (OCI's word) gets from the bootupd in TREE (contract 4.1): RET_BOOTS
 * says from what it boots ("UEFI and BIOS"); NULL when something is missing without which it would
 * not boot, or would not be installed at all, and then RET_MISSING (to be freed) names it.
 */
gboolean sw_bootupd_read(const struct sw_tree *tree, const char *architecture,
			 const char **ret_boots, char **ret_missing,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;
