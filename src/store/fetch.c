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

/* The file being filled. */
struct filling {
	int fd;
	const char *path;
	guint64 done, total;
	struct sw_progress *progress;
};

static gboolean fill(const void *bytes, size_t length, void *data, GError **error)
{
	struct filling *filling = data;

	if (!sw_write_at(filling->fd, bytes, length, filling->done, filling->path,
			 SW_ERROR_ENVIRONMENT, ID, error))
		return FALSE;
	filling->done += length;
	sw_progress_bytes(filling->progress, ID, filling->done, filling->total);
	return TRUE;
}

static gboolean fill_rest(struct sw_store *store, const char *key, struct filling *filling,
			  guint64 *ret_resumed, GCancellable *cancellable, GError **error)
{
	struct stat st;

	if (fstat(filling->fd, &st) < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, ID, "%s", filling->path);
	if ((guint64)st.st_size > filling->total) {
		st.st_size = 0;
		if (ftruncate(filling->fd, 0) < 0)
			return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, ID, "%s", filling->path);
	}
	filling->done = *ret_resumed = (guint64)st.st_size;
	if (filling->done < filling->total &&
	    !store->storage->get(store->state, key, filling->done, fill, filling, cancellable,
				 error))
		return FALSE;
	if (filling->done != filling->total)
		return sw_fail(error, SW_ERROR_STORAGE, ID,
			       "%s: %" G_GUINT64_FORMAT " bytes came instead of %" G_GUINT64_FORMAT
			       ": repeat it",
			       key, filling->done, filling->total);
	return fsync(filling->fd) == 0 ||
	       sw_fail_errno(error, SW_ERROR_ENVIRONMENT, ID, "%s", filling->path);
}

/* Into PART; a part that an earlier run left of something else is begun anew, once. */
static gboolean fetch_part(const struct sw_fetch *fetch, struct sw_store *store, const char *key,
			   const struct sw_stored *stored, const char *part,
			   struct sw_fetched *fetched, GCancellable *cancellable, GError **error)
{
	sw_autofd int fd = open(part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
	struct filling filling = {
		.fd = fd, .path = part, .total = stored->size, .progress = fetch->progress
	};

	if (fd < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, ID, "cannot write %s", part);
	for (;;) {
		if (!fill_rest(store, key, &filling, &fetched->resumed, cancellable, error) ||
		    !sw_sha256_file(fd, part, fetched->sha256, cancellable, error))
			return FALSE;
		fetched->verified = stored->sha256[0] != '\0';
		if (!fetched->verified || g_str_equal(fetched->sha256, stored->sha256))
			return TRUE;
		if (ftruncate(fd, 0) < 0 || fetched->resumed == 0)
			break;
	}
	unlink(part);
	return sw_fail(error, SW_ERROR_STORAGE, "checksum",
		       "%s is not what its SHA-256 says: publish it again, or check the place with "
		       "slipway verify-store",
		       key);
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
