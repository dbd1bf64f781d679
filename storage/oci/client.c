/* SPDX-License-Identifier: MIT */
#include "storage/oci/client.h"

#include <string.h>

#include "core/size.h"
#include "core/text.h"

#define ID "oci"
#define EARLY 10 /* seconds before its end that a token is not used any more */

/* What a token is good for. */
enum level { LEVEL_PULL, LEVEL_PUSH, LEVEL_DELETE };
static const char *const scopes[] = { "pull", "pull,push", "pull,push,delete" };

/* What the codes of the distribution specification mean to the one who must act. */
struct meaning {
	const char *code;
	int status; /* of an answer without a code; 0: none */
	const char *id;
	const char *remedy; /* NULL: the registry's own message */
	gboolean passes;
};

static const struct meaning meanings[] = {
	{ "MANIFEST_UNKNOWN", 404, "no-key", "there is no such thing", FALSE },
	{ "NAME_UNKNOWN", 0, "no-key", "there is no such repository", FALSE },
	{ "BLOB_UNKNOWN", 0, "no-key", "the registry has lost it", FALSE },
	{ "NOT_FOUND", 0, "no-key", "there is no such thing", FALSE },
	{ "BLOB_UPLOAD_UNKNOWN", 0, "no-upload", "the upload is gone", FALSE },
	{ "BLOB_UPLOAD_INVALID", 416, "no-upload", "the upload is broken", FALSE },
	{ "SIZE_INVALID", 0, "no-upload", "not all that was sent arrived", FALSE },
	{ "DIGEST_INVALID", 0, "corrupt", "what arrived is not what was sent", FALSE },
	{ "MANIFEST_BLOB_UNKNOWN", 0, "corrupt", "the registry has lost what was sent", FALSE },
	{ "DENIED", 403, "denied", "the login does not allow it", FALSE },
	{ "UNSUPPORTED", 405, "unsupported", "the registry does not do that", FALSE },
	{ "", 413, "too-large", "the registry takes nothing of that size", FALSE },
	{ "", 507, "full", "the registry is full", FALSE },
	{ "TOOMANYREQUESTS", 429, "busy", "the registry is overloaded", TRUE },
	{ "", 408, "busy", "the registry waited too long for the request", TRUE },
};

void sw_oci_clear(struct sw_oci *oci)
{
	g_clear_pointer(&oci->http, sw_http_free);
	g_clear_pointer(&oci->origin, g_free);
	g_clear_pointer(&oci->registry, g_free);
	g_clear_pointer(&oci->repository, g_free);
	sw_oci_login_clear(&oci->login);
	sw_text_wipe(&oci->authorization);
}

gboolean sw_oci_prefix(const struct sw_oci *oci, const char *key, GError **error)
{
	return sw_fail_prefix(error, SW_ERROR_STORAGE, ID, "oci://%s/%s%s%s", oci->registry,
			      oci->repository, key == NULL ? "" : ":", key == NULL ? "" : key);
}

gboolean sw_oci_is_own(const struct sw_oci *oci, const char *url)
{
	size_t length = strlen(oci->origin);

	return strncmp(url, oci->origin, length) == 0 && url[length] == '/';
}

static gboolean is_safe(const struct sw_oci *oci, GUri *uri)
{
	const char *scheme = g_uri_get_scheme(uri), *host = g_uri_get_host(uri);

	return host != NULL && *host != '\0' && g_uri_get_userinfo(uri) == NULL &&
	       (g_str_equal(scheme, "https") || (oci->plain && g_str_equal(scheme, "http")));
}

static char *url_of(const struct sw_oci *oci, const char *path)
{
	return strstr(path, "://") != NULL || *path == '/'
		       ? g_strdup_printf("%s%s", *path == '/' ? oci->origin : "", path)
		       : g_strdup_printf("%s/v2/%s/%s", oci->origin, oci->repository, path);
}

