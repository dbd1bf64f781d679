/* SPDX-License-Identifier: MIT */
#include "build/bound.h"
#include "build/run.h"

static gboolean source(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	return sw_plan_make(run->build, TRUE, run->progress, &run->plan, cancellable, error) &&
	       sw_bound_fetch(run->build, run->plan->bound, sw_scratch_path(run->scratch),
			      run->progress, cancellable, error);
}

const struct sw_stage sw_stage_source = {
	.name = "source",
	.summary = "bringing the image into the cache",
	.run = source,
};
