/* SPDX-License-Identifier: MIT */
#include "storage/s3/object.h"

#include <curl/curl.h>
#include <string.h>

#include "core/size.h"

void sw_s3_object_clear(struct sw_s3_object *object)
{
	g_clear_pointer(&object->etag, g_free);
	g_clear_pointer(&object->headers, g_ptr_array_unref);
}

/* Lower-case hexadecimal of the right length, or nothing. */
static void take_sha256(const char *text, char ret[SW_SHA256_SIZE])
{
	g_autofree char *digest = g_strconcat("sha256:", text, NULL);

	ret[0] = '\0';
	if (text != NULL && sw_digest_valid(digest))
		g_strlcpy(ret, text, SW_SHA256_SIZE);
}

/* The lines that S3 itself does not carry into a copy made of parts. */
static GPtrArray *lines_of(const struct sw_http_response *response)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	gpointer name = NULL, value = NULL;
	GHashTableIter iter;

	g_hash_table_iter_init(&iter, response->headers);
	while (g_hash_table_iter_next(&iter, &name, &value))
		if (g_str_equal(name, "content-type") || g_str_has_prefix(name, "x-amz-meta-"))
			sw_http_header_add(lines, name, value);
	return lines;
}

gboolean sw_s3_object_head(struct sw_s3 *s3, const char *key, struct sw_s3_object *ret,
			   GCancellable *cancellable, GError **error)
{
	struct sw_s3_call call = { .method = "HEAD", .key = key };
	struct sw_http_response response = { 0 };
	const char *length = NULL, *date = NULL;
	guint64 size = 0;
	gboolean good;

	good = sw_s3_call(s3, &call, &response, cancellable, error);
	if (good) {
		length = sw_http_header(&response, "content-length");
		date = sw_http_header(&response, "last-modified");
	}
	if (good && (length == NULL || !sw_number_parse(length, 0, G_MAXINT64, &size, NULL)))
		good = sw_fail(error, SW_ERROR_STORAGE, "bad-answer",
			       "s3://%s/%s: the server does not say its size", s3->bucket, key);
	if (good) {
		ret->stored.size = size;
		ret->stored.modified = date == NULL ? 0 : (gint64)curl_getdate(date, NULL);
		take_sha256(sw_http_header(&response, "x-amz-meta-sha256"), ret->stored.sha256);
		ret->etag = g_strdup(sw_http_header(&response, "etag"));
		ret->headers = lines_of(&response);
	}
	sw_http_response_clear(&response);
	return good;
}

static char *copy_source(const struct sw_s3 *s3, const char *key)
{
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "/%s/", s3->bucket);
	sw_s3_encode(text, key, TRUE);
	return g_string_free(text, FALSE);
}

static void add_lines(GPtrArray *lines, const GPtrArray *more)
{
	for (guint i = 0; more != NULL && i < more->len; i++)
		g_ptr_array_add(lines, g_strdup(more->pdata[i]));
}

static gboolean copy_whole(struct sw_s3 *s3, const char *from, const char *to,
			   const GPtrArray *headers, GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *source = copy_source(s3, from);
	struct sw_http_body body = { .data = "", .fd = -1 };
	struct sw_s3_call call = { .method = "PUT", .key = to, .headers = lines, .body = &body };
	g_autoptr(SwXml) root = NULL;

	sw_http_header_add(lines, "X-Amz-Copy-Source", source);
	add_lines(lines, headers);
	return sw_s3_call_xml(s3, &call, "CopyObjectResult", &root, cancellable, error);
}

/* A copy in parts. */
struct copying {
	struct sw_s3 *s3;
	const char *to;
	const char *source;
	const char *etag;
	char *id;
	struct sw_s3_part *parts;
	guint count;
};

static gboolean copy_part(const struct copying *c, guint index, guint64 offset, guint64 length,
			  GCancellable *cancellable, GError **error)
{
	g_autofree char *number = g_strdup_printf("%u", index + 1);
	g_autofree char *range = g_strdup_printf("bytes=%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
						 offset, offset + length - 1);
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) query = sw_s3_query_new();
	struct sw_http_body body = { .data = "", .fd = -1 };
	struct sw_s3_call call = {
		.method = "PUT", .key = c->to, .query = query, .headers = lines, .body = &body
	};
	g_autoptr(SwXml) root = NULL;
	const char *etag;

	sw_s3_query_add(query, "partNumber", number);
	sw_s3_query_add(query, "uploadId", c->id);
	sw_http_header_add(lines, "X-Amz-Copy-Source", c->source);
	sw_http_header_add(lines, "X-Amz-Copy-Source-Range", range);
	if (c->etag != NULL)
		sw_http_header_add(lines, "X-Amz-Copy-Source-If-Match", c->etag);
	if (!sw_s3_call_xml(c->s3, &call, "CopyPartResult", &root, cancellable, error))
		return FALSE;
	etag = sw_xml_text(root, "ETag");
	if (etag == NULL)
		return sw_fail(error, SW_ERROR_STORAGE, "bad-answer",
			       "s3://%s/%s: the server gives part %s no ETag", c->s3->bucket, c->to,
			       number);
	c->parts[index].etag = g_strdup(etag);
	c->parts[index].checksum = g_strdup(sw_xml_text(root, "ChecksumSHA256"));
	if (c->parts[index].checksum == NULL)
		c->parts[index].checksum = g_strdup("");
	return TRUE;
}

