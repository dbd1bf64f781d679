/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/size.h"
#include "storage/oci/blob.h"

#define REDIRECTS_MAX 5

/* A file on its way. */
struct download {
	const struct sw_oci_file *file;
	const struct sw_http_response *response;
	sw_storage_sink sink;
	void *data;
	guint64 offset;		/* in the file, of the next byte */
	guint64 skip;		/* bytes of the answer before it */
	gboolean begun;		/* the answer has been looked at */
	struct sw_sha256 *hash; /* NULL: it is not read from its beginning */
};

/* A registry that does not know ranges sends all from the beginning of the blob. */
static gboolean look_at_range(struct download *d, GError **error)
{
	const char *range = sw_http_header(d->response, "content-range");
	guint64 at = d->file->offset + d->offset, first = 0;
	g_autofree char *number = NULL;

	d->begun = TRUE;
	d->skip = range == NULL ? at : 0;
	if (range == NULL)
		return TRUE;
	range += strcspn(range, "0123456789");
	number = g_strndup(range, strcspn(range, "-"));
	return (sw_number_parse(number, 0, G_MAXINT64, &first, NULL) && first == at) ||
	       sw_fail(error, SW_ERROR_STORAGE, "bad-answer",
		       "the registry sends other bytes than those asked for");
}

static gboolean take_bytes(const void *bytes, size_t length, void *data, GError **error)
{
	struct download *d = data;
	const char *from = bytes;
	size_t skip;

	if (!d->begun && !look_at_range(d, error))
		return FALSE;
	skip = (size_t)MIN(d->skip, length);
	d->skip -= skip;
	/* Behind the file the blob may go on. */
	length = (size_t)MIN(length - skip, d->file->stored.size - d->offset);
	if (length == 0)
		return TRUE;
	if (d->hash != NULL)
		sw_sha256_update(d->hash, from + skip, length);
	if (!d->sink(from + skip, length, d->data, error))
		return FALSE;
	d->offset += length;
	return TRUE;
}

/* One request, and those to where the registry leads on to. */
static gboolean get_rest(struct sw_oci *oci, struct download *d, struct sw_http_response *response,
			 GCancellable *cancellable, GError **error)
{
	guint64 first = d->file->offset + d->offset,
		last = d->file->offset + d->file->stored.size - 1;
	g_autofree char *range =
		g_strdup_printf("bytes=%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT, first, last);
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *path = g_strconcat("blobs/", d->file->blob.digest, NULL);
	struct sw_oci_call call = {
		.method = "GET",
		.headers = lines,
		.may_lead_on = TRUE,
		.sink = take_bytes,
		.sink_data = d,
	};

	if (first > 0 || last + 1 < d->file->blob.size)
		sw_http_header_add(lines, "Range", range);
	for (int i = 0; i <= REDIRECTS_MAX; i++) {
		char *next;

		d->begun = FALSE;
		call.path = path;
		if (!sw_oci_call(oci, &call, response, cancellable, error))
			return FALSE;
		if (response->status / 100 == 2)
			return TRUE;
		next = sw_oci_resolve(oci, path, sw_http_header(response, "location"), error);
		if (next == NULL)
			return FALSE;
		g_free(path);
		path = next;
		call.any = !sw_oci_is_own(oci, path);
	}
	return sw_fail(error, SW_ERROR_STORAGE, "bad-answer", "the registry leads on without end");
}

static gboolean check_hash(struct download *d, GError **error)
{
	char hex[SW_SHA256_SIZE];

	if (d->hash == NULL)
		return TRUE;
	sw_sha256_hex(d->hash, hex);
	return g_str_equal(hex, d->file->stored.sha256) ||
	       sw_fail(error, SW_ERROR_STORAGE, "corrupt",
		       "what the registry sends does not have the digest that it was asked for");
}

gboolean sw_oci_blob_get(struct sw_oci *oci, const struct sw_oci_file *file, guint64 offset,
			 sw_storage_sink sink, void *data, GCancellable *cancellable,
			 GError **error)
{
	g_autoptr(SwSha256) hash = offset == 0 ? sw_sha256_new() : NULL;
	struct sw_http_response response = { 0 };
	struct download d = {
		.file = file, .response = &response, .sink = sink, .data = data, .hash = hash
	};
	int failures = 0;

	if (offset > file->stored.size)
		return sw_fail(error, SW_ERROR_STORAGE, "oci",
			       "there are only %" G_GUINT64_FORMAT " bytes", file->stored.size);
	d.offset = offset;
	while (d.offset < file->stored.size) {
		g_autoptr(GError) inner = NULL;
		guint64 before = d.offset;
		gboolean good = get_rest(oci, &d, &response, cancellable, &inner);

		sw_http_response_clear(&response);
		if (d.offset == file->stored.size)
			break;
		if (good)
			sw_fail(&inner, SW_ERROR_STORAGE, "unreachable",
				"the registry sends too few bytes");
		/* The call itself gives up on one that never begins. */
		failures = d.offset > before ? 1 : failures + 1;
		if (!sw_error_is(inner, "unreachable") || failures >= oci->attempts ||
		    (d.offset == before && !good)) {
			g_propagate_error(error, g_steal_pointer(&inner));
			return FALSE;
		}
		if (!sw_http_back_off(failures, 0, cancellable, error))
			return FALSE;
	}
	return check_hash(&d, error);
}
