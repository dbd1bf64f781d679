/* SPDX-License-Identifier: MIT */
#include <ftw.h>
#include <sys/stat.h>

#include "../disk.h"
#include "core/storage.h"
#include "fault.h"

/*
 * The suite that every row of sw_storages[] passes.  What a backend holds is read by other means
 * than its own: each has a place in the table below, and one without fails the suite.
 */

#define CANCEL_AFTER 20000 /* microseconds */

/* How to look into a backend. */
struct place {
	const char *name;
	/* A location that is not there yet; the caller frees it. */
	char *(*location)(const struct sw_scratch *scratch);
	/* The bytes under KEY; NULL when there is nothing. The caller frees them. */
	char *(*read)(const char *location, const char *key, gsize *ret_length);
	/* How many files or objects there are, also hidden and half-made ones. */
	guint (*count)(const char *location);
	/* How many bytes those under KEY take; NULL: nobody can know. */
	guint64 (*allocated)(const char *location, const char *key);
	gboolean on_disk; /* below a directory of this machine */
};

static char *local_location(const struct sw_scratch *scratch)
{
	return scratch_path(scratch, "out/put here");
}

static char *local_read(const char *location, const char *key, gsize *ret_length)
{
	g_autofree char *path = g_build_filename(location, key, NULL);
	char *bytes = NULL;

	return g_file_get_contents(path, &bytes, ret_length, NULL) ? bytes : NULL;
}

static guint files_seen;

static int count_file(G_GNUC_UNUSED const char *path, G_GNUC_UNUSED const struct stat *st, int type)
{
	files_seen += type != FTW_D;
	return 0;
}

static guint local_count(const char *location)
{
	files_seen = 0;
	g_assert_cmpint(ftw(location, count_file, 16), ==, 0);
	return files_seen;
}

static guint64 local_allocated(const char *location, const char *key)
{
	g_autofree char *path = g_build_filename(location, key, NULL);
	struct stat st;

	g_assert_cmpint(stat(path, &st), ==, 0);
	return (guint64)st.st_blocks * 512;
}

static const struct place places[] = {
	{ "local", local_location, local_read, local_count, local_allocated, TRUE },
};

/* A backend that is open. */
struct session {
	const struct sw_storage *storage;
	const struct place *place;
	struct sw_scratch *scratch;
	char *location;
	void *state;
};

static void open_session(struct session *s, const struct sw_storage *storage, const char *directory)
{
	g_autoptr(GError) error = NULL;

	s->storage = storage;
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
		if (g_str_equal(places[i].name, storage->name))
			s->place = &places[i];
	g_assert_nonnull(s->place);
	s->scratch = make_scratch("slipway-conformance-storages-");
	s->location = directory == NULL ? s->place->location(s->scratch) : g_strdup(directory);
	s->state = g_malloc0(storage->state_size);
	g_assert_true(sw_params_apply(storage->params, NULL, s->state, storage->name, &error));
	g_assert_true(storage->open(s->state, s->location, NULL, &error));
	g_assert_no_error(error);
}

static void close_session(struct session *s)
{
	s->storage->close(s->state);
	sw_params_clear(s->storage->params, s->state);
	sw_scratch_free(s->scratch);
	g_free(s->state);
	g_free(s->location);
}

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

static void check_holds(const struct session *s, const char *key, const void *bytes, size_t length)
{
	gsize found_length = 0;
	g_autofree char *found = s->place->read(s->location, key, &found_length);

	g_assert_nonnull(found);
	g_assert_cmpuint(found_length, ==, length);
	g_assert_true(memcmp(found, bytes, length) == 0);
}

static void put(const struct session *s, const char *key, const struct sw_artifact *artifact,
		gboolean move)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(s->storage->put(s->state, key, artifact, move, NULL, &error));
	g_assert_no_error(error);
}

static void test_put(gconstpointer data)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 65537, 5 * 1024 * 1024, 9000001 };
	struct session s = { 0 };

	open_session(&s, data, NULL);
	for (size_t i = 0; i < 2 * G_N_ELEMENTS(sizes); i++) {
		size_t size = sizes[i / 2];
		g_autofree guint8 *bytes = make_bytes(KIND_RANDOM, size, (guint32)i);
		g_autoptr(SwArtifact) artifact = make_artifact(&s, bytes, size);
		g_autofree char *key = g_strdup_printf("dir/%zu", i);

		put(&s, key, artifact, i % 2 == 1);
		check_holds(&s, key, bytes, size);
		g_assert_cmpuint(s.place->count(s.location), ==, i + 1);
	}
	close_session(&s);
}

