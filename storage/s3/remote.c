/* SPDX-License-Identifier: MIT */
#include "storage/s3/remote.h"

#include <string.h>

#include "core/file.h"
#include "core/json.h"
#include "storage/s3/encode.h"
#include "storage/s3/fault.h"
#include "storage/s3/xml.h"

#define ID "credentials"
#define TOKEN_MAX (64 * 1024)
#define INSTANCE "http://169.254.169.254"
#define CONTAINER "http://169.254.170.2"
#define SESSION "slipway"

static gint64 parse_time(const char *text)
{
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = text == NULL ? NULL : g_date_time_new_from_iso8601(text, utc);

	return time == NULL ? 0 : g_date_time_to_unix(time);
}

static gboolean finish(const char *access, const char *secret, const char *token,
		       const char *expires, struct sw_s3_keys *keys, GError **error)
{
	if (access == NULL || secret == NULL || *access == '\0' || *secret == '\0')
		return sw_fail(error, SW_ERROR_STORAGE, ID, "the answer holds no keys");
	*keys = (struct sw_s3_keys){ g_strdup(access), g_strdup(secret), g_strdup(token),
				     parse_time(expires) };
	return TRUE;
}

gboolean sw_s3_remote_parse(const char *text, size_t length, struct sw_s3_keys *keys,
			    GError **error)
{
	static const struct sw_json_subject subject = { "the answer", SW_ERROR_STORAGE, ID };
	const char *access = NULL, *secret = NULL, *token = NULL, *expires = NULL;
	g_autoptr(JsonNode) root = NULL;
	JsonObject *object;

	if (!sw_json_parse(text, length, &subject, &root, error))
		return FALSE;
	object = json_node_get_object(root);
	return sw_json_get_string(object, "AccessKeyId", FALSE, &subject, &access, error) &&
	       sw_json_get_string(object, "SecretAccessKey", FALSE, &subject, &secret, error) &&
	       sw_json_get_string(object, "Token", FALSE, &subject, &token, error) &&
	       sw_json_get_string(object, "Expiration", FALSE, &subject, &expires, error) &&
	       finish(access, secret, token, expires, keys, error);
}

/* A request that must succeed; its answer is handed out. */
static gboolean ask(const struct sw_http_settings *settings, const struct sw_http_request *request,
		    struct sw_http_response *response, GCancellable *cancellable, GError **error)
{
	g_autoptr(SwHttp) http = sw_http_new(settings);
	struct sw_s3_fault fault;

	if (!sw_http_perform(http, request, response, cancellable, error))
		return FALSE;
	if (response->status / 100 == 2)
		return TRUE;
	sw_s3_fault(response, "", g_get_real_time() / G_USEC_PER_SEC, &fault, error);
	return FALSE;
}

/* The answer to a GET of JSON, as keys. */
static gboolean ask_keys(const struct sw_http_settings *settings,
			 const struct sw_http_request *request, struct sw_s3_keys *keys,
			 GCancellable *cancellable, GError **error)
{
	struct sw_http_response response = { 0 };
	gboolean good = ask(settings, request, &response, cancellable, error) &&
			sw_s3_remote_parse(response.body->str, response.body->len, keys, error);

	sw_http_response_clear(&response);
	return good;
}

static gboolean read_token(const char *path, char **ret_token, GError **error)
{
	if (!sw_read_file(path, TOKEN_MAX, ret_token, NULL, SW_ERROR_STORAGE, ID, error))
		return FALSE;
	g_strstrip(*ret_token);
	return TRUE;
}

static char *sts_url(const struct sw_s3_origin *origin)
{
	const char *url = g_getenv("AWS_ENDPOINT_URL_STS");

	return url != NULL ? g_strdup(url)
			   : g_strdup_printf("https://sts.%s.amazonaws.com/", origin->region);
}

static gboolean take_role(const struct sw_http_response *response, struct sw_s3_keys *keys,
			  GError **error)
{
	g_autoptr(SwXml) root = NULL;
	const struct sw_xml *element;

	if (!sw_xml_parse(response->body->str, response->body->len, &root, error))
		return FALSE;
	element = sw_xml_child(root, "AssumeRoleWithWebIdentityResult");
	element = element == NULL ? NULL : sw_xml_child(element, "Credentials");
	if (element == NULL)
		return sw_fail(error, SW_ERROR_STORAGE, ID, "the answer holds no keys");
	return finish(sw_xml_text(element, "AccessKeyId"), sw_xml_text(element, "SecretAccessKey"),
		      sw_xml_text(element, "SessionToken"), sw_xml_text(element, "Expiration"),
		      keys, error);
}

