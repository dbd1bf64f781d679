/* SPDX-License-Identifier: MIT */
#include "core/progress.h"

#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

#define CLEAR "\r\033[K"

/* stderr goes into a file while it lives. */
struct capture {
	int old;
	int file;
};

static struct capture capture_begin(void)
{
	struct capture capture = { dup(STDERR_FILENO),
				   open(g_get_tmp_dir(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600) };

	g_assert_cmpint(capture.file, >=, 0);
	g_assert_cmpint(dup2(capture.file, STDERR_FILENO), ==, STDERR_FILENO);
	return capture;
}

/* What was written; the caller frees it. */
static char *capture_end(struct capture *capture)
{
	off_t size = lseek(capture->file, 0, SEEK_END);
	char *text = g_malloc0((gsize)size + 1);

	g_assert_cmpint(dup2(capture->old, STDERR_FILENO), ==, STDERR_FILENO);
	g_assert_cmpint(pread(capture->file, text, (size_t)size, 0), ==, size);
	close(capture->file);
	close(capture->old);
	return text;
}

/* Waits until PART has been written. */
static void await(const struct capture *capture, const char *part)
{
	for (int i = 0; i < 1000; i++) {
		char text[4096] = "";

		g_assert_cmpint(pread(capture->file, text, sizeof(text) - 1, 0), >=, 0);
		if (strstr(text, part) != NULL)
			return;
		g_usleep(10000);
	}
	g_assert_not_reached();
}

/* Two stages at once, a hostile summary, bytes of a stage that is not there. */
static char *show(enum sw_progress_mode mode)
{
	struct capture capture = capture_begin();
	struct sw_progress *progress = sw_progress_new(mode);

	sw_progress_stage(progress, "source", "fetching \033[2Jimage\nx");
	sw_progress_stage(progress, "appliance", "starting");
	sw_progress_bytes(progress, "source", 1048576, 4194304);
	sw_progress_bytes(progress, "none", 1, 2);
	if (mode == SW_PROGRESS_TERM)
		await(&capture, "% of 4 MiB | appliance: ");
	sw_progress_note(progress, "no KVM: %s", "emulating");
	sw_progress_done(progress, "source", 1.25);
	sw_progress_done(progress, "appliance", 12.5);
	sw_progress_done(progress, "never-begun", 0);
	sw_progress_free(progress);
	return capture_end(&capture);
}

static guint count(const char *text, const char *part)
{
	g_auto(GStrv) parts = g_strsplit(text, part, -1);

	return g_strv_length(parts) - 1;
}

static void test_plain(void)
{
	g_autofree char *text = show(SW_PROGRESS_PLAIN);

	g_assert_cmpstr(text, ==,
			"source: fetching  [2Jimage x\n"
			"appliance: starting\n"
			"no KVM: emulating\n"
			"source: done in 1.2 s\n"
			"appliance: done in 12.5 s\n"
			"never-begun: done in 0.0 s\n");
}

/* A file is no terminal. */
static void test_auto(void)
{
	g_autofree char *text = show(SW_PROGRESS_AUTO);
	g_autofree char *plain = show(SW_PROGRESS_PLAIN);

	g_assert_cmpstr(text, ==, plain);
}

static void test_quiet(void)
{
	g_autofree char *text = show(SW_PROGRESS_QUIET);

	g_assert_cmpstr(text, ==, "");
}

static void test_null(void)
{
	sw_progress_stage(NULL, "a", "b");
	sw_progress_bytes(NULL, "a", 1, 2);
	sw_progress_note(NULL, "a");
	sw_progress_done(NULL, "a", 1);
	sw_progress_free(NULL);
}

/* The first object of LINES whose EVENT and STAGE (NULL: any) these are; PARSER owns it. */
static JsonObject *find(JsonParser *parser, char *const *lines, const char *event,
			const char *stage)
{
	for (; (*lines)[0] != '\0'; lines++) {
		JsonObject *object = NULL;

		g_assert_true(json_parser_load_from_data(parser, *lines, -1, NULL));
		object = json_node_get_object(json_parser_get_root(parser));
		if (g_str_equal(json_object_get_string_member(object, "event"), event) &&
		    (stage == NULL ||
		     g_str_equal(json_object_get_string_member(object, "stage"), stage)))
			return object;
	}
	g_assert_not_reached();
}

static void test_json(void)
{
	g_autofree char *text = show(SW_PROGRESS_JSON);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonObject *object = NULL;

	g_assert_cmpuint(g_strv_length(lines), ==, 8);
	g_assert_cmpstr(lines[7], ==, "");
	object = find(parser, lines, "stage", "source");
	g_assert_cmpstr(json_object_get_string_member(object, "summary"), ==,
			"fetching  [2Jimage x");
	object = find(parser, lines, "note", NULL);
	g_assert_cmpstr(json_object_get_string_member(object, "text"), ==, "no KVM: emulating");
	object = find(parser, lines, "step", "source");
	g_assert_cmpint(json_object_get_int_member(object, "done"), ==, 1048576);
	g_assert_cmpint(json_object_get_int_member(object, "total"), ==, 4194304);
	object = find(parser, lines, "done", "source");
	g_assert_cmpfloat(json_object_get_double_member(object, "seconds"), ==, 1.25);
}

static void test_term(void)
{
	g_autofree char *text = show(SW_PROGRESS_TERM);

	g_assert_nonnull(strstr(text, CLEAR "source: 25% of 4 MiB | appliance: "));
	g_assert_nonnull(strstr(text, CLEAR "no KVM: emulating\n"));
	g_assert_nonnull(strstr(text, "source: done in 1.2 s\n"));
	g_assert_null(strstr(text, "\033[2J"));
	/* Nothing is left on the last line. */
	g_assert_true(g_str_has_suffix(text, "\n") || g_str_has_suffix(text, CLEAR));
}

/* However often bytes are reported, the line is drawn ten times a second, and fits. */
static void test_term_rate(void)
{
	g_autofree char *summary = g_strnfill(500, 's');
	struct capture capture = capture_begin();
	struct sw_progress *progress = sw_progress_new(SW_PROGRESS_TERM);
	gint64 began = g_get_monotonic_time();
	gint64 spent = 0;
	g_autofree char *text = NULL;
	g_auto(GStrv) draws = NULL;

	sw_progress_stage(progress, "disk", summary);
	for (guint64 i = 0; g_get_monotonic_time() - began < G_TIME_SPAN_SECOND; i++)
		sw_progress_bytes(progress, "disk", i * 4096, 0);
	sw_progress_free(progress);
	spent = g_get_monotonic_time() - began;
	text = capture_end(&capture);
	g_assert_cmpuint(count(text, CLEAR), >=, 3);
	g_assert_cmpuint(count(text, CLEAR), <=, spent * 10 / G_TIME_SPAN_SECOND + 2);
	g_assert_nonnull(strstr(text, "/s"));
	draws = g_strsplit(text, CLEAR, -1);
	for (guint i = 0; draws[i] != NULL; i++)
		g_assert_cmpuint(strlen(draws[i]), <=, 79);
}

static gpointer work(gpointer data)
{
	struct sw_progress *progress = data;
	g_autofree char *name = g_strdup_printf("stage%d", g_random_int_range(0, 3));

	for (guint64 i = 0; i < 200; i++) {
		sw_progress_stage(progress, name, "summary");
		sw_progress_bytes(progress, name, i, 200);
		sw_progress_done(progress, name, 0.5);
		sw_progress_note(progress, "note");
	}
	return NULL;
}

/* Lines of several threads never mix. */
static void test_threads(void)
{
	struct capture capture = capture_begin();
	struct sw_progress *progress = sw_progress_new(SW_PROGRESS_JSON);
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	GThread *threads[4];

	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("work", work, progress);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		g_thread_join(threads[i]);
	sw_progress_free(progress);
	text = capture_end(&capture);
	g_assert_cmpuint(count(text, "\"event\":\"note\""), ==, 800);
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i][0] != '\0'; i++)
		g_assert_true(json_parser_load_from_data(parser, lines[i], -1, NULL));
}

