/* SPDX-License-Identifier: MIT */
#include "image/cache.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "repo-text.h"

static void test_open(void)
{
	g_autofree char *directory = make_directory();
	g_autofree char *path = g_build_filename(directory, "a", "b", NULL);
	g_autofree char *repo_path = g_build_filename(path, "repo", NULL);
	struct stat info;

	for (guint i = 0; i < 2; i++) {
		g_autoptr(SwCache) cache = NULL;
		g_autoptr(SwCache) second = NULL;
		g_autoptr(GError) error = NULL;

		g_assert_true(sw_cache_open(path, &cache, NULL, &error));
		g_assert_no_error(error);
		g_assert_cmpstr(sw_cache_path(cache), ==, path);
		g_assert_cmpint(ostree_repo_get_mode(sw_cache_repo(cache)), ==,
				OSTREE_REPO_MODE_BARE_USER);
		g_assert_true(sw_cache_open(path, &second, NULL, &error));
	}
	g_assert_cmpint(stat(path, &info), ==, 0);
	g_assert_cmpuint(info.st_mode & 0777, ==, 0700);
	g_assert_cmpint(stat(repo_path, &info), ==, 0);
	g_assert_cmpuint(info.st_mode & 0777, ==, 0700);
	remove_directory(directory);
}

/* No reserve of libostree's, neither in a new cache nor in one whose making was interrupted. */
static void test_reserve(void)
{
	g_autofree char *path = make_directory();
	g_autofree char *config = g_build_filename(path, "repo", "config", NULL);

	for (guint i = 0; i < 2; i++) {
		g_autoptr(SwCache) cache = NULL;
		g_autoptr(GError) error = NULL;
		guint64 bytes = 1;

		g_assert_true(sw_cache_open(path, &cache, NULL, &error));
		g_assert_true(
			ostree_repo_get_min_free_space_bytes(sw_cache_repo(cache), &bytes, &error));
		g_assert_no_error(error);
		g_assert_cmpuint(bytes, ==, 0);
		g_assert_true(g_file_set_contents(
			config, "[core]\nrepo_version=1\nmode=bare-user\n", -1, NULL));
	}
	remove_directory(path);
}

/* A second import opens and writes while the first one does. */
static void test_two_at_once(void)
{
	g_autofree char *path = make_directory();
	g_autoptr(SwCache) first = NULL;
	g_autoptr(SwCache) second = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_cache_open(path, &first, NULL, &error));
	g_assert_true(sw_cache_begin(first, NULL, &error));
	g_assert_true(sw_cache_open(path, &second, NULL, &error));
	g_assert_true(sw_cache_begin(second, NULL, &error));
	sw_cache_abort(second);
	g_assert_true(sw_cache_commit(first, NULL, &error));
	g_assert_no_error(error);
	remove_directory(path);
}

static guint count_leftovers(const char *path)
{
	g_autofree char *tmp = g_build_filename(path, "repo", "tmp", NULL);
	g_autoptr(GDir) directory = g_dir_open(tmp, 0, NULL);
	const char *name = NULL;
	guint count = 0;

	while ((name = g_dir_read_name(directory)) != NULL)
		count += g_str_has_prefix(name, "staging-");
	return count;
}

static char *write_something(struct sw_cache *cache)
{
	g_autoptr(GError) error = NULL;
	char *checksum =
		ostree_repo_write_regfile_inline(sw_cache_repo(cache), NULL, 0, 0, S_IFREG | 0644,
						 NULL, (const guint8 *)"x", 1, NULL, &error);

	g_assert_no_error(error);
	return checksum;
}

