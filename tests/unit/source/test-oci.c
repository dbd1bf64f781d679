/* SPDX-License-Identifier: MIT */
#include "source/oci.h"

#include <string.h>

#include "core/error.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define LAYER(digest, size) \
	"{\"mediaType\":\"" GZIP "\",\"digest\":\"" digest "\",\"size\":" size "}"
#define MANIFEST(layers, more)                                                               \
	"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\"," \
	"\"config\":{\"mediaType\":\"" CONFIG_TYPE "\",\"digest\":\"" C "\",\"size\":2},"    \
	"\"layers\":[" layers "]" more "}"
#define CONFIG(ids, more)                               \
	"{\"architecture\":\"amd64\",\"os\":\"linux\"," \
	"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" ids "]}" more "}"

static const char good_manifest[] = MANIFEST(LAYER(A, "10"), "");
static const char good_config[] = CONFIG("\"" B "\"", "");

static struct sw_oci_image *parse(const char *manifest, const char *config, GError **error)
{
	struct sw_oci_image *image = NULL;
	gboolean done = sw_oci_image_parse(C, manifest, strlen(manifest), config, strlen(config),
					   &image, error);

	g_assert_cmpint(done, ==, image != NULL);
	return image;
}

static void assert_refused(const char *manifest, const char *config, const char *id)
{
	g_autoptr(GError) error = NULL;

	g_test_message("%.200s %.200s", manifest, config);
	g_assert_null(parse(manifest, config, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_SOURCE);
	g_assert_cmpstr(sw_error_id(error), ==, id);
	g_assert_null(strchr(error->message, '\n'));
}

static void test_good(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwOciImage) image = parse(
		MANIFEST(LAYER(A, "10") "," LAYER(B, "1099511627776"),
			 ",\"annotations\":{\"org.opencontainers.image.created\":"
			 "\"2024-02-03T04:05:06.123456789Z\",\"other\":\"x\"},\"future\":[1]"),
		CONFIG("\"" B "\",\"" C "\"",
		       ",\"created\":\"2020-01-01T00:00:00Z\",\"config\":{\"Labels\":"
		       "{\"containers.bootc\":\"1\",\"version\":\"7\","
		       "\"org.opencontainers.image.version\":\"42.1\",\"gone\":null}}"),
		&error);
	const struct sw_oci_layer *layer = NULL;

	g_assert_no_error(error);
	g_assert_cmpstr(image->manifest_digest, ==, C);
	g_assert_cmpstr(image->architecture, ==, "amd64");
	g_assert_cmpstr(image->os, ==, "linux");
	g_assert_cmpuint(image->created, ==, 1706933106);
	g_assert_cmpstr(image->version, ==, "42.1");
	g_assert_cmpstr(g_hash_table_lookup(image->labels, "containers.bootc"), ==, "1");
	g_assert_cmpuint(g_hash_table_size(image->labels), ==, 3);
	g_assert_cmpuint(image->layers->len, ==, 2);
	layer = g_ptr_array_index(image->layers, 1);
	g_assert_cmpstr(layer->digest, ==, B);
	g_assert_cmpstr(layer->diff_id, ==, C);
	g_assert_cmpstr(layer->media_type, ==, GZIP);
	g_assert_cmpuint(layer->size, ==, G_GUINT64_CONSTANT(1) << 40);
}

static void test_defaults(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwOciImage) bare = parse(good_manifest, good_config, &error);
	g_autoptr(SwOciImage) dated =
		parse(MANIFEST(LAYER(A, "0"),
			       ",\"annotations\":{\"org.opencontainers.image.created\":\"soon\"}"),
		      CONFIG("\"" B "\"", ",\"created\":\"2020-01-01T00:00:00+01:00\","
					  "\"config\":{\"Labels\":{\"version\":\"7\"}}"),
		      &error);
	g_autoptr(SwOciImage) ancient =
		parse(good_manifest, CONFIG("\"" B "\"", ",\"created\":\"0001-01-01T00:00:00Z\""),
		      &error);

	g_assert_no_error(error);
	g_assert_cmpuint(bare->created, ==, 0);
	g_assert_null(bare->version);
	g_assert_cmpuint(g_hash_table_size(bare->labels), ==, 0);
	g_assert_cmpstr(bare->manifest, ==, good_manifest);
	g_assert_cmpstr(bare->config, ==, good_config);
	g_assert_cmpuint(dated->created, ==, 1577833200);
	g_assert_cmpstr(dated->version, ==, "7");
	g_assert_cmpuint(ancient->created, ==, 0);
}

