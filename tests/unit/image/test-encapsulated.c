/* SPDX-License-Identifier: MIT */
#include "image/encapsulated.h"

#include "encapsulate.h"
#include "image/layer.h"

/* A repository and a commit in it, of files and directories of every kind. */
struct fixture {
	char *path;
	OstreeRepo *repo;
	char *commit;
};

static char *import_plain(OstreeRepo *repo, GByteArray *tar)
{
	struct sw_oci_layer *layer = make_layer(tar, tar);
	int fd = open_blob(tar);
	g_autoptr(GError) error = NULL;
	gboolean has_links = FALSE;
	char *commit = NULL;

	g_assert_true(
		sw_layer_import(repo, fd, layer, layer->digest, &commit, &has_links, NULL, &error));
	close(fd);
	free_layer(layer);
	g_byte_array_unref(tar);
	return commit;
}

static struct fixture *fixture_new(void)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	g_autofree char *large = g_malloc0(5 * 1024 * 1024);
	g_autoptr(GVariant) detached = g_variant_ref_sink(g_variant_new_parsed("{'k': <'v'>}"));
	GByteArray *tar = g_byte_array_new();
	GByteArray *records = g_byte_array_new();

	fixture->path = make_directory();
	fixture->repo = make_repo(fixture->path);
	tar_add_directory(tar, "./", 0755);
	tar_add_file(tar, "etc/passwd", 0644, "root");
	tar_add_file(tar, "usr/bin/su", 04755, "su");
	tar_add_file(tar, "usr/empty", 0600, "");
	tar_add_symlink(tar, "usr/link", "bin/su");
	tar_add_hardlink(tar, "usr/same", "usr/bin/su");
	tar_add_record(records, "SCHILY.xattr.user.b", "\0\1", 2);
	tar_add_record(records, "SCHILY.xattr.user.a", "x", 1);
	tar_add_pax(tar, records);
	tar_add_header(tar, '0', "usr/xattrs", NULL, 0644, 7, 8, 1);
	tar_add_data(tar, "x", 1);
	tar_add_pax_text(tar, "SCHILY.xattr.user.d", "directory");
	tar_add_directory(tar, "usr/dir", 02770);
	tar_add_header(tar, '0', "usr/large", NULL, 0644, 0, 0, 5 * 1024 * 1024);
	tar_add_data(tar, large, 5 * 1024 * 1024);
	for (guint i = 0; i < 40; i++) {
		g_autofree char *name = g_strdup_printf("usr/dir/%u", i);

		tar_add_file(tar, name, 0644, name);
	}
	tar_end(tar);
	fixture->commit = import_plain(fixture->repo, tar);
	g_assert_true(ostree_repo_write_commit_detached_metadata(fixture->repo, fixture->commit,
								 detached, NULL, NULL));
	return fixture;
}

static void fixture_free(struct fixture *fixture)
{
	g_object_unref(fixture->repo);
	remove_directory(fixture->path);
	g_free(fixture->path);
	g_free(fixture->commit);
	g_free(fixture);
}

/* Imports TAR, which it frees, as a layer of KIND; NULL on failure. */
static char *import(OstreeRepo *repo, GByteArray *tar, enum sw_split_kind kind, GError **error)
{
	GByteArray *blob = gzip_of(tar);
	struct sw_oci_layer *layer = make_layer(blob, tar);
	int fd = open_blob(blob);
	char *commit = NULL;

	if (!sw_encapsulated_import(repo, fd, layer, layer->digest, kind, &commit, NULL, error))
		g_assert_null(commit);
	close(fd);
	free_layer(layer);
	g_byte_array_unref(blob);
	g_byte_array_unref(tar);
	return commit;
}

static gboolean is_partial(OstreeRepo *repo, const char *commit)
{
	g_autoptr(GVariant) variant = NULL;
	OstreeRepoCommitState state = 0;

	g_assert_true(ostree_repo_load_commit(repo, commit, &variant, &state, NULL));
	return (state & OSTREE_REPO_COMMIT_STATE_PARTIAL) != 0;
}

