/* SPDX-License-Identifier: MIT */
#include "storage/s3/sign.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "core/text.h"
#include "storage/http/http.h"
#include "storage/s3/encode.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

void sw_s3_keys_clear(struct sw_s3_keys *keys)
{
	sw_text_wipe(&keys->access);
	sw_text_wipe(&keys->secret);
	sw_text_wipe(&keys->token);
	keys->expires = 0;
}

void sw_s3_keys_copy(const struct sw_s3_keys *from, struct sw_s3_keys *to)
{
	to->access = g_strdup(from->access);
	to->secret = g_strdup(from->secret);
	to->token = g_strdup(from->token);
	to->expires = from->expires;
}

struct digest {
	unsigned char bytes[SW_SHA256_HEX / 2];
};

static void hmac(const void *key, size_t length, const char *text, struct digest *ret)
{
	g_assert_nonnull(HMAC(EVP_sha256(), key, (int)length, (const unsigned char *)text,
			      strlen(text), ret->bytes, NULL));
}

/* "20130524T000000Z" */
static char *stamp_of(gint64 now)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(now);

	return g_date_time_format(time, "%Y%m%dT%H%M%SZ");
}

static char *scope_of(const struct sw_s3_signer *signer, const char *stamp)
{
	return g_strdup_printf("%.8s/%s/%s/aws4_request", stamp, signer->region, signer->service);
}

/* The signature of a canonical request, in hexadecimal. */
static char *signature(const struct sw_s3_signer *signer, const char *stamp, const char *canonical)
{
	g_autofree char *scope = scope_of(signer, stamp);
	g_autofree char *secret = g_strconcat("AWS4", signer->keys->secret, NULL);
	g_autofree char *day = g_strndup(stamp, 8);
	g_autofree char *text = NULL;
	char hash[SW_SHA256_SIZE], hex[SW_SHA256_SIZE];
	struct digest key;

	sw_sha256_data(canonical, strlen(canonical), hash);
	text = g_strdup_printf("%s\n%s\n%s\n%s", ALGORITHM, stamp, scope, hash);
	hmac(secret, strlen(secret), day, &key);
	hmac(key.bytes, sizeof key.bytes, signer->region, &key);
	hmac(key.bytes, sizeof key.bytes, signer->service, &key);
	hmac(key.bytes, sizeof key.bytes, "aws4_request", &key);
	hmac(key.bytes, sizeof key.bytes, text, &key);
	sw_digest_hex(key.bytes, hex);
	explicit_bzero(secret, strlen(secret));
	return g_strdup(hex);
}

static int compare_lines(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "name:value" of the lines, sorted; runs of blanks count as one. */
static GPtrArray *canonical_headers(const GPtrArray *headers, const char *host)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(lines, g_strdup_printf("host:%s", host));
	for (guint i = 0; headers != NULL && i < headers->len; i++) {
		const char *line = headers->pdata[i];
		size_t length = strcspn(line, ":");
		g_autofree char *name = g_ascii_strdown(line, (gssize)length);
		g_auto(GStrv) words = g_strsplit_set(line + length + 1, " \t", -1);
		GString *value = g_string_new(NULL);

		for (char **word = words; *word != NULL; word++)
			if (**word != '\0')
				g_string_append_printf(value, "%s%s", value->len == 0 ? "" : " ",
						       *word);
		g_ptr_array_add(lines, g_strdup_printf("%s:%s", name, value->str));
		g_string_free(value, TRUE);
	}
	g_ptr_array_sort(lines, compare_lines);
	return lines;
}

/* The canonical request; *RET_NAMES are the names of the headers in it. */
static char *canonical_request(const struct sw_s3_signed *request, char **ret_names)
{
	g_autoptr(GPtrArray) lines = canonical_headers(request->headers, request->host);
	g_autofree char *query = sw_s3_query_text(request->query);
	GString *text = g_string_new(request->method);
	GString *names = g_string_new(NULL);

	g_string_append_printf(text, "\n%s\n%s\n", request->path, query);
	for (guint i = 0; i < lines->len; i++) {
		const char *line = lines->pdata[i];

		g_string_append_printf(text, "%s\n", line);
		g_string_append_printf(names, "%s%.*s", i == 0 ? "" : ";", (int)strcspn(line, ":"),
				       line);
	}
	g_string_append_printf(text, "\n%s\n%s", names->str, request->payload);
	*ret_names = g_string_free(names, FALSE);
	return g_string_free(text, FALSE);
}

void sw_s3_sign(const struct sw_s3_signer *signer, const struct sw_s3_signed *request)
{
	g_autofree char *stamp = stamp_of(signer->now);
	g_autofree char *scope = scope_of(signer, stamp);
	g_autofree char *names = NULL;
	g_autofree char *canonical = NULL;
	g_autofree char *hex = NULL;
	g_autofree char *value = NULL;

	sw_http_header_add(request->headers, "X-Amz-Date", stamp);
	if (signer->keys->token != NULL)
		sw_http_header_add(request->headers, "X-Amz-Security-Token", signer->keys->token);
	canonical = canonical_request(request, &names);
	hex = signature(signer, stamp, canonical);
	value = g_strdup_printf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s", ALGORITHM,
				signer->keys->access, scope, names, hex);
	sw_http_header_add(request->headers, "Authorization", value);
}

char *sw_s3_presign(const struct sw_s3_signer *signer, const char *host, const char *path,
		    guint64 expires)
{
	g_autoptr(GPtrArray) query = sw_s3_query_new();
	struct sw_s3_signed request = { "GET", host, path, query, NULL, "UNSIGNED-PAYLOAD" };
	g_autofree char *stamp = stamp_of(signer->now);
	g_autofree char *scope = scope_of(signer, stamp);
	g_autofree char *credential = g_strdup_printf("%s/%s", signer->keys->access, scope);
	g_autofree char *seconds = g_strdup_printf("%" G_GUINT64_FORMAT, expires);
	g_autofree char *names = NULL;
	g_autofree char *canonical = NULL;
	g_autofree char *hex = NULL;
	g_autofree char *text = NULL;

	sw_s3_query_add(query, "X-Amz-Algorithm", ALGORITHM);
	sw_s3_query_add(query, "X-Amz-Credential", credential);
	sw_s3_query_add(query, "X-Amz-Date", stamp);
	sw_s3_query_add(query, "X-Amz-Expires", seconds);
	sw_s3_query_add(query, "X-Amz-SignedHeaders", "host");
	if (signer->keys->token != NULL)
		sw_s3_query_add(query, "X-Amz-Security-Token", signer->keys->token);
	canonical = canonical_request(&request, &names);
	hex = signature(signer, stamp, canonical);
	text = sw_s3_query_text(query);
	return g_strdup_printf("%s&X-Amz-Signature=%s", text, hex);
}
