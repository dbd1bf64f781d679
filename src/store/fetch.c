/* SPDX-License-Identifier: MIT */
#include "store/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "store/records.h"

#define ID "fetch"
/* How far up from a file SHA256SUMS is looked for. */
#define LEVELS 5
#define PIECE (256 * 1024)
#define STRETCH (1024 * 1024)
#define WRITE_BACK (8 * 1024 * 1024)

/* The end of the place in LOCATION, where the key has PARTS parts; NULL: it has not so many. */
static const char *end_of_place(const struct sw_storage *storage, const char *location, guint parts)
{
	const char *at = location + strlen(location), *slash = strchr(location, '/');
	const char *mark =
		storage->mark == '\0' || slash == NULL ? NULL : strchr(slash, storage->mark);

	if (storage->mark != '\0' && mark == NULL)
		return NULL;
	for (guint i = 0; i < parts && at != NULL; i++) {
		const char *before =
			at == mark ? NULL : g_strrstr_len(location, at - location, "/");

		at = at != mark && mark != NULL && before < mark ? mark : before;
	}
	return at;
}

gboolean sw_store_open_key(const struct sw_store_uri *uri, guint parts, char *const *options,
			   struct sw_store **ret_store, char **ret_key, GCancellable *cancellable,
			   GError **error)
{
	const char *location = uri->location;
	const char *at = end_of_place(uri->storage, location, parts);
	gboolean is_file = g_str_equal(uri->storage->scheme, "file");
	g_autofree char *place = NULL;

	if (at == NULL && is_file && parts == 1)
		place = g_strdup(".");
	else if (at == location && is_file)
		place = g_strdup("/");
	else if (at != NULL && at > location)
		place = g_strndup(location, (gsize)(at - location));
	if (place == NULL)
		return sw_fail(error, SW_ERROR_USAGE, "bad-uri", "%s names no file of a place",
			       uri->text);
	*ret_key = g_strdup(at == NULL ? location : at + 1);
	if (sw_key_check(*ret_key, error) &&
	    sw_store_open(uri, place, options, ret_store, cancellable, error))
		return TRUE;
	g_clear_pointer(ret_key, g_free);
	return FALSE;
}

/* What SHA256SUMS, PARTS levels up, says of the file; FALSE: nothing. */
static gboolean look_up(const struct sw_fetch *fetch, guint parts, char ret_hex[SW_SHA256_SIZE],
			GCancellable *cancellable)
{
	g_autoptr(SwStore) store = NULL;
	g_autoptr(GPtrArray) sums = NULL;
	g_autofree char *key = NULL;
	g_autofree char *text = NULL;

	if (!sw_store_open_key(fetch->uri, parts, fetch->options, &store, &key, cancellable,
			       NULL) ||
	    !sw_store_read(store, SW_RECORD_SUMS, SW_RECORD_LIMIT, &text, cancellable, NULL) ||
	    !sw_sums_parse(text, SW_RECORD_SUMS, &sums, NULL))
		return FALSE;
	for (guint i = 0; i < sums->len; i++) {
		const struct sw_sum *sum = sums->pdata[i];

		if (!g_str_equal(sum->key, key))
			continue;
		memcpy(ret_hex, sum->sha256, SW_SHA256_SIZE);
		return TRUE;
	}
	return FALSE;
}

/* The file being filled, and hashed behind that. */
struct filling {
	int fd;
	const char *path;
	guint64 total;
	struct sw_progress *progress;
	GCancellable *cancellable;
	GMutex lock; /* of what follows */
	GCond moved;
	guint64 reached; /* up to here all is there */
	gboolean ended;	 /* there will be no more */
};

static void reach(guint64 end, void *data)
{
	struct filling *filling = data;

	g_mutex_lock(&filling->lock);
	filling->reached = end;
	g_cond_signal(&filling->moved);
	g_mutex_unlock(&filling->lock);
	sw_progress_bytes(filling->progress, ID, end, filling->total);
}

static gboolean fill(const void *bytes, size_t length, void *data, GError **error)
{
	struct filling *filling = data;

	if (!sw_write_at(filling->fd, bytes, length, filling->reached, filling->path,
			 SW_ERROR_ENVIRONMENT, ID, error))
		return FALSE;
	reach(filling->reached + length, filling);
	return TRUE;
}