char *sw_oci_resolve(const struct sw_oci *oci, const char *path, const char *text, GError **error)
{
	g_autofree char *base_text = url_of(oci, path);
	g_autoptr(GUri) base = g_uri_parse(base_text, G_URI_FLAGS_ENCODED, NULL);
	g_autoptr(GUri) uri = NULL;

	if (base != NULL && text != NULL && g_str_is_ascii(text))
		uri = g_uri_parse_relative(base, text, G_URI_FLAGS_ENCODED, NULL);
	if (uri != NULL && is_safe(oci, uri))
		return g_uri_to_string(uri);
	sw_fail(error, SW_ERROR_STORAGE, "bad-answer",
		"the registry leads on to what is no URL, or one without https");
	return NULL;
}

static const struct meaning *meaning_of(const char *code, int status)
{
	for (size_t i = 0; i < G_N_ELEMENTS(meanings); i++)
		if (*code != '\0' ? g_str_equal(meanings[i].code, code)
				  : meanings[i].status == status)
			return &meanings[i];
	for (size_t i = 0; i < G_N_ELEMENTS(meanings); i++)
		if (meanings[i].status == status)
			return &meanings[i];
	return NULL;
}

/* Turns an answer other than 2xx into an error; RET_PASSES: it may succeed a little later. */
static gboolean fail_answer(const struct sw_oci *oci, const struct sw_http_response *response,
			    gboolean *ret_passes, GError **error)
{
	g_autofree char *code = NULL;
	g_autofree char *message = NULL;
	const struct meaning *meaning;
	int status = response->status;

	sw_oci_error_parse(response->body->str, response->body->len, &code, &message);
	meaning = meaning_of(code, status);
	*ret_passes = (status / 100 == 5 && status != 501 && status != 507) ||
		      (meaning != NULL && meaning->passes);
	if (status == 401)
		return sw_fail(error, SW_ERROR_STORAGE, "credentials",
			       oci->login.user == NULL
				       ? "the registry wants a login: skopeo login %s, or give "
					 "--authfile"
				       : "the registry refuses the login: skopeo login %s anew",
			       oci->registry);
	if (status / 100 == 5)
		return sw_fail(
			error, SW_ERROR_STORAGE, meaning == NULL ? "busy" : meaning->id, "%s (%d)",
			meaning == NULL ? "the registry has an error of its own" : meaning->remedy,
			status);
	return sw_fail(error, SW_ERROR_STORAGE, meaning == NULL ? ID : meaning->id,
		       "%s (%d%s%s%s%s)",
		       meaning == NULL ? "the registry refuses it" : meaning->remedy, status,
		       *code == '\0' ? "" : " ", code, *message == '\0' ? "" : ": ", message);
}

static void set_authorization(struct sw_oci *oci, char *text, enum level level, guint64 seconds)
{
	sw_text_wipe(&oci->authorization);
	oci->authorization = text;
	oci->level = level;
	oci->expires =
		seconds == 0 ? 0
			     : g_get_monotonic_time() + ((gint64)seconds - EARLY) * G_USEC_PER_SEC;
}

static char *basic_line(const struct sw_oci_login *login)
{
	g_autofree char *both = g_strconcat(login->user, ":", login->password, NULL);
	g_autofree char *encoded = g_base64_encode((const guchar *)both, strlen(both));
	char *line = g_strconcat("Authorization: Basic ", encoded, NULL);

	explicit_bzero(both, strlen(both));
	explicit_bzero(encoded, strlen(encoded));
	return line;
}

static gboolean ask_for_token(struct sw_oci *oci, const char *url, const char *form,
			      enum level level, GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	struct sw_http_body body = { .data = form, .fd = -1 };
	struct sw_http_request request = { .method = "GET", .url = url, .headers = lines };
	struct sw_http_response response = { 0 };
	g_autofree char *token = NULL;
	gboolean good, passes = FALSE;
	guint64 seconds = 0;

	if (form != NULL) {
		body.length = strlen(form);
		request.method = "POST";
		request.body = &body;
		sw_http_header_add(lines, "Content-Type", "application/x-www-form-urlencoded");
	} else if (oci->login.user != NULL) {
		g_ptr_array_add(lines, basic_line(&oci->login));
	}
	good = sw_http_perform(oci->http, &request, &response, cancellable, error);
	if (good && response.status / 100 != 2)
		good = fail_answer(oci, &response, &passes, error);
	good = good &&
	       sw_oci_token_parse(response.body->str, response.body->len, &token, &seconds, error);
	if (good)
		set_authorization(oci, g_strconcat("Authorization: Bearer ", token, NULL), level,
				  seconds);
	sw_text_wipe(&token);
	for (guint i = 0; i < lines->len; i++)
		explicit_bzero(lines->pdata[i], strlen(lines->pdata[i]));
	sw_http_response_clear(&response);
	return good;
}

