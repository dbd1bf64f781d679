/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/progress.h"
#include "disk/bound-store.h"
#include "image/facts.h"
#include "spec/build.h"

/*
 * What becomes of the images that the image is bound to, as BUILD says: RET_IMAGES (struct
 * sw_bound_image) are those that the disk will hold, opened to learn their digests and sizes.  For
 * `skip` there are none, and a note says what will be missing.  SW_ERROR_IMAGE "bound-images" when
 * BUILD says nothing, or when the image cannot store them: it brings podman and skopeo;
 * SW_ERROR_ENVIRONMENT likewise when its programs do not run here; else as sw_source_open().
 */
gboolean sw_bound_settle(const struct sw_build *build, const struct sw_facts *facts,
			 struct sw_progress *progress, GPtrArray **ret_images,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Fetches IMAGES into directories of their own below SCRATCH.  Reports the bytes of the stage
 * "source".  Errors as sw_source_copy().
 */
gboolean sw_bound_fetch(const struct sw_build *build, const GPtrArray *images, const char *scratch,
			struct sw_progress *progress, GCancellable *cancellable,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;
