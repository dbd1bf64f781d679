/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/size.h"
#include "storage/oci/client.h"
#include "storage/oci/name.h"

/* The pieces of the OCI backend that need no registry. */

static void test_name(void)
{
	static const char *const good[][5] = {
		{ "quay.io/org/edge", "quay.io", "org/edge", "", NULL },
		{ "quay.io/org/edge:1.0", "quay.io", "org/edge", "1.0/", "1.0" },
		{ "[::1]:5000/a", "[::1]:5000", "a", "", NULL },
		{ "h:5000/a__b/c.d-e:x/y z", "h:5000", "a__b/c.d-e", "x/y z/", NULL },
		{ "localhost/a:my tag/", "localhost", "a", "my tag/", NULL },
	};
	static const char *const bad[] = {
		"",	      "quay.io", "quay.io/", "quay.io/A", "quay.io/a//b", "h/a:",
		"h/a:../b",   "h:x/a",	 "h/a___b",  "h/a_/b",	  "a@b/c",	  "h/-a",
		"h:999999/a", "h\n/a",	 "h/a:b\nc", "[zz]/a"
	};

	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		struct sw_oci_name name = { 0 };
		g_autoptr(GError) error = NULL;

		g_assert_true(sw_oci_name_parse(good[i][0], &name, &error));
		g_assert_cmpstr(name.registry, ==, good[i][1]);
		g_assert_cmpstr(name.repository, ==, good[i][2]);
		g_assert_cmpstr(name.prefix, ==, good[i][3]);
		g_assert_cmpstr(name.tag, ==, good[i][4]);
		sw_oci_name_clear(&name);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct sw_oci_name name = { 0 };
		g_autoptr(GError) error = NULL;

		g_assert_false(sw_oci_name_parse(bad[i], &name, &error));
		g_assert_nonnull(error);
	}
}

/* Each key has a tag of its own, and comes back from it. */
static void test_tag(void)
{
	static const char *const pairs[][2] = {
		{ "1.0", "1.0" },
		{ "edge/1/x86_64/disk.raw", "edge__1__x86_5f64__disk.raw" },
		{ "-n", "_2dn" },
		{ "...", "_2e.." },
		{ "a b%\xc3\xa4", "a_20b_25_c3_a4" },
		{ "a_/b", "a_5f__b" },
		{ "a/_b", "a___5fb" },
		{ "SHA256SUMS", "SHA256SUMS" },
	};
	static const char *const none[] = { "_",   "_2",  "_2D", "a_5", "a__",
					    "__a", "_61", "_00", "_kx", "a____b" };
	g_autofree char *longest = g_strnfill(500, 'a');
	g_autofree char *tag = sw_oci_tag_of(longest);

	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		g_autofree char *its = sw_oci_tag_of(pairs[i][0]);
		g_autofree char *back = sw_oci_key_of(pairs[i][1]);

		g_assert_cmpstr(its, ==, pairs[i][1]);
		g_assert_cmpstr(back, ==, pairs[i][0]);
		g_assert_true(sw_oci_tag_valid(its));
	}
	for (size_t i = 0; i < G_N_ELEMENTS(none); i++)
		g_assert_null(sw_oci_key_of(none[i]));
	g_assert_true(sw_oci_tag_is_hash(tag) && sw_oci_tag_valid(tag));
	g_assert_null(sw_oci_key_of(tag));
}