static gboolean get_token(struct sw_oci *oci, const struct sw_oci_challenge *challenge,
			  enum level level, GCancellable *cancellable, GError **error)
{
	g_autofree char *scope =
		g_strdup_printf("repository:%s:%s", oci->repository, scopes[level]);
	g_autofree char *service = challenge->service == NULL
					   ? NULL
					   : g_uri_escape_string(challenge->service, NULL, FALSE);
	g_autofree char *escaped = g_uri_escape_string(scope, NULL, FALSE);
	g_autofree char *identity = NULL;
	g_autofree char *form = NULL;
	g_autofree char *realm = sw_oci_resolve(oci, "/", challenge->realm, error);
	g_autofree char *url = NULL;
	gboolean good;

	if (realm == NULL)
		return FALSE;
	if (oci->login.identity != NULL) {
		identity = g_uri_escape_string(oci->login.identity, NULL, FALSE);
		form = g_strdup_printf("grant_type=refresh_token&service=%s&client_id=slipway&"
				       "scope=%s&refresh_token=%s",
				       service == NULL ? "" : service, escaped, identity);
		good = ask_for_token(oci, realm, form, level, cancellable, error);
		sw_text_wipe(&identity);
		sw_text_wipe(&form);
	} else {
		url = g_strdup_printf(
			"%s%sscope=%s%s%s", realm, strchr(realm, '?') ? "&" : "?", escaped,
			service == NULL ? "" : "&service=", service == NULL ? "" : service);
		good = ask_for_token(oci, url, NULL, level, cancellable, error);
	}
	return good || sw_fail_prefix(error, SW_ERROR_STORAGE, "credentials",
				      "who gives the tokens for it");
}

/* After a 401: makes the header that the registry wants.  TRUE with none: there is no login. */
static gboolean authorize(struct sw_oci *oci, const struct sw_http_response *response,
			  enum level level, GCancellable *cancellable, GError **error)
{
	const char *line = sw_http_header(response, "www-authenticate");
	struct sw_oci_challenge challenge = { 0 };
	gboolean good = TRUE;

	set_authorization(oci, NULL, LEVEL_PULL, 0);
	if (!oci->looked &&
	    !sw_oci_login_find(oci->authfile, oci->registry, oci->repository, &oci->login, error))
		return FALSE;
	oci->looked = TRUE;
	if (line == NULL || !sw_oci_challenge_parse(line, &challenge))
		return TRUE;
	if (challenge.realm != NULL)
		good = get_token(oci, &challenge, level, cancellable, error);
	else if (oci->login.user != NULL)
		set_authorization(oci, basic_line(&oci->login), LEVEL_DELETE, 0);
	sw_oci_challenge_clear(&challenge);
	return good;
}

static enum level level_of(const struct sw_oci_call *call)
{
	if (g_str_equal(call->method, "GET") || g_str_equal(call->method, "HEAD"))
		return LEVEL_PULL;
	return g_str_equal(call->method, "DELETE") && g_str_has_prefix(call->path, "manifests/")
		       ? LEVEL_DELETE
		       : LEVEL_PUSH;
}

static gboolean try(struct sw_oci *oci, const struct sw_oci_call *call,
		    struct sw_http_response *response, GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new();
	g_autofree char *url = url_of(oci, call->path);
	struct sw_http_request request = {
		.method = call->method,
		.url = url,
		.headers = lines,
		.body = call->body,
		.sink = call->sink,
		.sink_data = call->sink_data,
		.deadline = call->deadline,
		.progress = call->progress,
		.progress_data = call->progress_data,
	};

	for (guint i = 0; call->headers != NULL && i < call->headers->len; i++)
		g_ptr_array_add(lines, call->headers->pdata[i]);
	if (oci->authorization != NULL &&
	    (oci->level < level_of(call) ||
	     (oci->expires != 0 && g_get_monotonic_time() > oci->expires)))
		set_authorization(oci, NULL, LEVEL_PULL, 0);
	if (oci->authorization != NULL && !call->any && sw_oci_is_own(oci, url))
		g_ptr_array_add(lines, oci->authorization);
	return sw_http_perform(oci->http, &request, response, cancellable, error);
}