/* What upstream's importer makes of a layer of files, by libostree alone. */
static char *expected_set(OstreeRepo *repo, const char *const *checksums)
{
	g_autoptr(OstreeMutableTree) tree = ostree_mutable_tree_new();
	g_autofree char *meta = write_metadata(repo, OSTREE_OBJECT_TYPE_DIR_META, dirmeta_new());
	g_autoptr(GFile) root = NULL;
	char *commit = NULL;

	for (; *checksums != NULL; checksums++)
		g_assert_true(ostree_mutable_tree_replace_file(tree, *checksums, *checksums, NULL));
	ostree_mutable_tree_set_metadata_checksum(tree, meta);
	g_assert_true(ostree_repo_write_mtree(repo, tree, &root, NULL, NULL));
	g_assert_true(ostree_repo_write_commit_with_time(
		repo, NULL, NULL, NULL, NULL, OSTREE_REPO_FILE(root), 0, &commit, NULL, NULL));
	return commit;
}

/* The files of COMMIT that are in the layer PART of PARTS. */
static char **files_of(struct fixture *fixture, guint part, guint parts)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_autoptr(GHashTable) objects = NULL;
	GHashTableIter iter;
	gpointer key = NULL;

	g_assert_true(ostree_repo_traverse_commit(fixture->repo, fixture->commit, 0, &objects, NULL,
						  NULL));
	g_hash_table_iter_init(&iter, objects);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		const char *checksum = NULL;
		OstreeObjectType type = 0;

		ostree_object_name_deserialize(key, &checksum, &type);
		if (type == OSTREE_OBJECT_TYPE_FILE &&
		    (guint)g_ascii_xdigit_value(checksum[0]) % parts == part)
			g_strv_builder_add(builder, checksum);
	}
	return g_strv_builder_end(builder);
}

/* Any form and number of layers gives the same commit, bit by bit, with its detached metadata. */
static void test_round_trip(void)
{
	struct fixture *fixture = fixture_new();
	g_autofree char *expected = repo_text(fixture->repo, fixture->commit);

	for (guint i = 0; i < 2 * FORM_COUNT; i++) {
		guint parts = i < FORM_COUNT ? 1 : 3;
		enum form form = i % FORM_COUNT;
		g_autofree char *path = make_directory();
		g_autoptr(OstreeRepo) repo = make_repo(path);
		g_autoptr(GVariant) detached = NULL;
		g_autoptr(GError) error = NULL;

		/* The commit's own layer last: nothing hangs on the order. */
		for (guint part = parts; part-- > 0;) {
			GByteArray *tar =
				encapsulate(fixture->repo, fixture->commit, form, part, parts);
			g_autofree char *commit = import(
				repo, tar, part == 0 ? SW_SPLIT_COMMIT : SW_SPLIT_OBJECTS, &error);
			g_auto(GStrv) files = files_of(fixture, part, parts);
			g_autofree char *set = NULL;

			g_assert_no_error(error);
			if (part > 0) {
				g_assert_cmpuint(g_strv_length(files), >, 5);
				set = expected_set(repo, (const char *const *)files);
				g_assert_cmpstr(commit, ==, set);
				continue;
			}
			g_assert_cmpstr(commit, ==, fixture->commit);
			g_assert_true(is_partial(repo, commit));
		}
		g_assert_true(sw_encapsulated_check(repo, fixture->commit, NULL, &error));
		g_assert_true(ostree_repo_commit_transaction(repo, NULL, NULL, &error));
		g_autofree char *text = repo_text(repo, fixture->commit);

		g_assert_cmpstr(text, ==, expected);
		g_assert_true(ostree_repo_read_commit_detached_metadata(repo, fixture->commit,
									&detached, NULL, &error));
		g_autofree char *printed = g_variant_print(detached, FALSE);

		g_assert_cmpstr(printed, ==, "{'k': <'v'>}");
		remove_directory(path);
	}
	fixture_free(fixture);
}