static void test_keys(gconstpointer data)
{
	static const char *const good[] = {
		"a b", "100%", "a+b&c=d?e#f", "\xc3\xa4/\xe2\x82\xac", "x/y/z/disk.raw", "-n", "..."
	};
	static const char *const bad[] = { "",	 "/",	"/x",	"..",	    "a/../b", "a//b",
					   "a/", "./a", "a\nb", "a\x1b[0m", "\xff" };
	struct session s = { 0 };
	g_autoptr(SwArtifact) artifact = NULL;

	open_session(&s, data, NULL);
	artifact = make_artifact(&s, "text", 4);
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		put(&s, good[i], artifact, FALSE);
		check_holds(&s, good[i], "text", 4);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(s.storage->put(s.state, bad[i], artifact, i % 2 == 0, NULL, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_STORAGE);
		assert_one_line(error);
	}
	g_assert_cmpuint(s.place->count(s.location), ==, G_N_ELEMENTS(good));
	close_session(&s);
}

static void test_replace(gconstpointer data)
{
	struct session s = { 0 };

	open_session(&s, data, NULL);
	for (int i = 0; i < 4; i++) {
		size_t size = i % 2 == 0 ? 100000 : 50;
		g_autofree guint8 *bytes = make_bytes(KIND_TEXT, size, (guint32)i);
		g_autoptr(SwArtifact) artifact = make_artifact(&s, bytes, size);

		put(&s, "same/key", artifact, i / 2 == 1);
		check_holds(&s, "same/key", bytes, size);
		g_assert_cmpuint(s.place->count(s.location), ==, 1);
	}
	close_session(&s);
}

static void check_fails(const struct session *s, const struct sw_artifact *artifact,
			enum fault fault, int number, guint64 after)
{
	const char *id = number == ENOSPC ? "disk-full" : "local-storage";
	g_autoptr(GError) error = NULL;

	fault_set(fault, number, after);
	g_assert_false(s->storage->put(s->state, "dir/key", artifact, FALSE, NULL, &error));
	fault_set(FAULT_NONE, 0, 0);
	assert_one_line(error);
	g_assert_true(error->domain == SW_ERROR);
	g_assert_true(!s->place->on_disk || g_str_equal(sw_error_id(error), id));
}

/* A put that fails leaves what was there: first nothing, then the older file. */
static void check_faults(const struct sw_storage *storage, gboolean named)
{
	const size_t size = 3000000;
	g_autofree guint8 *bytes = make_bytes(KIND_RANDOM, size, 1);
	struct session s = { 0 };

	open_session(&s, storage, NULL);
	fault_no_temporary(named);
	for (guint older = 0; older < 2; older++) {
		g_autoptr(SwArtifact) artifact = make_artifact(&s, bytes, size);

		for (guint64 after = 0; after < size; after += size / 3 - 1) {
			check_fails(&s, artifact, FAULT_WRITE, ENOSPC, after);
			check_fails(&s, artifact, FAULT_WRITE, EIO, after);
			check_fails(&s, artifact, FAULT_READ, EIO, after);
			g_assert_cmpuint(s.place->count(s.location), ==, older);
		}
		check_fails(&s, artifact, FAULT_SYNC, EIO, 0);
		check_fails(&s, artifact, FAULT_TRUNCATE, ENOSPC, 0);
		g_assert_cmpuint(s.place->count(s.location), ==, older);
		if (older == 0) {
			g_autoptr(SwArtifact) small = make_artifact(&s, "older", 5);

			put(&s, "dir/key", small, FALSE);
		}
	}
	check_holds(&s, "dir/key", "older", 5);
	fault_no_temporary(FALSE);
	close_session(&s);
}

static void test_faults(gconstpointer data)
{
	check_faults(data, FALSE);
	check_faults(data, TRUE);
}

