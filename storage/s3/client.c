/* SPDX-License-Identifier: MIT */
#include "storage/s3/client.h"

#include <string.h>

#include "storage/s3/fault.h"

#define SLICE (20 * 1000) /* microseconds */

static gboolean is_endpoint(GUri *uri)
{
	static const char *const schemes[] = { "http", "https", NULL };
	const char *host = uri == NULL ? NULL : g_uri_get_host(uri);

	return host != NULL && *host != '\0' && g_strv_contains(schemes, g_uri_get_scheme(uri)) &&
	       g_uri_get_userinfo(uri) == NULL && g_uri_get_query(uri) == NULL &&
	       g_uri_get_fragment(uri) == NULL;
}

gboolean sw_s3_set_endpoint(struct sw_s3 *s3, const char *endpoint, GError **error)
{
	g_autoptr(GUri) uri = g_uri_parse(endpoint, G_URI_FLAGS_ENCODED, NULL);
	gboolean six;
	int usual;

	if (!is_endpoint(uri))
		return sw_fail(error, SW_ERROR_USAGE, "bad-endpoint",
			       "the endpoint must be a URL such as https://s3.example.com:9000");
	s3->scheme = g_strdup(g_uri_get_scheme(uri));
	s3->base = g_strdup(g_uri_get_path(uri));
	while (g_str_has_suffix(s3->base, "/"))
		s3->base[strlen(s3->base) - 1] = '\0';
	/* The Host header, which is signed, has no port that goes without saying. */
	usual = g_str_equal(s3->scheme, "https") ? 443 : 80;
	six = strchr(g_uri_get_host(uri), ':') != NULL;
	if (g_uri_get_port(uri) == -1 || g_uri_get_port(uri) == usual)
		s3->host = g_strdup_printf(six ? "[%s]" : "%s", g_uri_get_host(uri));
	else
		s3->host = g_strdup_printf(six ? "[%s]:%d" : "%s:%d", g_uri_get_host(uri),
					   g_uri_get_port(uri));
	return TRUE;
}

void sw_s3_clear(struct sw_s3 *s3)
{
	struct sw_s3_slot *slot;
	struct sw_http *http;

	while ((slot = g_queue_pop_head(&s3->slots)) != NULL) {
		g_free(slot->buffer);
		g_free(slot);
	}
	while ((http = g_queue_pop_head(&s3->idle)) != NULL)
		sw_http_free(http);
	g_clear_pointer(&s3->identity, sw_s3_identity_free);
	g_clear_pointer(&s3->scheme, g_free);
	g_clear_pointer(&s3->host, g_free);
	g_clear_pointer(&s3->base, g_free);
	g_clear_pointer(&s3->region, g_free);
	g_clear_pointer(&s3->bucket, g_free);
}

static char *host_of(const struct sw_s3 *s3)
{
	return s3->path_style ? g_strdup(s3->host) : g_strconcat(s3->bucket, ".", s3->host, NULL);
}

static char *path_of(const struct sw_s3 *s3, const char *key)
{
	GString *path = g_string_new(s3->base);

	if (s3->path_style)
		g_string_append_printf(path, "/%s", s3->bucket);
	if (key != NULL || !s3->path_style)
		g_string_append_c(path, '/');
	if (key != NULL)
		sw_s3_encode(path, key, TRUE);
	return g_string_free(path, FALSE);
}

char *sw_s3_url(const struct sw_s3 *s3, const char *key, const char *query)
{
	g_autofree char *host = host_of(s3);
	g_autofree char *path = path_of(s3, key);
	gboolean none = query == NULL || *query == '\0';

	return g_strdup_printf("%s://%s%s%s%s", s3->scheme, host, path, none ? "" : "?",
			       none ? "" : query);
}

char *sw_s3_get_url(struct sw_s3 *s3, const char *key, guint64 expires, GError **error)
{
	g_autofree char *host = host_of(s3);
	g_autofree char *path = path_of(s3, key);
	struct sw_s3_keys keys = { 0 };
	struct sw_s3_signer signer = { &keys, s3->region, "s3",
				       g_get_real_time() / G_USEC_PER_SEC };
	g_autofree char *query = NULL;

	if (expires > 0) {
		if (!sw_s3_identity_get(s3->identity, FALSE, &keys, NULL, error))
			return NULL;
		query = sw_s3_presign(&signer, host, path, expires);
		sw_s3_keys_clear(&keys);
	}
	return sw_s3_url(s3, key, query);
}

