/* SPDX-License-Identifier: MIT */
#include "image/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/file.h"
#include "core/size.h"

/*
 * PATH/repo is the repository.  PATH/lock is held shared while an import writes, alone while the
 * repository is made or cleared of leftovers.
 */
struct sw_cache {
	char *path;
	OstreeRepo *repo;
	int lock;
	GThread *flusher; /* runs during a transaction */
	GMutex mutex;
	GCond changed;
	gboolean flusher_ends; /* MUTEX */
};

/* libostree's directories in repo/tmp for the objects of a transaction (ostree-repo.c). */
#define STAGING "staging-"

/* Between two flushes, microseconds. */
#define FLUSH_PAUSE (500 * 1000)

const char *sw_cache_path(const struct sw_cache *cache)
{
	return cache->path;
}

OstreeRepo *sw_cache_repo(const struct sw_cache *cache)
{
	return cache->repo;
}

void sw_cache_free(struct sw_cache *cache)
{
	if (cache == NULL)
		return;
	g_clear_object(&cache->repo);
	sw_close_fd(&cache->lock);
	g_mutex_clear(&cache->mutex);
	g_cond_clear(&cache->changed);
	g_free(cache->path);
	g_free(cache);
}

static gboolean take_lock(struct sw_cache *cache, int how, GError **error)
{
	while (flock(cache->lock, how) < 0)
		if (errno != EINTR)
			return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "cache",
					     "cannot lock %s/lock", cache->path);
	return TRUE;
}

static gboolean open_lock(struct sw_cache *cache, GError **error)
{
	g_autofree char *path = g_build_filename(cache->path, "lock", NULL);
	struct stat info;

	cache->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (cache->lock < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "cache",
				     "cannot open %s (check its rights and the umask, or set "
				     "XDG_CACHE_HOME to another directory)",
				     path);
	if (fstat(cache->lock, &info) < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "cache", "cannot read %s", path);
	if (info.st_uid != geteuid())
		return sw_fail(
			error, SW_ERROR_ENVIRONMENT, "cache",
			"the cache %s belongs to the user %u, not to %u: run as that user or "
			"set XDG_CACHE_HOME to another directory",
			cache->path, (guint)info.st_uid, (guint)geteuid());
	return TRUE;
}

/* Can files be made in the cache, and do they take the attributes that bare-user needs? */
static gboolean probe(struct sw_cache *cache, GError **error)
{
	g_autofree char *path = g_build_filename(cache->path, "probe-XXXXXX", NULL);
	sw_autofd int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
	int number = 0;

	if (fd < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "cache",
				     "cannot write to the cache %s (check its rights and the "
				     "umask, or set XDG_CACHE_HOME to another directory)",
				     cache->path);
	number = fsetxattr(fd, "user.ostreemeta", "", 0, 0) < 0 ? errno : 0;
	(void)unlink(path);
	errno = number;
	if (number == ENOTSUP)
		return sw_fail(error, SW_ERROR_ENVIRONMENT, "xattrs",
			       "the filesystem of the cache %s has no user.* extended attributes: "
			       "set XDG_CACHE_HOME to a directory on ext4, XFS or Btrfs",
			       cache->path);
	if (number != 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "cache",
				     "cannot set an extended attribute in %s", cache->path);
	return TRUE;
}

/*
 * Errors of the filesystem come when it is really full: libostree's own reserve, 3 % of the whole
 * filesystem by default, is for system repositories.
 */
static gboolean ensure_config(struct sw_cache *cache, GError **error)
{
	g_autoptr(GKeyFile) config = ostree_repo_copy_config(cache->repo);

	if (g_key_file_has_key(config, "core", "min-free-space-percent", NULL))
		return TRUE;
	g_key_file_set_string(config, "core", "min-free-space-percent", "0");
	return ostree_repo_write_config(cache->repo, config, error) &&
	       ostree_repo_reload_config(cache->repo, NULL, error);
}

static gboolean create_repo(struct sw_cache *cache, const char *path, GCancellable *cancellable,
			    GError **error)
{
	return sw_mkdirs(path, 0700, error) && take_lock(cache, LOCK_EX, error) &&
	       ostree_repo_create(cache->repo, OSTREE_REPO_MODE_BARE_USER, cancellable, error) &&
	       take_lock(cache, LOCK_UN, error);
}

static gboolean open_repo(struct sw_cache *cache, GCancellable *cancellable, GError **error)
{
	g_autofree char *path = g_build_filename(cache->path, "repo", NULL);
	g_autofree char *last = g_build_filename(path, "objects", NULL);
	g_autoptr(GFile) file = g_file_new_for_path(path);
	gboolean ok = FALSE;

	cache->repo = ostree_repo_new(file);
	/* libostree makes that directory last; what it finds made it leaves alone. */
	if (g_file_test(last, G_FILE_TEST_IS_DIR))
		ok = ostree_repo_open(cache->repo, cancellable, error);
	else
		ok = create_repo(cache, path, cancellable, error);
	if (!ok)
		return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache",
				      "cannot open the cache's repository %s (if it is damaged, "
				      "remove the directory)",
				      path);
	if (ostree_repo_get_mode(cache->repo) != OSTREE_REPO_MODE_BARE_USER)
		return sw_fail(error, SW_ERROR_ENVIRONMENT, "cache",
			       "%s is an ostree repository of another mode than bare-user: remove "
			       "it or set XDG_CACHE_HOME to another directory",
			       path);
	return ensure_config(cache, error) ||
	       sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache", "cannot write %s/config", path);
}

