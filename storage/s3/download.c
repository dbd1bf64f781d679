/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/each.h"
#include "core/file.h"
#include "core/size.h"
#include "storage/s3/object.h"

#define STRETCH (8 * SW_MIB) /* of a file, by one connection */

/* A stretch of an object on its way. */
struct download {
	const struct sw_http_response *response;
	sw_storage_sink sink;
	void *data;
	gboolean ranged; /* a range was asked for */
	guint64 offset;	 /* of the next byte */
	guint64 end;
};

/* Did the server send the range that begins at OFFSET?  One that knows no ranges sends all. */
static gboolean is_range(const struct download *d)
{
	g_autofree char *begin = g_strdup_printf("bytes %" G_GUINT64_FORMAT "-", d->offset);
	const char *range = sw_http_header(d->response, "content-range");

	return range != NULL && g_str_has_prefix(range, begin);
}

static gboolean take_bytes(const void *bytes, size_t length, void *data, GError **error)
{
	struct download *d = data;

	if ((d->ranged && !is_range(d)) || length > d->end - d->offset)
		return sw_fail(error, SW_ERROR_STORAGE, "bad-answer",
			       "the server sends other bytes than those asked for");
	d->ranged = FALSE;
	if (!d->sink(bytes, length, d->data, error))
		return FALSE;
	d->offset += length;
	return TRUE;
}

static gboolean get_rest(struct sw_s3 *s3, const char *key, const struct sw_s3_object *object,
			 struct download *d, struct sw_http_response *response,
			 GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *range = g_strdup_printf("bytes=%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
						 d->offset, d->end - 1);
	struct sw_s3_call call = {
		.method = "GET",
		.key = key,
		.headers = lines,
		.sink = take_bytes,
		.sink_data = d,
	};

	d->ranged = d->offset > 0 || d->end < object->stored.size;
	if (d->ranged)
		sw_http_header_add(lines, "Range", range);
	if (object->etag != NULL)
		sw_http_header_add(lines, "If-Match", object->etag);
	return sw_s3_call(s3, &call, response, cancellable, error);
}

/* Gives SINK the bytes from OFFSET to END, also over connections that break. */
static gboolean get_stretch(struct sw_s3 *s3, const char *key, const struct sw_s3_object *object,
			    guint64 offset, guint64 end, sw_storage_sink sink, void *data,
			    GCancellable *cancellable, GError **error)
{
	struct sw_http_response response = { 0 };
	struct download d = { &response, sink, data, FALSE, offset, end };
	gboolean good = TRUE;
	int failures = 0;

	while (good && d.offset < d.end) {
		g_autoptr(GError) inner = NULL;
		guint64 before = d.offset;

		if (get_rest(s3, key, object, &d, &response, cancellable, &inner) &&
		    d.offset == d.end)
			break;
		/* The call itself gives up on one that never begins. */
		failures = d.offset > before ? 1 : failures + 1;
		if ((inner == NULL || sw_error_is(inner, "unreachable")) &&
		    failures < s3->attempts && d.offset > before) {
			good = sw_http_back_off(failures, 0, cancellable, error);
			continue;
		}
		if (inner == NULL)
			sw_fail(&inner, SW_ERROR_STORAGE, "bad-answer",
				"s3://%s/%s: the server sends too few bytes", s3->bucket, key);
		if (sw_error_is(inner, "key-exists"))
			good = sw_fail(error, SW_ERROR_STORAGE, "changed",
				       "s3://%s/%s was replaced while it was read", s3->bucket,
				       key);
		else
			g_propagate_error(error, g_steal_pointer(&inner));
		good = FALSE;
	}
	sw_http_response_clear(&response);
	return good;
}