static void test_bad_manifest(void)
{
	static const char *const cases[] = {
		"",
		"{",
		"[]",
		"{}",
		MANIFEST("", ""),
		MANIFEST("7", ""),
		MANIFEST("{}", ""),
		MANIFEST(LAYER("sha256:abc", "1"), ""),
		MANIFEST(LAYER("sha512:aa", "1"), ""),
		MANIFEST(LAYER("../../etc/passwd", "1"), ""),
		MANIFEST(LAYER(A, "-1"), ""),
		MANIFEST(LAYER(A, "1.5"), ""),
		MANIFEST(LAYER(A, "1e3"), ""),
		MANIFEST(LAYER(A, "\"1\""), ""),
		MANIFEST(LAYER(A, "null"), ""),
		MANIFEST(LAYER(A, "1099511627777"), ""),
		MANIFEST(LAYER(A, "99999999999999999999999999"), ""),
		MANIFEST("{\"digest\":\"" A "\",\"size\":1}", ""),
		MANIFEST("{\"mediaType\":\"application/vnd.in-toto+json\",\"digest\":\"" A
			 "\",\"size\":1}",
			 ""),
		MANIFEST("{\"mediaType\":\"" GZIP "+encrypted\",\"digest\":\"" A "\",\"size\":1}",
			 ""),
		MANIFEST(LAYER(A, "1"), ",\"annotations\":[]"),
		MANIFEST(LAYER(A, "1"),
			 ",\"annotations\":{\"org.opencontainers.image.created\":7}"),
		"{\"schemaVersion\":1,\"layers\":[" LAYER(A, "1") "]}",
		"{\"schemaVersion\":2,\"layers\":[" LAYER(A, "1") "]}",
		"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
		"vnd.oci.empty.v1+json\"},"
		"\"layers\":[" LAYER(A, "1") "]}",
		"{\"schemaVersion\":2,\"manifests\":[]}",
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) many = g_string_new(MANIFEST("", ""));
	struct sw_oci_image *image = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_refused(cases[i], good_config, "manifest");
	for (guint i = 0; i < 1001; i++)
		g_string_insert(many, (gssize)many->len - 2,
				i == 0 ? LAYER(A, "1") : "," LAYER(A, "1"));
	assert_refused(many->str, good_config, "manifest");
	g_assert_false(sw_oci_image_parse("sha256:no", good_manifest, strlen(good_manifest),
					  good_config, strlen(good_config), &image, &error));
	g_assert_cmpstr(sw_error_id(error), ==, "manifest");
	g_clear_error(&error);
	g_assert_false(sw_oci_image_parse(C, good_manifest, sizeof good_manifest, good_config,
					  strlen(good_config), &image, &error));
	g_assert_cmpstr(sw_error_id(error), ==, "manifest");
}

static void test_bad_config(void)
{
	static const char *const cases[] = {
		"",
		"nonsense",
		"{}",
		CONFIG("", ""),
		CONFIG("\"" B "\",\"" C "\"", ""),
		CONFIG("7", ""),
		CONFIG("null", ""),
		CONFIG("\"sha256:short\"", ""),
		CONFIG("\"" B "\"", ",\"config\":7"),
		CONFIG("\"" B "\"", ",\"config\":{\"Labels\":[]}"),
		CONFIG("\"" B "\"", ",\"config\":{\"Labels\":{\"a\":1}}"),
		CONFIG("\"" B "\"", ",\"created\":5"),
		"{\"architecture\":\"amd64\",\"os\":\"linux\"}",
		"{\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[\"" B "\"]}}",
		"{\"architecture\":\"\",\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[\"" B "\"]}}",
		"{\"architecture\":\"a b\",\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[\"" B "\"]}}",
		"{\"architecture\":\"amd64\",\"os\":\"../x\",\"rootfs\":{\"diff_ids\":[\"" B
		"\"]}}",
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_refused(good_manifest, cases[i], "config");
}

static void test_large(void)
{
	g_autofree char *blank = g_strnfill(4 * 1024 * 1024, ' ');
	g_autofree char *manifest = g_strconcat(good_manifest, blank, NULL);
	g_autofree char *config = g_strconcat(good_config, blank, NULL);

	assert_refused(manifest, good_config, "manifest");
	assert_refused(good_manifest, config, "config");
}

static void test_twins(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwOciImage) same = parse(MANIFEST(LAYER(A, "1") "," LAYER(A, "1"), ""),
					   CONFIG("\"" B "\",\"" B "\"", ""), &error);

	g_assert_no_error(error);
	g_assert_cmpuint(same->layers->len, ==, 2);
	assert_refused(MANIFEST(LAYER(A, "1") "," LAYER(A, "1"), ""),
		       CONFIG("\"" B "\",\"" C "\"", ""), "manifest");
	assert_refused(MANIFEST(LAYER(A, "1") "," LAYER(A, "2"), ""),
		       CONFIG("\"" B "\",\"" B "\"", ""), "manifest");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oci/good", test_good);
	g_test_add_func("/oci/defaults", test_defaults);
	g_test_add_func("/oci/bad-manifest", test_bad_manifest);
	g_test_add_func("/oci/bad-config", test_bad_config);
	g_test_add_func("/oci/large", test_large);
	g_test_add_func("/oci/twins", test_twins);
	return g_test_run();
}