static void put_on_full_disk(const char *directory, gconstpointer data)
{
	const size_t size = 3000000;
	g_autofree guint8 *bytes = make_bytes(KIND_RANDOM, size, 1);
	g_autoptr(SwArtifact) artifact = NULL;
	g_autoptr(SwArtifact) small = NULL;
	struct session s = { 0 };

	open_session(&s, data, directory);
	small = make_artifact(&s, "small", 5);
	put(&s, "dir/key", small, TRUE);
	artifact = make_artifact(&s, bytes, size);
	for (int move = 0; move < 2; move++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(
			s.storage->put(s.state, "dir/key", artifact, move != 0, NULL, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
		g_assert_cmpstr(sw_error_id(error), ==, "disk-full");
		assert_one_line(error);
	}
	check_holds(&s, "dir/key", "small", 5);
	g_assert_cmpuint(s.place->count(s.location), ==, 1);
	close_session(&s);
}

/* Also shows that a move over filesystems copies. */
static void test_full_disk(gconstpointer data)
{
	g_autoptr(SwScratch) scratch = make_scratch("slipway-conformance-full-");
	struct session s = { 0 };
	gboolean on_disk;

	open_session(&s, data, NULL);
	on_disk = s.place->on_disk;
	close_session(&s);
	if (!on_disk ||
	    !fault_on_small_disk(sw_scratch_path(scratch), SW_MIB, put_on_full_disk, data))
		g_test_skip("not below a directory, or no mounts allowed here");
}

static gpointer cancel_soon(gpointer data)
{
	g_usleep(CANCEL_AFTER);
	g_cancellable_cancel(data);
	return NULL;
}

/* Cancels before (AFTER 0) or during a put; returns the microseconds from then to its end. */
static gint64 cancel_put(const struct session *s, const struct sw_artifact *artifact, gulong after)
{
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	gint64 start = g_get_monotonic_time(), end;
	g_autoptr(GError) error = NULL;
	GThread *thread = NULL;

	if (after == 0)
		g_cancellable_cancel(cancellable);
	else
		thread = g_thread_new("cancel", cancel_soon, cancellable);
	g_assert_false(s->storage->put(s->state, "dir/key", artifact, FALSE, cancellable, &error));
	end = g_get_monotonic_time();
	g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
	assert_one_line(error);
	g_assert_cmpuint(s->place->count(s->location), ==, 0);
	if (thread != NULL)
		g_thread_join(thread);
	return end - start - (gint64)after;
}

/* Nothing is left, and it takes no longer than 200 ms. */
static void test_cancel(gconstpointer data)
{
	const size_t size = 200 * SW_MIB;
	g_autofree guint8 *bytes = make_bytes(KIND_TEXT, size, 1);
	g_autoptr(SwArtifact) artifact = NULL;
	gint64 shortest = G_MAXINT64;
	struct session s = { 0 };

	open_session(&s, data, NULL);
	artifact = make_artifact(&s, bytes, size);
	cancel_put(&s, artifact, 0);
	/* Three times, as the machine may be busy with something else. */
	for (int i = 0; i < 3; i++) {
		gint64 took = cancel_put(&s, artifact, CANCEL_AFTER);

		shortest = MIN(shortest, took);
	}
	g_assert_cmpint(shortest, <=, 200 * 1000);
	close_session(&s);
}

static void test_stays_sparse(gconstpointer data)
{
	static const struct stretch some[] = { { 10 * SW_MIB, 100000, KIND_TEXT }, { 0 } };
	const guint64 size = 300 * SW_MIB;
	g_autofree guint8 *bytes = g_malloc0(size);
	g_autofree guint8 *text = make_bytes(KIND_TEXT, 100000, 0);
	struct sw_artifact artifact = { .size = size };
	struct session s = { 0 };

	open_session(&s, data, NULL);
	memcpy(bytes + 10 * SW_MIB, text, 100000);
	sw_sha256_data(bytes, size, artifact.sha256);
	artifact.path = scratch_path(s.scratch, "disk");
	for (int move = 0; move < 2; move++) {
		make_disk(artifact.path, size, some);
		put(&s, "image/disk.raw", &artifact, move != 0);
		check_holds(&s, "image/disk.raw", bytes, size);
		if (s.place->allocated != NULL)
			g_assert_cmpuint(s.place->allocated(s.location, "image/disk.raw"), <=,
					 SW_MIB);
	}
	g_free(artifact.path);
	close_session(&s);
}

static void check_option(const struct sw_storage *storage, const char *name, const char *value,
			 gboolean wanted)
{
	g_autoptr(GHashTable) options = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree void *state = g_malloc0(storage->state_size);
	g_autoptr(GError) error = NULL;
	gboolean good;

	g_hash_table_insert(options, (gpointer)name, (gpointer)value);
	good = sw_params_apply(storage->params, options, state, storage->name, &error);
	g_assert_true(good == wanted);
	if (!good) {
		g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
		assert_one_line(error);
	}
	storage->close(state);
	sw_params_clear(storage->params, state);
}

static void test_options(gconstpointer data)
{
	const struct sw_storage *storage = data;
	const struct sw_param *p = storage->params;

	check_option(storage, "no-such-option", "1", FALSE);
	for (; p != NULL && p->name != NULL; p++) {
		g_assert_cmpuint(strlen(p->help), >, 0);
		if (p->fallback != NULL)
			check_option(storage, p->name, p->fallback, TRUE);
		for (const char *const *c = p->choices; c != NULL && *c != NULL; c++)
			check_option(storage, p->name, *c, TRUE);
	}
}

static void add_storage(const struct sw_storage *storage)
{
	static const struct {
		const char *name;
		void (*test)(gconstpointer data);
	} tests[] = {
		{ "put", test_put },
		{ "keys", test_keys },
		{ "replace", test_replace },
		{ "faults", test_faults },
		{ "full-disk", test_full_disk },
		{ "cancel", test_cancel },
		{ "sparse", test_stays_sparse },
		{ "options", test_options },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path =
			g_strdup_printf("/storages/%s/%s", storage->name, tests[i].name);

		g_test_add_data_func(path, storage, tests[i].test);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (const struct sw_storage *const *s = sw_storages; *s != NULL; s++)
		add_storage(*s);
	return g_test_run();
}
