/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/size.h"
#include "storage/s3/fault.h"
#include "storage/s3/profile.h"
#include "storage/s3/remote.h"
#include "storage/s3/upload.h"
#include "storage/s3/xml.h"

/* The pieces of the S3 backend that need no server. */

static void test_part_size(void)
{
	static const guint64 sizes[] = { SW_MIB,       SW_GIB,	      156 * SW_GIB,
					 157 * SW_GIB, 5120 * SW_GIB, SW_S3_OBJECT_MAX };

	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		guint64 part = sw_s3_part_size(sizes[i], 16 * SW_MIB);

		g_assert_cmpuint(part, >=, 16 * SW_MIB);
		g_assert_cmpuint(part, <=, SW_S3_PART_MAX);
		g_assert_cmpuint((sizes[i] + part - 1) / part, <=, SW_S3_PARTS_MAX);
	}
	g_assert_cmpuint(sw_s3_part_size(156 * SW_GIB, 16 * SW_MIB), ==, 16 * SW_MIB);
	g_assert_cmpuint(sw_s3_part_size(157 * SW_GIB, 16 * SW_MIB), ==, 17 * SW_MIB);
}

static void test_endpoint(void)
{
	static const char *const good[][4] = {
		{ "https://s3.example.com", "https", "s3.example.com", "" },
		{ "https://s3.example.com:443/", "https", "s3.example.com", "" },
		{ "http://127.0.0.1:9000/a/", "http", "127.0.0.1:9000", "/a" },
		{ "http://[::1]:80", "http", "[::1]", "" },
	};
	static const char *const bad[] = { "s3.example.com", "s3.example.com:9000", "ftp://a",
					   "https://u:p@a",  "https://a?b",	    "https://",
					   "file:///etc" };

	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		struct sw_s3 s3 = { 0 };

		g_assert_true(sw_s3_set_endpoint(&s3, good[i][0], NULL));
		g_assert_cmpstr(s3.scheme, ==, good[i][1]);
		g_assert_cmpstr(s3.host, ==, good[i][2]);
		g_assert_cmpstr(s3.base, ==, good[i][3]);
		sw_s3_clear(&s3);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct sw_s3 s3 = { 0 };
		g_autoptr(GError) error = NULL;

		g_assert_false(sw_s3_set_endpoint(&s3, bad[i], &error));
		g_assert_cmpstr(sw_error_id(error), ==, "bad-endpoint");
	}
}

static void check_url(gboolean path_style, const char *key, const char *wanted)
{
	struct sw_s3 s3 = { .bucket = g_strdup("bucket"), .path_style = path_style };
	g_autofree char *url = NULL;

	g_assert_true(sw_s3_set_endpoint(&s3, "https://h:1/b", NULL));
	url = sw_s3_url(&s3, key, NULL);
	g_assert_cmpstr(url, ==, wanted);
	sw_s3_clear(&s3);
}

static void test_url(void)
{
	check_url(TRUE, "a b/c%", "https://h:1/b/bucket/a%20b/c%25");
	check_url(TRUE, NULL, "https://h:1/b/bucket");
	check_url(FALSE, "a b/c%", "https://bucket.h:1/b/a%20b/c%25");
	check_url(FALSE, NULL, "https://bucket.h:1/b/");
}

struct answer {
	int status;
	const char *body;
	const char *id;
	const char *text;
	gboolean passes;
	gboolean renew;
};

static const struct answer answers[] = {
	{ 404, "", "no-key", "no such object", FALSE, FALSE },
	{ 412, "", "key-exists", "exists", FALSE, FALSE },
	{ 503, "", "busy", "overloaded", TRUE, FALSE },
	{ 502, "<html>Bad Gateway", "busy", "error of its own", TRUE, FALSE },
	{ 429, "", "busy", "overloaded", TRUE, FALSE },
	{ 501, "<Error><Code>NotImplemented</Code></Error>", "s3", "501 NotImplemented", FALSE,
	  FALSE },
	{ 403, "<Error><Code>InvalidAccessKeyId</Code></Error>", "credentials", "access key", FALSE,
	  FALSE },
	{ 403, "<Error><Code>SignatureDoesNotMatch</Code></Error>", "credentials", "secret key",
	  FALSE, FALSE },
	{ 400, "<Error><Code>ExpiredToken</Code></Error>", "credentials", "expired", FALSE, TRUE },
	{ 404, "<Error><Code>NoSuchBucket</Code></Error>", "no-bucket", "bucket", FALSE, FALSE },
	{ 400, "<Error><Code>BadDigest</Code></Error>", "corrupt", "arrived", TRUE, FALSE },
	{ 400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>",
	  "region", "region=eu-west-3", FALSE, FALSE },
	{ 400, "<Error><Code>Odd</Code><Message>a\x1b[0m\nb</Message></Error>", "s3", "400 Odd",
	  FALSE, FALSE },
};

static void test_faults(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		const struct answer *a = &answers[i];
		struct sw_http_response response = { .status = a->status };
		g_autoptr(GError) error = NULL;
		struct sw_s3_fault fault;

		response.headers = g_hash_table_new(g_str_hash, g_str_equal);
		response.body = g_string_new(a->body);
		sw_s3_fault(&response, "bucket", 0, &fault, &error);
		g_assert_cmpstr(sw_error_id(error), ==, a->id);
		g_assert_nonnull(strstr(error->message, a->text));
		g_assert_null(strpbrk(error->message, "\n\x1b"));
		g_assert_cmpint(fault.passes, ==, a->passes);
		g_assert_cmpint(fault.renew, ==, a->renew);
		sw_http_response_clear(&response);
	}
}

