/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "build/artifacts.h"
#include "build/stage-prepare.h"
#include "core/file.h"
#include "core/qcow2.h"
#include "core/size.h"

/* A type that is made of files cannot be made of a disk. */
static gboolean check_types(const struct sw_build *build, GError **error)
{
	for (char **type = build->types; *type != NULL; type++) {
		const struct sw_format *format = sw_format_find(*type, error);

		if (format == NULL)
			return FALSE;
		if (format->needs_tree)
			return sw_fail(error, SW_ERROR_USAGE, "needs-image",
				       "--type %s is made of the files of an image, not of a disk: "
				       "use slipway build IMAGE --type %s",
				       *type, *type);
	}
	return TRUE;
}

static gboolean look_at_disk(const char *path, guint64 *ret_size, GError **error)
{
	g_autoptr(SwSparse) disk = NULL;

	if (!sw_disk_image_open(path, &disk, error))
		return FALSE;
	*ret_size = sw_sparse_size(disk);
	return TRUE;
}

/* "edge" of "/images/edge.raw", for descriptors. */
static char *short_name(const char *path)
{
	char *name = g_path_get_basename(path);
	char *dot = strrchr(name, '.');

	if (dot != NULL && dot != name)
		*dot = '\0';
	return name;
}

static gboolean convert(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	const struct sw_build *build = run->build;
	g_autofree char *name = short_name(run->source);
	struct sw_artifacts_request request = {
		.types = build->types,
		.options = build->options,
		.disk = run->source,
		.any_image = TRUE,
		.name = name,
		.progress = run->progress,
	};
	guint64 size = 0;

	if (!check_types(build, error) || !look_at_disk(run->source, &size, error) ||
	    !sw_run_make_room(run, sw_round_up(size, sw_format_disk_unit(build->types)), error))
		return FALSE;
	request.directory = sw_scratch_path(run->scratch);
	return sw_artifacts_write(&request, run->artifacts, cancellable, error);
}

const struct sw_stage sw_stage_convert = {
	.name = "convert",
	.summary = "writing the artifacts",
	.run = convert,
	.undo = sw_run_leave_room,
};
