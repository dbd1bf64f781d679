/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/print.h"
#include "cli/result.h"
#include "cli/verbs.h"
#include "core/format.h"
#include "store/publish.h"

#define DIGEST_SHOWN 12

/* The format called as PATH ends, else one whose files end like that; NULL: none. */
static const struct sw_format *guess_format(const char *path)
{
	const char *dot = strrchr(path, '.');

	for (const struct sw_format *const *f = sw_formats; dot != NULL && *f != NULL; f++)
		if (g_str_equal((*f)->name, dot + 1))
			return *f;
	for (const struct sw_format *const *f = sw_formats; *f != NULL; f++) {
		const char *end = (*f)->file == NULL ? NULL : strchr((*f)->file, '.');

		if (end != NULL && g_str_has_suffix(path, end))
			return *f;
	}
	return NULL;
}

/* The format of PATH: as asked for (one for all files), else as its name says. */
static const struct sw_format *format_of(const struct sw_build *build, const char *path)
{
	if (g_str_equal(sw_build_origin(build, "type"), "default"))
		return guess_format(path);
	return sw_format_find(build->types[0], NULL);
}

static gboolean add_artifact(const struct sw_build *build, const char *path, GPtrArray *artifacts,
			     GError **error)
{
	const struct sw_format *format = format_of(build, path);
	g_autoptr(SwArtifact) artifact = g_new0(struct sw_artifact, 1);
	struct stat st;

	if (stat(path, &st) < 0 || access(path, R_OK) < 0)
		return sw_fail_errno(error, SW_ERROR_USAGE, "file", "cannot open %s", path);
	if (!S_ISREG(st.st_mode))
		return sw_fail(error, SW_ERROR_USAGE, "file", "%s is no regular file", path);
	artifact->path = g_strdup(path);
	artifact->name = g_path_get_basename(path);
	artifact->format = format == NULL ? "file" : format->name;
	artifact->media_type = format == NULL ? "application/octet-stream" : format->media_type;
	artifact->size = (guint64)st.st_size;
	artifact->allocated = (guint64)st.st_blocks * 512;
	artifact->hashed = st.st_mtim;
	g_ptr_array_add(artifacts, g_steal_pointer(&artifact));
	return TRUE;
}

/* The SHA-256 is made here only where a name depends on it. */
static gboolean read_artifacts(const struct sw_call *call, struct sw_progress *progress,
			       GPtrArray *artifacts, GCancellable *cancellable, GError **error)
{
	for (guint i = 0; i < call->arguments->len; i++)
		if (!add_artifact(call->build, call->arguments->pdata[i], artifacts, error))
			return FALSE;
	return (call->build->version != NULL &&
		strstr(call->build->layout, "{digest12}") == NULL) ||
	       sw_publish_hash(artifacts, progress, cancellable, error);
}

/* What is stored without its holes. */
static guint64 total_size(GPtrArray *artifacts)
{
	guint64 total = 0;

	for (guint i = 0; i < artifacts->len; i++) {
		const struct sw_artifact *artifact = artifacts->pdata[i];

		total += MIN(artifact->size, artifact->allocated);
	}
	return total;
}

/* The same files have the same version. */
static char *version_of(GPtrArray *artifacts)
{
	g_autoptr(GString) all = g_string_new(NULL);
	char hex[SW_SHA256_SIZE];

	for (guint i = 0; i < artifacts->len; i++) {
		const struct sw_artifact *artifact = artifacts->pdata[i];

		g_string_append_printf(all, "%s %s\n", artifact->sha256, artifact->name);
	}
	sw_sha256_data(all->str, all->len, hex);
	return g_strndup(hex, DIGEST_SHOWN);
}

static char *name_of(const char *path)
{
	g_autofree char *file = g_path_get_basename(path);
	size_t length = strcspn(file, ".");

	return length == 0 ? g_strdup("image") : g_strndup(file, length);
}

/* manifest.json without what publishing adds. */
static char *manifest_of(const void *data)
{
	const GPtrArray *artifacts = data;
	g_autoptr(JsonBuilder) json = json_builder_new();
	GString *text = g_string_new(NULL);

	json_builder_begin_object(json);
	sw_json_number(json, "schema", 1);
	json_builder_set_member_name(json, "tool");
	json_builder_begin_object(json);
	sw_json_text(json, "name", "slipway");
	sw_json_text(json, "version", SW_VERSION);
	json_builder_end_object(json);
	json_builder_set_member_name(json, "artifacts");
	json_builder_begin_array(json);
	for (guint i = 0; i < artifacts->len; i++) {
		const struct sw_artifact *artifact = artifacts->pdata[i];

		json_builder_begin_object(json);
		sw_json_text(json, "type", artifact->format);
		sw_json_text(json, "path", artifact->name);
		sw_json_text(json, "media_type", artifact->media_type);
		sw_json_number(json, "size", artifact->size);
		if (artifact->sha256[0] != '\0')
			sw_json_text(json, "sha256", artifact->sha256);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	json_builder_end_object(json);
	sw_json_print(json, text);
	return g_string_free(text, FALSE);
}

static gboolean publish(const struct sw_build *build, GPtrArray *destinations, GPtrArray *artifacts,
			struct sw_progress *progress, GString *out, GCancellable *cancellable,
			GError **error)
{
	const struct sw_artifact *first = artifacts->pdata[0];
	g_autofree char *name = name_of(first->path);
	g_autofree char *version = build->version != NULL ? NULL : version_of(artifacts);
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *date = g_date_time_format(now, "%Y%m%d");
	g_autofree char *manifest = NULL;
	struct sw_publication publication = {
		.layout = build->layout,
		.naming = {
			.name = build->name != NULL ? build->name : name,
			.version = build->version != NULL ? build->version : version,
			.arch = build->target_arch,
			.digest = first->sha256,
			.date = date,
		},
		.tags = build->tags,
		.latest = build->latest,
		.overwrite = build->overwrite,
		.artifacts = artifacts,
		.manifest = manifest_of,
		.manifest_data = artifacts,
	};
	gboolean good;

	if (!sw_publish_check_keys(&publication, error) ||
	    !sw_publish_check(destinations, total_size(artifacts), progress, cancellable, error))
		return FALSE;
	good = sw_publish(destinations, &publication, progress, &manifest, cancellable, error);
	if (manifest != NULL && build->json)
		g_string_append(out, manifest);
	else if (manifest != NULL)
		sw_result_print_places(destinations, out);
	return good;
}

gboolean sw_cmd_publish(const struct sw_call *call, GString *out, GCancellable *cancellable,
			GError **error)
{
	g_autoptr(SwProgress) progress = sw_progress_new(call->build->progress);
	g_autoptr(GPtrArray) artifacts =
		g_ptr_array_new_with_free_func((GDestroyNotify)sw_artifact_free);
	g_autoptr(GPtrArray) destinations = NULL;
	g_auto(GStrv) options = sw_store_options(call->build->options, call->build->authfile);

	if (call->build->stores[0] == NULL)
		return sw_fail(error, SW_ERROR_USAGE, "usage",
			       "publish needs a place: slipway publish FILE --store URI");
	return sw_publish_open(call->build->stores, options, &destinations, cancellable, error) &&
	       read_artifacts(call, progress, artifacts, cancellable, error) &&
	       publish(call->build, destinations, artifacts, progress, out, cancellable, error);
}
