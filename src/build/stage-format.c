/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/run.h"
#include "core/file.h"
#include "core/format.h"

/* One artifact being written, in a thread of its own. */
struct writing {
	struct sw_run *run;
	const struct sw_format *format;
	char *path; /* in the scratch directory */
	guint threads;
	GCancellable *cancellable;
	struct sw_artifact *artifact; /* the result */
	GError *error;
};

static void on_progress(guint64 done, void *data)
{
	const struct writing *writing = data;

	sw_progress_bytes(writing->run->progress, writing->format->name, done,
			  writing->run->plan->layout->size);
}

static gboolean write_file(struct writing *writing, int fd, GError **error)
{
	const struct sw_format *format = writing->format;
	g_autofree void *state = g_malloc0(MAX(format->state_size, 1));
	g_autofree char *owner = g_strconcat("format ", format->name, NULL);
	g_autoptr(SwSparse) disk = NULL;
	gboolean ok;

	ok = sw_params_apply(format->params, NULL, state, owner, error) &&
	     sw_sparse_open(writing->run->disk, &disk, error) &&
	     (format->check == NULL || format->check(state, sw_sparse_size(disk), error)) &&
	     format->write(state, disk, fd, writing->path, (int)writing->threads, on_progress,
			   writing, writing->cancellable, error);
	sw_params_clear(format->params, state);
	return ok;
}

/* Sizes and hashes the finished file: the core does it, so that no format can forget. */
static gboolean describe(struct writing *writing, int fd, GError **error)
{
	struct sw_artifact *artifact = g_new0(struct sw_artifact, 1);
	struct stat st;

	writing->artifact = artifact;
	artifact->path = g_strdup(writing->path);
	artifact->name = g_strdup(writing->format->file);
	artifact->format = writing->format->name;
	artifact->media_type = writing->format->media_type;
	artifact->disk_size = writing->run->plan->layout->size;
	if (fstat(fd, &st) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, "artifact", "%s", writing->path);
	artifact->size = (guint64)st.st_size;
	artifact->allocated = (guint64)st.st_blocks * 512;
	return sw_sha256_file(fd, writing->path, artifact->sha256, writing->cancellable, error);
}

static void *write_artifact(void *data)
{
	struct writing *writing = data;
	int flags = writing->format->is_disk ? O_RDONLY : O_RDWR | O_CREAT | O_EXCL;
	sw_autofd int fd = open(writing->path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		sw_fail_errno(&writing->error, SW_ERROR_FORMAT, "artifact", "%s", writing->path);
	else if (writing->format->is_disk || write_file(writing, fd, &writing->error))
		describe(writing, fd, &writing->error);
	return NULL;
}

static void begin(struct writing *writing, struct sw_run *run, const struct sw_format *format,
		  guint count, GCancellable *cancellable)
{
	writing->run = run;
	writing->format = format;
	writing->path = format->is_disk ? g_strdup(run->disk)
					: g_build_filename(sw_scratch_path(run->scratch),
							   format->name, NULL);
	writing->threads = MAX(g_get_num_processors() / count, 1);
	writing->cancellable = cancellable;
}

static gboolean format(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	guint count = g_strv_length(run->build->types);
	g_autofree struct writing *writings = g_new0(struct writing, count);
	g_autofree GThread **threads = g_new0(GThread *, count);
	gboolean ok = TRUE;

	for (guint i = 0; i < count && ok; i++) {
		const struct sw_format *row = sw_format_find(run->build->types[i], error);

		ok = row != NULL;
		if (ok) {
			begin(&writings[i], run, row, count, cancellable);
			threads[i] = g_thread_new(row->name, write_artifact, &writings[i]);
		}
	}
	for (guint i = 0; i < count; i++) {
		struct writing *writing = &writings[i];

		if (threads[i] != NULL)
			g_thread_join(threads[i]);
		if (writing->error != NULL && ok) {
			g_propagate_error(error, g_steal_pointer(&writing->error));
			ok = FALSE;
		}
		g_clear_error(&writing->error);
		if (writing->artifact != NULL)
			g_ptr_array_add(run->artifacts, writing->artifact);
		g_free(writing->path);
	}
	return ok;
}

const struct sw_stage sw_stage_format = {
	.name = "format",
	.summary = "writing the artifacts",
	.run = format,
};
