/* SPDX-License-Identifier: MIT */
#include "build/artifacts.h"
#include "build/root-tree.h"
#include "build/run.h"

static gboolean format(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	const struct sw_plan *plan = run->plan;
	g_autoptr(SwRootTree) tree = sw_root_tree_new(plan);
	struct sw_artifacts_request request = {
		.types = run->build->types,
		.options = run->build->options,
		.disk = run->disk,
		.tree = tree,
		.take_disk = TRUE,
		.arch = run->build->target_arch,
		.directory = sw_scratch_path(run->scratch),
		.progress = run->progress,
	};
	g_autofree char *name = sw_reference_short_name(plan->reference);

	request.name = name;
	return sw_artifacts_write(&request, run->artifacts, cancellable, error);
}

const struct sw_stage sw_stage_format = {
	.name = "format",
	.summary = "writing the artifacts",
	.run = format,
};