/* Waits for more than DONE bytes; what there is when it has ended. */
static guint64 wait_for_more(struct filling *filling, guint64 done)
{
	guint64 reached;

	g_mutex_lock(&filling->lock);
	while (filling->reached <= done && !filling->ended)
		g_cond_wait(&filling->moved, &filling->lock);
	reached = filling->reached;
	g_mutex_unlock(&filling->lock);
	return reached;
}

/* What the hashing thread is given, and gives. */
struct following {
	struct filling *filling;
	char *sha256;
	GError *error;
};

/*
 * The bytes are in the page cache as yet.  The disk is told to begin with them, so that the sync of the
 * end is short.
 */
static gboolean follow(struct following *following, struct sw_sha256 *hash)
{
	struct filling *filling = following->filling;
	g_autofree guint8 *piece = g_malloc(PIECE);
	guint64 done = 0, reached;

	while ((reached = wait_for_more(filling, done)) > done) {
		for (guint64 begin = done; done < reached;) {
			size_t length = (size_t)MIN(PIECE, reached - done);

			if (!sw_check_cancelled(filling->cancellable, &following->error) ||
			    !sw_read_at(filling->fd, piece, length, done, filling->path,
					SW_ERROR_ENVIRONMENT, ID, &following->error))
				return FALSE;
			sw_sha256_update(hash, piece, length);
			done += length;
			if (done - begin >= WRITE_BACK || done == reached) {
				sync_file_range(filling->fd, (off_t)begin, (off_t)(done - begin),
						SYNC_FILE_RANGE_WRITE);
				begin = done;
			}
		}
	}
	return TRUE;
}

static void *follow_thread(void *data)
{
	struct following *following = data;
	g_autoptr(SwSha256) hash = sw_sha256_new();

	if (follow(following, hash))
		sw_sha256_hex(hash, following->sha256);
	return NULL;
}

/*
 * Up to where PART is whole.  Behind its first hole lies what was fetched out of turn, and right in
 * front of it a block that need not be full.
 */
static gboolean find_rest(struct filling *filling, GError **error)
{
	struct stat st;
	off_t hole;

	if (fstat(filling->fd, &st) < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, ID, "%s", filling->path);
	hole = lseek(filling->fd, 0, SEEK_HOLE);
	filling->reached = (guint64)st.st_size;
	if (hole >= 0 && hole < st.st_size)
		filling->reached = (guint64)hole / STRETCH * STRETCH;
	if (filling->reached > filling->total)
		filling->reached = 0;
	return ftruncate(filling->fd, (off_t)filling->reached) == 0 ||
	       sw_fail_errno(error, SW_ERROR_ENVIRONMENT, ID, "%s", filling->path);
}

static gboolean get_rest(struct sw_store *store, const char *key, struct filling *filling,
			 GError **error)
{
	const struct sw_storage *storage = store->storage;
	guint64 from = filling->reached;
	gboolean good;

	if (from == filling->total)
		return TRUE;
	if (storage->get_file != NULL)
		good = storage->get_file(store->state, key, filling->fd, filling->path, from,
					 filling->total, reach, filling, filling->cancellable,
					 error);
	else
		good = storage->get(store->state, key, from, fill, filling, filling->cancellable,
				    error);
	/* What was fetched out of turn would be taken for all by the next run. */
	if (!good && ftruncate(filling->fd, (off_t)filling->reached) < 0)
		g_debug("%s cannot be cut", filling->path);
	if (!good || filling->reached == filling->total)
		return good;
	return sw_fail(error, SW_ERROR_STORAGE, ID,
		       "%s: %" G_GUINT64_FORMAT " bytes came instead of %" G_GUINT64_FORMAT
		       ": repeat it",
		       key, filling->reached, filling->total);
}

/* Fetches what is missing, and hashes all. */
static gboolean fill_rest(struct sw_store *store, const char *key, struct filling *filling,
			  struct sw_fetched *fetched, GError **error)
{
	struct following following = { filling, fetched->sha256, NULL };
	GThread *thread;
	gboolean good;

