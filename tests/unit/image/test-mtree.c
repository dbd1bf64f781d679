/* SPDX-License-Identifier: MIT */
#include "image/mtree.h"

#include "repo-text.h"

static const char a_checksum[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char b_checksum[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static void test_edits(void)
{
	g_autoptr(OstreeMutableTree) root = ostree_mutable_tree_new();
	OstreeMutableTree *child = NULL;
	OstreeMutableTree *again = NULL;
	gboolean is_new = FALSE;

	g_assert_true(sw_mtree_put_file(root, "x", a_checksum, NULL));
	g_assert_cmpstr(sw_mtree_find(root, "x"), ==, a_checksum);
	g_assert_null(sw_mtree_directory(root, "x"));
	g_assert_true(sw_mtree_put_directory(root, "x", &child, &is_new, NULL));
	g_assert_true(is_new);
	g_assert_null(sw_mtree_find(root, "x"));
	g_assert_true(sw_mtree_put_file(child, "y", b_checksum, NULL));
	g_assert_true(sw_mtree_put_directory(root, "x", &again, &is_new, NULL));
	g_assert_false(is_new);
	g_assert_true(again == child);
	g_assert_cmpstr(sw_mtree_find(root, "x/y"), ==, b_checksum);
	g_assert_null(sw_mtree_find(root, "x/y/z"));
	g_assert_null(sw_mtree_find(root, "z/y"));
	g_assert_null(sw_mtree_find(root, ""));
	/* A file in the place of the directory that its checksum comes from. */
	g_assert_true(sw_mtree_put_file(root, "x", sw_mtree_find(root, "x/y"), NULL));
	g_assert_cmpstr(sw_mtree_find(root, "x"), ==, b_checksum);
	g_assert_true(sw_mtree_remove(root, "x", NULL));
	g_assert_true(sw_mtree_remove(root, "x", NULL));
	g_assert_null(sw_mtree_find(root, "x"));
}

/* The commit depends on nothing but what it is made of. */
static void test_commit(void)
{
	g_autofree char *first = NULL;

	for (guint i = 0; i < 2; i++) {
		g_autofree char *path = make_directory();
		g_autoptr(OstreeRepo) repo = make_repo(path);
		g_autoptr(OstreeMutableTree) root = ostree_mutable_tree_new();
		g_autoptr(GFileInfo) info = g_file_info_new();
		g_autoptr(GVariant) meta = NULL;
		g_autoptr(GVariant) variant = NULL;
		g_autoptr(GVariant) empty =
			g_variant_ref_sink(g_variant_new_parsed("{'k': <'v'>}"));
		g_autofree guchar *checksum = NULL;
		g_autofree char *hex = NULL;
		g_autofree char *commit = NULL;
		g_autofree char *text = NULL;
		g_autofree char *file = NULL;
		g_autoptr(GError) error = NULL;

		g_file_info_set_attribute_uint32(info, "unix::mode", S_IFDIR | 0755);
		meta = ostree_create_directory_metadata(info, NULL);
		g_assert_true(ostree_repo_write_metadata(repo, OSTREE_OBJECT_TYPE_DIR_META, NULL,
							 meta, &checksum, NULL, NULL));
		hex = ostree_checksum_from_bytes(checksum);
		ostree_mutable_tree_set_metadata_checksum(root, hex);
		file = ostree_repo_write_regfile_inline(repo, NULL, 0, 0, S_IFREG | 0644, NULL,
							(const guint8 *)"x", 1, NULL, NULL);
		g_assert_true(sw_mtree_put_file(root, "f", file, NULL));
		g_assert_true(
			sw_mtree_commit(repo, root, NULL, empty, 1234, &commit, NULL, &error));
		g_assert_no_error(error);
		text = repo_text(repo, commit);
		g_assert_cmpstr(text, ==, "/ 0:0 040755\n/f 0:0 100644 'x'\n");
		g_assert_true(ostree_repo_load_commit(repo, commit, &variant, NULL, NULL));
		g_assert_cmpuint(ostree_commit_get_timestamp(variant), ==, 1234);
		g_assert_null(ostree_commit_get_parent(variant));
		if (first == NULL)
			first = g_strdup(commit);
		g_assert_cmpstr(commit, ==, first);
		remove_directory(path);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mtree/edits", test_edits);
	g_test_add_func("/mtree/commit", test_commit);
	return g_test_run();
}
