/* SPDX-License-Identifier: MIT */
#include "build/pipeline.h"
#include "cli/result.h"
#include "cli/verbs.h"

gboolean sw_cmd_build(const struct sw_call *call, GString *out, GCancellable *cancellable,
		      GError **error)
{
	g_autoptr(SwProgress) progress = NULL;
	g_autoptr(SwResult) result = NULL;

	if (!sw_build_check(call->build, error))
		return FALSE;
	progress = sw_progress_new(call->build->progress);
	if (!sw_build_run(call->build, progress, &result, cancellable, error))
		return FALSE;
	sw_result_print(result, call->build->json, out);
	if (result->unpublished == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&result->unpublished));
	return FALSE;
}
