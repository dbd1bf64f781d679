/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/wait.h>

#include "../disk.h"
#include "../s3.h"
#include "core/size.h"
#include "core/storage.h"

/*
 * Uploads through tests/fakes/faulty-s3.py to a real server.  After each fault
 * the object is there, whole, or there is nothing, also no upload left open.
 */

#define SIZE (12 * 1024 * 1024 + 5) /* three parts */

/* A backend that is open. */
struct session {
	const struct sw_storage *storage;
	struct sw_scratch *scratch;
	char *location;
	void *state;
};

/* An artifact of these bytes in the scratch directory. */
static struct sw_artifact *make_artifact(const struct session *s, const void *bytes, size_t length)
{
	struct sw_artifact *artifact = g_new0(struct sw_artifact, 1);

	artifact->path = scratch_path(s->scratch, "artifact");
	artifact->name = g_strdup("disk");
	artifact->format = "raw";
	artifact->media_type = "application/octet-stream";
	artifact->size = length;
	sw_sha256_data(bytes, length, artifact->sha256);
	g_assert_true(g_file_set_contents(artifact->path, bytes, (gssize)length, NULL));
	return artifact;
}

/* KEY must hold these bytes. */
static void check_holds(const struct session *s, const char *key, const void *bytes, size_t length)
{
	gsize found_length = 0;
	g_autofree char *found = s3_read(s->location, key, &found_length);

	g_assert_nonnull(found);
	g_assert_cmpuint(found_length, ==, length);
	g_assert_true(memcmp(found, bytes, length) == 0);
}

/* A put that may overwrite. */
static gboolean try_put(const struct session *s, const char *key,
			const struct sw_artifact *artifact, gboolean move,
			GCancellable *cancellable, GError **error)
{
	const struct sw_put how = { .move = move, .overwrite = TRUE };

	return s->storage->put(s->state, key, artifact, &how, cancellable, error);
}

/* One that must succeed. */
static void put(const struct session *s, const char *key, const struct sw_artifact *artifact,
		gboolean move)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(try_put(s, key, artifact, move, NULL, &error));
	g_assert_no_error(error);
}

/* A proxy with one fault, and the backend behind it. */
struct faulty {
	struct session session;
	GSubprocess *proxy;
	char *log;
	struct sw_artifact *artifact;
	guint8 *bytes;
};

static const struct sw_storage *s3_row(void)
{
	for (const struct sw_storage *const *s = sw_storages; *s != NULL; s++)
		if (g_str_equal((*s)->name, "s3"))
			return *s;
	return NULL;
}

static char *read_line(GSubprocess *process)
{
	g_autoptr(GDataInputStream) stream =
		g_data_input_stream_new(g_subprocess_get_stdout_pipe(process));
	char *line = g_data_input_stream_read_line(stream, NULL, NULL, NULL);

	g_assert_nonnull(line);
	return line;
}

/* Opens the backend at LOCATION through ENDPOINT (NULL: the server itself). */
static void open_at(struct session *s, const char *endpoint, const char *location,
		    const char *bandwidth)
{
	g_autoptr(GHashTable) options = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GError) error = NULL;

	s->state = g_malloc0(s->storage->state_size);
	if (endpoint != NULL)
		g_hash_table_insert(options, (gpointer) "endpoint", (gpointer)endpoint);
	if (bandwidth != NULL)
		g_hash_table_insert(options, (gpointer) "bandwidth", (gpointer)bandwidth);
	g_hash_table_insert(options, (gpointer) "part-size", (gpointer) "5 MiB");
	g_hash_table_insert(options, (gpointer) "timeout", (gpointer) "2");
	g_assert_true(sw_params_apply(s->storage->params, options, s->state, "s3", &error));
	g_assert_true(s->storage->open(s->state, location, NULL, &error));
	g_assert_no_error(error);
}

static void close_at(struct session *s)
{
	s->storage->close(s->state);
	sw_params_clear(s->storage->params, s->state);
	g_clear_pointer(&s->state, g_free);
}

static void start(struct faulty *f, const char *fault, const char *bandwidth)
{
	const char *script = g_getenv("SW_FAULTY_S3");
	g_autofree char *endpoint = NULL;

	f->session.storage = s3_row();
	f->session.scratch = make_scratch("slipway-faults-s3-");
	f->session.location = s3_new_location("faults");
	f->log = scratch_path(f->session.scratch, "log");
	f->proxy = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL, script,
				    g_getenv("AWS_ENDPOINT_URL"), fault, f->log, NULL);
	g_assert_nonnull(f->proxy);
	endpoint = read_line(f->proxy);
	open_at(&f->session, endpoint, f->session.location, bandwidth);
	f->bytes = make_bytes(KIND_RANDOM, SIZE, 1);
	f->artifact = make_artifact(&f->session, f->bytes, SIZE);
}

static void finish(struct faulty *f)
{
	g_subprocess_force_exit(f->proxy);
	g_subprocess_wait(f->proxy, NULL, NULL);
	g_object_unref(f->proxy);
	sw_artifact_free(f->artifact);
	g_free(f->bytes);
	g_free(f->log);
	close_at(&f->session);
	sw_scratch_free(f->session.scratch);
	g_free(f->session.location);
}

