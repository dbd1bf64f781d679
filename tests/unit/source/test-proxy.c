/* SPDX-License-Identifier: MIT */
#include "source/proxy.h"

#include <glib/gstdio.h>
#include <string.h>

#include "../../program.h"

/* Against tests/fakes/lying-skopeo.py, which says what each fault does. */
static char *directory;

static gboolean start(const char *fault, struct sw_proxy **ret_proxy, GError **error)
{
	struct sw_proxy_options options = { .architecture = "amd64", .tls_verify = TRUE };

	g_setenv("LYING_SKOPEO", fault, TRUE);
	options.idle_limit_ms = strcmp(fault, "mute") == 0 ? 3000 : 20000;
	return sw_proxy_start(&options, ret_proxy, NULL, error);
}

static void assert_error(const GError *error, enum sw_error code, const char *id, const char *part)
{
	g_assert_error(error, SW_ERROR, (int)code);
	g_assert_cmpstr(sw_error_id(error), ==, id);
	if (strstr(error->message, part) == NULL)
		g_error("'%s' has no '%s'", error->message, part);
}

static void test_good(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwProxy) proxy = NULL;
	g_autoptr(GByteArray) data = NULL;
	g_auto(SwReply) reply = SW_REPLY_INIT;
	g_auto(SwReply) refusal = SW_REPLY_INIT;

	g_assert_true(start("", &proxy, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(sw_proxy_protocol(proxy), ==, 9);
	g_assert_true(sw_proxy_call(proxy, "Nonsense", NULL, &refusal, NULL, &error));
	g_assert_cmpstr(refusal.error, ==, "unknown method: Nonsense");
	g_assert_true(sw_proxy_read(proxy, "GetManifest", 5, 10, &reply, &data, NULL, &error));
	g_assert_no_error(error);
	g_assert_null(reply.error);
	g_assert_cmpstr(json_node_get_string(reply.value), ==, "beside");
	g_assert_cmpmem(data->data, data->len, "{}", 2);
}

static void test_start(void)
{
	static const struct {
		const char *fault;
		const char *id;
		const char *part;
	} cases[] = {
		{ "version:0.2.2", "skopeo-version", "0.2.2" },
		{ "version:0.3.0", "skopeo-version", "0.3.0" },
		{ "version:0.2.3x", "skopeo-version", "0.2.3x" },
		{ "version:1", "skopeo-version", "1" },
		{ "refuse", "skopeo", "broken configuration" },
		{ "old", "skopeo", "unknown command" },
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(SwProxy) oldest = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) fault = NULL;
		struct sw_proxy *proxy = NULL;

		g_assert_false(start(cases[i].fault, &proxy, &fault));
		g_assert_null(proxy);
		assert_error(fault, SW_ERROR_ENVIRONMENT, cases[i].id, cases[i].part);
	}
	g_assert_true(start("version:0.2.3", &oldest, &error));
	g_assert_cmpuint(sw_proxy_protocol(oldest), ==, 3);
}

static void test_missing(void)
{
	g_autofree char *path = g_strdup(g_getenv("PATH"));
	g_autoptr(GError) error = NULL;
	struct sw_proxy *proxy = NULL;

	g_setenv("PATH", "/nonexistent", TRUE);
	g_assert_false(start("", &proxy, &error));
	g_setenv("PATH", path, TRUE);
	assert_error(error, SW_ERROR_ENVIRONMENT, "program-missing", "install the package skopeo");
}

