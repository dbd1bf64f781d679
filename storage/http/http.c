/* SPDX-License-Identifier: MIT */
#include "storage/http/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/size.h"
#include "core/text.h"

#define POLL_MS 50
#define BUFFER_SIZE (512 * 1024)
#define HEADERS_MAX 200
#define FIRST_WAIT (100 * 1000) /* microseconds */
#define LONGEST_WAIT (10 * G_USEC_PER_SEC)
#define SLICE (20 * 1000)
#define AFTER_MAX 30		    /* seconds */
#define BODY_MAX (16 * 1024 * 1024) /* a page of 1000 keys takes at most 4 MiB */

struct sw_http {
	const struct sw_http_settings *settings;
	CURLM *multi;
	CURL *easy;
};

struct sw_http *sw_http_new(const struct sw_http_settings *settings)
{
	static gsize initialized;
	struct sw_http *http = g_new0(struct sw_http, 1);

	if (g_once_init_enter(&initialized)) {
		curl_global_init(CURL_GLOBAL_DEFAULT);
		g_once_init_leave(&initialized, 1);
	}
	http->settings = settings;
	http->multi = curl_multi_init();
	http->easy = curl_easy_init();
	g_assert_true(http->multi != NULL && http->easy != NULL);
	return http;
}

void sw_http_free(struct sw_http *http)
{
	if (http == NULL)
		return;
	curl_easy_cleanup(http->easy);
	curl_multi_cleanup(http->multi);
	g_free(http);
}

void sw_http_response_clear(struct sw_http_response *response)
{
	g_clear_pointer(&response->headers, g_hash_table_unref);
	if (response->body != NULL)
		g_string_free(response->body, TRUE);
	response->body = NULL;
}

const char *sw_http_header(const struct sw_http_response *response, const char *name)
{
	return g_hash_table_lookup(response->headers, name);
}

/* A request on its way. */
struct transfer {
	CURL *easy;
	const struct sw_http_request *request;
	struct sw_http_response *response;
	guint64 sent; /* position in the body */
	char text[CURL_ERROR_SIZE];
	GError *error; /* of the file or of the sink */
};

size_t sw_http_read_file(int fd, const char *path, guint64 at, void *buffer, size_t length,
			 GError **error)
{
	ssize_t got;

	do
		got = pread(fd, buffer, length, (off_t)at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		sw_fail_errno(error, SW_ERROR_STORAGE, "read", "cannot read %s", path);
	else if (got == 0)
		sw_fail(error, SW_ERROR_STORAGE, "changed", "%s became shorter while it was sent",
			path);
	return got <= 0 ? 0 : (size_t)got;
}

static size_t read_body(char *buffer, size_t size, size_t count, void *data)
{
	struct transfer *t = data;
	const struct sw_http_body *body = t->request->body;
	size_t length = (size_t)MIN(size * count, body->length - t->sent);

	if (body->data != NULL) {
		memcpy(buffer, (const char *)body->data + t->sent, length);
	} else if (length > 0) {
		guint64 at = body->offset + t->sent;

		length = body->read != NULL
				 ? body->read(body->read_data, at, buffer, length, &t->error)
				 : sw_http_read_file(body->fd, body->path, at, buffer, length,
						     &t->error);
		if (length == 0)
			return CURL_READFUNC_ABORT;
	}
	t->sent += length;
	if (t->request->progress != NULL)
		t->request->progress(length, t->request->progress_data);
	return length;
}

static int seek_body(void *data, curl_off_t offset, int origin)
{
	struct transfer *t = data;

	if (origin != SEEK_SET || offset < 0 || (guint64)offset > t->request->body->length)
		return CURL_SEEKFUNC_CANTSEEK;
	t->sent = (guint64)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *data)
{
	struct transfer *t = data;
	size_t length = size * count;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (t->request->sink != NULL && status / 100 == 2) {
		if (!t->request->sink(bytes, length, t->request->sink_data, &t->error))
			return 0;
		t->response->received += length;
		return length;
	}
	if (t->response->body->len + length > BODY_MAX) {
		sw_fail(&t->error, SW_ERROR_STORAGE, "bad-answer",
			"the server's answer is longer than %d bytes", BODY_MAX);
		return 0;
	}
	g_string_append_len(t->response->body, bytes, (gssize)length);
	return length;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *data)
{
	struct transfer *t = data;
	size_t length = size * count;
	g_autofree char *line = g_strndup(bytes, length);
	char *colon = strchr(line, ':');
	g_autofree char *value = NULL;

	if (g_str_has_prefix(line, "HTTP/"))
		g_hash_table_remove_all(t->response->headers);
	if (colon == NULL || g_hash_table_size(t->response->headers) >= HEADERS_MAX)
		return length;
	value = sw_text_line(colon + 1);
	g_strstrip(value);
	g_hash_table_insert(t->response->headers, g_ascii_strdown(line, colon - line),
			    g_steal_pointer(&value));
	return length;
}

static void set_limits(CURL *easy, const struct sw_http_settings *settings)
{
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)settings->connect_timeout);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)settings->stall_timeout);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER_SIZE);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_SIZE);
	if (settings->ca != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca);
	if (settings->insecure) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (settings->no_proxy)
		curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	if (settings->bytes_per_second > 0) {
		curl_off_t limit = (curl_off_t)MIN(settings->bytes_per_second, G_MAXINT64);

		curl_easy_setopt(easy, CURLOPT_MAX_SEND_SPEED_LARGE, limit);
		curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, limit);
	}
}

