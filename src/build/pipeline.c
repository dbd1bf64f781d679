/* SPDX-License-Identifier: MIT */
#include "build/pipeline.h"

#include <string.h>

#include "build/publish.h"
#include "build/run.h"
#include "core/error.h"
#include "core/file.h"

/* Stages in their order, NULL at the end. */
static const struct sw_stage *const build_stages[] = {
	&sw_stage_prepare,  &sw_stage_source, &sw_stage_disk, &sw_stage_format,
	&sw_stage_checksum, &sw_stage_store,  NULL,
};
static const struct sw_stage *const convert_stages[] = {
	&sw_stage_convert,
	&sw_stage_checksum,
	&sw_stage_store,
	NULL,
};

static void run_free(struct sw_run *run)
{
	sw_guest_free(run->guest);
	sw_plan_free(run->plan);
	sw_scratch_free(run->scratch);
	g_clear_pointer(&run->artifacts, g_ptr_array_unref);
	g_clear_pointer(&run->destinations, g_ptr_array_unref);
	g_clear_pointer(&run->timings, g_array_unref);
	g_free(run->disk);
	g_free(run->manifest_json);
	g_free(run);
}

typedef struct sw_run SwRun;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwRun, run_free)

static gboolean run_stage(const struct sw_stage *stage, struct sw_run *run,
			  GCancellable *cancellable, GError **error)
{
	gint64 begin = g_get_monotonic_time();
	struct sw_timing timing = { .stage = stage->name };

	if (!sw_check_cancelled(cancellable, error))
		return FALSE;
	sw_progress_stage(run->progress, stage->name, stage->summary);
	if (!stage->run(run, cancellable, error))
		return FALSE;
	timing.seconds = (double)(g_get_monotonic_time() - begin) / G_USEC_PER_SEC;
	g_array_append_val(run->timings, timing);
	sw_progress_done(run->progress, stage->name, timing.seconds);
	return TRUE;
}

/* Programs and libraries say in words of their own that the disk is full, or not which one. */
static void blame_full_disk(const struct sw_run *run, GError **error)
{
	const char *output = run->build->output;
	g_autofree char *message = NULL;

	if (error == NULL || run->scratch == NULL || !sw_is_full(output) ||
	    g_error_matches(*error, SW_ERROR, SW_ERROR_CANCELLED) ||
	    (g_str_equal(sw_error_id(*error), "disk-full") &&
	     strstr((*error)->message, output) != NULL))
		return;
	message = g_strdup((*error)->message);
	g_clear_error(error);
	sw_fail(error, SW_ERROR_ENVIRONMENT, "disk-full", "%s: no space is left: %s", output,
		message);
}

static gboolean run_stages(struct sw_run *run, const struct sw_stage *const *stages,
			   GCancellable *cancellable, GError **error)
{
	for (guint i = 0; stages[i] != NULL; i++) {
		if (run_stage(stages[i], run, cancellable, error))
			continue;
		blame_full_disk(run, error);
		for (guint j = i + 1; j-- > 0;)
			if (stages[j]->undo != NULL)
				stages[j]->undo(run);
		return FALSE;
	}
	return TRUE;
}

static gboolean make_result(struct sw_run *run, const struct sw_stage *const *stages,
			    struct sw_result **ret_result, GCancellable *cancellable,
			    GError **error)
{
	const struct sw_build *build = run->build;
	struct sw_result *result;
	GError *unpublished = NULL;

	run->artifacts = g_ptr_array_new_with_free_func((GDestroyNotify)sw_artifact_free);
	run->timings = g_array_new(FALSE, FALSE, sizeof(struct sw_timing));
	if (!sw_run_open_stores(run, cancellable, error) ||
	    !run_stages(run, stages, cancellable, error))
		return FALSE;
	if (run->destinations != NULL && !sw_run_publish(run, cancellable, &unpublished))
		g_debug("%s", unpublished->message);
	result = g_new0(struct sw_result, 1);
	result->artifacts = g_ptr_array_ref(run->artifacts);
	result->manifest = g_build_filename(build->output, "manifest.json", NULL);
	result->sums = g_build_filename(build->output, "SHA256SUMS", NULL);
	result->unpublished = unpublished;
	result->destinations = g_steal_pointer(&run->destinations);
	result->manifest_json = g_steal_pointer(&run->manifest_json);
	*ret_result = result;
	return TRUE;
}

gboolean sw_build_run(const struct sw_build *build, struct sw_progress *progress,
		      struct sw_result **ret_result, GCancellable *cancellable, GError **error)
{
	g_autoptr(SwRun) run = g_new0(struct sw_run, 1);

	run->build = build;
	run->progress = progress;
	return make_result(run, build_stages, ret_result, cancellable, error);
}

gboolean sw_convert_run(const struct sw_build *build, const char *disk,
			struct sw_progress *progress, struct sw_result **ret_result,
			GCancellable *cancellable, GError **error)
{
	g_autoptr(SwRun) run = g_new0(struct sw_run, 1);

	run->build = build;
	run->source = disk;
	run->progress = progress;
	return make_result(run, convert_stages, ret_result, cancellable, error);
}

void sw_result_free(struct sw_result *result)
{
	if (result == NULL)
		return;
	g_clear_pointer(&result->artifacts, g_ptr_array_unref);
	g_clear_pointer(&result->destinations, g_ptr_array_unref);
	g_clear_error(&result->unpublished);
	g_free(result->manifest);
	g_free(result->manifest_json);
	g_free(result->sums);
	g_free(result);
}
