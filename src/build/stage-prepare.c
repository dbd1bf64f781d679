/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "build/run.h"
#include "build/stage-prepare.h"
#include "core/file.h"
#include "core/size.h"

/* A sparse file of this size is attached while the size of the disk is not known yet. */
#define UNKNOWN_SIZE (1024 * SW_GIB)

gboolean sw_run_attach(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	sw_autofd int fd = open(run->disk, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	guint64 size = run->build->size != 0 ? run->build->size : UNKNOWN_SIZE;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "output", "%s: cannot make a sparse file",
				     run->disk);
	return sw_guest_start(run->disk, run->progress, &run->guest, cancellable, error);
}

static gboolean prepare(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	const char *output = run->build->output;

	run->made_output = !g_file_test(output, G_FILE_TEST_EXISTS);
	if (!sw_mkdirs(output, 0755, error) ||
	    !sw_scratch_new(output, ".slipway-", &run->scratch, error))
		return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "output", "the output directory");
	if (run->build->keep)
		sw_scratch_keep(run->scratch);
	run->disk = g_build_filename(sw_scratch_path(run->scratch), "disk.raw", NULL);
	return sw_run_attach(run, cancellable, error);
}

static void undo(struct sw_run *run)
{
	g_clear_pointer(&run->guest, sw_guest_free);
	g_clear_pointer(&run->scratch, sw_scratch_free);
	/* Only ours, and only while it is empty. */
	if (run->made_output && rmdir(run->build->output) < 0)
		g_debug("%s stays: %s", run->build->output, g_strerror(errno));
}

const struct sw_stage sw_stage_prepare = {
	.name = "prepare",
	.summary = "making room, starting the appliance",
	.run = prepare,
	.undo = undo,
};