static gboolean check_size(const struct sw_s3 *s3, const char *key,
			   const struct sw_s3_object *object, guint64 offset, GError **error)
{
	return offset <= object->stored.size ||
	       sw_fail(error, SW_ERROR_STORAGE, "s3",
		       "s3://%s/%s has only %" G_GUINT64_FORMAT " bytes", s3->bucket, key,
		       object->stored.size);
}

gboolean sw_s3_object_get(struct sw_s3 *s3, const char *key, guint64 offset, sw_storage_sink sink,
			  void *data, GCancellable *cancellable, GError **error)
{
	struct sw_s3_object object = { 0 };
	gboolean good;

	if (!sw_s3_object_head(s3, key, &object, cancellable, error))
		return FALSE;
	good = check_size(s3, key, &object, offset, error) &&
	       get_stretch(s3, key, &object, offset, object.stored.size, sink, data, cancellable,
			   error);
	sw_s3_object_clear(&object);
	return good;
}

/* An object that is fetched in stretches. */
struct fetch {
	struct sw_s3 *s3;
	const char *key;
	struct sw_s3_object object;
	int fd;
	const char *path;
	guint64 offset, size;
	GCancellable *cancellable;
	void (*reached)(guint64 end, void *data);
	void *data;
	GMutex lock;	/* of what follows */
	gboolean *done; /* each stretch */
	guint first;	/* that is not done */
};

/* Where the next bytes of a stretch go. */
struct writing {
	const struct fetch *fetch;
	guint64 offset;
};

static gboolean write_bytes(const void *bytes, size_t length, void *data, GError **error)
{
	struct writing *w = data;

	if (!sw_write_at(w->fetch->fd, bytes, length, w->offset, w->fetch->path,
			 SW_ERROR_ENVIRONMENT, "fetch", error))
		return FALSE;
	w->offset += length;
	return TRUE;
}

static void note_done(struct fetch *f, guint i)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&f->lock);
	guint first = f->first;

	f->done[i] = TRUE;
	while (f->offset + f->first * STRETCH < f->size && f->done[f->first])
		f->first++;
	if (f->first > first)
		f->reached(MIN(f->size, f->offset + f->first * STRETCH), f->data);
}

static gboolean fetch_stretch(guint i, void *data, GError **error)
{
	struct fetch *f = data;
	struct writing w = { f, f->offset + i * STRETCH };
	struct sw_s3_slot *slot = sw_s3_slot_take(f->s3, 0, f->cancellable, error);
	gboolean good = slot != NULL;

	good = good &&
	       get_stretch(f->s3, f->key, &f->object, w.offset, MIN(w.offset + STRETCH, f->size),
			   write_bytes, &w, f->cancellable, error);
	if (slot != NULL)
		sw_s3_slot_return(f->s3, slot);
	if (good)
		note_done(f, i);
	return good;
}

gboolean sw_s3_object_get_file(struct sw_s3 *s3, const char *key, int fd, const char *path,
			       guint64 offset, guint64 size,
			       void (*reached)(guint64 end, void *data), void *data,
			       GCancellable *cancellable, GError **error)
{
	guint count = (guint)((size - offset + STRETCH - 1) / STRETCH);
	struct fetch f = { .s3 = s3,
			   .key = key,
			   .fd = fd,
			   .path = path,
			   .offset = offset,
			   .size = size,
			   .cancellable = cancellable,
			   .reached = reached,
			   .data = data };
	gboolean good;

	if (!sw_s3_object_head(s3, key, &f.object, cancellable, error))
		return FALSE;
	f.done = g_new0(gboolean, count + 1);
	g_mutex_init(&f.lock);
	good = f.object.stored.size == size ||
	       sw_fail(error, SW_ERROR_STORAGE, "changed",
		       "s3://%s/%s was replaced while it was read", s3->bucket, key);
	good = good && sw_each(count, (guint)s3->parallel, "s3-get", fetch_stretch, &f, error);
	g_mutex_clear(&f.lock);
	g_free(f.done);
	sw_s3_object_clear(&f.object);
	return good;
}
