/* SPDX-License-Identifier: MIT */
#include "build/run.h"

static gboolean source(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	return sw_plan_make(run->build, TRUE, run->progress, &run->plan, cancellable, error);
}

const struct sw_stage sw_stage_source = {
	.name = "source",
	.summary = "bringing the image into the cache",
	.run = source,
};