static gboolean is_answer(const struct sw_oci_call *call, const struct sw_http_response *response)
{
	return response->status / 100 == 2 || (call->may_lead_on && response->status / 100 == 3);
}

static gboolean fail_call(const struct sw_oci *oci, int attempts, GError *inner, GError **error)
{
	gboolean of_origin = sw_error_is(inner, "unreachable") || sw_error_is(inner, "insecure");

	g_propagate_error(error, inner);
	if (sw_error_is(inner, "cancelled"))
		return FALSE;
	if (attempts > 1)
		sw_fail_prefix(error, SW_ERROR_STORAGE, ID, "%d times", attempts);
	return of_origin ? sw_fail_prefix(error, SW_ERROR_STORAGE, ID, "%s", oci->origin) : FALSE;
}

/* What came of one try. */
struct outcome {
	gboolean passes;  /* it may succeed a little later */
	gboolean renewed; /* there is a new login to try at once */
	gint64 after;	  /* seconds that the registry wants to be left alone */
};

/* One try, and the new login that a 401 asks for (MAY_RENEW). */
static gboolean try_and_renew(struct sw_oci *oci, const struct sw_oci_call *call,
			      gboolean may_renew, struct sw_http_response *response,
			      struct outcome *outcome, GCancellable *cancellable, GError **error)
{
	g_autoptr(GError) inner = NULL;

	*outcome = (struct outcome){ 0 };
	if (!try(oci, call, response, cancellable, &inner)) {
		outcome->passes = sw_error_is(inner, "unreachable");
		g_propagate_error(error, g_steal_pointer(&inner));
		return FALSE;
	}
	if (is_answer(call, response))
		return TRUE;
	outcome->after = sw_http_retry_after(response);
	if (response->status == 401 && may_renew && !call->any) {
		if (!authorize(oci, response, level_of(call), cancellable, &inner)) {
			outcome->passes =
				sw_error_is(inner, "unreachable") || sw_error_is(inner, "busy");
			g_propagate_error(error, g_steal_pointer(&inner));
			return FALSE;
		}
		outcome->renewed = oci->authorization != NULL;
	}
	return fail_answer(oci, response, &outcome->passes, error);
}

gboolean sw_oci_call(struct sw_oci *oci, const struct sw_oci_call *call,
		     struct sw_http_response *response, GCancellable *cancellable, GError **error)
{
	gboolean renewed = FALSE, unanswered = FALSE;

	if (oci->http == NULL)
		oci->http = sw_http_new(&oci->settings);
	for (int attempt = 1;; attempt++) {
		struct outcome outcome;
		GError *inner = NULL;
		gboolean good;

		sw_http_response_clear(response);
		good = try_and_renew(oci, call, !renewed, response, &outcome, cancellable, &inner);
		/* An error of a gateway on the way says nothing about what the registry did. */
		unanswered |= response->unanswered || response->status / 100 == 5;
		response->unanswered = unanswered;
		if (good)
			return TRUE;
		if (call->again != NULL)
			call->again(call->progress_data);
		renewed |= outcome.renewed;
		if (!outcome.renewed && (!outcome.passes || call->once || response->received > 0 ||
					 attempt >= oci->attempts))
			return fail_call(oci, attempt, inner, error);
		g_clear_error(&inner);
		if (!outcome.renewed &&
		    !sw_http_back_off(attempt, outcome.after, cancellable, error))
			return FALSE;
	}
}

gboolean sw_oci_call_plain(struct sw_oci *oci, const struct sw_oci_call *call,
			   GCancellable *cancellable, GError **error)
{
	struct sw_http_response response = { 0 };
	gboolean good = sw_oci_call(oci, call, &response, cancellable, error);

	sw_http_response_clear(&response);
	return good;
}