/* One object less, and the commit is not whole: the error names it. */
static void test_missing(void)
{
	struct fixture *fixture = fixture_new();
	g_autofree char *path = make_directory();
	g_autoptr(OstreeRepo) repo = make_repo(path);
	g_auto(GStrv) files = files_of(fixture, 1, 3);
	g_autoptr(GError) error = NULL;
	g_autofree char *commit = NULL;
	g_autofree char *set = NULL;
	gboolean named = FALSE;

	commit = import(repo, encapsulate(fixture->repo, fixture->commit, FORM_INLINE, 0, 3),
			SW_SPLIT_COMMIT, &error);
	g_assert_no_error(error);
	set = import(repo, encapsulate(fixture->repo, fixture->commit, FORM_INLINE, 2, 3),
		     SW_SPLIT_OBJECTS, &error);
	g_assert_no_error(error);
	g_assert_false(sw_encapsulated_check(repo, commit, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "encapsulated");
	for (guint i = 0; files[i] != NULL; i++)
		named = named || strstr(error->message, files[i]) != NULL;
	g_assert_true(named);
	remove_directory(path);
	fixture_free(fixture);
}

/* A file that is not what its name says; one that comes twice. */
static void test_refused(void)
{
	g_autofree char *path = make_directory();
	g_autoptr(OstreeRepo) repo = make_repo(path);
	const char *wrong = "00000000000000000000000000000000000000000000000000000000000000ff";
	g_autofree char *link = object_path(wrong, ".file");
	struct fixture *fixture = fixture_new();
	g_autoptr(GError) error = NULL;
	GByteArray *once = encapsulate(fixture->repo, fixture->commit, FORM_INLINE, 1, 2);

	for (guint i = 0; i < 3; i++) {
		GByteArray *tar = g_byte_array_new();

		if (i == 0) {
			add_object(tar, wrong, ".file", "x", 1);
		} else if (i == 1) {
			add_entry(tar, '2', link, "target", 0777, 0, 0, NULL, 0);
		} else {
			g_byte_array_append(tar, once->data, once->len - 2 * TAR_BLOCK);
			g_byte_array_append(tar, once->data, once->len - 2 * TAR_BLOCK);
		}
		tar_end(tar);
		g_assert_null(import(repo, tar, SW_SPLIT_OBJECTS, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
		g_assert_cmpstr(sw_error_id(error), ==, "encapsulated");
		g_assert_nonnull(
			strstr(error->message, i < 2 ? "not what its name says" : "comes twice"));
		g_clear_error(&error);
	}
	g_byte_array_unref(once);
	fixture_free(fixture);
	remove_directory(path);
}

/* The blob's digest counts before all else: a good tar of a lying source is the source's fault. */
static void test_lying_source(void)
{
	g_autofree char *path = make_directory();
	g_autoptr(OstreeRepo) repo = make_repo(path);
	GByteArray *tar = g_byte_array_new();
	g_autoptr(GError) error = NULL;
	struct sw_oci_layer *layer = NULL;
	char *commit = NULL;
	int fd = -1;

	tar_end(tar);
	layer = make_layer(tar, tar);
	fd = open_blob(tar);
	g_assert_false(sw_encapsulated_import(
		repo, fd, layer,
		"sha256:0000000000000000000000000000000000000000000000000000000000000000",
		SW_SPLIT_COMMIT, &commit, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_SOURCE);
	g_assert_cmpstr(sw_error_id(error), ==, "digest");
	g_assert_null(commit);
	close(fd);
	free_layer(layer);
	g_byte_array_unref(tar);
	remove_directory(path);
}

/*
 * Trees out of few objects that are endless as paths: one directory in another, each of them many
 * times, or each of them once, too often.
 */
static void test_bombs(void)
{
	g_autofree char *path = make_directory();
	g_autoptr(OstreeRepo) repo = make_repo(path);
	g_autofree char *meta = write_metadata(repo, OSTREE_OBJECT_TYPE_DIR_META, dirmeta_new());

	for (guint i = 0; i < 3; i++) {
		guint width = i == 0 ? 10 : 1;
		guint depth = i == 0 ? 30 : i == 1 ? SW_DEPTH_LIMIT + 2 : 100;
		g_autofree char *contents = NULL;
		g_autofree char *commit = NULL;
		g_autoptr(GError) error = NULL;

		contents = write_metadata(repo, OSTREE_OBJECT_TYPE_DIR_TREE,
					  dirtree_new(0, NULL, NULL));
		for (guint level = 0; level < depth; level++) {
			char *next = write_metadata(repo, OSTREE_OBJECT_TYPE_DIR_TREE,
						    dirtree_new(width, contents, meta));

			g_free(contents);
			contents = next;
		}
		commit =
			write_metadata(repo, OSTREE_OBJECT_TYPE_COMMIT, commit_new(contents, meta));
		if (i == 2) {
			g_assert_true(sw_encapsulated_check(repo, commit, NULL, &error));
			continue;
		}
		g_assert_false(sw_encapsulated_check(repo, commit, NULL, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
		g_assert_cmpstr(sw_error_id(error), ==, "encapsulated");
	}
	remove_directory(path);
}

static void add_layer(GPtrArray *layers, const char *digest, const char *diff_id)
{
	struct sw_oci_layer *layer = g_new0(struct sw_oci_layer, 1);

	layer->digest = g_strdup(digest);
	layer->diff_id = g_strdup(diff_id);
	g_ptr_array_add(layers, layer);
}

static void test_layers(void)
{
	static const struct {
		const char *label;
		guint count;
	} rows[] = { { NULL, 0 }, { "d1", 1 },	       { "d2", 2 },
		     { "d3", 3 }, { "d9", G_MAXUINT }, { "", G_MAXUINT } };
	g_autoptr(GHashTable) labels = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) layers = g_ptr_array_new_with_free_func(free_layer);
	struct sw_oci_image image = { .labels = labels, .layers = layers };
	g_autoptr(GError) error = NULL;
	guint count = 0;

	add_layer(layers, "b1", "d1");
	add_layer(layers, "b2", "d2");
	add_layer(layers, "b3", "d3");
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		gboolean ok;

		if (rows[i].label != NULL)
			g_hash_table_insert(labels, (char *)"ostree.final-diffid",
					    (char *)rows[i].label);
		ok = sw_encapsulated_layers(&image, &count, &error);
		if (rows[i].count == G_MAXUINT) {
			g_assert_false(ok);
			g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
			g_assert_cmpstr(sw_error_id(error), ==, "final-diffid");
			g_clear_error(&error);
			continue;
		}
		g_assert_true(ok);
		g_assert_cmpuint(count, ==, rows[i].count);
	}
	/* The same layer once more on top: which one ends the commit? */
	g_hash_table_insert(labels, (char *)"ostree.final-diffid", (char *)"d2");
	add_layer(layers, "b2", "d2");
	g_assert_false(sw_encapsulated_layers(&image, &count, &error));
	g_assert_cmpstr(sw_error_id(error), ==, "final-diffid");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/encapsulated/round-trip", test_round_trip);
	g_test_add_func("/encapsulated/missing", test_missing);
	g_test_add_func("/encapsulated/refused", test_refused);
	g_test_add_func("/encapsulated/lying-source", test_lying_source);
	g_test_add_func("/encapsulated/bombs", test_bombs);
	g_test_add_func("/encapsulated/layers", test_layers);
	return g_test_run();
}
