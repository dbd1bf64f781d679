/* SPDX-License-Identifier: MIT */
#include "cli/deviations.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "verify/verify.h"

/* What a line says of FINDING; to be freed. */
static char *detail(const struct sw_finding *finding)
{
	const char *first = finding->details->pdata[0];

	if (finding->count < 2)
		return g_strdup(first);
	return g_strdup_printf("%s (and %u more)", first, finding->count - 1);
}

static void print_findings(GPtrArray *findings, guint deviations, GString *out)
{
	g_autoptr(SwTable) table = sw_table_new("lll");
	guint counts[SW_FOUND_SKIPPED + 1] = { 0 };

	for (guint i = 0; i < findings->len; i++) {
		const struct sw_finding *finding = findings->pdata[i];
		g_autofree char *text = detail(finding);

		counts[finding->state]++;
		sw_table_add(table, sw_finding_states[finding->state], finding->check->id, text);
		if (finding->state == SW_FOUND_WARNING || finding->state == SW_FOUND_FAILED)
			sw_table_add(table, "", "  to do:", finding->check->remedy);
	}
	sw_table_print(table, 0, out);
	if (deviations != 0)
		sw_print_deviations(deviations, out);
	g_string_append_printf(out, "\n%u ok, %u warnings, %u failed, %u skipped\n",
			       counts[SW_FOUND_OK], counts[SW_FOUND_WARNING],
			       counts[SW_FOUND_FAILED], counts[SW_FOUND_SKIPPED]);
}

static void findings_to_json(GPtrArray *findings, guint deviations, const char *path, gboolean ok,
			     GString *out)
{
	g_autoptr(JsonBuilder) json = json_builder_new();

	json_builder_begin_object(json);
	sw_json_text(json, "disk", path);
	sw_json_bool(json, "ok", ok);
	json_builder_set_member_name(json, "checks");
	json_builder_begin_array(json);
	for (guint i = 0; i < findings->len; i++) {
		const struct sw_finding *finding = findings->pdata[i];
		g_autofree const char **details = g_new0(const char *, finding->details->len + 1);

		for (guint d = 0; d < finding->details->len; d++)
			details[d] = finding->details->pdata[d];
		json_builder_begin_object(json);
		sw_json_text(json, "id", finding->check->id);
		sw_json_text(json, "what", finding->check->what);
		sw_json_text(json, "state", sw_finding_states[finding->state]);
		sw_json_texts(json, "details", details);
		sw_json_text(json, "remedy", finding->check->remedy);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	sw_json_deviations(json, deviations);
	json_builder_end_object(json);
	sw_json_print(json, out);
}

gboolean sw_cmd_verify(const struct sw_call *call, GString *out, GCancellable *cancellable,
		       GError **error)
{
	g_autoptr(SwProgress) progress = sw_progress_new(call->build->progress);
	g_autoptr(GPtrArray) findings = NULL;
	guint deviations = 0;
	gboolean ok;

	if (!sw_verify(call->argument, progress, &findings, &deviations, cancellable, error))
		return FALSE;
	ok = sw_verify_judge(findings, call->argument, error);
	if (call->build->json)
		findings_to_json(findings, deviations, call->argument, ok, out);
	else
		print_findings(findings, deviations, out);
	return ok;
}
