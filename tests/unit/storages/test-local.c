/* SPDX-License-Identifier: MIT */
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../disk.h"
#include "core/storage.h"
#include "storage/directory/temporary.h"

extern const struct sw_storage sw_storage_local;

struct fixture {
	struct sw_scratch *scratch;
	char *location;
	void *state;
};

static void set_up(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	f->scratch = make_scratch("slipway-test-local-");
	f->location = scratch_path(f->scratch, "a/b");
	f->state = g_malloc0(sw_storage_local.state_size);
	g_assert_true(sw_storage_local.open(f->state, f->location, NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpint(g_mkdir_with_parents(f->location, 0755), ==, 0);
}

static void tear_down(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	sw_storage_local.close(f->state);
	g_free(f->state);
	g_free(f->location);
	sw_scratch_free(f->scratch);
}

/* An artifact of TEXT, in a file of the scratch directory. */
static struct sw_artifact *make_artifact(const struct fixture *f, const char *text)
{
	struct sw_artifact *artifact = g_new0(struct sw_artifact, 1);

	artifact->path = scratch_path(f->scratch, "artifact");
	artifact->name = g_strdup("x");
	artifact->size = strlen(text);
	sw_sha256_data(text, strlen(text), artifact->sha256);
	g_assert_true(g_file_set_contents(artifact->path, text, -1, NULL));
	return artifact;
}

static gboolean put(struct fixture *f, const char *key, const struct sw_artifact *artifact,
		    gboolean move, GError **error)
{
	const struct sw_put how = { .move = move, .overwrite = TRUE };

	return sw_storage_local.put(f->state, key, artifact, &how, NULL, error);
}

static void check_holds(struct fixture *f, const char *key, const char *text)
{
	g_autofree char *path = g_build_filename(f->location, key, NULL);
	g_autofree char *found = NULL;

	g_assert_true(g_file_get_contents(path, &found, NULL, NULL));
	g_assert_cmpstr(found, ==, text);
}

static guint count_entries(const char *path)
{
	g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
	guint count = 0;

	while (directory != NULL && g_dir_read_name(directory) != NULL)
		count++;
	return count;
}

static void test_copy_and_move(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	g_autoptr(SwArtifact) artifact = make_artifact(f, "one");
	g_autoptr(GError) error = NULL;

	g_assert_true(put(f, "qcow2/disk.qcow2", artifact, FALSE, &error));
	check_holds(f, "qcow2/disk.qcow2", "one");
	g_assert_true(g_file_test(artifact->path, G_FILE_TEST_EXISTS));
	g_assert_true(put(f, "sums", artifact, TRUE, &error));
	g_assert_no_error(error);
	check_holds(f, "sums", "one");
	g_assert_false(g_file_test(artifact->path, G_FILE_TEST_EXISTS));
	g_assert_cmpuint(count_entries(f->location), ==, 2);
}

/* The older file stays as it is for those who have it open. */
static void test_replace(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = g_build_filename(f->location, "k", NULL);
	sw_autofd int fd = -1;
	char text[8] = "";

	for (int move = 0; move < 2; move++) {
		g_autoptr(SwArtifact) first = make_artifact(f, "first");
		g_autoptr(SwArtifact) second = NULL;

		g_assert_true(put(f, "k", first, move != 0, &error));
		fd = open(path, O_RDONLY | O_CLOEXEC);
		second = make_artifact(f, "2nd");
		g_assert_true(put(f, "k", second, move != 0, &error));
		check_holds(f, "k", "2nd");
		g_assert_cmpint(read(fd, text, sizeof(text)), ==, 5);
		close(g_steal_fd(&fd));
	}
	g_assert_no_error(error);
}

/* A link at the key is replaced, not followed; one on the way is refused. */
static void test_links(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	g_autoptr(SwArtifact) artifact = make_artifact(f, "text");
	g_autofree char *outside = scratch_path(f->scratch, "outside");
	g_autofree char *link = g_build_filename(f->location, "link", NULL);
	g_autofree char *directory = g_build_filename(f->location, "dir", NULL);
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(g_mkdir(outside, 0700), ==, 0);
	g_assert_cmpint(symlink(outside, link), ==, 0);
	g_assert_cmpint(symlink(outside, directory), ==, 0);
	g_assert_true(put(f, "link", artifact, FALSE, &error));
	g_assert_false(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
	g_assert_false(put(f, "dir/key", artifact, FALSE, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_STORAGE);
	assert_one_line(error);
	g_assert_cmpuint(count_entries(outside), ==, 0);
}

static void check_refused(struct fixture *f, const char *key, const struct sw_artifact *artifact,
			  const char *what)
{
	for (int move = 0; move < 2; move++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(put(f, key, artifact, move != 0, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_STORAGE);
		assert_one_line(error);
		g_assert_nonnull(strstr(error->message, what));
		if (strstr(what, "differs") != NULL)
			break;
	}
	g_assert_cmpuint(count_entries(f->location), ==, 0);
}

/* What is refused leaves neither a file nor the directories made for it. */
static void test_refused(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	g_autoptr(SwArtifact) artifact = make_artifact(f, "text");

	check_refused(f, "../up", artifact, "cannot name an artifact");
	check_refused(f, "/etc/motd", artifact, "cannot name an artifact");
	artifact->size++;
	check_refused(f, "a/b", artifact, "no longer the file");
	artifact->size--;
	artifact->sha256[0] ^= 1;
	check_refused(f, "a/b/c", artifact, "differs from what was written");
	g_assert_cmpint(g_unlink(artifact->path), ==, 0);
	check_refused(f, "a/b", artifact, "cannot open");
	g_assert_cmpint(g_mkdir(artifact->path, 0700), ==, 0);
	check_refused(f, "a/b", artifact, "no longer the file");
}

/* A directory that was there stays, also when it is empty. */
static void test_existing_directory(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	g_autoptr(SwArtifact) artifact = make_artifact(f, "text");
	g_autofree char *directory = g_build_filename(f->location, "a", NULL);
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(g_mkdir(directory, 0700), ==, 0);
	artifact->sha256[0] ^= 1;
	g_assert_false(put(f, "a/b/c", artifact, FALSE, &error));
	g_assert_cmpuint(count_entries(directory), ==, 0);
	g_assert_cmpuint(count_entries(f->location), ==, 1);
}

static void ignore_report(G_GNUC_UNUSED const char *name, G_GNUC_UNUSED const GError *error,
			  G_GNUC_UNUSED void *data)
{
}

/* What cannot become a directory is said by the check, and by a put. */
static void test_bad_locations(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	g_autoptr(SwArtifact) artifact = make_artifact(f, "text");
	g_autofree char *below = g_build_filename(artifact->path, "out", NULL);
	const char *const locations[] = { artifact->path, below, "/proc/nowhere" };
	const struct sw_put how = { 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(locations); i++) {
		g_autofree void *state = g_malloc0(sw_storage_local.state_size);
		g_autoptr(GError) put_error = NULL;
		g_autoptr(GError) error = NULL;

		g_assert_true(sw_storage_local.open(state, locations[i], NULL, &error));
		g_assert_false(sw_storage_local.check(state, 1, ignore_report, NULL, NULL, &error));
		assert_one_line(error);
		g_assert_true(error->domain == SW_ERROR);
		g_assert_false(
			sw_storage_local.put(state, "key", artifact, &how, NULL, &put_error));
		assert_one_line(put_error);
		g_assert_true(put_error->domain == SW_ERROR);
		sw_storage_local.close(state);
	}
}

static void test_no_location(G_GNUC_UNUSED struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	g_autofree void *state = g_malloc0(sw_storage_local.state_size);
	g_autoptr(GError) error = NULL;

	g_assert_false(sw_storage_local.open(state, "", NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_STORAGE);
	sw_storage_local.close(state);
}

/* What a killed writer of this machine left goes with the next put; what a living one writes stays. */
static void test_leftovers(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	g_autoptr(SwArtifact) artifact = make_artifact(f, "text");
	g_autoptr(GError) error = NULL;
	g_autofree char *mine = sw_temporary_name();
	g_auto(GStrv) parts = g_strsplit(mine, "-", -1);
	g_autofree char *dead = g_strdup_printf(".slipway-put-%s-2147483646-1", parts[2]);
	pid_t child = fork();
	g_autofree char *zombie = g_strdup_printf(".slipway-put-%s-%d-1", parts[2], (int)child);
	const char *const names[] = { mine, dead, zombie, ".slipway-put-0000000000000000-1-1" };
	siginfo_t ended;

	if (child == 0)
		_exit(0);
	g_assert_cmpint(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(f->location, names[i], NULL);

		g_assert_true(g_file_set_contents(path, "part", -1, NULL));
	}
	g_assert_true(put(f, "key", artifact, FALSE, &error));
	g_assert_no_error(error);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(f->location, names[i], NULL);

		g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS) ==
			      (names[i] != dead && names[i] != zombie));
	}
	g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
	g_assert_false(put(f, mine, artifact, FALSE, &error));
	g_assert_cmpstr(sw_error_id(error), ==, "bad-key");
}

static void add(const char *path, void (*test)(struct fixture *f, gconstpointer data))
{
	g_test_add(path, struct fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("/local/copy-and-move", test_copy_and_move);
	add("/local/replace", test_replace);
	add("/local/links", test_links);
	add("/local/refused", test_refused);
	add("/local/existing-directory", test_existing_directory);
	add("/local/bad-locations", test_bad_locations);
	add("/local/no-location", test_no_location);
	add("/local/leftovers", test_leftovers);
	return g_test_run();
}