/* What an aborted or a killed import leaves goes, but not from under another import. */
static void test_leftovers(void)
{
	g_autofree char *path = make_directory();
	g_autofree char *dead = g_build_filename(path, "repo/tmp/staging-dead-x/ab", NULL);
	g_autofree char *file = g_build_filename(dead, "object.file", NULL);
	g_autofree char *checksum = NULL;
	g_autoptr(SwCache) first = NULL;
	g_autoptr(SwCache) second = NULL;
	g_autoptr(GError) error = NULL;
	gboolean has = TRUE;

	g_assert_true(sw_cache_open(path, &first, NULL, &error));
	g_assert_true(sw_cache_begin(first, NULL, &error));
	checksum = write_something(first);
	g_assert_true(sw_cache_open(path, &second, NULL, &error));
	g_assert_true(sw_cache_begin(second, NULL, &error));
	sw_cache_abort(second);
	g_assert_cmpuint(count_leftovers(path), >=, 2);
	sw_cache_abort(first);
	g_assert_cmpuint(count_leftovers(path), ==, 0);
	g_assert_true(ostree_repo_has_object(sw_cache_repo(first), OSTREE_OBJECT_TYPE_FILE,
					     checksum, &has, NULL, &error));
	g_assert_false(has);

	g_assert_cmpint(g_mkdir_with_parents(dead, 0700), ==, 0);
	g_assert_true(g_file_set_contents(file, "x", 1, NULL));
	g_assert_true(sw_cache_begin(first, NULL, &error));
	g_assert_false(g_file_test(dead, G_FILE_TEST_EXISTS));
	g_free(write_something(first));
	g_assert_true(sw_cache_commit(first, NULL, &error));
	g_assert_cmpuint(count_leftovers(path), ==, 0);
	g_assert_true(ostree_repo_has_object(sw_cache_repo(first), OSTREE_OBJECT_TYPE_FILE,
					     checksum, &has, NULL, &error));
	g_assert_true(has);
	remove_directory(path);
}

static void check_refused(const char *path, const char *text)
{
	g_autoptr(SwCache) cache = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_false(sw_cache_open(path, &cache, NULL, &error));
	g_assert_null(cache);
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
	g_assert_nonnull(strstr(error->message, text));
	g_assert_null(strchr(error->message, '\n'));
}

static void test_refused(void)
{
	g_autofree char *directory = make_directory();
	g_autofree char *file = g_build_filename(directory, "file", NULL);
	g_autofree char *below = g_build_filename(file, "cache", NULL);
	g_autofree char *other = g_build_filename(directory, "other", NULL);
	g_autofree char *repo_path = g_build_filename(other, "repo", NULL);
	g_autofree char *damaged = g_build_filename(directory, "damaged", NULL);
	g_autofree char *objects = g_build_filename(damaged, "repo", "objects", NULL);
	g_autoptr(GFile) repo_file = g_file_new_for_path(repo_path);
	g_autoptr(OstreeRepo) repo = ostree_repo_new(repo_file);

	g_assert_true(g_file_set_contents(file, "x", 1, NULL));
	check_refused(below, "XDG_CACHE_HOME");
	g_assert_cmpint(g_mkdir_with_parents(repo_path, 0700), ==, 0);
	g_assert_true(ostree_repo_create(repo, OSTREE_REPO_MODE_ARCHIVE, NULL, NULL));
	check_refused(other, "another mode than bare-user");
	g_assert_cmpint(g_mkdir_with_parents(objects, 0700), ==, 0);
	check_refused(damaged, "if it is damaged");
	if (geteuid() != 0) {
		g_autofree char *locked = g_build_filename(directory, "locked", NULL);

		g_assert_cmpint(g_mkdir(locked, 0500), ==, 0);
		check_refused(locked, "XDG_CACHE_HOME");
	} else {
		g_autofree char *theirs = g_build_filename(directory, "theirs", NULL);
		g_autofree char *lock = g_build_filename(theirs, "lock", NULL);

		g_assert_cmpint(g_mkdir(theirs, 0700), ==, 0);
		g_assert_true(g_file_set_contents(lock, "", 0, NULL));
		g_assert_cmpint(chown(lock, 12345, 12345), ==, 0);
		check_refused(theirs, "belongs to the user 12345");
	}
	remove_directory(directory);
}

static void test_space(void)
{
	g_autofree char *path = make_directory();
	g_autoptr(SwCache) cache = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_cache_open(path, &cache, NULL, &error));
	g_assert_true(sw_cache_check_space(cache, 1, "the image", &error));
	g_assert_no_error(error);
	g_assert_false(
		sw_cache_check_space(cache, G_GUINT64_CONSTANT(1) << 60, "the image", &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
	g_assert_cmpstr(sw_error_id(error), ==, "disk-full");
	remove_directory(path);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cache/open", test_open);
	g_test_add_func("/cache/reserve", test_reserve);
	g_test_add_func("/cache/two-at-once", test_two_at_once);
	g_test_add_func("/cache/leftovers", test_leftovers);
	g_test_add_func("/cache/refused", test_refused);
	g_test_add_func("/cache/space", test_space);
	return g_test_run();
}