struct sw_s3_slot *sw_s3_slot_take(struct sw_s3 *s3, guint64 size, GCancellable *cancellable,
				   GError **error)
{
	struct sw_s3_slot *slot = NULL;

	g_mutex_lock(&s3->lock);
	while (slot == NULL && sw_check_cancelled(cancellable, error)) {
		slot = g_queue_pop_head(&s3->slots);
		if (slot == NULL && s3->slots_made < s3->parallel) {
			slot = g_new0(struct sw_s3_slot, 1);
			s3->slots_made++;
		}
		if (slot == NULL)
			g_cond_wait_until(&s3->returned, &s3->lock, g_get_monotonic_time() + SLICE);
	}
	g_mutex_unlock(&s3->lock);
	if (slot == NULL || (size <= slot->size && size > 0))
		return slot;
	g_clear_pointer(&slot->buffer, g_free);
	slot->size = size <= SW_S3_MEMORY_MAX ? (size_t)size : 0;
	slot->buffer = slot->size == 0 ? NULL : g_malloc(slot->size);
	return slot;
}

void sw_s3_slot_return(struct sw_s3 *s3, struct sw_s3_slot *slot)
{
	g_mutex_lock(&s3->lock);
	g_queue_push_head(&s3->slots, slot);
	g_cond_signal(&s3->returned);
	g_mutex_unlock(&s3->lock);
}

static struct sw_http *take_connection(struct sw_s3 *s3)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&s3->lock);
	struct sw_http *http = g_queue_pop_head(&s3->idle);

	return http != NULL ? http : sw_http_new(&s3->http);
}

static void return_connection(struct sw_s3 *s3, struct sw_http *http)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&s3->lock);

	g_queue_push_head(&s3->idle, http);
}

/* What one try has reported as sent, so that it can be taken back. */
struct reported {
	const struct sw_s3_call *call;
	gint64 bytes;
};

static void report(guint64 bytes, void *data)
{
	struct reported *reported = data;

	reported->bytes += (gint64)bytes;
	if (reported->call->progress != NULL)
		reported->call->progress((gint64)bytes, reported->call->progress_data);
}

static void take_back(struct reported *reported)
{
	if (reported->call->progress != NULL)
		reported->call->progress(-reported->bytes, reported->call->progress_data);
}

/* The lines of CALL and those of its signature. */
static GPtrArray *sign(const struct sw_s3 *s3, const struct sw_s3_call *call,
		       const struct sw_s3_keys *keys)
{
	struct sw_s3_signer signer = { keys, s3->region, "s3", g_get_real_time() / G_USEC_PER_SEC };
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *host = host_of(s3);
	g_autofree char *path = path_of(s3, call->key);
	char sha256[SW_SHA256_SIZE];
	struct sw_s3_signed request = { call->method, host, path, call->query, lines, NULL };

	for (guint i = 0; call->headers != NULL && i < call->headers->len; i++)
		g_ptr_array_add(lines, g_strdup(call->headers->pdata[i]));
	if (call->sha256 == NULL)
		sw_sha256_data(call->body == NULL ? "" : call->body->data,
			       call->body == NULL ? 0 : (size_t)call->body->length, sha256);
	request.payload = call->sha256 == NULL ? sha256 : call->sha256;
	sw_http_header_add(lines, "X-Amz-Content-Sha256", request.payload);
	sw_s3_sign(&signer, &request);
	return lines;
}

