/* SPDX-License-Identifier: MIT */
#include "store/uri.h"

#include <string.h>

static void test_good(void)
{
	static const struct {
		const char *text, *storage, *location;
	} good[] = {
		{ "/srv/images", "local", "/srv/images" },
		{ "relative/100%", "local", "relative/100%" },
		{ "a/b://c?d=e#f", "local", "a/b://c?d=e#f" },
		{ "./s3:/bucket", "local", "./s3:/bucket" },
		{ "s3/x:y", "local", "s3/x:y" },
		{ "file:///srv/a%20b", "local", "/srv/a b" },
		{ "FILE://localhost/x", "local", "/x" },
		{ "pvc://claim", "pvc", "claim" },
		{ "pvc://claim/a/%C3%A4?root=%2Fmnt", "pvc", "claim/a/\xc3\xa4" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autoptr(SwStoreUri) uri = NULL;
		g_autoptr(GError) error = NULL;

		g_assert_true(sw_store_uri_parse(good[i].text, &uri, &error));
		g_assert_no_error(error);
		g_assert_cmpstr(uri->storage->name, ==, good[i].storage);
		g_assert_cmpstr(uri->location, ==, good[i].location);
		g_assert_cmpstr(uri->text, ==, good[i].text);
	}
}

static void test_options(void)
{
	g_autoptr(SwStoreUri) uri = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_store_uri_parse("pvc://c/p?root=/a%26b+c&kubevirt=true", &uri, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(g_hash_table_size(uri->options), ==, 2);
	g_assert_cmpstr(g_hash_table_lookup(uri->options, "root"), ==, "/a&b+c");
	g_assert_cmpstr(g_hash_table_lookup(uri->options, "kubevirt"), ==, "true");
}

static void test_bad(void)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "", "neither" },
		{ "a\nb", "neither" },
		{ "\xff", "neither" },
		{ "s3:/bucket", "write s3://" },
		{ "pvc:claim", "./pvc:claim" },
		{ "pvs://claim", "did you mean pvc://?" },
		{ "gopher://x", "write a path" },
		{ "file://host/x", "file:///PATH" },
		{ "file://", "names no place" },
		{ "pvc://", "names no place" },
		{ "pvc:///claim", "names no place" },
		{ "pvc://claim/../x", "\"..\"" },
		{ "pvc://claim/%2e%2e/x", "\"..\"" },
		{ "pvc://claim/%2F..%2Fx", "\"..\"" },
		{ "pvc://claim/%00", "not well-formed" },
		{ "pvc://claim/%0a", "not well-formed" },
		{ "pvc://claim/%ff", "not well-formed" },
		{ "pvc://claim/%zz", "not well-formed" },
		{ "pvc://claim#x", "%23" },
		{ "pvc://claim?rot=x", "did you mean \"root\"" },
		{ "pvc://claim?root", "bad query" },
		{ "pvc://claim?root=/a&root=/b", "twice" },
		{ "pvc://claim?kubevirt=maybe", "kubevirt" },
		{ "pvc://claim?", "bad query" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(SwStoreUri) uri = NULL;
		g_autoptr(GError) error = NULL;

		g_assert_false(sw_store_uri_parse(bad[i].text, &uri, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
		if (strstr(error->message, bad[i].says) == NULL)
			g_error("%s: %s", bad[i].text, error->message);
	}
}

static void test_secrets(void)
{
	static const char *const texts[] = { "pvc://user:hunter2@claim/x", "pvc://hunter2@claim",
					     "file://u:hunter2@localhost/x" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(SwStoreUri) uri = NULL;
		g_autoptr(GError) error = NULL;

		g_assert_false(sw_store_uri_parse(texts[i], &uri, &error));
		g_assert_cmpstr(sw_error_id(error), ==, "secret-in-uri");
		g_assert_null(strstr(error->message, "hunter2"));
	}
}

static void test_flag_options(void)
{
	static const char *const bad[] = { "pvc.rot=/x", "pvc.root", "pvc=root", "nfs.root=/x",
					   "pvc.=/x" };
	g_autofree char *canonical = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_store_check_option("pvc.root=/a=b", &canonical, &error));
	g_assert_cmpstr(canonical, ==, "pvc.root=/a=b");
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *none = NULL;

		g_assert_false(sw_store_check_option(bad[i], &none, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
		g_clear_error(&error);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/uri/good", test_good);
	g_test_add_func("/uri/options", test_options);
	g_test_add_func("/uri/bad", test_bad);
	g_test_add_func("/uri/secrets", test_secrets);
	g_test_add_func("/uri/flag-options", test_flag_options);
	return g_test_run();
}