static void set_body(CURL *easy, struct transfer *t)
{
	const struct sw_http_body *body = t->request->body;

	if (g_str_equal(t->request->method, "HEAD"))
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (body == NULL)
		return;
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)body->length);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
	curl_easy_setopt(easy, CURLOPT_READDATA, t);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, t);
}

static struct curl_slist *set_request(CURL *easy, struct transfer *t)
{
	/* Nothing that was not signed, and no wait for "100 Continue". */
	struct curl_slist *lines = curl_slist_append(NULL, "Expect:");

	lines = curl_slist_append(lines, "Accept:");
	for (guint i = 0; t->request->headers != NULL && i < t->request->headers->len; i++) {
		const char *line = t->request->headers->pdata[i];
		size_t colon = strcspn(line, ":");
		g_autofree char *empty = g_strdup_printf("%.*s;", (int)colon, line);
		gboolean bare = line[colon] == '\0' ||
				line[colon + 1 + strspn(line + colon + 1, " ")] == '\0';

		lines = curl_slist_append(lines, bare ? empty : line);
	}
	curl_easy_setopt(easy, CURLOPT_URL, t->request->url);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	set_body(easy, t);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, t->request->method);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->text);
	return lines;
}

/* Until it is done, cancelled (then CURLE_ABORTED_BY_CALLBACK) or late. */
static CURLcode wait_for(struct sw_http *http, const struct transfer *t, GCancellable *cancellable)
{
	gint64 end = G_MAXINT64;
	int running = 1;

	while (running > 0) {
		if (end == G_MAXINT64 && g_cancellable_is_cancelled(cancellable))
			end = g_get_monotonic_time() + t->request->grace;
		if (g_get_monotonic_time() >= end)
			return CURLE_ABORTED_BY_CALLBACK;
		if (t->request->deadline != 0 && g_get_monotonic_time() > t->request->deadline)
			return CURLE_OPERATION_TIMEDOUT;
		if (curl_multi_perform(http->multi, &running) != CURLM_OK)
			return CURLE_FAILED_INIT;
		if (running > 0)
			curl_multi_poll(http->multi, NULL, 0, POLL_MS, NULL);
	}
	for (;;) {
		const CURLMsg *message = curl_multi_info_read(http->multi, &running);

		if (message == NULL)
			return CURLE_FAILED_INIT;
		if (message->msg == CURLMSG_DONE)
			return message->data.result;
	}
}

static gboolean fail_transfer(const struct sw_http *http, CURLcode code, const struct transfer *t,
			      GError **error)
{
	g_autofree char *line =
		sw_text_line(t->text[0] != '\0' ? t->text : curl_easy_strerror(code));

	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return sw_fail(error, SW_ERROR_STORAGE, "insecure",
			       "%s; if the server's certificate is of an own authority, name its "
			       "file with the option ca",
			       line);
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return sw_fail(error, SW_ERROR_STORAGE, "bad-endpoint", "%s", line);
	case CURLE_OPERATION_TIMEDOUT:
		return sw_fail(error, SW_ERROR_STORAGE, "unreachable",
			       "no answer for %d seconds (%s)", http->settings->stall_timeout,
			       line);
	default:
		return sw_fail(error, SW_ERROR_STORAGE, "unreachable", "%s", line);
	}
}

gboolean sw_http_perform(struct sw_http *http, const struct sw_http_request *request,
			 struct sw_http_response *ret_response, GCancellable *cancellable,
			 GError **error)
{
	struct transfer t = { http->easy, request, ret_response, 0, "", NULL };
	struct curl_slist *lines;
	long status = 0;
	CURLcode code;

	*ret_response = (struct sw_http_response){ 0 };
	ret_response->headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	ret_response->body = g_string_new(NULL);
	curl_easy_reset(http->easy);
	set_limits(http->easy, http->settings);
	lines = set_request(http->easy, &t);
	curl_multi_add_handle(http->multi, http->easy);
	code = wait_for(http, &t, cancellable);
	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_multi_remove_handle(http->multi, http->easy);
	curl_slist_free_all(lines);
	ret_response->status = (int)status;
	if (code == CURLE_OK)
		return TRUE;
	sw_http_response_clear(ret_response);
	ret_response->unanswered = TRUE;
	if (t.error != NULL) {
		g_propagate_error(error, t.error);
		return FALSE;
	}
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return sw_fail(error, SW_ERROR_CANCELLED, "cancelled", "cancelled");
	return fail_transfer(http, code, &t, error);
}

void sw_http_header_add(GPtrArray *headers, const char *name, const char *value)
{
	g_autofree char *clean = g_strdup(value);

	for (char *c = clean; *c != '\0'; c++)
		if (g_ascii_iscntrl(*c))
			*c = ' ';
	g_strstrip(clean);
	g_ptr_array_add(headers, g_strdup_printf("%s: %s", name, clean));
}

gboolean sw_http_back_off(int attempt, gint64 at_least, GCancellable *cancellable, GError **error)
{
	gint64 longest = MIN(LONGEST_WAIT, (gint64)FIRST_WAIT << MIN(attempt, 16));
	gint64 wait = (gint64)g_random_double_range((double)longest / 2, (double)longest);
	gint64 end = g_get_monotonic_time() + MAX(wait, at_least * G_USEC_PER_SEC);

	while (g_get_monotonic_time() < end) {
		if (!sw_check_cancelled(cancellable, error))
			return FALSE;
		g_usleep(SLICE);
	}
	return TRUE;
}

gint64 sw_http_retry_after(const struct sw_http_response *response)
{
	const char *text = sw_http_header(response, "retry-after");
	guint64 seconds = 0;

	if (text == NULL || !sw_number_parse(text, 0, 86400, &seconds, NULL))
		return 0;
	return (gint64)MIN(seconds, AFTER_MAX);
}
