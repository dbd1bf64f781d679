/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/artifact.h"
#include "spec/build.h"

/* What a build leaves. */
struct sw_result {
	GPtrArray *artifacts;	 /* struct sw_artifact, in the order of BUILD's types */
	char *manifest;		 /* path of manifest.json */
	char *manifest_json;	 /* its text: also what `build --json` prints */
	char *sums;		 /* path of SHA256SUMS */
	GPtrArray *destinations; /* struct sw_destination: where they were published; NULL: none */
	GError *unpublished; /* why a place does not hold them; NULL: all do, or none is asked for */
};

/*
 * Runs the whole build of BUILD: all stages, undone in reverse when one fails.  On failure the
 * output directory is as it was, except that a place which fails to take the artifacts is no failure of the
 * build: see "unpublished".
 */
gboolean sw_build_run(const struct sw_build *build, struct sw_progress *progress,
		      struct sw_result **ret_result, GCancellable *cancellable,
		      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Makes the types of BUILD, with their options, of the disk at the path DISK, in place of a build.
 * Of BUILD only types, options, output and keep count.  On failure the output directory is as it
 * was.
 */
gboolean sw_convert_run(const struct sw_build *build, const char *disk,
			struct sw_progress *progress, struct sw_result **ret_result,
			GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_result_free(struct sw_result *result);
typedef struct sw_result SwResult;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwResult, sw_result_free)
