/* SPDX-License-Identifier: MIT */
#include "core/artifact.h"

#include <fcntl.h>

#include "core/file.h"

gboolean sw_artifact_check(const struct sw_artifact *artifact, int fd, GError **error)
{
	const struct timespec *then = &artifact->hashed;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sw_fail_errno(error, SW_ERROR_STORAGE, "artifact", "cannot read %s",
				     artifact->path);
	if (S_ISREG(st.st_mode) && (guint64)st.st_size == artifact->size &&
	    (then->tv_sec == 0 ||
	     (st.st_mtim.tv_sec == then->tv_sec && st.st_mtim.tv_nsec == then->tv_nsec)))
		return TRUE;
	return sw_fail(error, SW_ERROR_STORAGE, "changed",
		       "%s is no longer the file that was written: somebody else writes to it",
		       artifact->path);
}

static gboolean stamp(struct sw_artifact *artifact, int fd, GError **error)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, "artifact", "cannot read %s",
				     artifact->path);
	artifact->hashed = st.st_mtim;
	return TRUE;
}

static int open_file(const struct sw_artifact *artifact, GError **error)
{
	int fd = open(artifact->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		sw_fail_errno(error, SW_ERROR_FORMAT, "artifact", "cannot open %s", artifact->path);
	return fd;
}

gboolean sw_artifact_hash(struct sw_artifact *artifact, GCancellable *cancellable, GError **error)
{
	sw_autofd int fd = open_file(artifact, error);

	/* The time of before: who writes meanwhile changes it. */
	return fd >= 0 && stamp(artifact, fd, error) &&
	       sw_sha256_file(fd, artifact->path, artifact->sha256, cancellable, error) &&
	       sw_artifact_check(artifact, fd, error);
}

gboolean sw_artifact_stamp(struct sw_artifact *artifact, GError **error)
{
	sw_autofd int fd = open_file(artifact, error);

	return fd >= 0 && stamp(artifact, fd, error);
}

void sw_artifact_free(struct sw_artifact *artifact)
{
	if (artifact == NULL)
		return;
	g_free(artifact->path);
	g_free(artifact->name);
	g_free(artifact);
}
