/* SPDX-License-Identifier: MIT */
#include "storage/s3/fault.h"

#include <curl/curl.h>
#include <string.h>

#include "core/size.h"
#include "core/text.h"
#include "storage/s3/xml.h"

#define AFTER_MAX 30

/* What the codes of S3 mean to the one who must act. */
struct meaning {
	const char *code;
	const char *id;
	const char *remedy; /* NULL: the server's own message */
	gboolean passes;
	gboolean renew;
};

static const struct meaning meanings[] = {
	{ "NoSuchKey", "no-key", "there is no such object", FALSE, FALSE },
	{ "NoSuchBucket", "no-bucket", "there is no such bucket: make it, or correct its name",
	  FALSE, FALSE },
	{ "NoSuchUpload", "no-upload", "the upload is gone", FALSE, FALSE },
	{ "PreconditionFailed", "key-exists", "it exists already", FALSE, FALSE },
	{ "ConditionalRequestConflict", "key-exists", "another is writing it", FALSE, FALSE },
	{ "AccessDenied", "denied",
	  "the credentials do not allow it: see the bucket's and the user's policies", FALSE,
	  FALSE },
	{ "AllAccessDisabled", "denied", NULL, FALSE, FALSE },
	{ "InvalidAccessKeyId", "credentials", "the server does not know the access key", FALSE,
	  FALSE },
	{ "SignatureDoesNotMatch", "credentials",
	  "the secret key does not fit the access key (or a proxy changes requests)", FALSE,
	  FALSE },
	{ "ExpiredToken", "credentials", "the credentials have expired: get new ones", FALSE,
	  TRUE },
	{ "ExpiredTokenException", "credentials", "the identity's token has expired", FALSE,
	  FALSE },
	{ "TokenRefreshRequired", "credentials", "the credentials have expired: get new ones",
	  FALSE, TRUE },
	{ "InvalidToken", "credentials", "the session token does not fit the access key", FALSE,
	  TRUE },
	{ "EntityTooSmall", "s3", "the server wants larger parts: raise the option part-size",
	  FALSE, FALSE },
	{ "EntityTooLarge", "s3", "the server takes no object or part of that size", FALSE, FALSE },
	{ "QuotaExceeded", "full", "the quota of the user or the bucket is used up", FALSE, FALSE },
	{ "MethodNotAllowed", "s3", "the endpoint does not do that: is it an S3 server?", FALSE,
	  FALSE },
	{ "BadDigest", "corrupt", "what arrived is not what was sent", TRUE, FALSE },
	{ "XAmzContentSHA256Mismatch", "corrupt", "what arrived is not what was sent", TRUE,
	  FALSE },
	{ "XAmzContentChecksumMismatch", "corrupt", "what arrived is not what was sent", TRUE,
	  FALSE },
	{ "IncompleteBody", "corrupt", "not all that was sent arrived", TRUE, FALSE },
	{ "SlowDown", "busy", "the server is overloaded", TRUE, FALSE },
	{ "TooManyRequests", "busy", "the server is overloaded", TRUE, FALSE },
	{ "ServiceUnavailable", "busy", "the server is overloaded", TRUE, FALSE },
	{ "InternalError", "busy", "the server has an error of its own", TRUE, FALSE },
	{ "RequestTimeout", "busy", "the server waited too long for the request", TRUE, FALSE },
	{ "OperationAborted", "busy", "another operation is under way", TRUE, FALSE },
};

/* The code of an answer without a body (HEAD) by its status. */
static const char *code_of_status(int status)
{
	switch (status) {
	case 403:
		return "AccessDenied";
	case 404:
		return "NoSuchKey";
	case 405:
		return "MethodNotAllowed";
	case 408:
		return "RequestTimeout";
	case 412:
		return "PreconditionFailed";
	case 429:
	case 503:
		return "SlowDown";
	default:
		return status >= 500 ? "InternalError" : "";
	}
}

static gboolean fail_clock(const struct sw_http_response *response, gint64 now, GError **error)
{
	const char *date = sw_http_header(response, "date");
	gint64 theirs = date == NULL ? -1 : (gint64)curl_getdate(date, NULL);
	gint64 off = now - theirs;

	if (theirs < 0)
		return sw_fail(error, SW_ERROR_STORAGE, "clock",
			       "this machine's clock is wrong: set it");
	return sw_fail(error, SW_ERROR_STORAGE, "clock",
		       "this machine's clock is %" G_GINT64_FORMAT
		       " minutes %s the server's: set it",
		       (ABS(off) + 30) / 60, off > 0 ? "ahead of" : "behind");
}

