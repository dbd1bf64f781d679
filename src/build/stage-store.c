/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "build/record.h"
#include "build/run.h"
#include "core/file.h"
#include "core/storage.h"

/* How often another build, which holds the lock, is looked at. */
#define LOCK_TICK (100 * G_TIME_SPAN_MILLISECOND)

static const char *const record_files[] = { "SHA256SUMS", "manifest.json" };

/* The output directory is the backend "local". */
static const struct sw_storage *find_local(void)
{
	for (const struct sw_storage *const *storage = sw_storages; *storage != NULL; storage++)
		if (g_str_equal((*storage)->name, "local"))
			return *storage;
	g_assert_not_reached();
}

/* The record in the scratch directory: what needs space is done before anything is replaced. */
static gboolean write_record(struct sw_run *run, GError **error)
{
	g_autofree char *sums = sw_record_sums(run->artifacts);
	const char *texts[] = { sums, NULL };

	run->manifest_json = sw_record_manifest(run);
	texts[1] = run->manifest_json;
	for (guint i = 0; i < G_N_ELEMENTS(record_files); i++) {
		g_autofree char *path =
			g_build_filename(sw_scratch_path(run->scratch), record_files[i], NULL);

		if (!sw_write_file(path, texts[i], strlen(texts[i]), 0644, SW_ERROR_STORAGE,
				   "record", error))
			return FALSE;
	}
	return TRUE;
}

/* Takes long when the page cache is full of them, and may be cancelled as yet. */
static gboolean sync_artifacts(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	for (guint i = 0; i < run->artifacts->len; i++) {
		const struct sw_artifact *artifact = g_ptr_array_index(run->artifacts, i);
		sw_autofd int fd = open(artifact->path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || fsync(fd) < 0)
			return sw_fail_errno(error, SW_ERROR_STORAGE, "artifact", "%s",
					     artifact->path);
		if (!sw_check_cancelled(cancellable, error))
			return FALSE;
	}
	return TRUE;
}

/* One build at a time replaces the files of a directory.  Some filesystems have no locks. */
static gboolean lock_output(const char *output, int *ret_fd, GCancellable *cancellable,
			    GError **error)
{
	*ret_fd = open(output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0)
		return sw_fail_errno(error, SW_ERROR_STORAGE, "output", "%s", output);
	while (flock(*ret_fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		if (!sw_check_cancelled(cancellable, error))
			return FALSE;
		g_usleep(LOCK_TICK);
	}
	return TRUE;
}

static gboolean put_all(struct sw_run *run, const struct sw_storage *local, void *state,
			GCancellable *cancellable, GError **error)
{
	const struct sw_put how = { .move = !run->build->keep, .overwrite = TRUE };

	if (!sw_params_apply(local->params, NULL, state, "storage local", error) ||
	    !local->open(state, run->build->output, cancellable, error))
		return FALSE;
	for (guint i = 0; i < run->artifacts->len; i++) {
		struct sw_artifact *artifact = g_ptr_array_index(run->artifacts, i);

		if (!local->put(state, artifact->name, artifact, &how, cancellable, error))
			return FALSE;
		g_free(artifact->path);
		artifact->path = g_build_filename(run->build->output, artifact->name, NULL);
		if (!sw_artifact_stamp(artifact, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean put_artifacts(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	const struct sw_storage *local = find_local();
	g_autofree void *state = g_malloc0(MAX(local->state_size, 1));
	gboolean ok = put_all(run, local, state, cancellable, error);

	local->close(state);
	sw_params_clear(local->params, state);
	return ok;
}

static gboolean put_record(struct sw_run *run, int output, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(record_files); i++) {
		g_autofree char *path =
			g_build_filename(sw_scratch_path(run->scratch), record_files[i], NULL);

		if (renameat(AT_FDCWD, path, output, record_files[i]) < 0)
			return sw_fail_errno(error, SW_ERROR_STORAGE, "record",
					     "cannot write %s/%s", run->build->output,
					     record_files[i]);
	}
	/* Some filesystems cannot sync a directory. */
	if (fsync(output) < 0 && errno != EINVAL)
		return sw_fail_errno(error, SW_ERROR_STORAGE, "record", "cannot sync %s",
				     run->build->output);
	return TRUE;
}

/*
 * A record is there only while all that it names is: the old one goes first, the new one comes
 * last. Between the two there are only renames, which nothing interrupts (with --keep there are
 * copies).
 */
static gboolean store(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	GCancellable *until_done = run->build->keep ? cancellable : NULL;
	sw_autofd int output = -1;

	if (!write_record(run, error) || !sync_artifacts(run, cancellable, error) ||
	    !lock_output(run->build->output, &output, cancellable, error))
		return FALSE;
	for (guint i = G_N_ELEMENTS(record_files); i-- > 0;)
		if (unlinkat(output, record_files[i], 0) < 0 && errno != ENOENT)
			return sw_fail_errno(error, SW_ERROR_STORAGE, "record",
					     "cannot replace %s/%s", run->build->output,
					     record_files[i]);
	return put_artifacts(run, until_done, error) && put_record(run, output, error);
}

const struct sw_stage sw_stage_store = {
	.name = "store",
	.summary = "moving the artifacts into place",
	.run = store,
};
