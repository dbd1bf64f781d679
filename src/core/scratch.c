/* SPDX-License-Identifier: MIT */
#include "core/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "core/file.h"

/* Long and without vowels, so that nobody's own directory (slipway-output) has such a name. */
#define RANDOM_LENGTH 12
#define LETTERS "bcdfghjkmnpqrstvwxz23456789"
#define TRIES 100

/*
 * Everything happens relative to descriptors.  In a shared parent such as /tmp others can place
 * names, but not directories of ours; below a scratch directory (0700) only we can change anything.
 */
struct sw_scratch {
	char *path;
	char *name; /* in the parent */
	int parent;
	int fd; /* the directory itself; carries the lock */
	gboolean keep;
};

/* Directories that may be emptied: ours, and on the same mount as the parent. */
struct owner {
	uid_t uid;
	guint64 mount;
	guint32 major;
	guint32 minor;
};

static gboolean look(int fd, struct statx *ret_stat)
{
	return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, ret_stat) == 0;
}

/* A mount id of zero where the kernel has none (before 5.8). */
static guint64 mount_of(const struct statx *stat)
{
	return (stat->stx_mask & STATX_MNT_ID) != 0 ? stat->stx_mnt_id : 0;
}

static gboolean get_owner(int parent, struct owner *ret_owner)
{
	struct statx stat;

	if (!look(parent, &stat))
		return FALSE;
	*ret_owner = (struct owner){ geteuid(), mount_of(&stat), stat.stx_dev_major,
				     stat.stx_dev_minor };
	return TRUE;
}

static gboolean is_ours(const struct owner *owner, const struct statx *stat)
{
	return stat->stx_uid == owner->uid && mount_of(stat) == owner->mount &&
	       stat->stx_dev_major == owner->major && stat->stx_dev_minor == owner->minor;
}

/*
 * Opens the directory NAME of PARENT if it is OWNER's; -1 if it is not, or is no directory.  One
 * without permission bits is given them: by /proc, as O_PATH descriptors know no fchmod().
 */
