/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/size.h"
#include "storage/oci/blob.h"

#define ID "oci"
#define ROUNDS 3	     /* uploads of one blob that arrive as something else */
#define QUICK G_USEC_PER_SEC /* for the end of an upload that nobody waits for */

/* An upload on its way. */
struct upload {
	struct sw_oci *oci;
	const struct sw_oci_blob *blob;
	char *url;	/* NULL: not begun */
	guint64 offset; /* bytes that the registry has */
	guint64 sent;	/* in this try */
};

gboolean sw_oci_blob_has(struct sw_oci *oci, const struct sw_oci_descriptor *blob,
			 gboolean *ret_there, GCancellable *cancellable, GError **error)
{
	g_autofree char *path = g_strconcat("blobs/", blob->digest, NULL);
	struct sw_oci_call call = { .method = "HEAD", .path = path, .may_lead_on = TRUE };
	struct sw_http_response response = { 0 };
	g_autoptr(GError) inner = NULL;
	const char *length;
	guint64 size = 0;
	gboolean good;

	*ret_there = FALSE;
	good = sw_oci_call(oci, &call, &response, cancellable, &inner);
	if (good && response.status / 100 == 2) {
		const char *digest = sw_http_header(&response, "docker-content-digest");

		length = sw_http_header(&response, "content-length");
		*ret_there =
			(digest == NULL || g_str_equal(digest, blob->digest)) &&
			(length == NULL || (sw_number_parse(length, 0, G_MAXINT64, &size, NULL) &&
					    size == blob->size));
	} else if (good) {
		*ret_there = TRUE;
	}
	sw_http_response_clear(&response);
	if (good || sw_error_is(inner, "no-key"))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&inner));
	return FALSE;
}

/* Notes where the registry wants to have the rest. */
static gboolean take_url(struct upload *u, const char *from,
			 const struct sw_http_response *response, GError **error)
{
	char *url = sw_oci_resolve(u->oci, from, sw_http_header(response, "location"), error);

	if (url == NULL)
		return FALSE;
	g_free(u->url);
	u->url = url;
	return TRUE;
}

static gboolean begin(struct upload *u, GCancellable *cancellable, GError **error)
{
	struct sw_http_body nothing = { .data = "", .fd = -1 };
	struct sw_oci_call call = { .method = "POST", .path = "blobs/uploads/", .body = &nothing };
	struct sw_http_response response = { 0 };
	gboolean good = sw_oci_call(u->oci, &call, &response, cancellable, error) &&
			take_url(u, call.path, &response, error);

	sw_http_response_clear(&response);
	u->offset = 0;
	return good;
}

/*
 * After a failure too.  What cannot be given up (docker-registry forgets the way to an upload whose
 * stream broke) the registry throws away some day.
 */
static void give_up(struct upload *u)
{
	struct sw_oci_call call = { .method = "DELETE",
				    .path = u->url,
				    .once = TRUE,
				    .deadline = g_get_monotonic_time() + QUICK };
	g_autoptr(GError) inner = NULL;

	if (u->url != NULL && !sw_oci_call_plain(u->oci, &call, NULL, &inner))
		g_debug("%s: an upload stays open: %s", u->oci->origin, inner->message);
	g_clear_pointer(&u->url, g_free);
}

static void on_progress(guint64 bytes, void *data)
{
	struct upload *u = data;

	u->sent += bytes;
	if (u->blob->progress != NULL)
		u->blob->progress(u->offset + u->sent, u->blob->progress_data);
}

static void on_again(void *data)
{
	struct upload *u = data;

	u->sent = 0;
	if (u->blob->progress != NULL)
		u->blob->progress(u->offset, u->blob->progress_data);
}

static gboolean send_rest(struct upload *u, GCancellable *cancellable, GError **error)
{
	struct sw_http_body body = u->blob->body;
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *range = g_strdup_printf("%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
						 u->offset, body.length - 1);
	struct sw_oci_call call = {
		.method = "PATCH",
		.path = u->url,
		.headers = lines,
		.body = &body,
		.once = TRUE,
		.progress = on_progress,
		.progress_data = u,
		.again = on_again,
	};
	struct sw_http_response response = { 0 };
	gboolean good;

	body.offset += u->offset;
	body.length -= u->offset;
	u->sent = 0;
	sw_http_header_add(lines, "Content-Type", "application/octet-stream");
	/* A stream of all needs none, and some registries refuse it then. */
	if (u->offset > 0)
		sw_http_header_add(lines, "Content-Range", range);
	good = sw_oci_call(u->oci, &call, &response, cancellable, error) &&
	       take_url(u, u->url, &response, error);
	sw_http_response_clear(&response);
	if (good)
		u->offset = u->blob->body.length;
	return good;
}

