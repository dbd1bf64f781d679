/* SPDX-License-Identifier: MIT */
#include "store/records.h"

#include <string.h>

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_sums(void)
{
	static const char text[] = SUM "  disk.raw\n" SUM " *image/disk.raw.bmap\n\n";
	g_autoptr(GPtrArray) sums = NULL;
	const struct sw_sum *sum;

	g_assert_true(sw_sums_parse(text, "edge/1/SHA256SUMS", &sums, NULL));
	g_assert_cmpuint(sums->len, ==, 2);
	sum = sums->pdata[0];
	g_assert_cmpstr(sum->key, ==, "edge/1/disk.raw");
	g_assert_cmpstr(sum->sha256, ==, SUM);
	sum = sums->pdata[1];
	g_assert_cmpstr(sum->key, ==, "edge/1/image/disk.raw.bmap");
}

static void test_bad_sums(void)
{
	static const char *const bad[] = {
		"x\n",
		SUM,
		SUM "  \n",
		SUM " x\n",
		SUM "  ../disk.raw\n",
		SUM "  /etc/passwd\n",
		"0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef  x\n",
		SUM "  good\nx\n",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GPtrArray) sums = NULL;
		g_autoptr(GError) error = NULL;

		g_assert_false(sw_sums_parse(bad[i], "a/SHA256SUMS", &sums, &error));
		g_assert_cmpstr(sw_error_id(error), ==, "bad-record");
		g_assert_null(sums);
	}
}

#define PUBLICATION                                                                       \
	"\"publication\": {\"name\": \"edge\", \"version\": \"1\", \"arch\": \"amd64\", " \
	"\"time\": \"2026-01-02T03:04:05Z\"}}"

static void test_published(void)
{
	g_autoptr(SwPublished) published = NULL;

	g_assert_true(sw_published_parse("{\"tool\": {\"name\": \"slipway\"}, " PUBLICATION,
					 &published, NULL));
	g_assert_nonnull(published);
	g_assert_cmpstr(published->name, ==, "edge");
	g_assert_cmpstr(published->version, ==, "1");
	g_assert_cmpstr(published->arch, ==, "amd64");
	g_assert_cmpstr(published->tag, ==, NULL);
	g_assert_cmpint(published->time, ==, 1767323045);
}

/* What slipway did not write is nobody's to prune. */
static void test_of_others(void)
{
	static const char *const others[] = {
		"{}",
		"{\"tool\": {\"name\": \"another\"}, " PUBLICATION,
		"{\"tool\": {\"name\": \"slipway\"}}",
		"{\"tool\": {\"name\": \"slipway\"}, \"publication\": {\"name\": \"edge\"}}",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		g_autoptr(SwPublished) published = NULL;
		g_autoptr(GError) error = NULL;

		g_assert_true(sw_published_parse(others[i], &published, &error));
		g_assert_no_error(error);
		g_assert_null(published);
	}
}

static void check_bad_manifest(const char *text)
{
	g_autoptr(SwPublished) published = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_false(sw_published_parse(text, &published, &error));
	g_assert_cmpstr(sw_error_id(error), ==, "bad-record");
	g_assert_null(published);
}

/* Anybody may write to a place; depth must not cost the stack. */
static void test_hostile(void)
{
	g_autofree char *deep = g_strnfill(4 * 1024 * 1024, '[');

	check_bad_manifest("");
	check_bad_manifest("[]");
	check_bad_manifest("{\"tool\": 1}");
	check_bad_manifest("{\"tool\": {\"name\": \"slipway\"}, \"publication\": {\"name\": {}}}");
	check_bad_manifest(deep);
}

static void test_record_of(void)
{
	g_autofree char *one = sw_record_of("a/b/manifest.json", SW_RECORD_MANIFEST);
	g_autofree char *flat = sw_record_of("a/disk.manifest.json", SW_RECORD_MANIFEST);
	g_autofree char *none = sw_record_of("a/xmanifest.json", SW_RECORD_MANIFEST);

	g_assert_cmpstr(one, ==, "a/b/");
	g_assert_cmpstr(flat, ==, "a/disk.");
	g_assert_cmpstr(none, ==, NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/records/sums", test_sums);
	g_test_add_func("/records/bad-sums", test_bad_sums);
	g_test_add_func("/records/published", test_published);
	g_test_add_func("/records/of-others", test_of_others);
	g_test_add_func("/records/hostile", test_hostile);
	g_test_add_func("/records/record-of", test_record_of);
	return g_test_run();
}
