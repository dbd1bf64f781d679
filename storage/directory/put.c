/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/copy.h"
#include "core/file.h"
#include "storage/directory/place.h"
#include "storage/directory/temporary.h"

/* A file that is to appear under a key. */
struct making {
	const struct sw_place *place;
	char *temporary;
	int fd;
	gboolean named; /* as TEMPORARY; else it has no name as yet */
	gboolean overwrite;
};

static gboolean key_exists(const struct sw_place *place, GError **error)
{
	return sw_fail(error, SW_ERROR_STORAGE, "key-exists",
		       "%s is there already: choose another key, or overwrite it", place->path);
}

static gboolean check_free(const struct sw_place *place, gboolean overwrite, GError **error)
{
	struct stat st;

	if (fstatat(place->fd, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || sw_place_fail(place, "store", error);
	return overwrite || key_exists(place, error);
}

/*
 * Gives NAME of the directory FD the name of PLACE, only where there is none, with what the
 * filesystem has for it.
 */
static int rename_to_free(int fd, const char *name, const struct sw_place *place)
{
	if (renameat2(fd, name, place->fd, place->name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(fd, name, place->fd, place->name, 0) == 0)
		return unlinkat(fd, name, 0);
	if (errno != EPERM && errno != EOPNOTSUPP)
		return -1;
	if (faccessat(place->fd, place->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(fd, name, place->fd, place->name);
}

static int rename_to(int fd, const char *name, const struct sw_place *place, gboolean overwrite)
{
	return overwrite ? renameat(fd, name, place->fd, place->name)
			 : rename_to_free(fd, name, place);
}

/*
 * A file without a name leaves nothing behind when the process is killed; not all filesystems can.
 */
static gboolean open_making(struct making *making, GError **error)
{
	int directory = making->place->fd;

	sw_temporary_sweep(directory);
	making->fd = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	if (making->fd >= 0)
		return TRUE;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return sw_place_fail(making->place, "store", error);
	making->fd = openat(directory, making->temporary,
			    O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, 0666);
	making->named = making->fd >= 0;
	return making->named || sw_place_fail(making->place, "store", error);
}

static void close_making(struct making *making)
{
	if (making->named)
		unlinkat(making->place->fd, making->temporary, 0);
	sw_close_fd(&making->fd);
	g_free(making->temporary);
}

/* A copy that shares its blocks is read for its SHA-256; of another one the bytes are at hand. */
static gboolean copy_data(int in, const struct making *making, guint64 size,
			  char ret_sha256[SW_SHA256_SIZE], GCancellable *cancellable,
			  GError **error)
{
	const struct sw_place *place = making->place;

	if (ioctl(making->fd, FICLONE, in) == 0)
		return sw_sha256_file(making->fd, place->path, ret_sha256, cancellable, error);
	if (ftruncate(making->fd, (off_t)size) < 0)
		return sw_place_fail(place, "store", error);
	return sw_copy_hashed(in, making->fd, size, place->path, SW_ERROR_STORAGE,
			      place->directory->id, ret_sha256, cancellable, error);
}

static gboolean fill(int in, const struct making *making, const struct sw_artifact *artifact,
		     char ret_sha256[SW_SHA256_SIZE], GCancellable *cancellable, GError **error)
{
	const struct sw_place *place = making->place;

	if (!copy_data(in, making, artifact->size, ret_sha256, cancellable, error) ||
	    !sw_artifact_check(artifact, in, error))
		return FALSE;
	if (artifact->sha256[0] != '\0' && !g_str_equal(ret_sha256, artifact->sha256))
		return sw_fail(error, SW_ERROR_STORAGE, place->directory->id,
			       "%s: the copy differs from what was written", place->path);
	return fsync(making->fd) == 0 || sw_place_fail(place, "store", error);
}

/* The last step, which makes it visible. */
static gboolean publish(struct making *making, GError **error)
{
	const struct sw_place *place = making->place;
	g_autofree char *self = g_strdup_printf("/proc/self/fd/%d", making->fd);
	const char *name = making->overwrite ? making->temporary : place->name;

	if (!making->named && linkat(AT_FDCWD, self, place->fd, name, AT_SYMLINK_FOLLOW) < 0)
		return errno == EEXIST ? key_exists(place, error)
				       : sw_place_fail(place, "store", error);
	if (!making->named && !making->overwrite)
		return TRUE;
	making->named = TRUE;
	if (rename_to(place->fd, making->temporary, place, making->overwrite) < 0)
		return errno == EEXIST ? key_exists(place, error)
				       : sw_place_fail(place, "store", error);
	making->named = FALSE;
	return TRUE;
}

static gboolean copy(int in, const struct sw_place *place, const struct sw_artifact *artifact,
		     gboolean overwrite, char *ret_sha256, GCancellable *cancellable,
		     GError **error)
{
	struct making making = { .place = place, .fd = -1, .overwrite = overwrite };
	char sha256[SW_SHA256_SIZE];
	gboolean good;

	making.temporary = sw_temporary_name();
	good = open_making(&making, error) &&
	       fill(in, &making, artifact, ret_sha256 != NULL ? ret_sha256 : sha256, cancellable,
		    error) &&
	       sw_check_cancelled(cancellable, error) &&
	       sw_directory_mounted(place->directory, error) && publish(&making, error);
	close_making(&making);
	return good;
}

/* *RET_MOVED stays FALSE when it lies on another filesystem. */
static gboolean move(int fd, const struct sw_place *place, const struct sw_artifact *artifact,
		     gboolean overwrite, gboolean *ret_moved, GError **error)
{
	if (fsync(fd) < 0)
		return sw_place_fail(place, "store", error);
	*ret_moved = rename_to(AT_FDCWD, artifact->path, place, overwrite) == 0;
	if (*ret_moved || errno == EXDEV)
		return TRUE;
	return errno == EEXIST ? key_exists(place, error) : sw_place_fail(place, "store", error);
}

static gboolean settle(struct sw_place *place, GError **error)
{
	place->settled = fsync(place->fd) == 0 || errno == EINVAL;
	return place->settled || sw_place_fail(place, "store", error);
}

static gboolean store(struct sw_place *place, const struct sw_artifact *artifact,
		      const struct sw_put *how, GCancellable *cancellable, GError **error)
{
	sw_autofd int in = open(artifact->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	gboolean moved = FALSE;

	if (in < 0)
		return sw_fail_errno(error, SW_ERROR_STORAGE, place->directory->id,
				     "cannot open %s", artifact->path);
	if (!sw_artifact_check(artifact, in, error))
		return FALSE;
	if (!check_free(place, how->overwrite, error) ||
	    (how->move && !move(in, place, artifact, how->overwrite, &moved, error)) ||
	    (!moved &&
	     !copy(in, place, artifact, how->overwrite, how->ret_sha256, cancellable, error)))
		return FALSE;
	if (how->progress != NULL)
		how->progress(artifact->size, how->progress_data);
	return settle(place, error);
}

gboolean sw_directory_put(void *state, const char *key, const struct sw_artifact *artifact,
			  const struct sw_put *how, GCancellable *cancellable, GError **error)
{
	struct sw_place place;
	gboolean good;

	if (!sw_check_cancelled(cancellable, error))
		return FALSE;
	good = sw_place_open(&place, state, key, TRUE, error) &&
	       store(&place, artifact, how, cancellable, error);
	sw_place_clear(&place);
	return good;
}

/* A second name for the same file; a rename of one over the other would leave both. */
static gboolean hard_link(const struct sw_place *from, const struct sw_place *to,
			  gboolean *ret_linked, GError **error)
{
	g_autofree char *temporary = sw_temporary_name();
	gboolean good;

	sw_temporary_sweep(to->fd);
	*ret_linked = linkat(from->fd, from->name, to->fd, temporary, 0) == 0;
	if (!*ret_linked)
		return errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK || errno == EXDEV ||
		       sw_place_fail(to, "store", error);
	good = renameat(to->fd, temporary, to->fd, to->name) == 0 ||
	       sw_place_fail(to, "store", error);
	unlinkat(to->fd, temporary, 0);
	return good;
}

static gboolean link_places(const struct sw_place *from, struct sw_place *to,
			    GCancellable *cancellable, GError **error)
{
	sw_autofd int in =
		openat(from->fd, from->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct sw_artifact artifact = { .path = from->path };
	gboolean linked = FALSE;
	struct stat st;

	if (in < 0 && errno == ENOENT)
		return sw_fail(error, SW_ERROR_STORAGE, "no-key", "%s is not there", from->path);
	if (in < 0 || fstat(in, &st) < 0 || !S_ISREG(st.st_mode))
		return sw_place_fail(from, "read", error);
	artifact.size = (guint64)st.st_size;
	return hard_link(from, to, &linked, error) &&
	       (linked || copy(in, to, &artifact, TRUE, NULL, cancellable, error)) &&
	       settle(to, error);
}

gboolean sw_directory_link(void *state, const char *from, const char *to, GCancellable *cancellable,
			   GError **error)
{
	struct sw_place source, target;
	gboolean good = FALSE;

	if (!sw_check_cancelled(cancellable, error))
		return FALSE;
	if (sw_place_open(&source, state, from, FALSE, error)) {
		good = sw_place_open(&target, state, to, TRUE, error) &&
		       link_places(&source, &target, cancellable, error);
		sw_place_clear(&target);
	}
	sw_place_clear(&source);
	return good;
}
