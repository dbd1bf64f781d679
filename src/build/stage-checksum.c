/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>

#include "build/run.h"
#include "core/error.h"
#include "core/file.h"

/* What the threads share: each takes the next artifact. */
struct hashing {
	GPtrArray *artifacts;
	guint next;		   /* atomic */
	GCancellable *cancellable; /* of all threads */
	GMutex lock;
	GError *error; /* the first one; with the lock */
};

static gboolean hash_artifact(struct sw_artifact *artifact, GCancellable *cancellable,
			      GError **error)
{
	sw_autofd int fd = open(artifact->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, "artifact", "%s", artifact->path);
	return sw_sha256_file(fd, artifact->path, artifact->sha256, cancellable, error);
}

static gpointer worker(gpointer data)
{
	struct hashing *hashing = data;
	guint i;

	while ((i = (guint)g_atomic_int_add(&hashing->next, 1)) < hashing->artifacts->len) {
		GError *error = NULL;

		if (hash_artifact(g_ptr_array_index(hashing->artifacts, i), hashing->cancellable,
				  &error))
			continue;
		g_mutex_lock(&hashing->lock);
		if (hashing->error == NULL)
			hashing->error = g_steal_pointer(&error);
		g_mutex_unlock(&hashing->lock);
		g_clear_error(&error);
		break;
	}
	return NULL;
}

static gboolean checksum(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	struct hashing hashing = { .artifacts = run->artifacts, .cancellable = cancellable };
	guint count = MIN(run->artifacts->len, g_get_num_processors());
	g_autofree GThread **threads = g_new(GThread *, count);

	g_mutex_init(&hashing.lock);
	for (guint i = 0; i < count; i++)
		threads[i] = g_thread_new("checksum", worker, &hashing);
	for (guint i = 0; i < count; i++)
		g_thread_join(threads[i]);
	g_mutex_clear(&hashing.lock);
	if (hashing.error == NULL)
		return TRUE;
	g_propagate_error(error, hashing.error);
	return FALSE;
}

const struct sw_stage sw_stage_checksum = {
	.name = "checksum",
	.summary = "reading the artifacts for their SHA-256",
	.run = checksum,
};
