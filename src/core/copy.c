/* SPDX-License-Identifier: MIT */
#include "core/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"

#define BUFFER_SIZE (256 * 1024)
#define PIECES 16 /* on the way to the hash */
/* A step after which a cancellation is looked for. */
#define STEP_SIZE (8 * 1024 * 1024)

static gboolean copy_buffered(int in, guint64 in_offset, int out, guint64 out_offset,
			      guint64 length, const char *path, enum sw_error code, const char *id,
			      GError **error)
{
	g_autofree char *buffer = g_malloc(BUFFER_SIZE);

	while (length > 0) {
		size_t n = MIN(length, BUFFER_SIZE);

		if (!sw_read_at(in, buffer, n, in_offset, path, code, id, error) ||
		    !sw_write_at(out, buffer, n, out_offset, path, code, id, error))
			return FALSE;
		in_offset += n;
		out_offset += n;
		length -= n;
	}
	return TRUE;
}

gboolean sw_copy_range(int in, guint64 in_offset, int out, guint64 out_offset, guint64 length,
		       const char *path, enum sw_error code, const char *id, GError **error)
{
	while (length > 0) {
		loff_t from = (loff_t)in_offset, to = (loff_t)out_offset;
		ssize_t n = copy_file_range(in, &from, out, &to, length, 0);

		if (n < 0 && errno == EINTR)
			continue;
		/*
		 * Two filesystems that do not know each other, or an end of file: the buffer finds
		 * out.
		 */
		if (n == 0 || (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS ||
					 errno == EOPNOTSUPP)))
			return copy_buffered(in, in_offset, out, out_offset, length, path, code, id,
					     error);
		if (n < 0)
			return sw_fail_errno(error, code, id, "%s: cannot copy", path);
		in_offset += (guint64)n;
		out_offset += (guint64)n;
		length -= (guint64)n;
	}
	return TRUE;
}

gboolean sw_copy_sparse(int in, int out, guint64 out_offset, const char *path, enum sw_error code,
			const char *id, GCancellable *cancellable, GError **error)
{
	struct stat st;
	off_t start = 0, end;

	if (fstat(in, &st) < 0)
		return sw_fail_errno(error, code, id, "%s", path);
	while (start < st.st_size && (start = lseek(in, start, SEEK_DATA)) >= 0) {
		end = lseek(in, start, SEEK_HOLE);
		if (end < 0)
			return sw_fail_errno(error, code, id, "%s", path);
		for (; start < end; start += MIN(end - start, STEP_SIZE))
			if (!sw_check_cancelled(cancellable, error) ||
			    !sw_copy_range(in, (guint64)start, out, out_offset + (guint64)start,
					   (guint64)MIN(end - start, STEP_SIZE), path, code, id,
					   error))
				return FALSE;
	}
	if (start < 0 && errno != ENXIO)
		return sw_fail_errno(error, code, id, "%s", path);
	return TRUE;
}

/* A piece between the thread that copies and the one that hashes. */
struct piece {
	guint64 hole; /* zeros before DATA */
	size_t length;
	gboolean last;
	guint8 data[BUFFER_SIZE];
};

/* A copy that is hashed. */
struct copying {
	int in, out;
	const char *path;
	enum sw_error code;
	const char *id;
	struct sw_sha256 *hash;
	GAsyncQueue *free, *full; /* struct piece */
	GCancellable *cancellable;
};

static void *hash_pieces(void *data)
{
	struct copying *c = data;
	gboolean last = FALSE, good = TRUE;
	guint64 waiting = 0;

	while (!last) {
		struct piece *piece = g_async_queue_pop(c->full);

		good = good && sw_sha256_zeros(c->hash, piece->hole, c->cancellable, NULL);
		if (good)
			sw_sha256_update(c->hash, piece->data, piece->length);
		/* The disk begins now with what is synced in the end. */
		waiting += piece->length;
		if (waiting >= STEP_SIZE) {
			sync_file_range(c->out, 0, 0, SYNC_FILE_RANGE_WRITE);
			waiting = 0;
		}
		last = piece->last;
		g_async_queue_push(c->free, piece);
	}
	return NULL;
}

static gboolean copy_pieces(struct copying *c, guint64 start, guint64 end, guint64 hole,
			    GError **error)
{
	while (start < end) {
		struct piece *piece = g_async_queue_pop(c->free);

		piece->hole = hole;
		piece->length = (size_t)MIN(end - start, BUFFER_SIZE);
		if (!sw_check_cancelled(c->cancellable, error) ||
		    !sw_read_at(c->in, piece->data, piece->length, start, c->path, c->code, c->id,
				error) ||
		    !sw_write_at(c->out, piece->data, piece->length, start, c->path, c->code, c->id,
				 error)) {
			g_async_queue_push(c->free, piece);
			return FALSE;
		}
		start += piece->length;
		hole = 0;
		g_async_queue_push(c->full, piece);
	}
	return TRUE;
}

static gboolean copy_all(struct copying *c, guint64 size, GError **error)
{
	struct piece *last;
	guint64 done = 0, hole = 0;
	gboolean good = TRUE;

	while (good && done < size) {
		guint64 start = 0, end = 0;

		if (!sw_next_data(c->in, done, size, &start, &end)) {
			good = sw_fail_errno(error, c->code, c->id, "%s", c->path);
			break;
		}
		hole = start - done;
		good = copy_pieces(c, start, end, hole, error);
		hole = start < end ? 0 : hole;
		done = end;
	}
	last = g_async_queue_pop(c->free);
	last->hole = hole;
	last->length = 0;
	last->last = TRUE;
	g_async_queue_push(c->full, last);
	return good;
}

gboolean sw_copy_hashed(int in, int out, guint64 size, const char *path, enum sw_error code,
			const char *id, char ret_hex[SW_SHA256_SIZE], GCancellable *cancellable,
			GError **error)
{
	g_autoptr(GAsyncQueue) empty = g_async_queue_new_full(g_free);
	g_autoptr(GAsyncQueue) full = g_async_queue_new();
	g_autoptr(SwSha256) hash = sw_sha256_new();
	struct copying c = { in, out, path, code, id, hash, empty, full, cancellable };
	GThread *thread;
	gboolean good;

	for (int i = 0; i < PIECES; i++)
		g_async_queue_push(empty, g_new0(struct piece, 1));
	thread = g_thread_new("hash", hash_pieces, &c);
	good = copy_all(&c, size, error);
	g_thread_join(thread);
	good = good && sw_check_cancelled(cancellable, error);
	if (good)
		sw_sha256_hex(hash, ret_hex);
	return good;
}
