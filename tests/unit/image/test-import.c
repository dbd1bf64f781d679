/* SPDX-License-Identifier: MIT */
#include "image/image.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "core/error.h"
#include "core/file.h"
#include "fake-source.h"
#include "repo-text.h"
#include "tarball.h"

/* This program, to be run again as "import CACHE PAUSE". */
static const char *self;

static struct sw_source *small_image(void)
{
	struct sw_source *source = source_new();
	GByteArray *tar = g_byte_array_new();

	tar_add_directory(tar, "./", 0755);
	tar_add_file(tar, "etc/passwd", 0644, "root");
	tar_add_file(tar, "usr/gone", 0644, "x");
	tar_end(tar);
	source_add(source, tar);
	tar = g_byte_array_new();
	tar_add_file(tar, "usr/.wh.gone", 0644, "");
	tar_add_file(tar, "usr/new", 04755, "y");
	tar_end(tar);
	source_add(source, tar);
	source_seal(source);
	return source;
}

/* Three layers with some hundred files and one that does not fit into the memory at once. */
static struct sw_source *large_image(void)
{
	struct sw_source *source = source_new();
	g_autofree char *content = g_malloc(6000000);

	for (guint i = 0; i < 6000000; i++)
		content[i] = (char)('a' + i % 23 + i / 100000 % 3);
	for (guint layer = 0; layer < 3; layer++) {
		GByteArray *tar = g_byte_array_new();

		for (guint i = 0; i < 200; i++) {
			g_autofree char *name = g_strdup_printf("usr/%u/%u", layer + i % 2, i);
			g_autofree char *text = g_strdup_printf("%u in %u", i, layer);

			tar_add_file(tar, name, 0644, text);
		}
		if (layer == 1) {
			tar_add_header(tar, '0', "usr/large", NULL, 0600, 0, 0, 6000000);
			tar_add_data(tar, content, 6000000);
		}
		tar_end(tar);
		source_add(source, tar);
	}
	source_seal(source);
	return source;
}

/* A directory with a cache that does not wait for the disk, which takes long on a busy machine. */
static char *make_cache(void)
{
	char *path = make_directory();
	g_autoptr(SwCache) cache = NULL;
	g_autoptr(GKeyFile) config = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_cache_open(path, &cache, NULL, &error));
	config = ostree_repo_copy_config(sw_cache_repo(cache));
	g_key_file_set_boolean(config, "core", "fsync", FALSE);
	g_assert_true(ostree_repo_write_config(sw_cache_repo(cache), config, &error));
	return path;
}

static struct sw_import *import(const char *path, struct sw_source *source, GError **error)
{
	g_autoptr(SwCache) cache = NULL;
	struct sw_import *result = NULL;

	if (!sw_cache_open(path, &cache, NULL, error) ||
	    !sw_image_import(cache, source, NULL, &result, NULL, error)) {
		g_assert_null(result);
		return NULL;
	}
	return result;
}

/* All objects are what their names say, all refs lead to whole commits, nothing is left over. */
static void check_cache(const char *path)
{
	g_autoptr(SwCache) cache = NULL;
	g_autoptr(GHashTable) objects = NULL;
	g_autoptr(GHashTable) refs = NULL;
	g_autoptr(GError) error = NULL;
	GHashTableIter iter;
	gpointer key = NULL;
	gpointer value = NULL;

	g_assert_true(sw_cache_open(path, &cache, NULL, &error));
	g_assert_true(ostree_repo_list_objects(sw_cache_repo(cache), OSTREE_REPO_LIST_OBJECTS_ALL,
					       &objects, NULL, &error));
	g_hash_table_iter_init(&iter, objects);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		const char *checksum = NULL;
		OstreeObjectType type = 0;

		ostree_object_name_deserialize(key, &checksum, &type);
		g_assert_true(ostree_repo_fsck_object(sw_cache_repo(cache), type, checksum, NULL,
						      &error));
		g_assert_no_error(error);
	}
	g_assert_true(ostree_repo_list_refs(sw_cache_repo(cache), NULL, &refs, NULL, &error));
	g_hash_table_iter_init(&iter, refs);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		g_autofree char *text = repo_text(sw_cache_repo(cache), value);

		g_assert_cmpuint(strlen(text), >, 10);
	}
}

