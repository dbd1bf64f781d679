/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/size.h"
#include "storage/s3/upload.h"

/* An upload on its way.  What the workers share is behind LOCK. */
struct job {
	struct sw_s3 *s3;
	const struct sw_s3_upload *upload;
	struct sw_s3_broken state; /* the upload, its parts */
	struct sw_s3_record *record;
	int fd;
	GCancellable *halt; /* the caller's wish, or another worker's failure */
	GMutex lock;
	guint next;
	gint64 sent;
	GError *error; /* the first */
};

static void stop(struct job *job, GError *error)
{
	g_mutex_lock(&job->lock);
	if (job->error == NULL)
		job->error = error;
	else
		g_error_free(error);
	g_mutex_unlock(&job->lock);
	g_cancellable_cancel(job->halt);
}

static void advance(gint64 bytes, void *data)
{
	struct job *job = data;
	gint64 sent;

	g_mutex_lock(&job->lock);
	sent = job->sent += bytes;
	g_mutex_unlock(&job->lock);
	if (job->upload->progress != NULL)
		job->upload->progress((guint64)MAX(0, sent), job->upload->progress_data);
}

static guint64 length_of(const struct job *job, guint index)
{
	guint64 offset = index * job->state.part_size;

	return MIN(job->state.part_size, job->upload->artifact->size - offset);
}

static gboolean call_part(struct job *job, guint index, const struct sw_http_body *body,
			  const struct sw_s3_hashes *hashes, char **ret_etag, GError **error)
{
	g_autofree char *number = g_strdup_printf("%u", index + 1);
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) query = sw_s3_query_new();
	struct sw_http_response response = { 0 };
	struct sw_s3_call call = {
		.method = "PUT",
		.key = job->upload->key,
		.query = query,
		.headers = lines,
		.body = body,
		.sha256 = hashes->payload,
		.progress = advance,
		.progress_data = job,
	};
	const char *etag = NULL;
	gboolean good;

	sw_s3_query_add(query, "partNumber", number);
	sw_s3_query_add(query, "uploadId", job->state.id);
	if (job->state.checksums)
		sw_http_header_add(lines, "X-Amz-Checksum-Sha256", hashes->checksum);
	else
		sw_http_header_add(lines, "Content-MD5", hashes->checksum);
	good = sw_s3_call(job->s3, &call, &response, job->halt, error);
	if (good)
		etag = sw_http_header(&response, "etag");
	if (good && (etag == NULL || *etag == '\0' || strchr(etag, ' ') != NULL))
		good = sw_fail(error, SW_ERROR_STORAGE, "bad-answer",
			       "s3://%s/%s: the server gives part %s no ETag", job->s3->bucket,
			       job->upload->key, number);
	if (good)
		*ret_etag = g_strdup(etag);
	sw_http_response_clear(&response);
	return good;
}

static gboolean send_part(struct job *job, guint index, GError **error)
{
	struct sw_http_body body = { .fd = job->fd,
				     .offset = index * job->state.part_size,
				     .length = length_of(job, index),
				     .path = job->upload->artifact->path };
	struct sw_s3_slot *slot = sw_s3_slot_take(job->s3, body.length, job->halt, error);
	struct sw_s3_hashes hashes = { 0 };
	char *etag = NULL;
	gboolean good;

	if (slot == NULL)
		return FALSE;
	/* The MD5 is part of what is signed, too: a second hash of the body would say no more. */
	good = sw_s3_take(&body, slot->buffer, job->state.checksums, &hashes, job->halt, error) &&
	       call_part(job, index, &body, &hashes, &etag, error);
	sw_s3_slot_return(job->s3, slot);
	if (good) {
		struct sw_s3_part *part = &job->state.parts[index];

		g_mutex_lock(&job->lock);
		part->etag = etag;
		part->checksum = g_strdup(job->state.checksums ? hashes.checksum : "");
		sw_s3_record_part(job->record, index + 1, part);
		g_mutex_unlock(&job->lock);
	}
	sw_s3_hashes_clear(&hashes);
	return good;
}

