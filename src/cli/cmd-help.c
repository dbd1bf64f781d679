/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

gboolean sw_cmd_help(const struct sw_call *call, GString *out,
		     G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
	const struct sw_verb *verb = NULL;

	if (call->argument == NULL) {
		sw_help_overview(out);
		return TRUE;
	}
	verb = sw_verb_find(call->argument, error);
	if (verb == NULL)
		return FALSE;
	sw_help_verb(verb, out);
	return TRUE;
}
