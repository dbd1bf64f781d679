/* SPDX-License-Identifier: MIT */
#include "image/stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/hash.h"
#include "image/inflate.h"

/* The buffers between the two threads; a multiple of tar's block. */
#define CHUNK_SIZE (256 * 1024)
#define CHUNKS 8

struct sw_stream {
	int fd;
	const struct sw_oci_layer *layer;
	const char *expected_digest;
	GCancellable *outer;
	gulong handler;
	GCancellable *stop; /* cancelled with OUTER, or when the stream is given up */
	GThread *thread;

	/* The thread's own until it is joined. */
	struct sw_inflate *inflate;
	struct sw_sha256 *blob;
	struct sw_sha256 *tar;
	guint64 bytes;	    /* of the blob, read so far */
	GError *read_error; /* the blob could not be read to its end */
	GError *inflate_error;

	guint8 *chunks[CHUNKS];

	GMutex lock; /* over all below */
	GCond changed;
	size_t lengths[CHUNKS];
	guint64 filled; /* number of chunks ever filled, and ever given back */
	guint64 emptied;
	gboolean lent;	    /* chunk EMPTIED is with the reader */
	gboolean ended;	    /* no more will be filled */
	gboolean abandoned; /* nobody reads them any more */
};

static void stop_reading(G_GNUC_UNUSED GCancellable *outer, gpointer data)
{
	g_cancellable_cancel(data);
}

/* Waits until FD can be read or the stream is given up. */
static gboolean wait_for_input(struct sw_stream *stream, GError **error)
{
	GPollFD fds[2] = { { stream->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, 0 }, { 0 } };
	guint count = g_cancellable_make_pollfd(stream->stop, &fds[1]) ? 2 : 1;

	while (g_poll(fds, count, -1) < 0 && errno == EINTR)
		continue;
	if (count == 2)
		g_cancellable_release_fd(stream->stop);
	return sw_check_cancelled(stream->stop, error);
}

/* Is the blob the one that the manifest lists, with its size, and not its uncompressed form? */
static gboolean is_as_listed(const struct sw_stream *stream)
{
	return g_str_equal(stream->expected_digest, stream->layer->digest);
}

/* Reads and hashes a piece of the blob; a sw_input_func. */
static gboolean read_blob(void *data, guint8 *buffer, size_t size, size_t *ret_length,
			  GError **error)
{
	struct sw_stream *stream = data;
	ssize_t n = 0;

	do {
		if (!wait_for_input(stream, error))
			return FALSE;
		n = read(stream->fd, buffer, size);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "read",
				     "cannot read the layer from the image proxy");
	sw_sha256_update(stream->blob, buffer, (size_t)n);
	stream->bytes += (guint64)n;
	if (is_as_listed(stream) && stream->bytes > stream->layer->size)
		return sw_fail(error, SW_ERROR_SOURCE, "digest",
			       "it is longer than the %" G_GUINT64_FORMAT
			       " bytes that the manifest states",
			       stream->layer->size);
	*ret_length = (size_t)n;
	return TRUE;
}

/* As read_blob(), but keeps its error apart from those of the inflating. */
static gboolean read_for_inflate(void *data, guint8 *buffer, size_t size, size_t *ret_length,
				 GError **error)
{
	struct sw_stream *stream = data;

	if (read_blob(stream, buffer, size, ret_length, &stream->read_error))
		return TRUE;
	g_propagate_error(error, g_error_copy(stream->read_error));
	return FALSE;
}

/* A free chunk; NULL when nobody wants it any more. */
static guint8 *wait_for_chunk(struct sw_stream *stream)
{
	g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&stream->lock);

	while (!stream->abandoned && stream->filled - stream->emptied == CHUNKS)
		g_cond_wait(&stream->changed, &stream->lock);
	return stream->abandoned ? NULL : stream->chunks[stream->filled % CHUNKS];
}

static void publish(struct sw_stream *stream, size_t length, gboolean is_last)
{
	g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&stream->lock);

	if (length > 0)
		stream->lengths[stream->filled++ % CHUNKS] = length;
	stream->ended = is_last;
	g_cond_broadcast(&stream->changed);
}

/* Reads the rest of the blob for its digest alone. */
static void drain(struct sw_stream *stream)
{
	g_autofree guint8 *buffer = g_malloc(CHUNK_SIZE);
	size_t n = 1;

	while (stream->read_error == NULL && n > 0)
		if (!read_blob(stream, buffer, CHUNK_SIZE, &n, &stream->read_error))
			return;
}

static gpointer run(gpointer data)
{
	struct sw_stream *stream = data;
	guint8 *chunk = NULL;
	size_t n = CHUNK_SIZE;

	while (n == CHUNK_SIZE && (chunk = wait_for_chunk(stream)) != NULL) {
		if (!sw_inflate_read(stream->inflate, chunk, CHUNK_SIZE, &n,
				     &stream->inflate_error))
			break;
		sw_sha256_update(stream->tar, chunk, n);
		publish(stream, n, n < CHUNK_SIZE);
	}
	if (chunk == NULL || stream->inflate_error != NULL) {
		publish(stream, 0, TRUE);
		drain(stream);
	}
	return NULL;
}