/* The next part that nobody has; FALSE: there is none. */
static gboolean next_part(struct job *job, guint *ret_index)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&job->lock);

	while (job->next < job->state.count && job->state.parts[job->next].etag != NULL)
		job->next++;
	*ret_index = job->next++;
	return *ret_index < job->state.count;
}

static gpointer send_parts(gpointer data)
{
	struct job *job = data;
	GError *error = NULL;
	guint index = 0;

	while (next_part(job, &index)) {
		if (!send_part(job, index, &error)) {
			stop(job, error);
			break;
		}
	}
	return NULL;
}

static void pass_on(G_GNUC_UNUSED GCancellable *cancellable, gpointer halt)
{
	g_cancellable_cancel(halt);
}

static gboolean send_all(struct job *job, GCancellable *cancellable, GError **error)
{
	guint count = MIN((guint)job->upload->parallel, job->state.count);
	g_autofree GThread **threads = g_new0(GThread *, count);
	gulong handler = 0;

	if (cancellable != NULL)
		handler = g_cancellable_connect(cancellable, G_CALLBACK(pass_on), job->halt, NULL);
	for (guint i = 0; i < count; i++)
		threads[i] = g_thread_new("s3-part", send_parts, job);
	for (guint i = 0; i < count; i++)
		g_thread_join(threads[i]);
	if (cancellable != NULL)
		g_cancellable_disconnect(cancellable, handler);
	if (job->error != NULL) {
		g_propagate_error(error, g_steal_pointer(&job->error));
		return FALSE;
	}
	/* The parts are those of the file whose SHA-256 was made. */
	return sw_artifact_check(job->upload->artifact, job->fd, error);
}

/* Keeps of the recorded parts those that the page ROOT of the server's list confirms. */
static void confirm_page(const struct job *job, const struct sw_xml *root, gboolean *confirmed)
{
	for (guint i = 0; i < root->children->len; i++) {
		const struct sw_xml *child = root->children->pdata[i];
		const char *number, *etag, *size;
		guint64 n = 0, bytes = 0;

		if (!g_str_equal(child->name, "Part"))
			continue;
		number = sw_xml_text(child, "PartNumber");
		etag = sw_xml_text(child, "ETag");
		size = sw_xml_text(child, "Size");
		if (number == NULL || etag == NULL || size == NULL ||
		    !sw_number_parse(number, 1, job->state.count, &n, NULL) ||
		    !sw_number_parse(size, 0, G_MAXINT64, &bytes, NULL))
			continue;
		confirmed[n - 1] = bytes == length_of(job, (guint)n - 1) &&
				   g_strcmp0(job->state.parts[n - 1].etag, etag) == 0;
	}
}

/* FALSE with "no-upload" when the server no longer knows it. */
static gboolean confirm(struct job *job, GCancellable *cancellable, GError **error)
{
	g_autofree gboolean *confirmed = g_new0(gboolean, job->state.count);
	g_autofree char *marker = g_strdup("0");

	while (marker != NULL) {
		g_autoptr(GPtrArray) query = sw_s3_query_new();
		struct sw_s3_call call = { .method = "GET",
					   .key = job->upload->key,
					   .query = query };
		g_autoptr(SwXml) root = NULL;
		const char *next;

		sw_s3_query_add(query, "uploadId", job->state.id);
		sw_s3_query_add(query, "part-number-marker", marker);
		if (!sw_s3_call_xml(job->s3, &call, "ListPartsResult", &root, cancellable, error))
			return FALSE;
		confirm_page(job, root, confirmed);
		next = sw_xml_text(root, "NextPartNumberMarker");
		if (g_strcmp0(sw_xml_text(root, "IsTruncated"), "true") != 0 ||
		    g_strcmp0(next, marker) == 0)
			next = NULL;
		g_free(marker);
		marker = g_strdup(next);
	}
	for (guint i = 0; i < job->state.count; i++) {
		if (confirmed[i])
			job->sent += (gint64)length_of(job, i);
		else
			g_clear_pointer(&job->state.parts[i].etag, g_free);
		if (!confirmed[i])
			g_clear_pointer(&job->state.parts[i].checksum, g_free);
	}
	return TRUE;
}