	if (!find_rest(filling, error))
		return FALSE;
	fetched->resumed = filling->reached;
	filling->ended = FALSE;
	thread = g_thread_new("hash", follow_thread, &following);
	good = get_rest(store, key, filling, error);
	g_mutex_lock(&filling->lock);
	filling->ended = TRUE;
	g_cond_signal(&filling->moved);
	g_mutex_unlock(&filling->lock);
	g_thread_join(thread);
	if (good && following.error != NULL) {
		g_propagate_error(error, g_steal_pointer(&following.error));
		good = FALSE;
	}
	g_clear_error(&following.error);
	return good && (fsync(filling->fd) == 0 ||
			sw_fail_errno(error, SW_ERROR_ENVIRONMENT, ID, "%s", filling->path));
}

/* A part that an earlier run left of something else is begun anew, once. */
static gboolean fill_part(struct sw_store *store, const char *key, const struct sw_stored *stored,
			  struct filling *filling, struct sw_fetched *fetched, GError **error)
{
	for (;;) {
		if (!fill_rest(store, key, filling, fetched, error))
			return FALSE;
		fetched->verified = stored->sha256[0] != '\0';
		if (!fetched->verified || g_str_equal(fetched->sha256, stored->sha256))
			return TRUE;
		if (ftruncate(filling->fd, 0) < 0 || fetched->resumed == 0)
			break;
	}
	unlink(filling->path);
	return sw_fail(error, SW_ERROR_STORAGE, "checksum",
		       "%s is not what its SHA-256 says: publish it again, or check the place with "
		       "slipway verify-store",
		       key);
}

static gboolean fetch_part(const struct sw_fetch *fetch, struct sw_store *store, const char *key,
			   const struct sw_stored *stored, const char *part,
			   struct sw_fetched *fetched, GCancellable *cancellable, GError **error)
{
	sw_autofd int fd = open(part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
	struct filling filling = {
		.fd = fd,
		.path = part,
		.total = stored->size,
		.progress = fetch->progress,
		.cancellable = cancellable,
	};
	gboolean good;

	if (fd < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, ID, "cannot write %s", part);
	g_mutex_init(&filling.lock);
	g_cond_init(&filling.moved);
	good = fill_part(store, key, stored, &filling, fetched, error);
	g_cond_clear(&filling.moved);
	g_mutex_clear(&filling.lock);
	return good;
}

static char *output_path(const struct sw_fetch *fetch, const char *key)
{
	g_autofree char *file = g_path_get_basename(key);

	return g_file_test(fetch->output, G_FILE_TEST_IS_DIR)
		       ? g_build_filename(fetch->output, file, NULL)
		       : g_strdup(fetch->output);
}

gboolean sw_store_fetch(const struct sw_fetch *fetch, struct sw_fetched *ret_fetched,
			GCancellable *cancellable, GError **error)
{
	g_autoptr(SwStore) store = NULL;
	g_autofree char *key = NULL;
	g_autofree char *path = NULL;
	g_autofree char *part = NULL;
	struct sw_stored stored = { 0 };
	struct sw_fetched fetched = { 0 };

	if (!sw_store_open_key(fetch->uri, 1, fetch->options, &store, &key, cancellable, error))
		return FALSE;
	path = output_path(fetch, key);
	part = g_strconcat(path, ".part", NULL);
	if (!fetch->overwrite && g_file_test(path, G_FILE_TEST_EXISTS))
		return sw_fail(error, SW_ERROR_USAGE, ID,
			       "%s is there already: name another file, or say --overwrite", path);
	if (!store->storage->stat(store->state, key, &stored, cancellable, error))
		return FALSE;
	for (guint parts = 1; stored.sha256[0] == '\0' && parts <= LEVELS; parts++)
		if (look_up(fetch, parts, stored.sha256, cancellable))
			break;
	if (!fetch_part(fetch, store, key, &stored, part, &fetched, cancellable, error))
		return FALSE;
	if (rename(part, path) < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, ID, "cannot write %s", path);
	fetched.size = stored.size;
	fetched.path = g_steal_pointer(&path);
	*ret_fetched = fetched;
	return TRUE;
}