static int open_ours(int parent, const char *name, const struct owner *owner)
{
	sw_autofd int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char proc[64];
	struct statx stat;

	if (fd < 0 || !look(fd, &stat) || !is_ours(owner, &stat))
		return -1;
	g_snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	if ((stat.stx_mode & S_IRWXU) != S_IRWXU &&
	    chmod(proc, (stat.stx_mode & ALLPERMS) | S_IRWXU) < 0)
		return -1;
	return openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The next entry but "." and ".."; NULL at the end. */
static const char *next_name(DIR *directory)
{
	const struct dirent *entry = NULL;

	do
		entry = readdir(directory);
	while (entry != NULL &&
	       (g_str_equal(entry->d_name, ".") || g_str_equal(entry->d_name, "..")));
	return entry == NULL ? NULL : entry->d_name;
}

/* Reads the directory FD from its start, by a descriptor of its own.  NULL when it cannot. */
static DIR *list(int fd)
{
	sw_autofd int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = own < 0 ? NULL : fdopendir(own);

	if (directory != NULL)
		own = -1;
	return directory;
}

/* Moves the directory NAME of FD into TOP under a number that is free there. */
static gboolean move_up(int fd, const char *name, int top, guint64 *number)
{
	char up[32];

	do {
		g_snprintf(up, sizeof up, "%" G_GUINT64_FORMAT, (*number)++);
		if (renameat(fd, name, top, up) == 0)
			return TRUE;
	} while (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR);
	return FALSE;
}

/*
 * Empties the directory NAME of TOP and removes it.  Full directories below it are moved up into
 * TOP, for a later pass, so that no tree is too deep for the stack or the descriptors.  Returns
 * whether anything was removed or moved.
 */
static gboolean flatten(int top, const char *name, const struct owner *owner, guint64 *number)
{
	sw_autofd int fd = open_ours(top, name, owner);
	DIR *directory = fd < 0 ? NULL : list(fd);
	const char *entry = NULL;
	gboolean changed = FALSE;

	while (directory != NULL && (entry = next_name(directory)) != NULL) {
		sw_autofd int below = -1;

		if (unlinkat(fd, entry, 0) == 0 || unlinkat(fd, entry, AT_REMOVEDIR) == 0) {
			changed = TRUE;
			continue;
		}
		/* Gives it the permissions that moving needs. */
		below = open_ours(fd, entry, owner);
		if (below >= 0)
			changed |= move_up(fd, entry, top, number);
	}
	if (directory != NULL)
		closedir(directory);
	changed |= unlinkat(top, name, AT_REMOVEDIR) == 0;
	return changed;
}

/* Passes over TOP until one has changed nothing. */
static void empty(int top, const struct owner *owner)
{
	guint64 number = 0;
	gboolean changed = TRUE;

	while (changed) {
		DIR *directory = list(top);
		const char *name = NULL;

		changed = FALSE;
		while (directory != NULL && (name = next_name(directory)) != NULL)
			changed |=
				unlinkat(top, name, 0) == 0 || flatten(top, name, owner, &number);
		if (directory != NULL)
			closedir(directory);
	}
}

/* Is NAME in PARENT still the directory FD? */
static gboolean is_still(int parent, const char *name, int fd)
{
	struct stat by_name = { 0 };
	struct stat by_fd = { 0 };

	return fstatat(parent, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(fd, &by_fd) == 0 && by_name.st_dev == by_fd.st_dev &&
	       by_name.st_ino == by_fd.st_ino;
}

/* Removes the directory NAME of PARENT, whose locked descriptor is FD. */
static void remove_locked(int parent, const char *name, int fd)
{
	struct owner owner;

	if (!get_owner(parent, &owner) || !is_still(parent, name, fd))
		return;
	empty(fd, &owner);
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0)
		g_debug("cannot remove the scratch directory %s: %s", name, g_strerror(errno));
}

static gboolean matches(const char *name, const char *prefix)
{
	const char *rest = name + strlen(prefix);

	return g_str_has_prefix(name, prefix) && strlen(rest) == RANDOM_LENGTH &&
	       strspn(rest, LETTERS) == RANDOM_LENGTH;
}

/* As it was made (in a parent with the setgid bit, too); the sticky bit would say: keep. */
static gboolean has_our_mode(int fd)
{
	struct stat stat = { 0 };

	return fstat(fd, &stat) == 0 && (stat.st_mode & ALLPERMS & ~S_ISGID) == S_IRWXU;
}

static void reclaim(int parent, const char *prefix)
{
	struct owner owner;
	DIR *directory = get_owner(parent, &owner) ? list(parent) : NULL;
	const char *name = NULL;

	while (directory != NULL && (name = next_name(directory)) != NULL) {
		sw_autofd int fd = -1;

		if (!matches(name, prefix))
			continue;
		fd = open_ours(parent, name, &owner);
		if (fd >= 0 && has_our_mode(fd) && flock(fd, LOCK_EX | LOCK_NB) == 0)
			remove_locked(parent, name, fd);
	}
	if (directory != NULL)
		closedir(directory);
}

static char *random_name(const char *prefix)
{
	GString *name = g_string_new(prefix);

	for (int i = 0; i < RANDOM_LENGTH; i++)
		g_string_append_c(name, LETTERS[g_random_int_range(0, (gint32)strlen(LETTERS))]);
	return g_string_free(name, FALSE);
}

/* FALSE with errno EWOULDBLOCK or ENOENT when another run has taken it for one of a dead owner. */
static gboolean lock_new(struct sw_scratch *scratch)
{
	scratch->fd = openat(scratch->parent, scratch->name,
			     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (scratch->fd < 0 || flock(scratch->fd, LOCK_EX | LOCK_NB) < 0)
		return FALSE;
	errno = ENOENT;
	return is_still(scratch->parent, scratch->name, scratch->fd);
}

/* FALSE with errno EEXIST when another name should be tried. */
static gboolean make(struct sw_scratch *scratch)
{
	int number = 0;

	if (mkdirat(scratch->parent, scratch->name, S_IRWXU) < 0)
		return FALSE;
	if (lock_new(scratch))
		return TRUE;
	number = errno;
	unlinkat(scratch->parent, scratch->name, AT_REMOVEDIR);
	sw_close_fd(&scratch->fd);
	scratch->fd = -1;
	errno = number == EWOULDBLOCK || number == ENOENT ? EEXIST : number;
	return FALSE;
}

static void scratch_clear(struct sw_scratch *scratch)
{
	sw_close_fd(&scratch->fd);
	sw_close_fd(&scratch->parent);
	g_free(scratch->name);
	g_free(scratch->path);
	g_free(scratch);
}

gboolean sw_scratch_new(const char *parent, const char *prefix, struct sw_scratch **ret_scratch,
			GError **error)
{
	g_autofree char *absolute = g_canonicalize_filename(parent, NULL);
	struct sw_scratch *scratch = g_new0(struct sw_scratch, 1);
	gboolean made = FALSE;

	scratch->fd = -1;
	scratch->parent = open(absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (scratch->parent >= 0)
		reclaim(scratch->parent, prefix);
	for (int i = 0; scratch->parent >= 0 && i < TRIES && !made; i++) {
		g_free(scratch->name);
		scratch->name = random_name(prefix);
		made = make(scratch);
		if (!made && errno != EEXIST)
			break;
	}
	if (!made) {
		sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "scratch",
			      "cannot make a scratch directory in %s", absolute);
		scratch_clear(scratch);
		return FALSE;
	}
	scratch->path = g_build_filename(absolute, scratch->name, NULL);
	*ret_scratch = scratch;
	return TRUE;
}

void sw_scratch_free(struct sw_scratch *scratch)
{
	if (scratch == NULL)
		return;
	if (!scratch->keep)
		remove_locked(scratch->parent, scratch->name, scratch->fd);
	scratch_clear(scratch);
}

const char *sw_scratch_path(const struct sw_scratch *scratch)
{
	return scratch->path;
}

void sw_scratch_keep(struct sw_scratch *scratch)
{
	scratch->keep = TRUE;
	if (fchmod(scratch->fd, S_IRWXU | S_ISVTX) < 0)
		g_debug("cannot mark %s as kept: %s", scratch->path, g_strerror(errno));
}