static void test_breaks(void)
{
	static const struct {
		const char *fault;
		const char *id;
		const char *part;
	} cases[] = {
		{ "die", "source", "out of luck" },    { "mute", "unreachable", "no answer" },
		{ "garbage", "source", "proxy: not" }, { "list", "source", "not a JSON object" },
		{ "long", "source", "too long" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(SwProxy) proxy = NULL;
		g_auto(SwReply) reply = SW_REPLY_INIT;

		g_test_message("%s", cases[i].fault);
		g_assert_true(start(cases[i].fault, &proxy, &error));
		g_assert_false(sw_proxy_call(proxy, "OpenImage", NULL, &reply, NULL, &error));
		assert_error(error, SW_ERROR_SOURCE, cases[i].id, cases[i].part);
	}
}

static void test_pipes(void)
{
	static const struct {
		const char *fault;
		const char *refusal;
	} cases[] = {
		{ "no-pipe", "it gave no pipe" },
		{ "endless", "exceeded maximum allowed size" },
		{ "late", "corrupted blob, expecting more" },
		{ "pipes", NULL },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(SwProxy) proxy = NULL;
		g_autoptr(GByteArray) data = NULL;
		g_auto(SwReply) reply = SW_REPLY_INIT;

		g_test_message("%s", cases[i].fault);
		g_assert_true(start(cases[i].fault, &proxy, &error));
		g_assert_true(sw_proxy_read(proxy, "GetManifest", 5, 1000000, &reply, &data, NULL,
					    &error));
		g_assert_no_error(error);
		g_assert_cmpstr(reply.error, ==, cases[i].refusal);
		g_assert_cmpint(data != NULL, ==, cases[i].refusal == NULL);
	}
}

static gpointer cancel_soon(gpointer data)
{
	g_usleep(100000);
	g_cancellable_cancel(data);
	return NULL;
}

static void test_cancel(void)
{
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(SwProxy) proxy = NULL;
	g_auto(SwReply) reply = SW_REPLY_INIT;
	gint64 start_time = g_get_monotonic_time();
	GThread *thread = NULL;

	g_assert_true(start("mute", &proxy, &error));
	thread = g_thread_new("cancel", cancel_soon, cancellable);
	g_assert_false(sw_proxy_call(proxy, "OpenImage", NULL, &reply, cancellable, &error));
	g_thread_join(thread);
	g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
	g_clear_pointer(&proxy, sw_proxy_free);
	g_assert_cmpint(g_get_monotonic_time() - start_time, <, 5 * G_TIME_SPAN_SECOND);
}

/* The child must not die with the thread that started it, only with the process. */
static gpointer start_in_thread(gpointer data)
{
	g_assert_true(start("", data, NULL));
	return NULL;
}

static void test_thread(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwProxy) proxy = NULL;
	g_auto(SwReply) reply = SW_REPLY_INIT;

	g_thread_join(g_thread_new("start", start_in_thread, &proxy));
	g_usleep(50000);
	g_assert_true(sw_proxy_call(proxy, "Nonsense", NULL, &reply, NULL, &error));
	g_assert_no_error(error);
}

static char *fake(void)
{
	g_autofree char *tests = g_path_get_dirname(g_getenv("SW_TEST_DATA"));

	return g_build_filename(tests, "fakes", "lying-skopeo.py", NULL);
}

int main(int argc, char **argv)
{
	g_autofree char *python = find_program("python3");
	g_autofree char *path = NULL;
	g_autofree char *link = NULL;
	g_autofree char *target = NULL;
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	if (python == NULL || g_getenv("SW_TEST_DATA") == NULL)
		return 77;
	target = fake();
	directory = g_dir_make_tmp("sw-proxy-XXXXXX", NULL);
	link = g_build_filename(directory, "skopeo", NULL);
	g_assert_cmpint(symlink(target, link), ==, 0);
	path = g_strconcat(directory, ":", g_getenv("PATH"), NULL);
	g_setenv("PATH", path, TRUE);
	g_test_add_func("/proxy/good", test_good);
	g_test_add_func("/proxy/start", test_start);
	g_test_add_func("/proxy/missing", test_missing);
	g_test_add_func("/proxy/breaks", test_breaks);
	g_test_add_func("/proxy/pipes", test_pipes);
	g_test_add_func("/proxy/cancel", test_cancel);
	g_test_add_func("/proxy/thread", test_thread);
	status = g_test_run();
	g_unlink(link);
	g_rmdir(directory);
	g_free(directory);
	return status;
}
