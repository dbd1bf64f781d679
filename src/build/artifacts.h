/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/format.h"
#include "core/progress.h"

/* What is to be made of a raw disk. */
struct sw_artifacts_request {
	char *const *types;		   /* names of formats, NULL at the end */
	char *const *options;		   /* for sw_format_configure(); NULL: none */
	const char *disk;		   /* path of the raw disk */
	gboolean any_image;		   /* or of a qcow2 image */
	gboolean take_disk;		   /* may an artifact be that disk itself? */
	const struct sw_format_tree *tree; /* NULL: not known, then no type may need it */
	const char *name;		   /* of the image */
	const char *arch;		   /* NULL: not known */
	const char *directory;		   /* where the files go; on the filesystem of the disk */
	struct sw_progress *progress;
};

/*
 * Writes all types of REQUEST at once, and adds what was made to ARTIFACTS (struct sw_artifact) in
 * the order of the types.  After the first failure the others are cancelled.  What one type has
 * written is removed when it fails.
 */
gboolean sw_artifacts_write(const struct sw_artifacts_request *request, GPtrArray *artifacts,
			    GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
