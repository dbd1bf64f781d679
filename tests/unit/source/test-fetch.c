/* SPDX-License-Identifier: MIT */
#include "source/source.h"

#include <signal.h>

#include "core/file.h"
#include "registry.h"

/* Against tests/fakes/lying-registry.py, which says what each fault does. */
static const size_t sizes[] = { 300000, 900000, 20, 200000, 400000, 5000 };
#define LAYERS G_N_ELEMENTS(sizes)
static struct layout *layout;

static void assert_passes(const char *fault, guint idle_ms)
{
	struct registry registry = registry_start(layout, fault);
	g_autoptr(GError) error = NULL;
	g_autoptr(SwSource) source = NULL;
	struct taken taken = { 0 };

	g_test_message("%s", fault);
	g_assert_true(open_source(registry.reference, idle_ms, &source, NULL, &error));
	g_assert_no_error(error);
	g_assert_true(fetch_all(source, take_and_verify, &taken, NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(taken.good, >=, LAYERS);
	if (idle_ms == 0)
		g_assert_cmpuint(taken.good, ==, LAYERS);
	registry_stop(&registry);
}

static void test_passing(void)
{
	assert_passes("none", 0);
	assert_passes("500:2", 0);
	assert_passes("reset:1", 0);
	assert_passes("truncated-blob:1", 0);
	assert_passes("blob-500:3", 0);
	assert_passes("slow:2000000", 0);
	assert_passes("hang-manifest:1", 1500);
	assert_passes("hang:1", 1500);
}

static void test_final_at_open(void)
{
	static const struct {
		const char *fault;
		const char *id;
	} cases[] = {
		{ "401", "unauthorized" },	    { "403", "unauthorized" },
		{ "404", "image-not-found" },	    { "500", "unreachable" },
		{ "wrong-config", "digest" },	    { "garbage-manifest", "manifest" },
		{ "huge-manifest", "manifest" },    { "redirect-loop", "source" },
		{ "hang-manifest", "unreachable" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct registry registry = registry_start(layout, cases[i].fault);
		guint idle_ms = strcmp(cases[i].fault, "hang-manifest") == 0 ? 500 : 0;
		g_autoptr(GError) error = NULL;
		struct sw_source *source = NULL;

		g_test_message("%s", cases[i].fault);
		g_assert_false(open_source(registry.reference, idle_ms, &source, NULL, &error));
		g_assert_null(source);
		assert_error(error, SW_ERROR_SOURCE, cases[i].id);
		registry_stop(&registry);
	}
}

static void test_final_at_fetch(void)
{
	static const struct {
		const char *fault;
		const char *id;
	} cases[] = {
		{ "wrong-blob", "digest" },   { "short-blob", "digest" },
		{ "endless-blob", "digest" }, { "blob-404", "image-not-found" },
		{ "reset", "unreachable" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct registry registry = registry_start(layout, cases[i].fault);
		g_autoptr(GError) error = NULL;
		g_autoptr(SwSource) source = NULL;
		struct taken taken = { 0 };

		g_test_message("%s", cases[i].fault);
		g_assert_true(open_source(registry.reference, 0, &source, NULL, &error));
		g_assert_no_error(error);
		g_assert_false(fetch_all(source, take_and_verify, &taken, NULL, &error));
		assert_error(error, SW_ERROR_SOURCE, cases[i].id);
		registry_stop(&registry);
	}
}

static void test_tls(void)
{
	struct registry registry = registry_start(layout, "none");
	g_autoptr(GError) error = NULL;
	g_autoptr(SwReference) reference = NULL;
	struct sw_source *source = NULL;
	struct sw_source_options options = { .architecture = "amd64", .tls_verify = TRUE };

	g_assert_true(sw_reference_parse(registry.reference, &reference, &error));
	options.reference = reference;
	g_assert_false(sw_source_open(&options, NULL, &source, NULL, &error));
	assert_error(error, SW_ERROR_SOURCE, "tls");
	g_assert_nonnull(strstr(error->message, "--tls-verify=false"));
	registry_stop(&registry);
}

static void test_authfile(void)
{
	struct registry registry = registry_start(layout, "auth:user:secret");
	g_autofree char *host = g_strndup(registry.reference + strlen("docker://"),
					  strcspn(registry.reference + strlen("docker://"), "/"));
	g_autofree char *path = g_build_filename(layout->path, "auth.json", NULL);
	g_autofree char *text =
		g_strdup_printf("{\"auths\":{\"%s\":{\"auth\":\"dXNlcjpzZWNyZXQ=\"}}}", host);
	g_autoptr(GError) error = NULL;
	g_autoptr(SwReference) reference = NULL;
	g_autoptr(SwSource) source = NULL;
	struct taken taken = { 0 };
	struct sw_source_options options = { .architecture = "amd64", .authfile = path };

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	g_assert_true(sw_reference_parse(registry.reference, &reference, &error));
	options.reference = reference;
	g_assert_true(sw_source_open(&options, NULL, &source, NULL, &error));
	g_assert_no_error(error);
	g_assert_true(fetch_all(source, take_and_verify, &taken, NULL, &error));
	g_assert_cmpuint(taken.good, ==, LAYERS);
	g_assert_nonnull(strstr(text, "dXNlcjpzZWNyZXQ="));
	registry_stop(&registry);
}

/* Takers that give up before the end of their stream. */
static gboolean give_up(const struct sw_oci_layer *layer, G_GNUC_UNUSED const char *expected_digest,
			G_GNUC_UNUSED int fd, G_GNUC_UNUSED void *data,
			G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
	return sw_fail(error, SW_ERROR_IMAGE, "taker", "layer %s: no tar", layer->digest);
}

static gboolean run_out_of_space(const struct sw_oci_layer *layer,
				 G_GNUC_UNUSED const char *expected_digest, G_GNUC_UNUSED int fd,
				 G_GNUC_UNUSED void *data, G_GNUC_UNUSED GCancellable *cancellable,
				 GError **error)
{
	return sw_fail(error, SW_ERROR_ENVIRONMENT, "disk-full", "layer %s: full", layer->digest);
}

static gboolean be_content(G_GNUC_UNUSED const struct sw_oci_layer *layer,
			   G_GNUC_UNUSED const char *expected_digest, G_GNUC_UNUSED int fd,
			   void *data, G_GNUC_UNUSED GCancellable *cancellable,
			   G_GNUC_UNUSED GError **error)
{
	g_atomic_int_inc((int *)data);
	return TRUE;
}

static void test_takers(void)
{
	static const struct {
		const char *fault;
		sw_layer_func take;
		enum sw_error code;
		const char *id;
	} cases[] = {
		{ "none", give_up, SW_ERROR_IMAGE, "taker" },
		{ "wrong-blob", give_up, SW_ERROR_SOURCE, "digest" },
		{ "slow:1000", run_out_of_space, SW_ERROR_ENVIRONMENT, "disk-full" },
	};
	struct registry registry = registry_start(layout, "none");
	g_autoptr(GError) fault = NULL;
	g_autoptr(SwSource) good = NULL;
	int content = 0;

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct registry other = registry_start(layout, cases[i].fault);
		g_autoptr(GError) error = NULL;
		g_autoptr(SwSource) source = NULL;

		g_assert_true(open_source(other.reference, 0, &source, NULL, &error));
		g_assert_false(fetch_all(source, cases[i].take, NULL, NULL, &error));
		assert_error(error, cases[i].code, cases[i].id);
		registry_stop(&other);
	}
	g_assert_true(open_source(registry.reference, 0, &good, NULL, &fault));
	g_assert_true(fetch_all(good, be_content, &content, NULL, &fault));
	g_assert_cmpint(content, ==, LAYERS);
	registry_stop(&registry);
}

static gpointer cancel_soon(gpointer data)
{
	g_usleep(200000);
	g_cancellable_cancel(data);
	return NULL;
}

/* Is a child of ours called NAME? */
static gboolean has_child(const char *name)
{
	g_autofree char *pid = g_strdup_printf("%d", (int)getpid());
	const char *const argv[] = { "pgrep", "-P", pid, "-x", name, NULL };
	struct sw_command command = { .argv = argv, .code = SW_ERROR_ENVIRONMENT, .id = "test" };

	return sw_command_run(&command, NULL, NULL, NULL);
}

static void test_cancel(void)
{
	static const char *const faults[] = { "hang", "slow:1000", "hang-manifest" };

	for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
		struct registry registry = registry_start(layout, faults[i]);
		g_autoptr(GCancellable) cancellable = g_cancellable_new();
		g_autoptr(GError) error = NULL;
		g_autoptr(SwSource) source = NULL;
		struct taken taken = { 0 };
		gint64 start = g_get_monotonic_time();
		GThread *thread = g_thread_new("cancel", cancel_soon, cancellable);

		g_assert_false(open_source(registry.reference, 0, &source, cancellable, &error) &&
			       fetch_all(source, take_and_verify, &taken, cancellable, &error));
		g_assert_cmpint(g_get_monotonic_time() - start, <, 3 * G_TIME_SPAN_SECOND);
		g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
		g_thread_join(thread);
		g_assert_false(has_child("skopeo"));
		registry_stop(&registry);
	}
}

int main(int argc, char **argv)
{
	g_autofree char *skopeo = find_program("skopeo");
	g_autofree char *python = find_program("python3");
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	if (skopeo == NULL || python == NULL || g_getenv("SW_TEST_DATA") == NULL)
		return 77;
	layout = layout_new(sizes, LAYERS);
	g_test_add_func("/fetch/passing", test_passing);
	g_test_add_func("/fetch/final-at-open", test_final_at_open);
	g_test_add_func("/fetch/final-at-fetch", test_final_at_fetch);
	g_test_add_func("/fetch/tls", test_tls);
	g_test_add_func("/fetch/authfile", test_authfile);
	g_test_add_func("/fetch/takers", test_takers);
	g_test_add_func("/fetch/cancel", test_cancel);
	status = g_test_run();
	layout_free(layout);
	return status;
}
