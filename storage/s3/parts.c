/* SPDX-License-Identifier: MIT */
#include <curl/curl.h>
#include <string.h>

#include "storage/s3/upload.h"

#define ABORT_WAIT (10 * G_USEC_PER_SEC)
#define QUICK_WAIT (800 * 1000)
#define CREATE_GRACE (2 * G_USEC_PER_SEC)
#define CLOCK_STEP 2 /* seconds; the server's times are whole ones */
#define NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

/* An upload that was begun for a try whose answer never came. */
static void abort_stray(struct sw_s3 *s3, const char *key, const struct sw_xml *item,
			const char *keep, gint64 since, gboolean quick)
{
	const char *name = sw_xml_text(item, "Key"), *id = sw_xml_text(item, "UploadId");
	const char *begun = sw_xml_text(item, "Initiated");
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = begun == NULL ? NULL : g_date_time_new_from_iso8601(begun, utc);

	if (id == NULL || time == NULL || g_strcmp0(name, key) != 0 || g_strcmp0(id, keep) == 0 ||
	    g_date_time_to_unix(time) < since)
		return;
	/* What cannot be removed here stays: it is nobody's fault that could be told. */
	if (!sw_s3_multipart_abort(s3, key, id, quick, NULL))
		return;
}

/* Aborts what was begun for KEY in the last ELAPSED microseconds, but for KEEP (NULL: nothing). */
static void sweep(struct sw_s3 *s3, const char *key, const char *keep, gint64 elapsed,
		  gboolean quick)
{
	g_autoptr(GPtrArray) query = sw_s3_query_new();
	struct sw_s3_call call = {
		.method = "GET",
		.query = query,
		.deadline = g_get_monotonic_time() + (quick ? QUICK_WAIT : ABORT_WAIT),
	};
	struct sw_http_response response = { 0 };
	g_autoptr(SwXml) root = NULL;
	const char *date = NULL;

	sw_s3_query_add(query, "uploads", "");
	sw_s3_query_add(query, "prefix", key);
	if (sw_s3_call(s3, &call, &response, NULL, NULL) &&
	    sw_xml_parse(response.body->str, response.body->len, &root, NULL))
		date = sw_http_header(&response, "date");
	for (guint i = 0; date != NULL && i < root->children->len; i++) {
		const struct sw_xml *item = root->children->pdata[i];
		gint64 since =
			(gint64)curl_getdate(date, NULL) - elapsed / G_USEC_PER_SEC - CLOCK_STEP;

		if (g_str_equal(item->name, "Upload"))
			abort_stray(s3, key, item, keep, since, quick);
	}
	sw_http_response_clear(&response);
}

static gboolean take_id(const struct sw_s3 *s3, const char *key,
			const struct sw_http_response *response, char **ret_id, GError **error)
{
	g_autoptr(SwXml) root = NULL;
	const char *id;

	if (!sw_xml_parse(response->body->str, response->body->len, &root, error))
		return FALSE;
	id = sw_xml_text(root, "UploadId");
	if (id == NULL || *id == '\0' || strpbrk(id, "\r\n") != NULL)
		return sw_fail(error, SW_ERROR_STORAGE, "bad-answer",
			       "s3://%s/%s: the server names no upload", s3->bucket, key);
	*ret_id = g_strdup(id);
	return TRUE;
}

gboolean sw_s3_multipart_create(struct sw_s3 *s3, const char *key, const GPtrArray *headers,
				char **ret_id, gboolean *ret_checksums, GCancellable *cancellable,
				GError **error)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) query = sw_s3_query_new();
	gint64 start = g_get_monotonic_time();
	struct sw_http_response response = { 0 };
	struct sw_http_body body = { .data = "", .fd = -1 };
	struct sw_s3_call call = {
		.method = "POST",
		.key = key,
		.query = query,
		.headers = lines,
		.body = &body,
		/* An answer that nobody waits for leaves an upload that nobody knows. */
		.grace = CREATE_GRACE,
	};
	gboolean good;

	sw_s3_query_add(query, "uploads", "");
	for (guint i = 0; headers != NULL && i < headers->len; i++)
		g_ptr_array_add(lines, g_strdup(headers->pdata[i]));
	sw_http_header_add(lines, "X-Amz-Checksum-Algorithm", "SHA256");
	good = sw_s3_call(s3, &call, &response, cancellable, error) &&
	       take_id(s3, key, &response, ret_id, error);
	if (good)
		*ret_checksums = sw_http_header(&response, "x-amz-checksum-algorithm") != NULL;
	if (response.unanswered)
		sweep(s3, key, good ? *ret_id : NULL, g_get_monotonic_time() - start,
		      g_cancellable_is_cancelled(cancellable));
	sw_http_response_clear(&response);
	return good;
}

gboolean sw_s3_multipart_abort(struct sw_s3 *s3, const char *key, const char *id, gboolean quick,
			       GError **error)
{
	g_autoptr(GPtrArray) query = sw_s3_query_new();
	struct sw_s3_call call = {
		.method = "DELETE",
		.key = key,
		.query = query,
		.deadline = g_get_monotonic_time() + (quick ? QUICK_WAIT : ABORT_WAIT),
	};
	g_autoptr(GError) inner = NULL;

	sw_s3_query_add(query, "uploadId", id);
	if (sw_s3_call_plain(s3, &call, NULL, &inner) || sw_error_is(inner, "no-upload"))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&inner));
	return FALSE;
}

static char *completion(const struct sw_s3_part *parts, guint count)
{
	GString *text = g_string_new("<CompleteMultipartUpload xmlns=\"" NAMESPACE "\">");

	for (guint i = 0; i < count; i++) {
		g_autofree char *etag = g_markup_escape_text(parts[i].etag, -1);

		g_string_append_printf(text, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag>",
				       i + 1, etag);
		if (*parts[i].checksum != '\0')
			g_string_append_printf(text, "<ChecksumSHA256>%s</ChecksumSHA256>",
					       parts[i].checksum);
		g_string_append(text, "</Part>");
	}
	g_string_append(text, "</CompleteMultipartUpload>");
	return g_string_free(text, FALSE);
}

gboolean sw_s3_multipart_complete(struct sw_s3 *s3, const char *key, const char *id,
				  const struct sw_s3_part *parts, guint count, gboolean exclusive,
				  GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) query = sw_s3_query_new();
	g_autofree char *text = completion(parts, count);
	struct sw_http_body body = { .data = text, .fd = -1, .length = strlen(text) };
	struct sw_s3_call call = {
		.method = "POST", .key = key, .query = query, .headers = lines, .body = &body
	};
	g_autoptr(SwXml) root = NULL;

	sw_s3_query_add(query, "uploadId", id);
	sw_http_header_add(lines, "Content-Type", "application/xml");
	if (exclusive)
		sw_http_header_add(lines, "If-None-Match", "*");
	return sw_s3_call_xml(s3, &call, "CompleteMultipartUploadResult", &root, cancellable,
			      error);
}
