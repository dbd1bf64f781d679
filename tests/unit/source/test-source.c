/* SPDX-License-Identifier: MIT */
#include "source/source.h"

#include "layout.h"

/* With the real skopeo, on images that lie on this machine: no network. */
static const size_t sizes[] = { 1, 300000, 512, 2000000, 0, 70000, 100, 65536, 1048576, 3 };
static struct layout *layout;

static char *reference_to(const char *prefix, const char *suffix)
{
	return g_strconcat(prefix, layout->path, suffix, NULL);
}

static void assert_whole(const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwSource) source = NULL;
	struct taken taken = { 0 };
	guint64 total = 0;

	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
		total += sizes[i];
	g_assert_true(open_source(text, 0, &source, NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(sw_source_image(source)->created, ==, 1714979289);
	g_assert_true(fetch_all(source, take_and_verify, &taken, NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(taken.good, ==, G_N_ELEMENTS(sizes));
	g_assert_cmpuint(taken.bad, ==, 0);
	g_assert_cmpuint(taken.bytes, ==, total);
}

static void test_oci(void)
{
	g_autofree char *text = reference_to("oci:", "");

	assert_whole(text);
}

/* Copies of the layout by skopeo itself. */
static void test_transports(void)
{
	static const struct {
		const char *prefix;
		const char *suffix;
	} others[] = {
		{ "dir:", "/dir" },
		{ "oci-archive:", "/a.tar:v1" },
		{ "docker-archive:", "/d.tar:example.com/a:1" },
	};
	g_autofree char *from = reference_to("oci:", "");

	for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
		g_autofree char *to = reference_to(others[i].prefix, others[i].suffix);

		g_test_message("%s", to);
		g_free(run_program((const char *const[]){ "skopeo", "--insecure-policy", "copy",
							  "-q", from, to, NULL },
				   NULL));
		if (strcmp(others[i].prefix, "oci-archive:") != 0)
			assert_whole(to);
	}
}

/* What skopeo unpacks lies in the scratch directory, and goes with the source. */
static void test_scratch(void)
{
	g_autofree char *scratch = g_build_filename(layout->path, "scratch", NULL);
	g_autofree char *text = reference_to("oci-archive:", "/a.tar:v1");
	g_autoptr(GError) error = NULL;
	g_autoptr(SwReference) reference = NULL;
	g_autoptr(SwSource) source = NULL;
	g_autoptr(GDir) before = NULL;
	g_autoptr(GDir) after = NULL;
	struct taken taken = { 0 };
	struct sw_source_options options = { .architecture = "amd64", .scratch = scratch };

	g_assert_cmpint(g_mkdir(scratch, 0700), ==, 0);
	g_assert_true(sw_reference_parse(text, &reference, &error));
	options.reference = reference;
	g_assert_true(sw_source_open(&options, NULL, &source, NULL, &error));
	g_assert_no_error(error);
	before = g_dir_open(scratch, 0, &error);
	g_assert_nonnull(g_dir_read_name(before));
	g_assert_true(fetch_all(source, take_and_verify, &taken, NULL, &error));
	g_assert_cmpuint(taken.good, ==, G_N_ELEMENTS(sizes));
	g_clear_pointer(&source, sw_source_free);
	after = g_dir_open(scratch, 0, &error);
	g_assert_null(g_dir_read_name(after));
}

static void test_wanted(void)
{
	static const guint wanted[] = { 8, 1, 3 };
	g_autofree char *text = reference_to("oci:", "");
	g_autoptr(GError) error = NULL;
	g_autoptr(SwSource) source = NULL;
	struct taken taken = { 0 };

	g_assert_true(open_source(text, 0, &source, NULL, &error));
	g_assert_true(sw_source_fetch(source, wanted, G_N_ELEMENTS(wanted), take_and_verify, &taken,
				      NULL, NULL, &error));
	g_assert_cmpuint(taken.good, ==, 3);
	g_assert_cmpuint(taken.bytes, ==, sizes[8] + sizes[1] + sizes[3]);
	g_assert_true(
		sw_source_fetch(source, wanted, 0, take_and_verify, &taken, NULL, NULL, &error));
	g_assert_cmpuint(taken.good, ==, 3);
	g_assert_true(
		sw_source_fetch(source, wanted, 1, take_and_verify, &taken, NULL, NULL, &error));
	g_assert_cmpuint(taken.good, ==, 4);
}

static void assert_fails(const char *text, enum sw_error code, const char *id)
{
	g_autoptr(GError) error = NULL;
	struct sw_source *source = NULL;

	g_test_message("%s", text);
	g_assert_false(open_source(text, 0, &source, NULL, &error));
	g_assert_null(source);
	g_assert_error(error, SW_ERROR, (int)code);
	g_assert_cmpstr(sw_error_id(error), ==, id);
	g_assert_true(g_str_has_prefix(error->message, text));
	g_assert_null(strchr(error->message, '\n'));
}

static void test_missing(void)
{
	g_autofree char *tag = reference_to("oci:", ":no-such-tag");
	g_autofree char *empty = reference_to("dir:", "");

	assert_fails("oci:/nonexistent", SW_ERROR_SOURCE, "image-not-found");
	assert_fails("oci-archive:/nonexistent", SW_ERROR_SOURCE, "image-not-found");
	assert_fails("docker-archive:/nonexistent", SW_ERROR_SOURCE, "image-not-found");
	assert_fails(empty, SW_ERROR_SOURCE, "image-not-found");
	assert_fails(tag, SW_ERROR_SOURCE, "image-not-found");
	assert_fails("docker://127.0.0.1:1/a:1", SW_ERROR_SOURCE, "unreachable");
}

static void test_options(void)
{
	g_autofree char *text = reference_to("oci:", "");
	g_autoptr(GError) error = NULL;
	g_autoptr(SwReference) reference = NULL;
	struct sw_source *source = NULL;
	struct sw_source_options options = { .architecture = "s390x" };

	g_assert_true(sw_reference_parse(text, &reference, &error));
	options.reference = reference;
	g_assert_false(sw_source_open(&options, NULL, &source, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "architecture");
	g_clear_error(&error);
	options.authfile = "/nonexistent/auth.json";
	g_assert_false(sw_source_open(&options, NULL, &source, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "authfile");
}

/* Damages the copy at PATH: its layer that is named by the digest of layer 1. */
static void test_damaged(void)
{
	g_autofree char *path = g_strconcat(layout->path, "-damaged", NULL);
	g_autofree char *text = g_strconcat("oci:", path, NULL);
	g_autofree char *blob = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(SwSource) source = NULL;
	const struct sw_oci_layer *layer = NULL;
	struct taken taken = { 0 };

	g_free(run_program((const char *const[]){ "cp", "-r", layout->path, path, NULL }, NULL));
	g_assert_true(open_source(text, 0, &source, NULL, &error));
	layer = g_ptr_array_index(sw_source_image(source)->layers, 1);
	blob = g_build_filename(path, "blobs", "sha256", layer->digest + strlen("sha256:"), NULL);
	g_assert_true(g_file_set_contents(blob, "damaged", -1, NULL));
	g_assert_false(fetch_all(source, take_and_verify, &taken, NULL, &error));
	g_free(run_program((const char *const[]){ "rm", "-rf", path, NULL }, NULL));
	g_assert_error(error, SW_ERROR, SW_ERROR_SOURCE);
	g_assert_cmpstr(sw_error_id(error), ==, "digest");
	g_assert_nonnull(strstr(error->message, "layer 2 of 10 ("));
}

static void test_cancelled(void)
{
	g_autofree char *text = reference_to("oci:", "");
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(SwSource) source = NULL;
	struct sw_source *other = NULL;
	struct taken taken = { 0 };

	g_assert_true(open_source(text, 0, &source, cancellable, &error));
	g_cancellable_cancel(cancellable);
	g_assert_false(fetch_all(source, take_and_verify, &taken, cancellable, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
	g_clear_error(&error);
	g_assert_false(open_source(text, 0, &other, cancellable, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
}

int main(int argc, char **argv)
{
	g_autofree char *skopeo = find_program("skopeo");
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	if (skopeo == NULL)
		return 77;
	layout = layout_new(sizes, G_N_ELEMENTS(sizes));
	g_test_add_func("/source/oci", test_oci);
	g_test_add_func("/source/transports", test_transports);
	g_test_add_func("/source/scratch", test_scratch);
	g_test_add_func("/source/wanted", test_wanted);
	g_test_add_func("/source/missing", test_missing);
	g_test_add_func("/source/options", test_options);
	g_test_add_func("/source/damaged", test_damaged);
	g_test_add_func("/source/cancelled", test_cancelled);
	status = g_test_run();
	layout_free(layout);
	return status;
}