static void check_login(const char *text, const char *repository, const char *user)
{
	struct sw_oci_login login = { 0 };
	g_autoptr(GError) error = NULL;

	g_assert_true(
		sw_oci_login_parse(text, strlen(text), "quay.io", repository, &login, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(login.user, ==, user);
	if (user != NULL)
		g_assert_cmpstr(login.password, ==, "pass:word");
	sw_oci_login_clear(&login);
}

/* The entry that says most of the repository wins. */
static void test_login(void)
{
	/* "host:", "org:", "repo:" and "pass:word" */
	static const char text[] = "{\"auths\": {\"quay.io\": {\"auth\": \"aG9zdDpwYXNzOndvcmQ=\"},"
				   "\"quay.io/org\": {\"auth\": \"b3JnOnBhc3M6d29yZA==\"},"
				   "\"quay.io/org/edge\": {\"auth\": \"cmVwbzpwYXNzOndvcmQ=\"},"
				   "\"other.io\": {\"auth\": \"!\"}}, \"credsStore\": \"x\"}";
	static const char docker[] =
		"{\"auths\": {\"https://quay.io/v1/\": {\"auth\": \"aG9zdDpwYXNzOndvcmQ=\"}}}";
	static const char *const bad[] = { "",
					   "[]",
					   "{\"auths\": 1}",
					   "{\"auths\": {\"quay.io\": {\"auth\": \"aG9zdA==\"}}}",
					   "{\"auths\": {\"quay.io\": {\"auth\": 1}}}",
					   "{\"auths\": {\"quay.io\": 1}}" };

	check_login(text, "org/edge", "repo");
	check_login(text, "org/edge2", "org");
	check_login(text, "organ", "host");
	check_login(docker, "a", "host");
	check_login("{}", "a", NULL);
	check_login("{\"auths\": {\"quay.io\": {}}}", "a", NULL);
	check_login("{\"auths\": {\"quay.io.evil\": {\"auth\": \"aG9zdDpwYXNzOndvcmQ=\"}}}", "a",
		    NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct sw_oci_login login = { 0 };
		g_autoptr(GError) error = NULL;

		g_assert_false(
			sw_oci_login_parse(bad[i], strlen(bad[i]), "quay.io", "a", &login, &error));
		g_assert_cmpstr(sw_error_id(error), ==, "authfile");
		g_assert_null(strstr(error->message, "aG9zdA"));
	}
}

static void test_challenge(void)
{
	static const struct {
		const char *line;
		gboolean good, basic;
		const char *realm, *service;
	} rows[] = {
		{ "Basic realm=\"x\"", TRUE, TRUE, NULL, NULL },
		{ "basic", TRUE, TRUE, NULL, NULL },
		{ "Bearer realm=\"https://a/b\",service=\"s, \\\"t\",scope=\"x\"", TRUE, FALSE,
		  "https://a/b", "s, \"t" },
		{ "bearer  realm=https://a , service=s", TRUE, FALSE, "https://a", "s" },
		{ "Bearer service=\"s\"", FALSE, FALSE, NULL, NULL },
		{ "Bearer", FALSE, FALSE, NULL, NULL },
		{ "Bearer realm", FALSE, FALSE, NULL, NULL },
		{ "Negotiate", FALSE, FALSE, NULL, NULL },
		{ "", FALSE, FALSE, NULL, NULL },
		{ "Bearer realm=\"https://a", TRUE, FALSE, "https://a", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct sw_oci_challenge challenge = { 0 };

		g_assert_true(sw_oci_challenge_parse(rows[i].line, &challenge) == rows[i].good);
		g_assert_true(challenge.basic == rows[i].basic);
		g_assert_cmpstr(challenge.realm, ==, rows[i].realm);
		g_assert_cmpstr(challenge.service, ==, rows[i].service);
		sw_oci_challenge_clear(&challenge);
	}
}

static void test_token(void)
{
	static const char *const bad[] = { "",
					   "{}",
					   "{\"token\": 1}",
					   "{\"token\": \"\"}",
					   "{\"token\": \"a\\nb\"}",
					   "{\"token\": \"a b\"}" };
	static const char good[] = "{\"access_token\": \"abc\", \"expires_in\": 300}";
	g_autofree char *token = NULL;
	guint64 seconds = 0;

	g_assert_true(sw_oci_token_parse(good, strlen(good), &token, &seconds, NULL));
	g_assert_cmpstr(token, ==, "abc");
	g_assert_cmpuint(seconds, ==, 300);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(
			sw_oci_token_parse(bad[i], strlen(bad[i]), &token, &seconds, &error));
		g_assert_cmpstr(sw_error_id(error), ==, "bad-answer");
	}
}

/* Nobody may lead us from TLS to where there is none, or hide a login in a URL. */
static void test_resolve(void)
{
	struct sw_oci oci = { .origin = (char *)"https://quay.io", .repository = (char *)"a/b" };
	static const char *const rows[][2] = {
		{ "/v2/x?y=%2F", "https://quay.io/v2/x?y=%2F" },
		{ "https://quay.io/z", "https://quay.io/z" },
		{ "https://cdn.example/z", "https://cdn.example/z" },
		{ "?last=1", "https://quay.io/v2/a/b/tags/list?last=1" },
		{ "http://quay.io/z", NULL },
		{ "file:///etc/passwd", NULL },
		{ "https://me:secret@quay.io/", NULL },
		{ "https://", NULL },
		{ "\xc3\xa4", NULL },
		{ NULL, NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *url = sw_oci_resolve(&oci, "tags/list", rows[i][0], &error);

		g_assert_cmpstr(url, ==, rows[i][1]);
		g_assert_true((url == NULL) == (error != NULL));
	}
	g_assert_true(sw_oci_is_own(&oci, "https://quay.io/v2/"));
	g_assert_false(sw_oci_is_own(&oci, "https://quay.io.evil/v2/"));
	g_assert_false(sw_oci_is_own(&oci, "https://cdn.example/"));
	oci.plain = TRUE;
	g_free(sw_oci_resolve(&oci, "/", "http://quay.io/z", NULL));
}

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define LAYER "{\"mediaType\": \"a/b\", \"digest\": \"" DIGEST "\", \"size\": 5000"

static void check_manifest(const char *text, const char *id)
{
	struct sw_oci_file file = { 0 };
	g_autoptr(GError) error = NULL;

	g_assert_false(sw_oci_file_parse(text, strlen(text), &file, NULL, &error));
	g_assert_cmpstr(sw_error_id(error), ==, id);
}

static void test_manifest(void)
{
	static const char good[] =
		"{\"layers\": [" LAYER ", \"annotations\": {\"io.slipway.file.offset\": \"1024\", "
		"\"io.slipway.file.size\": \"3976\", \"io.slipway.file.sha256\": "
		"\"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"}}], "
		"\"annotations\": {\"io.slipway.key\": \"a/b\", "
		"\"org.opencontainers.image.created\": \"1970-01-02T00:00:00Z\"}}";
	struct sw_oci_file file = { 0 };
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_oci_file_parse(good, strlen(good), &file, NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(file.key, ==, "a/b");
	g_assert_cmpuint(file.blob.size, ==, 5000);
	g_assert_cmpuint(file.offset, ==, 1024);
	g_assert_cmpuint(file.stored.size, ==, 3976);
	g_assert_cmpint(file.stored.modified, ==, 86400);
	g_assert_true(g_str_has_prefix(file.stored.sha256, "44136fa3"));
	sw_oci_file_clear(&file);
	check_manifest("", "bad-manifest");
	check_manifest("[]", "bad-manifest");
	check_manifest("{}", "no-file");
	check_manifest("{\"layers\": []}", "no-file");
	check_manifest("{\"layers\": [" LAYER "}," LAYER "}]}", "no-file");
	check_manifest("{\"layers\": [1]}", "bad-manifest");
	check_manifest("{\"layers\": [{\"mediaType\": \"a/b\", \"digest\": \"sha256:../..\", "
		       "\"size\": 1}]}",
		       "bad-manifest");
	check_manifest("{\"layers\": [{\"mediaType\": \"a/b\", \"digest\": \"" DIGEST
		       "\", \"size\": -1}]}",
		       "bad-manifest");
	check_manifest("{\"layers\": [" LAYER
		       ", \"annotations\": {\"io.slipway.file.offset\": \"5001\", "
		       "\"io.slipway.file.size\": \"0\", \"io.slipway.file.sha256\": \"0\"}}]}",
		       "bad-manifest");
	check_manifest("{\"subject\": {}, \"layers\": [" LAYER "}]}", "bad-manifest");
}

/* A second name says another key, and is no referrer. */
static void test_rename(void)
{
	static const char text[] = "{\"subject\": " LAYER "}, \"layers\": [" LAYER "}]}";
	struct sw_oci_file file = { 0 };
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *renamed = NULL;

	g_assert_true(sw_oci_file_parse(text, strlen(text), &file, &root, NULL));
	g_assert_cmpstr(file.subject.digest, ==, DIGEST);
	g_assert_null(file.key);
	sw_oci_file_clear(&file);
	renamed = sw_oci_manifest_rename(root, "x/y", "1970-01-01T00:00:00Z");
	g_assert_true(sw_oci_file_parse(renamed, strlen(renamed), &file, NULL, NULL));
	g_assert_cmpstr(file.key, ==, "x/y");
	g_assert_cmpstr(file.subject.digest, ==, "");
	g_assert_nonnull(strstr(renamed, "\"y\""));
	sw_oci_file_clear(&file);
}

static void test_referrers(void)
{
	struct sw_oci_descriptor added = { (char *)"a/b", DIGEST, 7 };
	g_autofree char *first = NULL;
	g_autofree char *second = NULL;
	guint count = 0;

	first = sw_oci_referrers_change(NULL, 0, DIGEST, &added, "x/y", &count, NULL);
	g_assert_cmpuint(count, ==, 1);
	g_assert_nonnull(strstr(first, SW_OCI_INDEX));
	/* The same again is there once. */
	second = sw_oci_referrers_change(first, strlen(first), DIGEST, &added, "x/y", &count, NULL);
	g_assert_cmpuint(count, ==, 1);
	g_assert_cmpstr(first, ==, second);
	g_free(sw_oci_referrers_change(second, strlen(second), DIGEST, NULL, NULL, &count, NULL));
	g_assert_cmpuint(count, ==, 0);
	g_assert_null(sw_oci_referrers_change("{}", 2, DIGEST, NULL, NULL, &count, NULL));
	g_assert_null(sw_oci_referrers_change("{\"manifests\": [1]}", 18, DIGEST, NULL, NULL,
					      &count, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oci/name", test_name);
	g_test_add_func("/oci/tag", test_tag);
	g_test_add_func("/oci/login", test_login);
	g_test_add_func("/oci/challenge", test_challenge);
	g_test_add_func("/oci/token", test_token);
	g_test_add_func("/oci/resolve", test_resolve);
	g_test_add_func("/oci/manifest", test_manifest);
	g_test_add_func("/oci/rename", test_rename);
	g_test_add_func("/oci/referrers", test_referrers);
	return g_test_run();
}