static gboolean fail_region(const struct sw_http_response *response, const struct sw_xml *root,
			    const char *bucket, GError **error)
{
	const char *text = sw_http_header(response, "x-amz-bucket-region");
	g_autofree char *region = NULL;
	g_autofree char *endpoint = NULL;

	if (text == NULL && root != NULL)
		text = sw_xml_text(root, "Region");
	region = sw_text_excerpt(text);
	endpoint = sw_text_excerpt(root == NULL ? NULL : sw_xml_text(root, "Endpoint"));
	if (*region != '\0')
		return sw_fail(error, SW_ERROR_STORAGE, "region",
			       "the bucket %s is in the region %s: use the option region=%s",
			       bucket, region, region);
	return sw_fail(
		error, SW_ERROR_STORAGE, "region",
		"the bucket %s is in another region%s%s: use the options region and endpoint",
		bucket, *endpoint == '\0' ? "" : ", at ", endpoint);
}

static gboolean is_region(const struct sw_http_response *response, const char *code)
{
	return response->status / 100 == 3 || g_str_equal(code, "AuthorizationHeaderMalformed") ||
	       g_str_equal(code, "PermanentRedirect") || g_str_equal(code, "TemporaryRedirect") ||
	       g_str_equal(code, "IllegalLocationConstraintException");
}

static const struct meaning *meaning_of(const char *code)
{
	for (size_t i = 0; i < G_N_ELEMENTS(meanings); i++)
		if (g_str_equal(meanings[i].code, code))
			return &meanings[i];
	return NULL;
}

/* What the body of an answer says. */
struct told {
	struct sw_xml *root; /* NULL: nothing */
	const char *code;    /* "": none */
	char *message;	     /* fit for a line; "": none */
};

static void read_body(const struct sw_http_response *response, struct told *told)
{
	const struct sw_xml *element;

	*told = (struct told){ NULL, NULL, g_strdup("") };
	if (response->body->len > 0 &&
	    sw_xml_parse(response->body->str, response->body->len, &told->root, NULL)) {
		element = sw_xml_child(told->root, "Error");
		element = element == NULL ? told->root : element;
		told->code = sw_xml_text(element, "Code");
		g_free(told->message);
		told->message = sw_text_excerpt(sw_xml_text(element, "Message"));
	}
	if (told->code == NULL || *told->code == '\0')
		told->code = code_of_status(response->status);
}

static void clear_told(struct told *told)
{
	sw_xml_free(told->root);
	g_free(told->message);
}

static gboolean fail_meaning(const struct sw_http_response *response, const struct told *told,
			     const struct meaning *meaning, GError **error)
{
	g_autofree char *code = sw_text_excerpt(told->code);
	const char *blank = *code == '\0' ? "" : " ";

	if (meaning != NULL && meaning->remedy != NULL)
		return sw_fail(error, SW_ERROR_STORAGE, meaning->id, "%s (%d%s%s)", meaning->remedy,
			       response->status, blank, code);
	return sw_fail(error, SW_ERROR_STORAGE, meaning == NULL ? "s3" : meaning->id,
		       "the server answers %d%s%s%s%s", response->status, blank, code,
		       *told->message == '\0' ? "" : ": ", told->message);
}

void sw_s3_fault(const struct sw_http_response *response, const char *bucket, gint64 now,
		 struct sw_s3_fault *ret_fault, GError **error)
{
	const struct meaning *meaning;
	struct told told;

	read_body(response, &told);
	meaning = meaning_of(told.code);
	*ret_fault = (struct sw_s3_fault){ .after = sw_http_retry_after(response) };
	ret_fault->renew = meaning != NULL && meaning->renew;
	ret_fault->passes = (response->status / 100 == 5 && response->status != 501) ||
			    response->status == 429 || response->status == 408 ||
			    (meaning != NULL && meaning->passes);
	if (g_str_equal(told.code, "RequestTimeTooSkewed"))
		fail_clock(response, now, error);
	else if (is_region(response, told.code))
		fail_region(response, told.root, bucket, error);
	else
		fail_meaning(response, &told, meaning, error);
	clear_told(&told);
}

gboolean sw_s3_is_fault(const struct sw_http_response *response)
{
	g_autoptr(SwXml) root = NULL;

	return response->body->len > 0 && response->body->len < 65536 &&
	       strstr(response->body->str, "<Error") != NULL &&
	       sw_xml_parse(response->body->str, response->body->len, &root, NULL) &&
	       (g_str_equal(root->name, "Error") || g_str_equal(root->name, "ErrorResponse"));
}
