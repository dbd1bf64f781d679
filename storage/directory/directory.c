/* SPDX-License-Identifier: MIT */
#include "storage/directory/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/size.h"
#include "storage/directory/place.h"
#include "storage/directory/temporary.h"

#define CHUNK (256 * 1024)

gboolean sw_directory_open(struct sw_directory *directory, const char *id, const char *mount,
			   const char *location, GError **error)
{
	if (*location == '\0')
		return sw_fail(error, SW_ERROR_STORAGE, id, "no directory is named");
	directory->id = id;
	directory->location = g_strdup(location);
	for (size_t end = strlen(location) - 1; end > 0 && location[end] == '/'; end--)
		directory->location[end] = '\0';
	directory->mount = g_strdup(mount);
	directory->fd = -1;
	return TRUE;
}

void sw_directory_close(void *state)
{
	struct sw_directory *directory = state;

	if (directory->location == NULL)
		return;
	sw_close_fd(&directory->fd);
	g_clear_pointer(&directory->location, g_free);
	g_clear_pointer(&directory->mount, g_free);
}

/* LOCATION, or what there is of the way to it. */
static char *nearest_there(const char *location)
{
	char *at = g_canonicalize_filename(location, NULL);

	while (access(at, F_OK) < 0 && errno == ENOENT && !g_str_equal(at, "/")) {
		char *parent = g_path_get_dirname(at);

		g_free(at);
		at = parent;
	}
	return at;
}

static gboolean look_reachable(struct sw_directory *directory, const char *at,
			       G_GNUC_UNUSED guint64 bytes, GError **error)
{
	struct stat st;

	if (!sw_directory_mounted(directory, error))
		return FALSE;
	if (stat(at, &st) < 0)
		return sw_fail_errno(error, SW_ERROR_STORAGE, directory->id, "cannot reach %s", at);
	return S_ISDIR(st.st_mode) ||
	       sw_fail(error, SW_ERROR_STORAGE, directory->id,
		       "%s is no directory: name another, or move it away", at);
}

static gboolean look_writable(struct sw_directory *directory, const char *at,
			      G_GNUC_UNUSED guint64 bytes, GError **error)
{
	g_autofree char *name = sw_temporary_name();
	sw_autofd int there = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sw_autofd int probe = -1;
	gboolean good;

	if (there < 0)
		return sw_fail_errno(error, SW_ERROR_STORAGE, directory->id, "cannot open %s", at);
	sw_temporary_sweep(there);
	probe = openat(there, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600);
	good = probe >= 0 && write(probe, "", 1) == 1 && fsync(probe) == 0;
	if (!good)
		sw_fail_errno(error, SW_ERROR_STORAGE, directory->id,
			      "cannot write to the directory %s", at);
	if (probe >= 0)
		unlinkat(there, name, 0);
	return good;
}

static gboolean look_room(G_GNUC_UNUSED struct sw_directory *directory, const char *at,
			  guint64 bytes, GError **error)
{
	g_autofree char *wanted = NULL;
	g_autofree char *room = NULL;
	guint64 there = 0;

	if (!sw_free_space(at, &there, error))
		return FALSE;
	if (there >= bytes)
		return TRUE;
	wanted = sw_size_format(bytes);
	room = sw_size_format(there);
	return sw_fail(error, SW_ERROR_ENVIRONMENT, "disk-full",
		       "%s has room for %s, but %s are to be stored: make room, or choose another "
		       "place",
		       at, room, wanted);
}

gboolean sw_directory_check(void *state, guint64 bytes, sw_storage_report report, void *data,
			    GCancellable *cancellable, GError **error)
{
	static const struct {
		const char *name;
		gboolean (*look)(struct sw_directory *directory, const char *at, guint64 bytes,
				 GError **error);
	} looks[] = {
		{ "reachable", look_reachable },
		{ "writable", look_writable },
		{ "room", look_room },
	};
	struct sw_directory *directory = state;
	g_autofree char *at = nearest_there(directory->location);

	for (guint i = 0; i < G_N_ELEMENTS(looks); i++) {
		GError *problem = NULL;

		if (!sw_check_cancelled(cancellable, error))
			return FALSE;
		looks[i].look(directory, at, bytes, &problem);
		report(looks[i].name, problem, data);
		if (problem != NULL) {
			g_propagate_error(error, problem);
			return FALSE;
		}
	}
	return TRUE;
}

