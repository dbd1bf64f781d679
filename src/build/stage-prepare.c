/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "build/run.h"
#include "build/stage-prepare.h"
#include "core/file.h"
#include "core/format.h"
#include "core/size.h"

/* A sparse file of this size is attached while the size of the disk is not known yet. */
#define UNKNOWN_SIZE (1024 * SW_GIB)

gboolean sw_run_attach(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	sw_autofd int fd = open(run->disk, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	guint64 size = run->build->size != 0 ? run->build->size : UNKNOWN_SIZE;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "output",
				     "%s: cannot make a sparse file", run->disk);
	return sw_guest_start(run->disk, sw_scratch_path(run->scratch), run->progress, &run->guest,
			      cancellable, error);
}

/* Can NAME be put into the directory OUTPUT?  Better to know before the work than after it. */
static gboolean check_place(const char *output, const char *name, GError **error)
{
	g_autofree char *path = g_build_filename(output, name, NULL);
	g_autofree char *directory = g_path_get_dirname(path);
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return sw_fail(error, SW_ERROR_ENVIRONMENT, "output",
			       "%s is in the way: it is no regular file", path);
	/* The output directory itself may be a link to one. */
	if (strchr(name, '/') != NULL && lstat(directory, &st) == 0 && !S_ISDIR(st.st_mode))
		return sw_fail(error, SW_ERROR_ENVIRONMENT, "output",
			       "%s is in the way: it is no directory", directory);
	if (access(directory, W_OK | X_OK) < 0 && errno != ENOENT)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "output",
				     "cannot write to the directory %s", directory);
	return TRUE;
}

/* The files of the type, with its options, which are checked by this. */
static gboolean check_type(const struct sw_build *build, const char *type, guint64 disk_size,
			   GError **error)
{
	const struct sw_format *format = sw_format_find(type, error);
	g_autoptr(GPtrArray) names = NULL;
	void *state = NULL;

	if (format == NULL ||
	    !sw_format_configure(format, build->options, disk_size, &state, error))
		return FALSE;
	names = sw_format_names(format, state);
	sw_format_release(format, state);
	for (guint i = 0; i < names->len; i++)
		if (!check_place(build->output, g_ptr_array_index(names, i), error))
			return FALSE;
	return TRUE;
}

static gboolean check_places(const struct sw_build *build, guint64 disk_size, GError **error)
{
	for (char **type = build->types; *type != NULL; type++)
		if (!check_type(build, *type, disk_size, error))
			return FALSE;
	return check_place(build->output, "manifest.json", error) &&
	       check_place(build->output, "SHA256SUMS", error);
}

static guint count_missing_levels(const char *path)
{
	g_autofree char *at = g_canonicalize_filename(path, NULL);
	guint count = 0;

	for (; !g_file_test(at, G_FILE_TEST_EXISTS); count++) {
		char *parent = g_path_get_dirname(at);

		g_free(at);
		at = parent;
	}
	return count;
}

/* Only ours, and only while they are empty. */
static void remove_made_levels(struct sw_run *run)
{
	g_autofree char *at = g_canonicalize_filename(run->build->output, NULL);

	for (; run->made_levels > 0 && (rmdir(at) == 0 || errno == ENOENT); run->made_levels--) {
		char *parent = g_path_get_dirname(at);

		g_free(at);
		at = parent;
	}
	if (run->made_levels > 0)
		g_debug("%s stays: %s", at, g_strerror(errno));
	run->made_levels = 0;
}

gboolean sw_run_make_room(struct sw_run *run, guint64 disk_size, GError **error)
{
	const char *output = run->build->output;

	run->made_levels = count_missing_levels(output);
	if (!sw_mkdirs(output, 0755, error) || !check_places(run->build, disk_size, error) ||
	    !sw_scratch_new(output, ".slipway-", &run->scratch, error))
		return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "output",
				      "the output directory");
	if (run->build->keep)
		sw_scratch_keep(run->scratch);
	return TRUE;
}

void sw_run_leave_room(struct sw_run *run)
{
	g_clear_pointer(&run->scratch, sw_scratch_free);
	remove_made_levels(run);
}

static gboolean prepare(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	if (!sw_run_make_room(run, 0, error))
		return FALSE;
	run->disk = g_build_filename(sw_scratch_path(run->scratch), "disk.raw", NULL);
	return sw_run_attach(run, cancellable, error);
}

static void undo(struct sw_run *run)
{
	g_clear_pointer(&run->guest, sw_guest_free);
	sw_run_leave_room(run);
}

const struct sw_stage sw_stage_prepare = {
	.name = "prepare",
	.summary = "making room, starting the appliance",
	.run = prepare,
	.undo = undo,
};
