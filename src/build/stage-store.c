/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "build/record.h"
#include "build/run.h"
#include "core/file.h"
#include "core/storage.h"

/* The output directory is the backend "local". */
static const struct sw_storage *find_local(void)
{
	for (const struct sw_storage *const *storage = sw_storages; *storage != NULL; storage++)
		if (g_str_equal((*storage)->name, "local"))
			return *storage;
	g_assert_not_reached();
}

static gboolean put_all(struct sw_run *run, const struct sw_storage *local, void *state,
			GCancellable *cancellable, GError **error)
{
	if (!sw_params_apply(local->params, NULL, state, "storage local", error) ||
	    !local->open(state, run->build->output, cancellable, error))
		return FALSE;
	for (guint i = 0; i < run->artifacts->len; i++) {
		struct sw_artifact *artifact = g_ptr_array_index(run->artifacts, i);

		if (!local->put(state, artifact->name, artifact, !run->build->keep, cancellable,
				error))
			return FALSE;
		g_free(artifact->path);
		artifact->path = g_build_filename(run->build->output, artifact->name, NULL);
	}
	return TRUE;
}

static gboolean write_record(struct sw_run *run, const char *name, const char *text, GError **error)
{
	g_autofree char *path = g_build_filename(run->build->output, name, NULL);

	return sw_write_file(path, text, strlen(text), 0644, SW_ERROR_STORAGE, "record", error);
}

static gboolean store(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	const struct sw_storage *local = find_local();
	g_autofree void *state = g_malloc0(MAX(local->state_size, 1));
	g_autofree char *sums = NULL;
	gboolean ok = put_all(run, local, state, cancellable, error);

	local->close(state);
	sw_params_clear(local->params, state);
	if (!ok)
		return FALSE;
	sums = sw_record_sums(run->artifacts);
	run->manifest_json = sw_record_manifest(run);
	return write_record(run, "SHA256SUMS", sums, error) &&
	       write_record(run, "manifest.json", run->manifest_json, error);
}

const struct sw_stage sw_stage_store = {
	.name = "store",
	.summary = "moving the artifacts into place",
	.run = store,
};