static void check_clock(const char *date, const char *text)
{
	struct sw_http_response response = { .status = 403 };
	g_autoptr(GError) error = NULL;
	struct sw_s3_fault fault;

	response.headers = g_hash_table_new(g_str_hash, g_str_equal);
	g_hash_table_insert(response.headers, (gpointer) "date", (gpointer)date);
	response.body = g_string_new("<Error><Code>RequestTimeTooSkewed</Code></Error>");
	sw_s3_fault(&response, "bucket", 1369353600, &fault, &error);
	g_assert_cmpstr(sw_error_id(error), ==, "clock");
	g_assert_nonnull(strstr(error->message, text));
	g_assert_false(fault.passes);
	sw_http_response_clear(&response);
}

static void test_clock(void)
{
	check_clock("Thu, 23 May 2013 23:40:00 GMT", "20 minutes ahead of");
	check_clock("Fri, 24 May 2013 01:00:00 GMT", "60 minutes behind");
	check_clock("yesterday", "clock is wrong");
}

static void test_xml(void)
{
	static const char good[] = "<?xml version='1.0'?><R xmlns='x'><K>a&amp;b</K><K>2</K></R>";
	static const char *const bad[] = { "", "x", "<a>", "<a></b>", "<a/><b/>", "<a>&x;</a>" };
	g_autoptr(SwXml) root = NULL;

	g_assert_true(sw_xml_parse(good, strlen(good), &root, NULL));
	g_assert_cmpstr(root->name, ==, "R");
	g_assert_cmpstr(sw_xml_text(root, "K"), ==, "a&b");
	g_assert_cmpuint(root->children->len, ==, 2);
	g_assert_null(sw_xml_text(root, "L"));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		struct sw_xml *none = NULL;

		g_assert_false(sw_xml_parse(bad[i], strlen(bad[i]), &none, &error));
		g_assert_cmpstr(sw_error_id(error), ==, "bad-answer");
	}
}

static void test_profile(void)
{
	static const char text[] = "[default]\nregion = one\n\n[profile  x ]\n# region=no\n"
				   "s3 =\n  region = nested\nRegion=two\r\n[xy]\nregion=three\n";
	static const char *const wanted[][2] = {
		{ "default", "one" }, { "profile x", "two" }, { "xy", "three" }, { "x", NULL }
	};

	for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
		g_autofree char *value = sw_s3_profile_get(text, wanted[i][0], "region");

		g_assert_cmpstr(value, ==, wanted[i][1]);
	}
}

static void test_record(void)
{
	static const char text[] =
		"slipway upload 1\nplace http://h b a b\nid I\npart-size 5\n"
		"parts 2\nchecksums 1\npart 2 \"e\" c=\npart 3 \"e\" -\npart 1 \"t";
	struct sw_s3_broken broken = { 0 };

	g_assert_true(sw_s3_broken_parse(text, &broken));
	g_assert_cmpstr(broken.place, ==, "http://h b a b");
	g_assert_cmpstr(broken.id, ==, "I");
	g_assert_true(broken.checksums);
	g_assert_cmpuint(broken.count, ==, 2);
	g_assert_null(broken.parts[0].etag);
	g_assert_cmpstr(broken.parts[1].etag, ==, "\"e\"");
	g_assert_cmpstr(broken.parts[1].checksum, ==, "c=");
	sw_s3_broken_clear(&broken);
	g_assert_false(sw_s3_broken_parse("slipway upload 1\nplace x\n", &broken));
	g_assert_false(sw_s3_broken_parse("", &broken));
}

static void test_keys(void)
{
	static const char text[] = "{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"S\", "
				   "\"Token\": \"T\", \"Expiration\": \"2013-05-24T00:00:00Z\"}";
	static const char *const bad[] = {
		"",	"[]",
		"{}",	"{\"AccessKeyId\": 1}",
		"\xff", "{\"AccessKeyId\": \"A\", \"SecretAccessKey\": {}}"
	};
	struct sw_s3_keys keys = { 0 };

	g_assert_true(sw_s3_remote_parse(text, strlen(text), &keys, NULL));
	g_assert_cmpstr(keys.access, ==, "A");
	g_assert_cmpstr(keys.secret, ==, "S");
	g_assert_cmpstr(keys.token, ==, "T");
	g_assert_cmpint(keys.expires, ==, 1369353600);
	sw_s3_keys_clear(&keys);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(sw_s3_remote_parse(bad[i], strlen(bad[i]), &keys, &error));
		g_assert_cmpstr(sw_error_id(error), ==, "credentials");
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/s3/part-size", test_part_size);
	g_test_add_func("/s3/endpoint", test_endpoint);
	g_test_add_func("/s3/url", test_url);
	g_test_add_func("/s3/faults", test_faults);
	g_test_add_func("/s3/clock", test_clock);
	g_test_add_func("/s3/xml", test_xml);
	g_test_add_func("/s3/profile", test_profile);
	g_test_add_func("/s3/record", test_record);
	g_test_add_func("/s3/keys", test_keys);
	return g_test_run();
}
