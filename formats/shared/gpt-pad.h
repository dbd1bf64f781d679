/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/gpt.h"
#include "core/sparse.h"

/*
 * The partition table of DISK; NULL when it has none whose first copy is whole.  An error only where
 * the disk cannot be read.
 */
gboolean sw_gpt_of_disk(struct sw_sparse *disk, struct sw_gpt **ret_gpt,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * DISK with a size of whole UNIT bytes: zeros behind it, and the backup of its partition table at the
 * new end.  DISK must outlive the result.
 */
gboolean sw_gpt_pad(struct sw_sparse *disk, guint64 unit, struct sw_sparse **ret_disk,
		    GError **error) G_GNUC_WARN_UNUSED_RESULT;