/* Continues what was broken off, where that is still there and fits. */
static gboolean resume(struct job *job, gboolean *ret_resumed, GCancellable *cancellable,
		       GError **error)
{
	guint64 size = job->upload->artifact->size;
	guint64 part_size = job->state.part_size;
	g_autoptr(GError) inner = NULL;

	*ret_resumed = FALSE;
	if (job->state.id == NULL)
		return TRUE;
	if ((size + part_size - 1) / part_size == job->state.count) {
		*ret_resumed = confirm(job, cancellable, &inner);
		if (*ret_resumed)
			return TRUE;
	}
	if (inner != NULL && !sw_error_is(inner, "no-upload")) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return FALSE;
	}
	return TRUE;
}

static gboolean begin(struct job *job, const char *place, GCancellable *cancellable, GError **error)
{
	guint64 size = job->upload->artifact->size;
	gboolean resumed = FALSE;

	if (!resume(job, &resumed, cancellable, error) || resumed)
		return resumed;
	sw_s3_broken_clear(&job->state);
	job->state.place = g_strdup(place);
	job->state.part_size = sw_s3_part_size(size, job->upload->part_size);
	job->state.count = (guint)((size + job->state.part_size - 1) / job->state.part_size);
	job->state.parts = g_new0(struct sw_s3_part, job->state.count);
	if (!sw_s3_multipart_create(job->s3, job->upload->key, job->upload->headers, &job->state.id,
				    &job->state.checksums, cancellable, error))
		return FALSE;
	sw_s3_record_begin(job->record, &job->state);
	return TRUE;
}

/* The older upload of another file to the same key would stay for ever. */
static gboolean forget(const struct sw_s3_broken *broken, void *data)
{
	struct job *job = data;

	return sw_s3_multipart_abort(job->s3, job->upload->key, broken->id, FALSE, NULL);
}

/* After a failure nothing stays; where the server does not allow that, the record stays. */
static gboolean clean_up(struct job *job, GError **error)
{
	gboolean cancelled = error != NULL && sw_error_is(*error, "cancelled");
	g_autoptr(GError) inner = NULL;

	if (job->state.id == NULL)
		return TRUE;
	if (sw_s3_multipart_abort(job->s3, job->upload->key, job->state.id, cancelled, &inner))
		return TRUE;
	sw_fail_prefix(error, SW_ERROR_STORAGE, "s3",
		       "the upload %s stays open, as it cannot be aborted (%s)", job->state.id,
		       inner->message);
	return FALSE;
}

gboolean sw_s3_multipart(struct sw_s3 *s3, const struct sw_s3_upload *upload, int fd,
			 GCancellable *cancellable, GError **error)
{
	g_autofree char *place = g_strdup_printf("%s://%s%s %s %s", s3->scheme, s3->host, s3->base,
						 s3->bucket, upload->key);
	g_autoptr(GCancellable) halt = g_cancellable_new();
	struct job job = { .s3 = s3, .upload = upload, .fd = fd, .halt = halt };
	g_autoptr(GError) inner = NULL;
	gboolean good, clean = TRUE;

	g_mutex_init(&job.lock);
	sw_s3_record_others(place, upload->artifact->sha256, forget, &job);
	job.record = sw_s3_record_open(place, upload->artifact->sha256, &job.state);
	good = begin(&job, place, cancellable, &inner) && send_all(&job, cancellable, &inner) &&
	       sw_s3_multipart_complete(s3, upload->key, job.state.id, job.state.parts,
					job.state.count, upload->exclusive, cancellable, &inner);
	if (!good)
		clean = clean_up(&job, &inner);
	sw_s3_record_close(job.record, good || clean);
	sw_s3_broken_clear(&job.state);
	g_clear_error(&job.error);
	g_mutex_clear(&job.lock);
	if (!good)
		g_propagate_error(error, g_steal_pointer(&inner));
	return good;
}
