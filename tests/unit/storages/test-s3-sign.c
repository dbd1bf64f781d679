/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "storage/http/http.h"
#include "storage/s3/encode.h"
#include "storage/s3/sign.h"

/* The examples of AWS's documentation, their signatures word for word. */

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HOST "examplebucket.s3.amazonaws.com"

static struct sw_s3_keys keys = { (char *)"AKIAIOSFODNN7EXAMPLE",
				  (char *)"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL, 0 };
/* 2013-05-24T00:00:00Z */
static const struct sw_s3_signer signer = { &keys, "us-east-1", "s3", 1369353600 };

struct example {
	const char *method;
	const char *path;
	const char *query[3]; /* name, value */
	const char *headers[4];
	const char *payload;
	const char *names;
	const char *signature;
};

static const struct example examples[] = {
	{ "GET",
	  "/test.txt",
	  { NULL },
	  { "Range: bytes=0-9", "x-amz-content-sha256: " EMPTY },
	  EMPTY,
	  "host;range;x-amz-content-sha256;x-amz-date",
	  "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
	{ "PUT",
	  "/test%24file.text",
	  { NULL },
	  { "Date: Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class:  REDUCED_REDUNDANCY ",
	    "x-amz-content-sha256: "
	    "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072" },
	  "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
	  "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
	  "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
	{ "GET",
	  "/",
	  { "lifecycle", "" },
	  { "x-amz-content-sha256: " EMPTY },
	  EMPTY,
	  "host;x-amz-content-sha256;x-amz-date",
	  "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
};

static void test_examples(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(examples); i++) {
		const struct example *e = &examples[i];
		g_autoptr(GPtrArray) headers = g_ptr_array_new_with_free_func(g_free);
		g_autoptr(GPtrArray) query = sw_s3_query_new();
		struct sw_s3_signed request = {
			e->method, HOST, e->path, query, headers, e->payload
		};
		g_autofree char *wanted = NULL;

		if (e->query[0] != NULL)
			sw_s3_query_add(query, e->query[0], e->query[1]);
		for (size_t j = 0; j < G_N_ELEMENTS(e->headers) && e->headers[j] != NULL; j++)
			g_ptr_array_add(headers, g_strdup(e->headers[j]));
		sw_s3_sign(&signer, &request);
		wanted = g_strdup_printf("Authorization: AWS4-HMAC-SHA256 Credential="
					 "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
					 "SignedHeaders=%s, Signature=%s",
					 e->names, e->signature);
		g_assert_cmpstr(headers->pdata[headers->len - 1], ==, wanted);
	}
}

/* "max-keys" and "prefix" are given in the wrong order. */
static void test_list(void)
{
	g_autoptr(GPtrArray) headers = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) query = sw_s3_query_new();
	struct sw_s3_signed request = { "GET", HOST, "/", query, headers, EMPTY };

	sw_s3_query_add(query, "prefix", "J");
	sw_s3_query_add(query, "max-keys", "2");
	sw_http_header_add(headers, "X-Amz-Content-Sha256", EMPTY);
	sw_s3_sign(&signer, &request);
	g_assert_true(g_str_has_suffix(
		headers->pdata[headers->len - 1],
		"Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

static void test_presign(void)
{
	g_autofree char *query = sw_s3_presign(&signer, HOST, "/test.txt", 86400);

	g_assert_cmpstr(
		query, ==,
		"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
		"%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
		"&X-Amz-SignedHeaders=host&X-Amz-Signature="
		"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

/* The general suite of Signature Version 4: a service that is not S3. */
static void test_vanilla(void)
{
	static struct sw_s3_keys suite = { (char *)"AKIDEXAMPLE",
					   (char *)"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL,
					   0 };
	/* 2015-08-30T12:36:00Z */
	const struct sw_s3_signer other = { &suite, "us-east-1", "service", 1440938160 };
	g_autoptr(GPtrArray) headers = g_ptr_array_new_with_free_func(g_free);
	struct sw_s3_signed request = { "GET", "example.amazonaws.com", "/", NULL, headers, EMPTY };

	sw_s3_sign(&other, &request);
	g_assert_true(g_str_has_suffix(
		headers->pdata[headers->len - 1],
		"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"));
}

static void test_token(void)
{
	struct sw_s3_keys session = { keys.access, keys.secret, (char *)"to/ken==", 0 };
	const struct sw_s3_signer with = { &session, "us-east-1", "s3", 1369353600 };
	g_autoptr(GPtrArray) headers = g_ptr_array_new_with_free_func(g_free);
	struct sw_s3_signed request = { "GET", HOST, "/", NULL, headers, EMPTY };
	g_autofree char *query = sw_s3_presign(&with, HOST, "/", 60);

	sw_s3_sign(&with, &request);
	g_assert_nonnull(strstr(headers->pdata[headers->len - 1],
				"SignedHeaders=host;x-amz-date;x-amz-security-token,"));
	g_assert_nonnull(strstr(query, "&X-Amz-Security-Token=to%2Fken%3D%3D&"));
}

static void test_encode(void)
{
	static const char *const texts[][2] = {
		{ "a b", "a%20b" },
		{ "100%+&=?#/x", "100%25%2B%26%3D%3F%23/x" },
		{ "\xc3\xa4/~-._", "%C3%A4/~-._" },
		{ "!'()*:@,;$", "%21%27%28%29%2A%3A%40%2C%3B%24" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		GString *text = g_string_new(NULL);
		g_autofree char *decoded = sw_s3_decode(texts[i][1]);

		sw_s3_encode(text, texts[i][0], TRUE);
		g_assert_cmpstr(text->str, ==, texts[i][1]);
		g_assert_cmpstr(decoded, ==, texts[i][0]);
		g_string_free(text, TRUE);
	}
	g_assert_null(sw_s3_decode("a%zz"));
}

/* A name that begins another one comes before it, whatever follows. */
static void test_query_order(void)
{
	g_autoptr(GPtrArray) query = sw_s3_query_new();
	g_autofree char *text = NULL;

	sw_s3_query_add(query, "part-b", "1");
	sw_s3_query_add(query, "part", "2");
	sw_s3_query_add(query, "B", "");
	text = sw_s3_query_text(query);
	g_assert_cmpstr(text, ==, "B=&part=2&part-b=1");
}

static void test_header(void)
{
	g_autoptr(GPtrArray) headers = g_ptr_array_new_with_free_func(g_free);

	sw_http_header_add(headers, "X", " a\r\nInjected: b ");
	g_assert_cmpstr(headers->pdata[0], ==, "X: a  Injected: b");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/s3/sign/examples", test_examples);
	g_test_add_func("/s3/sign/list", test_list);
	g_test_add_func("/s3/sign/presign", test_presign);
	g_test_add_func("/s3/sign/vanilla", test_vanilla);
	g_test_add_func("/s3/sign/token", test_token);
	g_test_add_func("/s3/sign/encode", test_encode);
	g_test_add_func("/s3/sign/query-order", test_query_order);
	g_test_add_func("/s3/sign/header", test_header);
	return g_test_run();
}