/* The put must succeed, whatever the fault. */
static void test_passes(gconstpointer fault)
{
	struct faulty f = { 0 };

	start(&f, fault, NULL);
	for (int i = 0; i < 3; i++) {
		put(&f.session, "dir/key", f.artifact, FALSE);
		check_holds(&f.session, "dir/key", f.bytes, SIZE);
		g_assert_cmpuint(s3_count(f.session.location), ==, 1);
	}
	finish(&f);
}

struct failure {
	const char *fault;
	const char *id;
	const char *text; /* in the message */
};

static const struct failure failures[] = {
	{ "lie-always", "corrupt", "what arrived is not what was sent" },
	{ "no-upload", "no-upload", "NoSuchUpload" },
	{ "expired", "credentials", "expired" },
	{ "small", "s3", "part-size" },
	{ "skew", "clock", "clock is 20 minutes behind the server's" },
	{ "region", "region", "region=eu-north-7" },
};

/* The put must fail, say why, and leave nothing; no message has a secret. */
static void test_fails(gconstpointer data)
{
	const struct failure *failure = data;
	g_autoptr(GError) error = NULL;
	struct faulty f = { 0 };

	start(&f, failure->fault, NULL);
	g_assert_false(try_put(&f.session, "dir/key", f.artifact, FALSE, NULL, &error));
	g_test_message("%s", error->message);
	g_assert_cmpstr(sw_error_id(error), ==, failure->id);
	g_assert_nonnull(strstr(error->message, failure->text));
	g_assert_null(strstr(error->message, g_getenv("AWS_SECRET_ACCESS_KEY")));
	assert_one_line(error);
	g_assert_cmpuint(s3_count(f.session.location), ==, 0);
	finish(&f);
}

/* What may not be aborted is named. */
static void test_denied_abort(void)
{
	g_autoptr(GError) error = NULL;
	struct faulty f = { 0 };

	start(&f, "denied-abort", NULL);
	g_assert_false(try_put(&f.session, "dir/key", f.artifact, FALSE, NULL, &error));
	g_test_message("%s", error->message);
	g_assert_cmpstr(sw_error_id(error), ==, "denied");
	g_assert_nonnull(strstr(error->message, "stays open"));
	g_assert_cmpuint(s3_count(f.session.location), ==, 1);
	finish(&f);
}

static guint parts_sent(const struct faulty *f)
{
	g_autofree char *text = NULL;
	guint count = 0;

	if (!g_file_get_contents(f->log, &text, NULL, NULL))
		return 0;
	for (const char *p = text; (p = strstr(p, "partNumber=")) != NULL; p++)
		count++;
	return count;
}

/* A put in a process that is killed as soon as a part is there. */
static void put_and_die(struct faulty *f)
{
	pid_t child = fork();

	g_assert_cmpint(child, >=, 0);
	if (child == 0) {
		g_autoptr(GError) error = NULL;

		_exit(try_put(&f->session, "dir/key", f->artifact, FALSE, NULL, &error) ? 0 : 1);
	}
	while (parts_sent(f) == 0)
		g_usleep(5000);
	/* The child notes it a little later than the proxy. */
	g_usleep(100000);
	kill(child, SIGKILL);
	g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
}

/* 2 MiB/s: the three parts take some seconds side by side, the small third is
 * there first. */
static void test_killed(void)
{
	struct faulty f = { 0 };
	guint before;

	start(&f, "none", "2 MiB");
	put_and_die(&f);
	before = parts_sent(&f);
	g_assert_cmpuint(before, <, 3);
	g_assert_cmpuint(s3_count(f.session.location), ==, 1);
	g_assert_null(s3_read(f.session.location, "dir/key", &(gsize){ 0 }));
	put(&f.session, "dir/key", f.artifact, FALSE);
	check_holds(&f.session, "dir/key", f.bytes, SIZE);
	g_assert_cmpuint(parts_sent(&f), ==, 3);
	g_assert_cmpuint(s3_count(f.session.location), ==, 1);
	finish(&f);
}

/* What another file's upload to the same key left is thrown away. */
static void test_killed_then_another(void)
{
	struct faulty f = { 0 };

	start(&f, "none", "2 MiB");
	put_and_die(&f);
	f.bytes[7] ^= 1;
	sw_artifact_free(f.artifact);
	f.artifact = make_artifact(&f.session, f.bytes, SIZE);
	put(&f.session, "dir/key", f.artifact, FALSE);
	check_holds(&f.session, "dir/key", f.bytes, SIZE);
	g_assert_cmpuint(s3_count(f.session.location), ==, 1);
	finish(&f);
}

int main(int argc, char **argv)
{
	static const char *const passing[] = { "busy", "reset",	      "silent",
					       "lie",  "lost-create", "lost-complete" };

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(passing); i++) {
		g_autofree char *path = g_strdup_printf("/faults/s3/%s", passing[i]);

		g_test_add_data_func(path, passing[i], test_passes);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(failures); i++) {
		g_autofree char *path = g_strdup_printf("/faults/s3/%s", failures[i].fault);

		g_test_add_data_func(path, &failures[i], test_fails);
	}
	g_test_add_func("/faults/s3/denied-abort", test_denied_abort);
	g_test_add_func("/faults/s3/killed", test_killed);
	g_test_add_func("/faults/s3/killed-then-another", test_killed_then_another);
	return g_test_run();
}
