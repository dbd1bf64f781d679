/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/copy.h"
#include "core/file.h"
#include "core/storage.h"

#define ID "local-storage"

struct local {
	char *location; /* NULL: not open */
	int directory;
};

static gboolean fail(GError **error, const char *path)
{
	return sw_fail_errno(error, SW_ERROR_STORAGE, ID, "cannot store %s", path);
}

static gboolean local_open(void *state, const char *location,
			   G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
	struct local *local = state;
	sw_autofd int fd = -1;

	if (!sw_mkdirs(location, 0777, error))
		return FALSE;
	fd = open(location, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return sw_fail_errno(error, SW_ERROR_STORAGE, ID,
				     "cannot write to the directory %s", location);
	local->location = g_strdup(location);
	local->directory = g_steal_fd(&fd);
	return TRUE;
}

static void local_close(void *state)
{
	struct local *local = state;

	if (local->location == NULL)
		return;
	close(local->directory);
	g_clear_pointer(&local->location, g_free);
}

/* Where a key leads to. */
struct place {
	const struct local *local;
	char *path;	  /* for errors */
	const char *name; /* the last component of the key */
	int directory;	  /* the one that holds it */
	GPtrArray *made;  /* directories made for it, relative to the location */
};

static void clear_place(struct place *place)
{
	sw_close_fd(&place->directory);
	g_ptr_array_unref(place->made);
	g_free(place->path);
}

/* One directory further down.  Links are not followed: they could lead out of the location. */
static gboolean descend(struct place *place, const char *prefix, const char *component,
			GError **error)
{
	sw_autofd int parent = place->directory;

	place->directory = -1;
	if (mkdirat(parent, component, 0777) == 0) {
		g_ptr_array_add(place->made, g_build_filename(prefix, component, NULL));
		if (fsync(parent) < 0 && errno != EINVAL)
			return fail(error, place->path);
	} else if (errno != EEXIST) {
		return fail(error, place->path);
	}
	place->directory =
		openat(parent, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return place->directory >= 0 || fail(error, place->path);
}

/* Opens the directory of KEY (checked), and makes it. */
static gboolean open_place(struct place *place, const char *key, GError **error)
{
	const char *slash;

	place->directory = openat(place->local->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->directory < 0)
		return fail(error, place->path);
	place->name = key;
	while ((slash = strchr(place->name, '/')) != NULL) {
		g_autofree char *prefix = g_strndup(key, (gsize)(place->name - key));
		g_autofree char *component = g_strndup(place->name, (gsize)(slash - place->name));

		if (!descend(place, prefix, component, error))
			return FALSE;
		place->name = slash + 1;
	}
	return TRUE;
}

/*
 * A file without a name leaves nothing behind when the process is killed; not all filesystems can.
 */
static int open_temporary(const struct place *place, const char *temporary, gboolean *ret_named)
{
	int fd = openat(place->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);

	*ret_named = fd < 0;
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	return openat(place->directory, temporary, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
}

static gboolean fill(int in, int out, const struct place *place, const struct sw_artifact *artifact,
		     GCancellable *cancellable, GError **error)
{
	char sha256[SW_SHA256_SIZE];

	if (ftruncate(out, (off_t)artifact->size) < 0)
		return fail(error, place->path);
	if (!sw_copy_sparse(in, out, 0, place->path, SW_ERROR_STORAGE, ID, cancellable, error) ||
	    !sw_sha256_file(out, place->path, sha256, cancellable, error))
		return FALSE;
	if (!g_str_equal(sha256, artifact->sha256))
		return sw_fail(error, SW_ERROR_STORAGE, ID,
			       "%s: the copy differs from what was written", place->path);
	return fsync(out) == 0 || fail(error, place->path);
}

static gboolean publish(int fd, const struct place *place, const char *temporary, gboolean *named,
			GError **error)
{
	g_autofree char *self = g_strdup_printf("/proc/self/fd/%d", fd);

	if (!*named && linkat(AT_FDCWD, self, place->directory, temporary, AT_SYMLINK_FOLLOW) < 0)
		return fail(error, place->path);
	*named = TRUE;
	if (renameat(place->directory, temporary, place->directory, place->name) < 0)
		return fail(error, place->path);
	*named = FALSE;
	return TRUE;
}

static gboolean copy(int in, const struct place *place, const struct sw_artifact *artifact,
		     GCancellable *cancellable, GError **error)
{
	g_autofree char *temporary =
		g_strdup_printf(".slipway-%08x%08x", g_random_int(), g_random_int());
	gboolean named = FALSE;
	sw_autofd int fd = open_temporary(place, temporary, &named);
	gboolean good;

	if (fd < 0)
		return fail(error, place->path);
	good = fill(in, fd, place, artifact, cancellable, error) &&
	       sw_check_cancelled(cancellable, error) &&
	       publish(fd, place, temporary, &named, error);
	if (named)
		unlinkat(place->directory, temporary, 0);
	return good;
}

/* *RET_MOVED stays FALSE when it lies on another filesystem. */
static gboolean move(int fd, const struct place *place, const struct sw_artifact *artifact,
		     gboolean *ret_moved, GError **error)
{
	if (fsync(fd) < 0)
		return fail(error, place->path);
	*ret_moved = renameat(AT_FDCWD, artifact->path, place->directory, place->name) == 0;
	return *ret_moved || errno == EXDEV || fail(error, place->path);
}

static gboolean store(struct place *place, const char *key, const struct sw_artifact *artifact,
		      gboolean may_move, GCancellable *cancellable, GError **error)
{
	sw_autofd int in = open(artifact->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	gboolean moved = FALSE;
	struct stat st;

	if (in < 0 || fstat(in, &st) < 0)
		return sw_fail_errno(error, SW_ERROR_STORAGE, ID, "cannot open %s", artifact->path);
	if (!S_ISREG(st.st_mode) || (guint64)st.st_size != artifact->size)
		return sw_fail(error, SW_ERROR_STORAGE, ID,
			       "%s is no longer the file that was written", artifact->path);
	if (!open_place(place, key, error) ||
	    (may_move && !move(in, place, artifact, &moved, error)) ||
	    (!moved && !copy(in, place, artifact, cancellable, error)))
		return FALSE;
	return fsync(place->directory) == 0 || errno == EINVAL || fail(error, place->path);
}

static gboolean local_put(void *state, const char *key, const struct sw_artifact *artifact,
			  gboolean may_move, GCancellable *cancellable, GError **error)
{
	const struct local *local = state;
	struct place place = { .local = local, .directory = -1 };
	gboolean good;

	if (!sw_key_check(key, error) || !sw_check_cancelled(cancellable, error))
		return FALSE;
	place.path = g_build_filename(local->location, key, NULL);
	place.made = g_ptr_array_new_with_free_func(g_free);
	good = store(&place, key, artifact, may_move, cancellable, error);
	for (guint i = place.made->len; !good && i > 0; i--)
		unlinkat(local->directory, place.made->pdata[i - 1], AT_REMOVEDIR);
	clear_place(&place);
	return good;
}

const struct sw_storage sw_storage_local = {
	.name = "local",
	.summary = "a directory of this machine",
	.state_size = sizeof(struct local),
	.open = local_open,
	.put = local_put,
	.close = local_close,
};
