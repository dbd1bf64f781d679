/* SPDX-License-Identifier: MIT */
#include "storage/directory/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "storage/directory/temporary.h"

gboolean sw_place_fail(const struct sw_place *place, const char *verb, GError **error)
{
	return sw_fail_errno(error, SW_ERROR_STORAGE, place->directory->id, "cannot %s %s", verb,
			     place->path);
}

static gboolean no_key(const char *path, GError **error)
{
	return sw_fail(error, SW_ERROR_STORAGE, "no-key", "%s is not there", path);
}

gboolean sw_directory_mounted(const struct sw_directory *directory, GError **error)
{
	g_autofree char *above = NULL;
	struct stat mount, parent, location;
	struct statx exact;
	gboolean is_mount;

	if (directory->mount == NULL)
		return TRUE;
	above = g_build_filename(directory->mount, "..", NULL);
	if (stat(directory->mount, &mount) < 0 || stat(above, &parent) < 0)
		return sw_fail_errno(error, SW_ERROR_STORAGE, "not-mounted",
				     "%s is no mount point (mount the claim there)",
				     directory->mount);
	if (statx(AT_FDCWD, directory->mount, 0, STATX_BASIC_STATS, &exact) == 0 &&
	    (exact.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		is_mount = exact.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	else
		is_mount = mount.st_dev != parent.st_dev;
	if (!is_mount)
		return sw_fail(error, SW_ERROR_STORAGE, "not-mounted",
			       "%s is no mount point: mount the claim there", directory->mount);
	if (directory->fd >= 0 && fstat(directory->fd, &location) == 0 &&
	    location.st_dev != mount.st_dev)
		return sw_fail(error, SW_ERROR_STORAGE, "not-mounted",
			       "%s was unmounted or replaced: mount the claim again and repeat",
			       directory->mount);
	return TRUE;
}

int sw_directory_fd(struct sw_directory *directory, gboolean make, GError **error)
{
	if (!sw_directory_mounted(directory, error))
		return -1;
	if (directory->fd >= 0)
		return directory->fd;
	if (make && !sw_mkdirs(directory->location, 0777, error)) {
		sw_fail_prefix(error, SW_ERROR_STORAGE, directory->id, "%s", directory->location);
		return -1;
	}
	directory->fd = open(directory->location, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory->fd < 0 && errno == ENOENT)
		no_key(directory->location, error);
	else if (directory->fd < 0)
		sw_fail_errno(error, SW_ERROR_STORAGE, directory->id, "cannot open %s",
			      directory->location);
	return directory->fd;
}

/* One directory further down. */
static gboolean descend(struct sw_place *place, const char *prefix, const char *component,
			gboolean make, GError **error)
{
	sw_autofd int parent = place->fd;

	place->fd = -1;
	if (make && mkdirat(parent, component, 0777) == 0) {
		g_ptr_array_add(place->made, g_build_filename(prefix, component, NULL));
		if (fsync(parent) < 0 && errno != EINVAL)
			return sw_place_fail(place, "store", error);
	} else if (make && errno != EEXIST) {
		return sw_place_fail(place, "store", error);
	}
	place->fd = openat(parent, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place->fd < 0 && !make && (errno == ENOENT || errno == ENOTDIR))
		return no_key(place->path, error);
	return place->fd >= 0 || sw_place_fail(place, make ? "store" : "reach", error);
}

static gboolean walk(struct sw_place *place, const char *key, gboolean make, GError **error)
{
	const char *name = key, *slash;

	while ((slash = strchr(name, '/')) != NULL) {
		g_autofree char *prefix = g_strndup(key, (gsize)(name - key));
		g_autofree char *component = g_strndup(name, (gsize)(slash - name));

		if (!descend(place, prefix, component, make, error))
			return FALSE;
		name = slash + 1;
	}
	place->name = g_strdup(name);
	return TRUE;
}

gboolean sw_place_open(struct sw_place *place, struct sw_directory *directory, const char *key,
		       gboolean make, GError **error)
{
	int fd = -1;

	*place = (struct sw_place){ .directory = directory, .fd = -1 };
	place->path = g_build_filename(directory->location, key, NULL);
	place->made = g_ptr_array_new_with_free_func(g_free);
	if (!sw_key_check(key, error))
		return FALSE;
	if (sw_temporary_in_key(key))
		return sw_fail(error, SW_ERROR_STORAGE, "bad-key",
			       "\"%s\": such names are for files in the making", key);
	fd = sw_directory_fd(directory, make, error);
	if (fd < 0)
		return FALSE;
	place->fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->fd < 0)
		return sw_place_fail(place, make ? "store" : "reach", error);
	return walk(place, key, make, error);
}

void sw_place_clear(struct sw_place *place)
{
	for (guint i = place->made->len; !place->settled && i > 0; i--)
		unlinkat(place->directory->fd, place->made->pdata[i - 1], AT_REMOVEDIR);
	sw_close_fd(&place->fd);
	g_ptr_array_unref(place->made);
	g_free(place->name);
	g_free(place->path);
}