struct sw_stream *sw_stream_new(int fd, const struct sw_oci_layer *layer,
				const char *expected_digest, GCancellable *cancellable)
{
	struct sw_stream *stream = g_new0(struct sw_stream, 1);

	stream->fd = fd;
	stream->layer = layer;
	stream->expected_digest = expected_digest;
	stream->stop = g_cancellable_new();
	stream->outer = cancellable == NULL ? g_cancellable_new() : g_object_ref(cancellable);
	stream->handler =
		g_cancellable_connect(stream->outer, G_CALLBACK(stop_reading), stream->stop, NULL);
	stream->inflate = sw_inflate_new(read_for_inflate, stream);
	stream->blob = sw_sha256_new();
	stream->tar = sw_sha256_new();
	for (guint i = 0; i < CHUNKS; i++)
		stream->chunks[i] = g_malloc(CHUNK_SIZE);
	g_mutex_init(&stream->lock);
	g_cond_init(&stream->changed);
	stream->thread = g_thread_new("layer", run, stream);
	return stream;
}

/* Gives back the chunk that the reader has. */
static void give_back(struct sw_stream *stream)
{
	if (stream->lent) {
		stream->lent = FALSE;
		stream->emptied++;
		g_cond_broadcast(&stream->changed);
	}
}

gboolean sw_stream_next(void *data, const guint8 **ret_chunk, size_t *ret_length, GError **error)
{
	struct sw_stream *stream = data;
	g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&stream->lock);

	give_back(stream);
	while (stream->filled == stream->emptied && !stream->ended)
		g_cond_wait(&stream->changed, &stream->lock);
	if (stream->filled == stream->emptied) {
		*ret_length = 0;
		if (stream->inflate_error == NULL)
			return TRUE;
		g_propagate_error(error, g_error_copy(stream->inflate_error));
		return FALSE;
	}
	stream->lent = TRUE;
	*ret_chunk = stream->chunks[stream->emptied % CHUNKS];
	*ret_length = stream->lengths[stream->emptied % CHUNKS];
	return TRUE;
}

static void join(struct sw_stream *stream)
{
	g_mutex_lock(&stream->lock);
	give_back(stream);
	stream->abandoned = TRUE;
	g_cond_broadcast(&stream->changed);
	g_mutex_unlock(&stream->lock);
	g_clear_pointer(&stream->thread, g_thread_join);
}

/* Reads the tar to its end, so that all of it is hashed. */
static void read_rest(struct sw_stream *stream)
{
	const guint8 *chunk = NULL;
	size_t n = 1;

	while (n > 0)
		if (!sw_stream_next(stream, &chunk, &n, NULL))
			return;
}

static gboolean check_hash(struct sw_sha256 *hash, const char *digest, const char *id,
			   const char *what, GError **error)
{
	char hex[SW_SHA256_SIZE];

	sw_sha256_hex(hash, hex);
	if (g_str_equal(digest + strlen("sha256:"), hex))
		return TRUE;
	return sw_fail(error, SW_ERROR_SOURCE, id,
		       "%s has the SHA-256 %s, not %s: the source is broken or lies", what, hex,
		       digest + strlen("sha256:"));
}

gboolean sw_stream_verify(struct sw_stream *stream, gboolean abandoned, GError **error)
{
	if (!abandoned)
		read_rest(stream);
	join(stream);
	if (stream->read_error != NULL) {
		g_propagate_error(error, g_steal_pointer(&stream->read_error));
		return FALSE;
	}
	if (is_as_listed(stream) && stream->bytes < stream->layer->size)
		return sw_fail(error, SW_ERROR_SOURCE, "digest",
			       "it ends after %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes",
			       stream->bytes, stream->layer->size);
	if (!check_hash(stream->blob, stream->expected_digest, "digest", "its content", error))
		return FALSE;
	if (abandoned)
		return TRUE;
	if (stream->inflate_error != NULL) {
		g_propagate_error(error, g_steal_pointer(&stream->inflate_error));
		return FALSE;
	}
	return check_hash(stream->tar, stream->layer->diff_id, "diff-id", "the tar in it", error);
}

gboolean sw_stream_finish(struct sw_stream *stream, gboolean ok, GError **error)
{
	g_autoptr(GError) import_error = NULL;
	gboolean is_content = TRUE;

	if (!ok) {
		import_error = g_steal_pointer(error);
		is_content = g_error_matches(import_error, SW_ERROR, SW_ERROR_SOURCE) ||
			     g_error_matches(import_error, SW_ERROR, SW_ERROR_IMAGE);
	}
	if (is_content && !sw_stream_verify(stream, !ok, error))
		return FALSE;
	if (!ok)
		*error = g_steal_pointer(&import_error);
	return ok;
}

void sw_stream_free(struct sw_stream *stream)
{
	if (stream == NULL)
		return;
	g_cancellable_cancel(stream->stop);
	if (stream->thread != NULL)
		join(stream);
	g_cancellable_disconnect(stream->outer, stream->handler);
	g_clear_object(&stream->outer);
	g_clear_object(&stream->stop);
	g_clear_error(&stream->read_error);
	g_clear_error(&stream->inflate_error);
	sw_inflate_free(stream->inflate);
	sw_sha256_free(stream->blob);
	sw_sha256_free(stream->tar);
	for (guint i = 0; i < CHUNKS; i++)
		g_free(stream->chunks[i]);
	g_mutex_clear(&stream->lock);
	g_cond_clear(&stream->changed);
	g_free(stream);
}
