/* SPDX-License-Identifier: MIT */
#include "disk/supermin.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"

#define PREFIX "appliance.d."
#define SUFFIX_LENGTH 8

static gboolean is_half_made(const char *name)
{
	return g_str_has_prefix(name, PREFIX) && strlen(name) == strlen(PREFIX) + SUFFIX_LENGTH;
}

/* The directory holds nothing but files. */
static void remove_directory(const char *path)
{
	g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
	const char *name = NULL;

	while (directory != NULL && (name = g_dir_read_name(directory)) != NULL) {
		g_autofree char *file = g_build_filename(path, name, NULL);

		(void)unlink(file);
	}
	if (rmdir(path) < 0)
		g_debug("cannot remove %s: %s", path, g_strerror(errno));
}

void sw_supermin_reclaim(const char *cachedir)
{
	g_autofree char *path = g_strdup_printf("%s/.guestfs-%u", cachedir, geteuid());
	g_autofree char *lock_path = g_build_filename(path, "lock", NULL);
	sw_autofd int lock = open(lock_path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	g_autoptr(GDir) directory = NULL;
	const char *name = NULL;
	struct stat st;

	/* In a shared directory the name could be another's. */
	if (lock < 0 || lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    fcntl(lock, F_OFD_SETLK, &all) < 0)
		return;
	directory = g_dir_open(path, 0, NULL);
	while (directory != NULL && (name = g_dir_read_name(directory)) != NULL) {
		g_autofree char *half_made = g_build_filename(path, name, NULL);

		if (is_half_made(name))
			remove_directory(half_made);
	}
}
