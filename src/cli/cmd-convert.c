/* SPDX-License-Identifier: MIT */
#include "build/pipeline.h"
#include "cli/result.h"
#include "cli/verbs.h"

gboolean sw_cmd_convert(const struct sw_call *call, GString *out, GCancellable *cancellable,
			GError **error)
{
	g_autoptr(SwProgress) progress = sw_progress_new(call->build->progress);
	g_autoptr(SwResult) result = NULL;

	if (!sw_convert_run(call->build, call->argument, progress, &result, cancellable, error))
		return FALSE;
	sw_result_print(result, call->build->json, out);
	return TRUE;
}