gboolean sw_cache_open(const char *path, struct sw_cache **ret_cache, GCancellable *cancellable,
		       GError **error)
{
	g_autoptr(SwCache) cache = g_new0(struct sw_cache, 1);

	cache->lock = -1;
	g_mutex_init(&cache->mutex);
	g_cond_init(&cache->changed);
	cache->path = path != NULL ? g_canonicalize_filename(path, NULL)
				   : g_build_filename(g_get_user_cache_dir(), "slipway", NULL);
	if (!sw_mkdirs(cache->path, 0700, error))
		return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache",
				      "cannot make the cache (XDG_CACHE_HOME puts it elsewhere)");
	if (!open_lock(cache, error) || !probe(cache, error) ||
	    !open_repo(cache, cancellable, error))
		return FALSE;
	*ret_cache = g_steal_pointer(&cache);
	return TRUE;
}

static int remove_one(const char *path, G_GNUC_UNUSED const struct stat *info,
		      G_GNUC_UNUSED int type, G_GNUC_UNUSED struct FTW *place)
{
	(void)remove(path);
	return 0;
}

/*
 * Removes the objects of transactions that did not end well, if this is the only import.  Whatever
 * cannot be removed is harmless: libostree takes such a directory over.
 */
static void clear_leftovers(struct sw_cache *cache)
{
	g_autofree char *tmp = g_build_filename(cache->path, "repo", "tmp", NULL);
	g_autoptr(GDir) directory = NULL;
	const char *name = NULL;

	if (flock(cache->lock, LOCK_EX | LOCK_NB) < 0)
		return;
	directory = g_dir_open(tmp, 0, NULL);
	while (directory != NULL && (name = g_dir_read_name(directory)) != NULL) {
		g_autofree char *path = g_build_filename(tmp, name, NULL);

		if (g_str_has_prefix(name, STAGING))
			(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	}
}

/*
 * Flushes the filesystem now and then while the import computes, so that the end of the transaction,
 * which has to wait until all is on the disk, finds little left to do.
 */
static gpointer flush(gpointer data)
{
	struct sw_cache *cache = data;

	g_mutex_lock(&cache->mutex);
	while (!cache->flusher_ends) {
		gint64 next = g_get_monotonic_time() + FLUSH_PAUSE;

		while (!cache->flusher_ends &&
		       g_cond_wait_until(&cache->changed, &cache->mutex, next))
			continue;
		if (cache->flusher_ends)
			break;
		g_mutex_unlock(&cache->mutex);
		(void)syncfs(cache->lock);
		g_mutex_lock(&cache->mutex);
	}
	g_mutex_unlock(&cache->mutex);
	return NULL;
}

static void start_flusher(struct sw_cache *cache)
{
	cache->flusher_ends = FALSE;
	cache->flusher = g_thread_new("flush", flush, cache);
}

static void end_flusher(struct sw_cache *cache)
{
	if (cache->flusher == NULL)
		return;
	g_mutex_lock(&cache->mutex);
	cache->flusher_ends = TRUE;
	g_cond_broadcast(&cache->changed);
	g_mutex_unlock(&cache->mutex);
	g_clear_pointer(&cache->flusher, g_thread_join);
}

gboolean sw_cache_begin(struct sw_cache *cache, GCancellable *cancellable, GError **error)
{
	clear_leftovers(cache);
	if (!take_lock(cache, LOCK_SH, error))
		return FALSE;
	if (ostree_repo_prepare_transaction(cache->repo, NULL, cancellable, error)) {
		start_flusher(cache);
		return TRUE;
	}
	(void)flock(cache->lock, LOCK_UN);
	return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache", "cannot write to the cache %s",
			      cache->path);
}

void sw_cache_abort(struct sw_cache *cache)
{
	end_flusher(cache);
	(void)ostree_repo_abort_transaction(cache->repo, NULL, NULL);
	clear_leftovers(cache);
	(void)flock(cache->lock, LOCK_UN);
}

gboolean sw_cache_commit(struct sw_cache *cache, GCancellable *cancellable, GError **error)
{
	end_flusher(cache);
	if (ostree_repo_commit_transaction(cache->repo, NULL, cancellable, error)) {
		(void)flock(cache->lock, LOCK_UN);
		return TRUE;
	}
	sw_cache_abort(cache);
	return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache", "cannot write to the cache %s",
			      cache->path);
}

gboolean sw_cache_check_space(const struct sw_cache *cache, guint64 needed, const char *what,
			      GError **error)
{
	g_autofree char *needed_text = sw_size_format(needed);
	g_autofree char *free_text = NULL;
	guint64 space = 0;

	if (!sw_free_space(cache->path, &space, error))
		return FALSE;
	if (space >= needed)
		return TRUE;
	free_text = sw_size_format(space);
	return sw_fail(error, SW_ERROR_ENVIRONMENT, "disk-full",
		       "the cache %s has %s of free space, %s needs at least %s: free some or set "
		       "XDG_CACHE_HOME to another disk",
		       cache->path, free_text, what, needed_text);
}