static void test_plain_long(void)
{
	struct capture capture;
	struct sw_progress *progress = NULL;
	g_autofree char *text = NULL;

	if (!g_test_slow()) {
		g_test_skip("takes 13 seconds");
		return;
	}
	capture = capture_begin();
	progress = sw_progress_new(SW_PROGRESS_PLAIN);
	sw_progress_stage(progress, "disk", "s");
	sw_progress_stage(progress, "image", "s");
	sw_progress_bytes(progress, "image", 0, 4096);
	g_usleep(6000000);
	sw_progress_bytes(progress, "image", 1024, 4096);
	g_usleep(7000000);
	sw_progress_free(progress);
	text = capture_end(&capture);
	g_assert_cmpuint(count(text, "\ndisk: 1"), ==, 1);
	g_assert_cmpuint(count(text, "\nimage: 25% of 4 KiB, "), ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/progress/plain", test_plain);
	g_test_add_func("/progress/auto", test_auto);
	g_test_add_func("/progress/quiet", test_quiet);
	g_test_add_func("/progress/null", test_null);
	g_test_add_func("/progress/json", test_json);
	g_test_add_func("/progress/term", test_term);
	g_test_add_func("/progress/term-rate", test_term_rate);
	g_test_add_func("/progress/threads", test_threads);
	g_test_add_func("/progress/plain-long", test_plain_long);
	return g_test_run();
}