gboolean sw_s3_remote_web_identity(const struct sw_s3_origin *origin, const char *role,
				   const char *file, struct sw_s3_keys *keys,
				   GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) headers = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) form = sw_s3_query_new();
	const char *session = g_getenv("AWS_ROLE_SESSION_NAME");
	struct sw_http_response response = { 0 };
	g_autofree char *url = sts_url(origin);
	struct sw_http_body body = { .fd = -1 };
	struct sw_http_request request = {
		.method = "POST", .url = url, .headers = headers, .body = &body
	};
	g_autofree char *token = NULL;
	g_autofree char *text = NULL;
	gboolean good;

	if (!read_token(file, &token, error))
		return FALSE;
	sw_s3_query_add(form, "Action", "AssumeRoleWithWebIdentity");
	sw_s3_query_add(form, "RoleArn", role);
	sw_s3_query_add(form, "RoleSessionName", session != NULL ? session : SESSION);
	sw_s3_query_add(form, "Version", "2011-06-15");
	sw_s3_query_add(form, "WebIdentityToken", token);
	text = sw_s3_query_text(form);
	body.data = text;
	body.length = strlen(text);
	sw_http_header_add(headers, "Content-Type", "application/x-www-form-urlencoded");
	good = ask(origin->http, &request, &response, cancellable, error) &&
	       take_role(&response, keys, error);
	sw_http_response_clear(&response);
	return good || sw_fail_prefix(error, SW_ERROR_STORAGE, ID, "the role %s by %s", role, url);
}

/* Keys are only asked for over TLS, of this machine, or of the addresses that AWS uses for it. */
static gboolean is_trusted(const char *url)
{
	static const char *const hosts[] = {
		"127.0.0.1",	  "::1",	  "localhost", "169.254.170.2",
		"169.254.170.23", "fd00:ec2::23", NULL
	};
	g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);

	if (uri == NULL || g_uri_get_host(uri) == NULL)
		return FALSE;
	return g_str_equal(g_uri_get_scheme(uri), "https") ||
	       g_strv_contains(hosts, g_uri_get_host(uri));
}

gboolean sw_s3_remote_container(const struct sw_s3_origin *origin, struct sw_s3_keys *keys,
				GCancellable *cancellable, GError **error)
{
	const char *relative = g_getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *file = g_getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	g_autofree char *url = relative != NULL
				       ? g_strconcat(CONTAINER, relative, NULL)
				       : g_strdup(g_getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
	g_autofree char *token = g_strdup(g_getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
	g_autoptr(GPtrArray) headers = g_ptr_array_new_with_free_func(g_free);
	struct sw_http_request request = { .method = "GET", .url = url, .headers = headers };
	struct sw_http_settings settings = *origin->http;

	settings.no_proxy = TRUE;
	if (!is_trusted(url))
		return sw_fail(error, SW_ERROR_STORAGE, ID,
			       "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor this "
			       "machine: %s",
			       url);
	if (file != NULL) {
		g_clear_pointer(&token, g_free);
		if (!read_token(file, &token, error))
			return FALSE;
	}
	if (token != NULL)
		sw_http_header_add(headers, "Authorization", token);
	return ask_keys(&settings, &request, keys, cancellable, error) ||
	       sw_fail_prefix(error, SW_ERROR_STORAGE, ID, "the container's credentials by %s",
			      url);
}

/* The text of an answer of the machine's endpoint, one line. */
static gboolean ask_line(const struct sw_http_settings *settings,
			 const struct sw_http_request *request, char **ret_line,
			 GCancellable *cancellable, GError **error)
{
	struct sw_http_response response = { 0 };
	gboolean good = ask(settings, request, &response, cancellable, error);

	if (good) {
		*ret_line = g_strndup(response.body->str, strcspn(response.body->str, "\r\n"));
		good = **ret_line != '\0' ||
		       sw_fail(error, SW_ERROR_STORAGE, ID, "%s says nothing", request->url);
	}
	sw_http_response_clear(&response);
	return good;
}

gboolean sw_s3_remote_instance(const struct sw_s3_origin *origin, struct sw_s3_keys *keys,
			       GCancellable *cancellable, GError **error)
{
	const char *named = g_getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	g_autofree char *base = g_strdup(named != NULL ? named : INSTANCE);
	g_autoptr(GPtrArray) headers = g_ptr_array_new_with_free_func(g_free);
	struct sw_http_settings settings = *origin->http;
	g_autofree char *token_url = NULL;
	g_autofree char *roles = NULL;
	g_autofree char *token = NULL;
	g_autofree char *role = NULL;
	g_autofree char *url = NULL;
	struct sw_http_body empty = { .data = "", .fd = -1 };
	struct sw_http_request request = { .method = "PUT", .headers = headers, .body = &empty };
	GString *path;

	settings.no_proxy = TRUE;
	settings.connect_timeout = 1;
	settings.stall_timeout = 2;
	if (g_str_has_suffix(base, "/"))
		base[strlen(base) - 1] = '\0';
	token_url = g_strconcat(base, "/latest/api/token", NULL);
	roles = g_strconcat(base, "/latest/meta-data/iam/security-credentials/", NULL);
	request.url = token_url;
	sw_http_header_add(headers, "X-aws-ec2-metadata-token-ttl-seconds", "21600");
	if (!ask_line(&settings, &request, &token, cancellable, error))
		return FALSE;
	g_ptr_array_set_size(headers, 0);
	sw_http_header_add(headers, "X-aws-ec2-metadata-token", token);
	request.method = "GET";
	request.body = NULL;
	request.url = roles;
	if (!ask_line(&settings, &request, &role, cancellable, error))
		return FALSE;
	path = g_string_new(roles);
	sw_s3_encode(path, role, FALSE);
	url = g_string_free(path, FALSE);
	request.url = url;
	return ask_keys(&settings, &request, keys, cancellable, error);
}
