/* SPDX-License-Identifier: MIT */
#pragma once

#include <ostree.h>

#include "core/error.h"
#include "source/oci.h"

/*
 * The merge of an image's layers (contract 1.7), on the trees' metadata: nothing is checked out.
 */
struct sw_merge;

/* An empty one over the layers in REPO; never NULL. */
struct sw_merge *sw_merge_new(OstreeRepo *repo);

/* Frees; NULL is fine. */
void sw_merge_free(struct sw_merge *merge);
typedef struct sw_merge SwMerge;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwMerge, sw_merge_free)

/*
 * Begins with the tree of COMMIT as it is, of which the merge commit will be the child: what an
 * encapsulated image has below its layers.  TREE_COMMIT (may be NULL) is one whose tree is taken
 * instead: the same with other labels.  To be called first, if at all.
 */
gboolean sw_merge_base(struct sw_merge *merge, const char *commit, const char *tree_commit,
		       GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Lays the layer COMMIT over the ones before.  RET_COMMIT is the commit that stands for it in this
 * image: itself, or one in which hard links to files of lower layers are resolved, and which lacks what
 * the base has no place for.
 * SW_ERROR_IMAGE with the id "hardlink" or "whiteout", SW_ERROR_ENVIRONMENT "cache".
 */
gboolean sw_merge_layer(struct sw_merge *merge, const char *commit, char **ret_commit,
			GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The metadata of the merge commit of IMAGE: exactly the four keys of contract 1.7.  Floating. */
GVariant *sw_merge_metadata(const struct sw_oci_image *image);

/*
 * Ends the merge: leftovers of the build container go (empty usr/etc/hostname and resolv.conf), the
 * tree and its commit are written.  The same layers and the same IMAGE give the same commit.
 */
gboolean sw_merge_finish(struct sw_merge *merge, const struct sw_oci_image *image,
			 char **ret_commit, GCancellable *cancellable,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;
