/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/tree.h"

/*
 * How much a tree, or a part of it, holds.  A block is 4 KiB; what is not empty takes whole blocks.
 */
struct sw_tree_size {
	guint64 entries;      /* files, directories and links; the top is not counted */
	guint64 directories;  /* of them */
	guint64 bytes;	      /* sizes of the distinct file objects */
	guint64 objects;      /* number of distinct objects: files, dirtrees, dirmetas */
	guint64 object_bytes; /* what they take in a repository, in whole blocks */
	guint64 copy_bytes;   /* what a copy of the tree takes, in whole blocks */
};

/* A set of objects already counted, for several calls of sw_tree_measure() over one repository. */
GHashTable *sw_tree_seen_new(void);

/*
 * Measures all below PATH (nothing there: zeros).  Objects that SEEN holds count no more towards
 * bytes, objects and object_bytes, and those met are added to it; NULL: none yet.  SW_ERROR_IMAGE
 * with the id "tree" for a tree deeper than 1024 directories.
 */
gboolean sw_tree_measure(const struct sw_tree *tree, const char *path, GHashTable *seen,
			 struct sw_tree_size *ret_size, GCancellable *cancellable,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;
