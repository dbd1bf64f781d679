/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "storage/directory/place.h"
#include "storage/directory/temporary.h"

/* Keys are not deeper, as each level takes at least two of their bytes. */
#define DEPTH_MAX 512

/* A key that was found. */
struct found {
	char *key;
	struct sw_stored stored;
};

/* The way through the directories. */
struct walk {
	const struct sw_directory *directory;
	const char *prefix;
	GPtrArray *found;
	GCancellable *cancellable;
};

static void found_free(void *data)
{
	struct found *found = data;

	g_free(found->key);
	g_free(found);
}

static int compare(gconstpointer a, gconstpointer b)
{
	const struct found *const *x = a;
	const struct found *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

static gboolean walk_directory(struct walk *walk, int fd, const char *below, guint depth,
			       GError **error);

static gboolean fail(const struct walk *walk, const char *key, GError **error)
{
	return sw_fail_errno(error, SW_ERROR_STORAGE, walk->directory->id, "cannot read %s/%s",
			     walk->directory->location, key);
}

/* Could keys below the directory KEY ("a/b/") begin with the prefix? */
static gboolean leads_on(const struct walk *walk, const char *key)
{
	return strncmp(key, walk->prefix, MIN(strlen(key), strlen(walk->prefix))) == 0;
}

/* Others may remove what is being listed. */
static gboolean walk_entry(struct walk *walk, int fd, const char *below, const char *name,
			   guint depth, GError **error)
{
	g_autofree char *key = g_strconcat(below, name, NULL);
	sw_autofd int sub = -1;
	struct found *found;
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || fail(walk, key, error);
	if (S_ISREG(st.st_mode) && g_str_has_prefix(key, walk->prefix) && sw_key_check(key, NULL)) {
		found = g_new0(struct found, 1);
		found->key = g_steal_pointer(&key);
		found->stored.size = (guint64)st.st_size;
		found->stored.modified = st.st_mtime;
		g_ptr_array_add(walk->found, found);
		return TRUE;
	}
	if (!S_ISDIR(st.st_mode) || depth == 0)
		return TRUE;
	g_free(key);
	key = g_strconcat(below, name, "/", NULL);
	if (!leads_on(walk, key))
		return TRUE;
	sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0)
		return errno == ENOENT || fail(walk, key, error);
	return walk_directory(walk, sub, key, depth - 1, error);
}

static gboolean walk_directory(struct walk *walk, int fd, const char *below, guint depth,
			       GError **error)
{
	sw_autofd int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = own < 0 ? NULL : fdopendir(own);
	const struct dirent *entry;
	gboolean good = TRUE;

	if (entries == NULL)
		return fail(walk, below, error);
	own = -1;
	while (good && (entry = readdir(entries)) != NULL)
		if (!g_str_equal(entry->d_name, ".") && !g_str_equal(entry->d_name, "..") &&
		    !sw_temporary_in_key(entry->d_name))
			good = sw_check_cancelled(walk->cancellable, error) &&
			       walk_entry(walk, fd, below, entry->d_name, depth, error);
	closedir(entries);
	return good;
}

gboolean sw_directory_list(void *state, const char *prefix, sw_storage_lister lister, void *data,
			   GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(found_free);
	struct walk walk = { state, prefix, found, cancellable };
	g_autoptr(GError) problem = NULL;
	int fd = sw_directory_fd(state, FALSE, &problem);

	if (fd < 0 && g_str_equal(sw_error_id(problem), "no-key"))
		return TRUE;
	if (fd < 0) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	if (!walk_directory(&walk, fd, "", DEPTH_MAX, error))
		return FALSE;
	g_ptr_array_sort(found, compare);
	for (guint i = 0; i < found->len; i++) {
		const struct found *one = found->pdata[i];

		if (!lister(one->key, &one->stored, data, error))
			return FALSE;
	}
	return TRUE;
}