static char *text_of(const char *path, const char *commit)
{
	g_autoptr(SwCache) cache = NULL;

	g_assert_true(sw_cache_open(path, &cache, NULL, NULL));
	return repo_text(sw_cache_repo(cache), commit);
}

/* The second import fetches nothing, and another cache gets the same commits. */
static void test_twice(void)
{
	g_autoptr(SwSource) source = small_image();
	g_autofree char *first_commit = NULL;

	for (guint i = 0; i < 2; i++) {
		g_autofree char *path = make_cache();
		g_autoptr(GError) error = NULL;
		g_autoptr(SwImport) cold = import(path, source, &error);
		g_autoptr(SwImport) warm = NULL;
		g_autofree char *text = NULL;

		g_assert_no_error(error);
		g_assert_cmpuint(cold->layers_fetched, ==, 2);
		g_assert_cmpuint(cold->bytes_fetched, >, 0);
		warm = import(path, source, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(warm->layers_fetched, ==, 0);
		g_assert_cmpuint(warm->bytes_fetched, ==, 0);
		g_assert_cmpstr(warm->commit, ==, cold->commit);
		g_assert_cmpuint(g_strv_length(warm->layer_commits), ==, 2);
		g_assert_true(g_strv_equal((const char *const *)warm->layer_commits,
					   (const char *const *)cold->layer_commits));
		text = text_of(path, warm->commit);
		g_assert_cmpstr(text, ==,
				"/ 0:0 040755\n/usr 0:0 040755\n/usr/etc 0:0 040755\n"
				"/usr/etc/passwd 0:0 100644 'root'\n/usr/new 0:0 104755 'y'\n");
		if (first_commit == NULL)
			first_commit = g_strdup(cold->commit);
		g_assert_cmpstr(cold->commit, ==, first_commit);
		check_cache(path);
		remove_directory(path);
	}
	g_assert_cmpuint(source->fetched, ==, 4);
}

/* One layer more: that layer alone is fetched.  The same layer twice is fetched once. */
static void test_one_layer_more(void)
{
	g_autofree char *path = make_cache();
	g_autoptr(SwSource) source = small_image();
	g_autoptr(GError) error = NULL;
	g_autoptr(SwImport) first = import(path, source, &error);
	g_autoptr(SwImport) second = NULL;

	g_assert_no_error(error);
	for (guint i = 0; i < 2; i++) {
		GByteArray *tar = g_byte_array_new();

		tar_add_file(tar, "usr/third", 0644, "z");
		source_add(source, tar);
	}
	source_seal(source);
	second = import(path, source, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(second->layers_fetched, ==, 1);
	g_assert_cmpuint(g_strv_length(second->layer_commits), ==, 4);
	g_assert_cmpstr(second->layer_commits[0], ==, first->layer_commits[0]);
	g_assert_cmpstr(second->layer_commits[2], ==, second->layer_commits[3]);
	g_assert_cmpstr(second->commit, !=, first->commit);
	check_cache(path);
	remove_directory(path);
}

/* A changed configuration under the same manifest's digest makes a new merge, without a fetch. */
static void test_other_config(void)
{
	g_autofree char *path = make_cache();
	g_autoptr(SwSource) source = small_image();
	g_autoptr(GError) error = NULL;
	g_autoptr(SwImport) first = import(path, source, &error);
	g_autoptr(SwImport) second = NULL;

	g_free(source->image.config);
	source->image.config = g_strdup("{\"other\":1}");
	second = import(path, source, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(second->layers_fetched, ==, 0);
	g_assert_cmpstr(second->commit, !=, first->commit);
	remove_directory(path);
}

/*
 * Over other lower layers a layer's hard links lead elsewhere; its blob is fetched once all the
 * same.
 */
static void test_links_to_lower(void)
{
	g_autofree char *path = make_cache();
	char *layer_commits[3] = { NULL };

	for (guint i = 0; i < 3; i++) {
		struct sw_source *source = source_new();
		GByteArray *tar = g_byte_array_new();
		g_autoptr(SwImport) result = NULL;
		g_autoptr(GError) error = NULL;
		g_autofree char *text = NULL;

		tar_add_file(tar, "a", 0644, i == 1 ? "one" : "two");
		source_add(source, tar);
		tar = g_byte_array_new();
		tar_add_hardlink(tar, "b", "a");
		source_add(source, tar);
		source_seal(source);
		result = import(path, source, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(result->layers_fetched, ==, 2 - i);
		text = text_of(path, result->layer_commits[1]);
		g_assert_cmpstr(text, ==,
				i == 1 ? "/ 0:0 040755\n/b 0:0 100644 'one'\n"
				       : "/ 0:0 040755\n/b 0:0 100644 'two'\n");
		layer_commits[i] = g_strdup(result->layer_commits[1]);
		sw_source_free(source);
	}
	g_assert_cmpstr(layer_commits[0], ==, layer_commits[2]);
	g_assert_cmpstr(layer_commits[0], !=, layer_commits[1]);
	for (guint i = 0; i < 3; i++)
		g_free(layer_commits[i]);
	check_cache(path);
	remove_directory(path);
}

/* A layer that lies fails the import by name; the good ones need not come again. */
static void test_bad_layer(void)
{
	g_autofree char *path = make_cache();
	g_autoptr(SwSource) source = large_image();
	GByteArray *blob = source->blobs->pdata[2];
	const struct sw_oci_layer *layer = source->image.layers->pdata[2];
	g_autoptr(GError) error = NULL;
	g_autoptr(SwImport) result = NULL;

	blob->data[blob->len / 2] ^= 0x10;
	g_assert_null(import(path, source, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_SOURCE);
	g_assert_cmpstr(sw_error_id(error), ==, "digest");
	g_assert_nonnull(strstr(error->message, layer->digest));
	g_assert_null(strchr(error->message, '\n'));
	g_clear_error(&error);
	check_cache(path);
	blob->data[blob->len / 2] ^= 0x10;
	result = import(path, source, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(result->layers_fetched, ==, 1);
	check_cache(path);
	remove_directory(path);
}

static void test_refused(void)
{
	g_autofree char *path = make_cache();
	g_autoptr(SwSource) source = small_image();
	GByteArray *tar = g_byte_array_new();
	g_autoptr(GError) error = NULL;

	tar_add_hardlink(tar, "a", "nothing");
	source_add(source, tar);
	source_seal(source);
	g_assert_null(import(path, source, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "hardlink");
	g_clear_error(&error);
	g_hash_table_insert(source->image.labels, (char *)"ostree.final-diffid", (char *)"x");
	g_assert_null(import(path, source, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "final-diffid");
	check_cache(path);
	remove_directory(path);
}

static void test_cancelled(void)
{
	g_autofree char *path = make_cache();
	g_autoptr(SwSource) source = large_image();
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(SwCache) cache = NULL;
	struct sw_import *result = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_cache_open(path, &cache, NULL, &error));
	g_cancellable_cancel(cancellable);
	g_assert_false(sw_image_import(cache, source, NULL, &result, cancellable, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
	g_assert_null(result);
	check_cache(path);
	remove_directory(path);
}

/* Runs this program again to import the large image into PATH. */
static GPid start_import(const char *path, const char *pause)
{
	const char *argv[] = { self, "import", path, pause, NULL };
	g_autoptr(GError) error = NULL;
	GPid pid = 0;

	g_spawn_async(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid,
		      &error);
	g_assert_no_error(error);
	return pid;
}

static int wait_for(GPid pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		g_assert_cmpint(errno, ==, EINTR);
	return status;
}

/* Four at once into one new cache: all succeed, the cache is good. */
static void test_processes_at_once(void)
{
	g_autofree char *path = make_directory();
	g_autofree char *cache = g_build_filename(path, "cache", NULL);
	g_autoptr(SwSource) source = large_image();
	g_autoptr(SwImport) result = NULL;
	g_autoptr(GError) error = NULL;
	GPid pids[4];

	for (guint i = 0; i < G_N_ELEMENTS(pids); i++)
		pids[i] = start_import(cache, "0");
	for (guint i = 0; i < G_N_ELEMENTS(pids); i++)
		g_assert_cmpint(wait_for(pids[i]), ==, 0);
	check_cache(cache);
	result = import(cache, source, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(result->layers_fetched, ==, 0);
	remove_directory(path);
}

static guint count_leftovers(const char *cache)
{
	g_autofree char *tmp = g_build_filename(cache, "repo", "tmp", NULL);
	g_autoptr(GDir) directory = g_dir_open(tmp, 0, NULL);
	const char *name = NULL;
	guint count = 0;

	while (directory != NULL && (name = g_dir_read_name(directory)) != NULL)
		count += g_str_has_prefix(name, "staging-");
	return count;
}

/* Killed at any time, the cache is good and the next import works and clears what was left. */
static void test_killed(void)
{
	g_autofree char *cache = make_cache();
	guint killed = 0;
	guint left = 0;

	for (guint i = 0; i < 8; i++) {
		GPid pid = start_import(cache, "20000");

		/* Before, at and at several times after the beginning of the transaction. */
		for (guint wait = 0; i > 0 && wait < 1000 && count_leftovers(cache) == 0; wait++)
			g_usleep(5000);
		g_usleep(i * 10000);
		kill(pid, SIGKILL);
		killed += WIFSIGNALED(wait_for(pid)) ? 1 : 0;
		left += count_leftovers(cache);
		check_cache(cache);
	}
	g_assert_cmpuint(killed, >, 0);
	g_assert_cmpuint(left, >, 0);
	g_assert_cmpint(wait_for(start_import(cache, "0")), ==, 0);
	g_assert_cmpuint(count_leftovers(cache), ==, 0);
	check_cache(cache);
	remove_directory(cache);
}

/*
 * In a namespace of its own: a cache on a filesystem of 8 MiB, or on one without user attributes.
 */
static void test_filesystem(gconstpointer type)
{
	g_autofree char *path = NULL;
	g_autofree char *options = g_strdup("size=8m,mode=0700");
	g_autoptr(SwSource) source = NULL;
	g_autoptr(GError) error = NULL;
	gboolean is_ram = g_str_equal(type, "ramfs");

	if (!g_test_subprocess()) {
		g_test_trap_subprocess(NULL, 20 * G_TIME_SPAN_SECOND, 0);
		g_test_trap_assert_passed();
		return;
	}
	path = make_directory();
	if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(type, path, type, 0, is_ram ? NULL : options) < 0) {
		g_test_skip("no filesystem can be mounted here");
		remove_directory(path);
		return;
	}
	source = large_image();
	g_assert_null(import(path, source, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
	g_assert_null(strchr(error->message, '\n'));
	if (is_ram || g_str_equal(sw_error_id(error), "xattrs")) {
		g_assert_cmpstr(sw_error_id(error), ==, "xattrs");
		g_assert_nonnull(strstr(error->message, "XDG_CACHE_HOME"));
	} else {
		g_autoptr(SwSource) small = small_image();
		g_autoptr(SwImport) result = NULL;

		g_assert_cmpstr(sw_error_id(error), ==, "disk-full");
		g_assert_nonnull(strstr(error->message, "XDG_CACHE_HOME"));
		g_clear_error(&error);
		g_assert_cmpuint(count_leftovers(path), ==, 0);
		check_cache(path);
		result = import(path, small, &error);
		g_assert_no_error(error);
		check_cache(path);
	}
	umount2(path, MNT_DETACH);
	remove_directory(path);
}

static int run_import(const char *path, const char *pause)
{
	g_autoptr(SwSource) source = large_image();
	g_autoptr(GError) error = NULL;
	g_autoptr(SwImport) result = NULL;

	source->slow_us = (guint)atoi(pause);
	result = import(path, source, &error);
	if (result == NULL)
		g_printerr("%s\n", error->message);
	return result == NULL ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && g_str_equal(argv[1], "import"))
		return run_import(argv[2], argv[3]);
	signal(SIGPIPE, SIG_IGN);
	self = argv[0];
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/import/twice", test_twice);
	g_test_add_func("/import/one-layer-more", test_one_layer_more);
	g_test_add_func("/import/other-config", test_other_config);
	g_test_add_func("/import/links-to-lower", test_links_to_lower);
	g_test_add_func("/import/bad-layer", test_bad_layer);
	g_test_add_func("/import/refused", test_refused);
	g_test_add_func("/import/cancelled", test_cancelled);
	g_test_add_func("/import/processes-at-once", test_processes_at_once);
	g_test_add_func("/import/killed", test_killed);
	g_test_add_data_func("/import/full-disk", "tmpfs", test_filesystem);
	g_test_add_data_func("/import/no-xattrs", "ramfs", test_filesystem);
	return g_test_run();
}
