/* SPDX-License-Identifier: MIT */
#include "fault.h"
#include "places.h"

/*
 * The suite that every row of sw_storages[] passes.  What a backend holds is read by other means
 * than its own: each has a place in places.h, and one without fails the suite.
 */

#define CANCEL_AFTER 20000 /* microseconds */

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

		g_assert_false(try_put(&s, bad[i], artifact, i % 2 == 0, NULL, &error));
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

/* A key that exists stays as it is, unless it may be overwritten. */
static void test_no_clobber(gconstpointer data)
{
	static const struct sw_put how = { 0 };
	struct session s = { 0 };

	open_session(&s, data, NULL);
	for (int named = 0; named < 2; named++) {
		g_autofree char *key = g_strdup_printf("dir/%d", named);
		g_autoptr(SwArtifact) first = make_artifact(&s, "first", 5);
		g_autoptr(SwArtifact) second = NULL;
		g_autoptr(GError) error = NULL;

		fault_no_temporary(named != 0);
		g_assert_true(s.storage->put(s.state, key, first, &how, NULL, &error));
		g_assert_no_error(error);
		second = make_artifact(&s, "2nd", 3);
		g_assert_false(s.storage->put(s.state, key, second, &how, NULL, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_STORAGE);
		g_assert_cmpstr(sw_error_id(error), ==, "key-exists");
		assert_one_line(error);
		check_holds(&s, key, "first", 5);
		g_assert_cmpuint(s.place->count(s.location), ==, (guint)named + 1);
	}
	fault_no_temporary(FALSE);
	close_session(&s);
}

static void check_no_key(const struct session *s, const char *key)
{
	struct sw_stored stored = { 0 };
	g_autoptr(GError) error = NULL;

	g_assert_false(s->storage->stat(s->state, key, &stored, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_STORAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "no-key");
	assert_one_line(error);
}

static void test_link(gconstpointer data)
{
	const size_t size = 100001;
	g_autofree guint8 *bytes = make_bytes(KIND_RANDOM, size, 7);
	g_autoptr(SwArtifact) artifact = NULL;
	g_autoptr(SwArtifact) small = NULL;
	g_autoptr(GError) error = NULL;
	struct session s = { 0 };

	open_session(&s, data, NULL);
	artifact = make_artifact(&s, bytes, size);
	put(&s, "1/a b", artifact, FALSE);
	/* New, over itself, and over another one. */
	for (int i = 0; i < 3; i++) {
		if (i == 2) {
			small = make_artifact(&s, "small", 5);
			put(&s, "latest/a b", small, FALSE);
		}
		g_assert_true(s.storage->link(s.state, "1/a b", "latest/a b", NULL, &error));
		g_assert_no_error(error);
		check_holds(&s, "latest/a b", bytes, size);
		g_assert_cmpuint(s.place->count(s.location), ==, 2);
	}
	/* They are two: what becomes of one is nothing to the other. */
	put(&s, "1/a b", small, FALSE);
	check_holds(&s, "latest/a b", bytes, size);
	g_assert_false(s.storage->link(s.state, "1/none", "latest/none", NULL, &error));
	g_assert_cmpstr(sw_error_id(error), ==, "no-key");
	check_no_key(&s, "latest/none");
	g_assert_cmpuint(s.place->count(s.location), ==, 2);
	close_session(&s);
}

static void test_stat(gconstpointer data)
{
	g_autoptr(SwArtifact) artifact = NULL;
	g_autoptr(GError) error = NULL;
	struct sw_stored stored = { 0 };
	struct session s = { 0 };

	open_session(&s, data, NULL);
	check_no_key(&s, "dir/key");
	artifact = make_artifact(&s, "twelve bytes", 12);
	put(&s, "dir/key", artifact, FALSE);
	g_assert_true(s.storage->stat(s.state, "dir/key", &stored, NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(stored.size, ==, 12);
	g_assert_true(*stored.sha256 == '\0' || g_str_equal(stored.sha256, artifact->sha256));
	g_assert_cmpint(llabs(stored.modified - g_get_real_time() / G_USEC_PER_SEC), <, 3600);
	check_no_key(&s, "dir/ke");
	check_no_key(&s, "dir");
	check_no_key(&s, "dir/key/below");
	close_session(&s);
}

static gboolean note_key(const char *key, const struct sw_stored *stored, void *data,
			 G_GNUC_UNUSED GError **error)
{
	g_assert_cmpuint(stored->size, ==, 4);
	g_string_append_printf(data, "%s\n", key);
	return TRUE;
}

static void check_list(const struct session *s, const char *prefix, const char *wanted)
{
	g_autoptr(GString) keys = g_string_new(NULL);
	g_autoptr(GError) error = NULL;

	g_assert_true(s->storage->list(s->state, prefix, note_key, keys, NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(keys->str, ==, wanted);
}

static gboolean stop_at_once(G_GNUC_UNUSED const char *key,
			     G_GNUC_UNUSED const struct sw_stored *stored, G_GNUC_UNUSED void *data,
			     GError **error)
{
	return sw_fail(error, SW_ERROR_STORAGE, "enough", "enough");
}

/* In the order of bytes: "/" comes behind "-" and "." */
static void test_list(gconstpointer data)
{
	static const char *const keys[] = {
		"b/\xc3\xa4", "b/1", "a/x", "a.txt", "a-/y", "b c/100%"
	};
	g_autoptr(SwArtifact) artifact = NULL;
	g_autoptr(GError) error = NULL;
	struct session s = { 0 };

	open_session(&s, data, NULL);
	check_list(&s, "", "");
	artifact = make_artifact(&s, "text", 4);
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		put(&s, keys[i], artifact, FALSE);
	check_list(&s, "", "a-/y\na.txt\na/x\nb c/100%\nb/1\nb/\xc3\xa4\n");
	check_list(&s, "a/", "a/x\n");
	check_list(&s, "b", "b c/100%\nb/1\nb/\xc3\xa4\n");
	check_list(&s, "b/1", "b/1\n");
	check_list(&s, "none/", "");
	g_assert_false(s.storage->list(s.state, "", stop_at_once, NULL, NULL, &error));
	g_assert_cmpstr(sw_error_id(error), ==, "enough");
	close_session(&s);
}

/* More than one page of a server's answers. */
static void test_long_list(gconstpointer data)
{
	g_autoptr(GString) wanted = g_string_new(NULL);
	g_autoptr(SwArtifact) artifact = NULL;
	g_autoptr(GError) error = NULL;
	struct session s = { 0 };

	open_session(&s, data, NULL);
	artifact = make_artifact(&s, "text", 4);
	put(&s, "many/0000", artifact, FALSE);
	for (int i = 0; i <= 1000; i++) {
		g_autofree char *key = g_strdup_printf("many/%04d", i);

		g_string_append_printf(wanted, "%s\n", key);
		if (i > 0)
			g_assert_true(s.storage->link(s.state, "many/0000", key, NULL, &error));
		g_assert_no_error(error);
	}
	check_list(&s, "many/", wanted->str);
	close_session(&s);
}

static gboolean collect(const void *bytes, size_t length, void *data, G_GNUC_UNUSED GError **error)
{
	g_byte_array_append(data, bytes, (guint)length);
	return TRUE;
}

static gboolean refuse_bytes(G_GNUC_UNUSED const void *bytes, G_GNUC_UNUSED size_t length,
			     G_GNUC_UNUSED void *data, GError **error)
{
	return sw_fail(error, SW_ERROR_STORAGE, "enough", "enough");
}

static void test_get(gconstpointer data)
{
	static const guint64 offsets[] = { 0, 1, 65536, 3000000, 3000001 };
	const size_t size = 3000001;
	g_autofree guint8 *bytes = make_bytes(KIND_RANDOM, size, 3);
	g_autoptr(GByteArray) none = g_byte_array_new();
	g_autoptr(SwArtifact) artifact = NULL;
	g_autoptr(GError) error = NULL;
	struct session s = { 0 };

	open_session(&s, data, NULL);
	artifact = make_artifact(&s, bytes, size);
	put(&s, "dir/key", artifact, FALSE);
	for (size_t i = 0; i < G_N_ELEMENTS(offsets); i++) {
		g_autoptr(GByteArray) got = g_byte_array_new();

		g_assert_true(
			s.storage->get(s.state, "dir/key", offsets[i], collect, got, NULL, &error));
		g_assert_no_error(error);
		g_assert_cmpuint(got->len, ==, size - offsets[i]);
		g_assert_true(got->len == 0 ||
			      memcmp(got->data, bytes + offsets[i], got->len) == 0);
	}
	g_assert_false(s.storage->get(s.state, "dir/none", 0, collect, none, NULL, &error));
	g_assert_cmpstr(sw_error_id(error), ==, "no-key");
	g_clear_error(&error);
	g_assert_false(s.storage->get(s.state, "dir/key", size + 1, collect, none, NULL, &error));
	g_clear_error(&error);
	g_assert_cmpuint(none->len, ==, 0);
	g_assert_false(s.storage->get(s.state, "dir/key", 0, refuse_bytes, NULL, NULL, &error));
	g_assert_cmpstr(sw_error_id(error), ==, "enough");
	close_session(&s);
}

static void test_remove(gconstpointer data)
{
	g_autoptr(SwArtifact) artifact = NULL;
	g_autoptr(GError) error = NULL;
	struct session s = { 0 };

	open_session(&s, data, NULL);
	g_assert_true(s.storage->remove(s.state, "no/such/key", NULL, &error));
	artifact = make_artifact(&s, "text", 4);
	put(&s, "a/b/c", artifact, FALSE);
	put(&s, "a/d", artifact, FALSE);
	g_assert_true(s.storage->remove(s.state, "a/b", NULL, &error) || error != NULL);
	g_clear_error(&error);
	g_assert_true(s.storage->remove(s.state, "a/b/c", NULL, &error));
	g_assert_true(s.storage->remove(s.state, "a/b/c", NULL, &error));
	g_assert_no_error(error);
	check_no_key(&s, "a/b/c");
	check_holds(&s, "a/d", "text", 4);
	g_assert_cmpuint(s.place->count(s.location), ==, 1);
	close_session(&s);
}

static void note_check(const char *name, const GError *error, void *data)
{
	g_assert_cmpuint(strlen(name), >, 0);
	g_string_append_printf(data, "%s ", error == NULL ? "good" : sw_error_id(error));
}

/* It leaves nothing; no place has room for everything, but some cannot know. */
static void test_check(gconstpointer data)
{
	g_autoptr(GString) results = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	struct session s = { 0 };

	open_session(&s, data, NULL);
	g_assert_true(s.storage->check(s.state, 1000, note_check, results, NULL, &error));
	g_assert_no_error(error);
	g_assert_nonnull(strstr(results->str, "good "));
	g_assert_cmpuint(s.place->count(s.location), ==, 0);
	g_string_truncate(results, 0);
	if (s.place->on_disk) {
		g_assert_false(
			s.storage->check(s.state, G_MAXINT64, note_check, results, NULL, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
		g_assert_cmpstr(sw_error_id(error), ==, "disk-full");
		assert_one_line(error);
		g_assert_nonnull(strstr(results->str, "disk-full "));
	}
	close_session(&s);
}

static void check_fails(const struct session *s, const struct sw_artifact *artifact,
			enum fault fault, int number, guint64 after)
{
	g_autofree char *own = g_strconcat(s->storage->name, "-storage", NULL);
	const char *id = number == ENOSPC ? "disk-full" : own;
	g_autoptr(GError) error = NULL;

	fault_set(fault, number, after);
	g_assert_false(try_put(s, "dir/key", artifact, FALSE, NULL, &error));
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
			check_fails(&s, artifact, FAULT_READ, EIO, after);
			if (s.place->on_disk) {
				check_fails(&s, artifact, FAULT_WRITE, ENOSPC, after);
				check_fails(&s, artifact, FAULT_WRITE, EIO, after);
			}
			g_assert_cmpuint(s.place->count(s.location), ==, older);
		}
		if (s.place->on_disk) {
			check_fails(&s, artifact, FAULT_SYNC, EIO, 0);
			check_fails(&s, artifact, FAULT_TRUNCATE, ENOSPC, 0);
		}
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

		g_assert_false(try_put(&s, "dir/key", artifact, move != 0, NULL, &error));
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
	g_assert_false(try_put(s, "dir/key", artifact, FALSE, cancellable, &error));
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
		{ "no-clobber", test_no_clobber },
		{ "link", test_link },
		{ "stat", test_stat },
		{ "list", test_list },
		{ "long-list", test_long_list },
		{ "get", test_get },
		{ "remove", test_remove },
		{ "check", test_check },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path =
			g_strdup_printf("/storages/%s/%s", storage->name, tests[i].name);

		g_test_add_data_func(path, storage, tests[i].test);
	}
}

static void skip_claims(G_GNUC_UNUSED gconstpointer data)
{
	g_assert_null(g_getenv("SW_TEST_STRICT"));
	g_test_skip("no mounts are allowed here, so no claims");
}

int main(int argc, char **argv)
{
	gboolean can_mount = fault_own_mounts();
	const char *only = g_getenv("SW_TEST_STORAGE");

	g_test_init(&argc, &argv, NULL);
	for (const struct sw_storage *const *s = sw_storages; *s != NULL; s++) {
		if (only != NULL && !g_str_equal(only, (*s)->name))
			continue;
		if (can_mount || !g_str_equal((*s)->name, "pvc"))
			add_storage(*s);
		else
			g_test_add_data_func("/storages/pvc", NULL, skip_claims);
	}
	return g_test_run();
}
