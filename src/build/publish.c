/* SPDX-License-Identifier: MIT */
#include "build/publish.h"

#include <string.h>

#include "core/file.h"
#include "core/format.h"
#include "store/publish.h"

static void set_publication(const struct sw_build *build, struct sw_publication *publication)
{
	publication->layout = build->layout;
	publication->tags = build->tags;
	publication->latest = build->latest;
	publication->overwrite = build->overwrite;
}

/* Adds what TYPE will be made into, as far as it is known. */
static gboolean add_expected(const struct sw_build *build, const char *type, GPtrArray *artifacts,
			     GError **error)
{
	const struct sw_format *format = sw_format_find(type, error);
	g_autoptr(GPtrArray) names = NULL;
	void *state = NULL;

	if (format == NULL ||
	    !sw_format_configure(format, build->options, build->size, &state, error))
		return FALSE;
	names = sw_format_names(format, state);
	sw_format_release(format, state);
	for (guint i = 0; i < names->len; i++) {
		struct sw_artifact *artifact = g_new0(struct sw_artifact, 1);

		artifact->name = g_strdup(names->pdata[i]);
		artifact->format = format->name;
		g_ptr_array_add(artifacts, artifact);
	}
	return TRUE;
}

/* Layout, tags and types must fit each other whatever the image turns out to be. */
static gboolean check_keys(const struct sw_build *build, GError **error)
{
	g_autoptr(GPtrArray) artifacts =
		g_ptr_array_new_with_free_func((GDestroyNotify)sw_artifact_free);
	struct sw_publication publication = {
		.naming = { "name", "version", "arch", "sha256:digest", "build", "date", "os_id",
			    "os_version", NULL },
		.artifacts = artifacts,
	};

	set_publication(build, &publication);
	for (char **type = build->types; *type != NULL; type++)
		if (!add_expected(build, *type, artifacts, error))
			return FALSE;
	return sw_publish_check_keys(&publication, error);
}

gboolean sw_run_open_stores(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	const struct sw_build *build = run->build;
	g_auto(GStrv) options = sw_store_options(build->options, build->authfile);

	if (build->stores[0] == NULL)
		return TRUE;
	return check_keys(build, error) &&
	       sw_publish_open(build->stores, options, &run->destinations, cancellable, error) &&
	       sw_publish_check(run->destinations, 0, run->progress, cancellable, error);
}

static char *copy_manifest(const void *json)
{
	return g_strdup(json);
}

gboolean sw_run_publish(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	const struct sw_build *build = run->build;
	const struct sw_plan *plan = run->plan;
	const struct sw_oci_image *oci = sw_source_image(plan->source);
	g_autofree char *name = sw_reference_short_name(plan->reference);
	g_autofree char *digest12 = g_strdup_printf("%.12s", strchr(oci->manifest_digest, ':') + 1);
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *date = g_date_time_format(now, "%Y%m%d");
	g_autofree char *path = g_build_filename(build->output, "manifest.json", NULL);
	g_autofree char *manifest = NULL;
	struct sw_publication publication = {
		.naming = {
			.name = build->name != NULL ? build->name : name,
			.version = build->version != NULL ? build->version
				   : oci->version != NULL ? oci->version
							  : digest12,
			.arch = build->target_arch,
			.digest = oci->manifest_digest,
			.build = plan->build_id,
			.date = date,
			.os_id = plan->facts->os_id,
			.os_version = plan->facts->os_version_id,
		},
		.artifacts = run->artifacts,
		.manifest = copy_manifest,
		.manifest_data = run->manifest_json,
	};
	GError *failed = NULL;

	set_publication(build, &publication);
	if (!sw_publish(run->destinations, &publication, run->progress, &manifest, cancellable,
			&failed) &&
	    manifest == NULL) {
		g_propagate_error(error, failed);
		return FALSE;
	}
	g_free(run->manifest_json);
	run->manifest_json = g_steal_pointer(&manifest);
	if (failed == NULL)
		return sw_write_file(path, run->manifest_json, strlen(run->manifest_json), 0644,
				     SW_ERROR_STORAGE, "record", error);
	if (!sw_write_file(path, run->manifest_json, strlen(run->manifest_json), 0644,
			   SW_ERROR_STORAGE, "record", NULL))
		g_debug("%s could not be written", path);
	g_propagate_error(error, failed);
	return FALSE;
}