/* One try. */
static gboolean try(struct sw_s3 *s3, const struct sw_s3_call *call, const struct sw_s3_keys *keys,
		    struct reported *reported, struct sw_http_response *response,
		    struct sw_s3_fault *fault, GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) lines = sign(s3, call, keys);
	g_autofree char *query = sw_s3_query_text(call->query);
	g_autofree char *url = sw_s3_url(s3, call->key, query);
	struct sw_http_request request = {
		.method = call->method,
		.url = url,
		.headers = lines,
		.body = call->body,
		.sink = call->sink,
		.sink_data = call->sink_data,
		.grace = call->grace,
		.deadline = call->deadline,
		.progress = report,
		.progress_data = reported,
	};
	struct sw_http *http = take_connection(s3);
	gboolean good;

	*fault = (struct sw_s3_fault){ 0 };
	good = sw_http_perform(http, &request, response, cancellable, error);
	return_connection(s3, http);
	if (!good) {
		fault->passes = error != NULL && sw_error_is(*error, "unreachable");
		return FALSE;
	}
	if (response->status / 100 == 2 && !sw_s3_is_fault(response))
		return TRUE;
	sw_s3_fault(response, s3->bucket, g_get_real_time() / G_USEC_PER_SEC, fault, error);
	fault->passes |= response->status / 100 == 2;
	return FALSE;
}

static gboolean fail_call(const struct sw_s3 *s3, const struct sw_s3_call *call, int attempts,
			  GError *inner, GError **error)
{
	g_propagate_error(error, inner);
	if (sw_error_is(inner, "cancelled"))
		return FALSE;
	if (attempts > 1)
		sw_fail_prefix(error, SW_ERROR_STORAGE, "s3", "%d times", attempts);
	if (sw_error_is(inner, "unreachable") || sw_error_is(inner, "insecure"))
		return sw_fail_prefix(error, SW_ERROR_STORAGE, "s3", "%s://%s", s3->scheme,
				      s3->host);
	return sw_fail_prefix(error, SW_ERROR_STORAGE, "s3", "s3://%s%s%s", s3->bucket,
			      call->key == NULL ? "" : "/", call->key == NULL ? "" : call->key);
}

static gboolean is_late(const struct sw_s3_call *call)
{
	return call->deadline != 0 && g_get_monotonic_time() > call->deadline;
}

gboolean sw_s3_call(struct sw_s3 *s3, const struct sw_s3_call *call,
		    struct sw_http_response *response, GCancellable *cancellable, GError **error)
{
	gboolean renewed = FALSE, renew = FALSE, unanswered = FALSE;

	for (int attempt = 1;; attempt++) {
		struct reported reported = { call, 0 };
		struct sw_s3_keys keys = { 0 };
		struct sw_s3_fault fault;
		GError *inner = NULL;
		guint64 taken;
		gboolean good;

		sw_http_response_clear(response);
		if (!sw_s3_identity_get(s3->identity, renew, &keys, cancellable, error))
			return FALSE;
		good = try(s3, call, &keys, &reported, response, &fault, cancellable, &inner);
		sw_s3_keys_clear(&keys);
		/* An error of a gateway on the way says nothing about what the server did. */
		unanswered |= response->unanswered || response->status / 100 == 5;
		response->unanswered = unanswered;
		if (good)
			return TRUE;
		take_back(&reported);
		taken = response->received;
		renew = fault.renew && !renewed;
		renewed |= renew;
		if (!renew &&
		    (!fault.passes || is_late(call) || taken > 0 || attempt >= s3->attempts))
			return fail_call(s3, call, attempt, inner, error);
		g_clear_error(&inner);
		if (!renew && !sw_http_back_off(attempt, fault.after, cancellable, error))
			return FALSE;
	}
}

gboolean sw_s3_call_xml(struct sw_s3 *s3, const struct sw_s3_call *call, const char *name,
			struct sw_xml **ret_root, GCancellable *cancellable, GError **error)
{
	struct sw_http_response response = { 0 };
	g_autoptr(SwXml) root = NULL;
	gboolean good = sw_s3_call(s3, call, &response, cancellable, error) &&
			sw_xml_parse(response.body->str, response.body->len, &root, error);

	sw_http_response_clear(&response);
	if (good && !g_str_equal(root->name, name))
		good = sw_fail(error, SW_ERROR_STORAGE, "bad-answer",
			       "s3://%s: the server does not answer with %s: is it an S3 server?",
			       s3->bucket, name);
	if (good)
		*ret_root = g_steal_pointer(&root);
	return good;
}

gboolean sw_s3_call_plain(struct sw_s3 *s3, const struct sw_s3_call *call,
			  GCancellable *cancellable, GError **error)
{
	struct sw_http_response response = { 0 };
	gboolean good = sw_s3_call(s3, call, &response, cancellable, error);

	sw_http_response_clear(&response);
	return good;
}
