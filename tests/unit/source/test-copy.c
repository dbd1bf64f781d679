/* SPDX-License-Identifier: MIT */
#include "source/copy.h"

#include "registry.h"

/* Against tests/fakes/lying-registry.py. */
static const size_t sizes[] = { 300000, 20 };
static struct layout *layout;
static char *listed; /* the digest of a list that leads to the image in LAYOUT */

#define INDEX "application/vnd.oci.image.index.v1+json"

/* Puts a list in front of the only image of LAYOUT. */
static char *put_list(void)
{
	g_autofree char *index = g_build_filename(layout->path, "index.json", NULL);
	g_autofree char *text = NULL;
	g_autofree char *list = NULL;
	g_autofree char *front = NULL;
	g_auto(GStrv) parts = NULL;
	char *digest;

	g_assert_true(g_file_get_contents(index, &text, NULL, NULL));
	parts = g_strsplit(text, "\"size\":", 2);
	list = g_strconcat(parts[0], "\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"},",
			   "\"size\":", parts[1], NULL);
	digest = put_blob(layout->path, list, strlen(list));
	front = g_strdup_printf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" INDEX
				"\",\"digest\":\"%s\",\"size\":%zu}]}",
				digest, strlen(list));
	g_assert_true(g_file_set_contents(index, front, -1, NULL));
	return digest;
}

/* Opens the image by its tag, or by the digest of the list, and copies it into DIRECTORY. */
static gboolean copy(const char *fault, gboolean by_list, const char *directory, char **ret_digest,
		     GCancellable *cancellable, GError **error)
{
	struct registry honest = registry_start(layout, "none");
	struct registry registry = registry_start(layout, fault);
	g_autoptr(SwSource) source = NULL;
	g_autoptr(SwReference) reference = NULL;
	g_autofree char *name = NULL;
	struct sw_source_options options = { .architecture = "amd64" };
	gboolean ok;

	g_assert_true(open_source(honest.reference, 0, &source, NULL, error));
	*ret_digest = g_strdup(sw_source_image(source)->manifest_digest);
	*strrchr(registry.reference, ':') = '\0';
	name = by_list ? g_strconcat(registry.reference, "@", listed, NULL)
		       : g_strconcat(registry.reference, ":1", NULL);
	g_assert_true(sw_reference_parse(name, &reference, error));
	options.reference = reference;
	ok = sw_source_copy(&options, *ret_digest, directory, cancellable, error);
	registry_stop(&registry);
	registry_stop(&honest);
	return ok;
}

/* The file NAME in DIRECTORY has the digest DIGEST. */
static void assert_file(const char *directory, const char *name, const char *digest)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);
	g_autofree char *text = NULL;
	gsize length = 0;
	char hex[SW_SHA256_SIZE];

	g_assert_true(g_file_get_contents(path, &text, &length, NULL));
	sw_sha256_data(text, length, hex);
	g_assert_cmpstr(hex, ==, digest + strlen("sha256:"));
}

static void test_copied(void)
{
	for (gboolean by_list = FALSE; by_list <= TRUE; by_list++) {
		g_autofree char *directory = g_build_filename(layout->path, "copy", NULL);
		g_autofree char *digest = NULL;
		g_autofree char *instance = NULL;
		g_autofree char *output = NULL;
		g_autofree char *from = g_strconcat("dir:", directory, NULL);
		g_autoptr(GError) error = NULL;

		g_assert_true(copy("none", by_list, directory, &digest, NULL, &error));
		g_assert_no_error(error);
		assert_file(directory, "manifest.json", by_list ? listed : digest);
		instance = g_strconcat(digest + strlen("sha256:"), ".manifest.json", NULL);
		if (by_list)
			assert_file(directory, instance, digest);
		/* Another reader takes it, configuration and all. */
		output = run_program((const char *const[]){ "skopeo", "--override-arch=amd64",
							    "inspect", "--format={{.Digest}}", from,
							    NULL },
				     NULL);
		g_assert_nonnull(strstr(output, by_list ? listed : digest));
		g_free(run_program((const char *const[]){ "rm", "-rf", directory, NULL }, NULL));
	}
}

static void test_refused(void)
{
	static const struct {
		const char *fault;
		gboolean by_list;
		const char *id;
	} cases[] = {
		{ "wrong-blob", FALSE, "digest" },   { "wrong-manifest", FALSE, "digest" },
		{ "404", FALSE, "image-not-found" }, { "401", FALSE, "unauthorized" },
		{ "404", TRUE, "image-not-found" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *directory = g_build_filename(layout->path, "copy", NULL);
		g_autofree char *digest = NULL;
		g_autoptr(GError) error = NULL;

		g_test_message("%s", cases[i].fault);
		g_assert_false(
			copy(cases[i].fault, cases[i].by_list, directory, &digest, NULL, &error));
		assert_error(error, SW_ERROR_SOURCE, cases[i].id);
		g_free(run_program((const char *const[]){ "rm", "-rf", directory, NULL }, NULL));
	}
}

static void test_cancelled(void)
{
	g_autofree char *directory = g_build_filename(layout->path, "copy", NULL);
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autofree char *digest = NULL;
	g_autoptr(GError) error = NULL;

	g_cancellable_cancel(cancellable);
	g_assert_false(copy("hang", FALSE, directory, &digest, cancellable, &error));
	assert_error(error, SW_ERROR_CANCELLED, "cancelled");
}

int main(int argc, char **argv)
{
	g_autofree char *skopeo = find_program("skopeo");
	g_autofree char *python = find_program("python3");
	int status;

	g_test_init(&argc, &argv, NULL);
	if (skopeo == NULL || python == NULL)
		return 77;
	layout = layout_new(sizes, G_N_ELEMENTS(sizes));
	listed = put_list();
	g_test_add_func("/copy/copied", test_copied);
	g_test_add_func("/copy/refused", test_refused);
	g_test_add_func("/copy/cancelled", test_cancelled);
	status = g_test_run();
	g_free(listed);
	layout_free(layout);
	return status;
}
