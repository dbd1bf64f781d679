/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/tree.h"

/* How much a tree, or a part of it, holds. */
struct sw_tree_size {
	guint64 entries;    /* files, directories and links; the top is not counted */
	guint64 bytes;	    /* sizes of the files, those that are the same object once */
	guint64 copy_bytes; /* what a copy takes on a disk with blocks of 4 KiB, nothing shared */
};

/*
 * Measures all below PATH; nothing there: zeros.  SW_ERROR_IMAGE with the id "tree" for a tree
 * deeper than 1024 directories.
 */
gboolean sw_tree_measure(const struct sw_tree *tree, const char *path,
			 struct sw_tree_size *ret_size, GCancellable *cancellable,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;