/* Opens the file of PLACE; -1 with ERROR. */
static int open_file(const struct sw_place *place, struct stat *ret_st, GError **error)
{
	int fd = openat(place->fd, place->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, ret_st) == 0 && S_ISREG(ret_st->st_mode))
		return fd;
	if (fd >= 0 || errno == ENOENT || errno == ELOOP)
		sw_fail(error, SW_ERROR_STORAGE, "no-key", "%s is not there", place->path);
	else
		sw_place_fail(place, "read", error);
	sw_close_fd(&fd);
	return -1;
}

static void describe(const struct stat *st, struct sw_stored *ret)
{
	*ret = (struct sw_stored){ .size = (guint64)st->st_size, .modified = st->st_mtime };
}

gboolean sw_directory_stat(void *state, const char *key, struct sw_stored *ret,
			   GCancellable *cancellable, GError **error)
{
	struct sw_place place;
	sw_autofd int fd = -1;
	struct stat st;

	if (!sw_check_cancelled(cancellable, error))
		return FALSE;
	if (sw_place_open(&place, state, key, FALSE, error))
		fd = open_file(&place, &st, error);
	sw_place_clear(&place);
	if (fd < 0)
		return FALSE;
	describe(&st, ret);
	return TRUE;
}

static gboolean read_file(int fd, const struct sw_place *place, guint64 offset,
			  sw_storage_sink sink, void *data, GCancellable *cancellable,
			  GError **error)
{
	g_autofree char *buffer = g_malloc(CHUNK);

	for (;;) {
		ssize_t n;

		if (!sw_check_cancelled(cancellable, error))
			return FALSE;
		n = pread(fd, buffer, CHUNK, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sw_place_fail(place, "read", error);
		if (n == 0)
			return TRUE;
		if (!sink(buffer, (size_t)n, data, error))
			return FALSE;
		offset += (guint64)n;
	}
}

gboolean sw_directory_get(void *state, const char *key, guint64 offset, sw_storage_sink sink,
			  void *data, GCancellable *cancellable, GError **error)
{
	struct sw_place place;
	sw_autofd int fd = -1;
	gboolean good = FALSE;
	struct stat st;

	if (sw_place_open(&place, state, key, FALSE, error))
		fd = open_file(&place, &st, error);
	if (fd >= 0 && offset > (guint64)st.st_size)
		sw_fail(error, SW_ERROR_STORAGE, place.directory->id,
			"%s is shorter than what is there of it already", place.path);
	else if (fd >= 0)
		good = read_file(fd, &place, offset, sink, data, cancellable, error);
	sw_place_clear(&place);
	return good;
}

gboolean sw_directory_remove(void *state, const char *key, GCancellable *cancellable,
			     GError **error)
{
	g_autoptr(GError) problem = NULL;
	struct sw_place place;
	gboolean good;

	if (!sw_check_cancelled(cancellable, error))
		return FALSE;
	good = sw_place_open(&place, state, key, FALSE, &problem) &&
	       (unlinkat(place.fd, place.name, 0) == 0 || errno == ENOENT ||
		sw_place_fail(&place, "remove", &problem)) &&
	       (fsync(place.fd) == 0 || errno == EINVAL ||
		sw_place_fail(&place, "remove", &problem));
	/* Directories that are empty now hold nobody's artifacts. */
	for (char *slash; good && (slash = strrchr(place.path, '/')) != NULL;) {
		*slash = '\0';
		if (g_str_equal(place.path, place.directory->location) || rmdir(place.path) < 0)
			break;
	}
	sw_place_clear(&place);
	if (good || g_str_equal(sw_error_id(problem), "no-key"))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&problem));
	return FALSE;
}

char *sw_directory_url(G_GNUC_UNUSED void *state, G_GNUC_UNUSED const char *key,
		       G_GNUC_UNUSED guint64 expires, G_GNUC_UNUSED GError **error)
{
	return NULL;
}