static gboolean copy_parts(struct sw_s3 *s3, const char *from, const char *to,
			   const struct sw_s3_object *object, const GPtrArray *headers,
			   guint64 limit, GCancellable *cancellable, GError **error)
{
	guint64 size = object->stored.size;
	guint64 part_size = MAX(limit / 4, SW_S3_PART_MIN);
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *source = copy_source(s3, from);
	struct copying c = { .s3 = s3, .to = to, .source = source, .etag = object->etag };
	gboolean checksums = FALSE, good;

	part_size = sw_s3_part_size(size, part_size);
	c.count = (guint)((size + part_size - 1) / part_size);
	add_lines(lines, object->headers);
	add_lines(lines, headers);
	if (!sw_s3_multipart_create(s3, to, lines, &c.id, &checksums, cancellable, error))
		return FALSE;
	c.parts = g_new0(struct sw_s3_part, c.count);
	good = TRUE;
	for (guint i = 0; good && i < c.count; i++) {
		guint64 offset = i * part_size;

		good = copy_part(&c, i, offset, MIN(part_size, size - offset), cancellable, error);
	}
	good = good &&
	       sw_s3_multipart_complete(s3, to, c.id, c.parts, c.count, FALSE, cancellable, error);
	if (!good && !sw_s3_multipart_abort(s3, to, c.id, FALSE, NULL))
		sw_fail_prefix(error, SW_ERROR_STORAGE, "s3", "the upload %s stays open", c.id);
	sw_s3_parts_free(c.parts, c.count);
	g_free(c.id);
	return good;
}

gboolean sw_s3_object_copy(struct sw_s3 *s3, const char *from, const char *to,
			   const GPtrArray *headers, guint64 limit, GCancellable *cancellable,
			   GError **error)
{
	struct sw_s3_object object = { 0 };
	gboolean good;

	if (!sw_s3_object_head(s3, from, &object, cancellable, error))
		return FALSE;
	good = object.stored.size <= limit
		       ? copy_whole(s3, from, to, headers, cancellable, error)
		       : copy_parts(s3, from, to, &object, headers, limit, cancellable, error);
	sw_s3_object_clear(&object);
	return good;
}

static gboolean tell(const struct sw_xml *item, gboolean encoded, size_t skip,
		     sw_storage_lister lister, void *data, GError **error)
{
	const char *text = sw_xml_text(item, "Key");
	const char *size = sw_xml_text(item, "Size");
	const char *modified = sw_xml_text(item, "LastModified");
	g_autofree char *key = text == NULL ? NULL : encoded ? sw_s3_decode(text) : g_strdup(text);
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time =
		modified == NULL ? NULL : g_date_time_new_from_iso8601(modified, utc);
	struct sw_stored stored = { .modified = time == NULL ? 0 : g_date_time_to_unix(time) };

	if (key == NULL || size == NULL ||
	    !sw_number_parse(size, 0, G_MAXINT64, &stored.size, NULL))
		return sw_fail(error, SW_ERROR_STORAGE, "bad-answer",
			       "the server's list has an entry without key or size");
	/* Names that are none of ours, such as a directory's "x/", cannot be asked for either. */
	if (strlen(key) <= skip || !sw_key_check(key + skip, NULL))
		return TRUE;
	return lister(key + skip, &stored, data, error);
}

gboolean sw_s3_object_list(struct sw_s3 *s3, const char *prefix, size_t skip,
			   sw_storage_lister lister, void *data, GCancellable *cancellable,
			   GError **error)
{
	g_autofree char *token = NULL;

	do {
		g_autoptr(GPtrArray) query = sw_s3_query_new();
		struct sw_s3_call call = { .method = "GET", .query = query };
		g_autoptr(SwXml) root = NULL;
		const char *next;
		gboolean encoded;

		sw_s3_query_add(query, "list-type", "2");
		sw_s3_query_add(query, "encoding-type", "url");
		sw_s3_query_add(query, "prefix", prefix);
		if (token != NULL)
			sw_s3_query_add(query, "continuation-token", token);
		if (!sw_s3_call_xml(s3, &call, "ListBucketResult", &root, cancellable, error))
			return FALSE;
		encoded = g_strcmp0(sw_xml_text(root, "EncodingType"), "url") == 0;
		for (guint i = 0; i < root->children->len; i++) {
			const struct sw_xml *item = root->children->pdata[i];

			if (g_str_equal(item->name, "Contents") &&
			    !tell(item, encoded, skip, lister, data, error))
				return FALSE;
		}
		next = g_strcmp0(sw_xml_text(root, "IsTruncated"), "true") == 0
			       ? sw_xml_text(root, "NextContinuationToken")
			       : NULL;
		if (next != NULL && g_strcmp0(next, token) == 0)
			return sw_fail(error, SW_ERROR_STORAGE, "bad-answer",
				       "s3://%s: the server's list does not end", s3->bucket);
		g_free(token);
		token = g_strdup(next);
	} while (token != NULL);
	return TRUE;
}

gboolean sw_s3_object_remove(struct sw_s3 *s3, const char *key, GCancellable *cancellable,
			     GError **error)
{
	struct sw_s3_call call = { .method = "DELETE", .key = key };
	g_autoptr(GError) inner = NULL;

	if (sw_s3_call_plain(s3, &call, cancellable, &inner) || sw_error_is(inner, "no-key"))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&inner));
	return FALSE;
}