/* How much the registry has of it. */
static gboolean look(struct upload *u, GCancellable *cancellable, GError **error)
{
	struct sw_oci_call call = { .method = "GET", .path = u->url };
	struct sw_http_response response = { 0 };
	gboolean good = sw_oci_call(u->oci, &call, &response, cancellable, error);
	const char *range = good ? sw_http_header(&response, "range") : NULL;
	const char *dash = range == NULL ? NULL : strchr(range, '-');
	guint64 last = 0;

	/* "0-0" is the same for none and for one byte: it is sent anew, and refused if it was one. */
	if (good && dash != NULL &&
	    !sw_number_parse(dash + 1, 0, u->blob->body.length - 1, &last, NULL))
		good = sw_fail(error, SW_ERROR_STORAGE, "no-upload", "the upload is broken");
	if (good)
		u->offset = last == 0 ? 0 : last + 1;
	if (good && sw_http_header(&response, "location") != NULL)
		good = take_url(u, u->url, &response, error);
	sw_http_response_clear(&response);
	return good;
}

/* All of it, over connections that break; an empty one has no stream. */
static gboolean send_all(struct upload *u, GCancellable *cancellable, GError **error)
{
	int failures = 0;

	while (u->offset < u->blob->body.length) {
		g_autoptr(GError) inner = NULL;
		guint64 before = u->offset;

		if (send_rest(u, cancellable, &inner))
			return TRUE;
		if (!sw_error_is(inner, "unreachable") && !sw_error_is(inner, "busy")) {
			g_propagate_error(error, g_steal_pointer(&inner));
			return FALSE;
		}
		if (!sw_http_back_off(failures + 1, 0, cancellable, error) ||
		    !look(u, cancellable, error))
			return FALSE;
		failures = u->offset > before ? 0 : failures + 1;
		if (failures >= u->oci->attempts) {
			g_propagate_error(error, g_steal_pointer(&inner));
			return sw_fail_prefix(error, SW_ERROR_STORAGE, ID, "%d times", failures);
		}
	}
	return TRUE;
}

/* The registry compares it with its digest now. */
static gboolean complete(struct upload *u, GCancellable *cancellable, GError **error)
{
	const char *digest = u->blob->descriptor.digest, *told;
	g_autofree char *url = g_strdup_printf("%s%sdigest=%s", u->url,
					       strchr(u->url, '?') != NULL ? "&" : "?", digest);
	struct sw_http_body nothing = { .data = "", .fd = -1 };
	struct sw_oci_call call = { .method = "PUT", .path = url, .body = &nothing };
	struct sw_http_response response = { 0 };
	g_autoptr(GError) inner = NULL;
	gboolean good = sw_oci_call(u->oci, &call, &response, cancellable, &inner);

	told = good ? sw_http_header(&response, "docker-content-digest") : NULL;
	if (told != NULL && !g_str_equal(told, digest))
		good = sw_fail(&inner, SW_ERROR_STORAGE, "corrupt",
			       "what arrived is not what was sent: the registry names another "
			       "digest");
	/* The answer of a try that succeeded may be lost: the look at the blob will tell. */
	if (!good && response.unanswered && sw_error_is(inner, "no-upload"))
		good = TRUE;
	sw_http_response_clear(&response);
	if (good)
		g_clear_pointer(&u->url, g_free);
	else
		g_propagate_error(error, g_steal_pointer(&inner));
	return good;
}

static gboolean check_there(struct upload *u, GCancellable *cancellable, GError **error)
{
	gboolean there = FALSE;

	if (!sw_oci_blob_has(u->oci, &u->blob->descriptor, &there, cancellable, error))
		return FALSE;
	return there || sw_fail(error, SW_ERROR_STORAGE, "corrupt",
				"what was sent is not there, or of another size");
}

gboolean sw_oci_blob_put(struct sw_oci *oci, const struct sw_oci_blob *blob,
			 GCancellable *cancellable, GError **error)
{
	struct upload u = { .oci = oci, .blob = blob };
	gboolean there = FALSE;

	if (!sw_oci_blob_has(oci, &blob->descriptor, &there, cancellable, error))
		return FALSE;
	for (int round = 1; !there; round++) {
		g_autoptr(GError) inner = NULL;

		if (begin(&u, cancellable, &inner) && send_all(&u, cancellable, &inner) &&
		    complete(&u, cancellable, &inner) && check_there(&u, cancellable, &inner))
			break;
		give_up(&u);
		if (round >= (sw_error_is(inner, "corrupt") ? ROUNDS : oci->attempts) ||
		    (!sw_error_is(inner, "corrupt") && !sw_error_is(inner, "no-upload"))) {
			g_propagate_error(error, g_steal_pointer(&inner));
			return FALSE;
		}
		if (!sw_http_back_off(round, 0, cancellable, error))
			return FALSE;
	}
	if (blob->progress != NULL)
		blob->progress(blob->body.length, blob->progress_data);
	return TRUE;
}

gboolean sw_oci_blob_probe(struct sw_oci *oci, GCancellable *cancellable, GError **error)
{
	struct upload u = { .oci = oci };

	if (!begin(&u, cancellable, error))
		return FALSE;
	give_up(&u);
	return TRUE;
}
