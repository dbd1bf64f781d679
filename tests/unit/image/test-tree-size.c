/* SPDX-License-Identifier: MIT */
#include "image/tree-size.h"

#include "tree-fixture.h"

static void fill(struct fixture *fixture)
{
	g_autofree char *large = g_strnfill(5000, 'x');

	fixture_write(fixture, "usr/large", large);
	fixture_write(fixture, "usr/again", large);
	fixture_write(fixture, "usr/etc/small", "1234567");
	fixture_link(fixture, "usr/link", "large");
	fixture_mkdir(fixture, "usr/empty");
}

static void test_measure(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwTree) tree = NULL;
	g_autoptr(GError) error = NULL;
	struct sw_tree_size size;
	struct sw_tree_size etc;
	struct sw_tree_size none;

	fill(fixture);
	tree = fixture_open(fixture);
	g_assert_true(sw_tree_measure(tree, "/", &size, NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(size.entries, ==, 7);
	/* A bare-user repository holds a link's target with its NUL. */
	g_assert_cmpuint(size.bytes, ==, 5000 + 7 + sizeof("large"));
	g_assert_cmpuint(size.copy_bytes, ==, 2 * 8192 + 4096 * (2 + 3));
	g_assert_true(sw_tree_measure(tree, "/etc", &etc, NULL, &error));
	g_assert_cmpuint(etc.entries, ==, 1);
	g_assert_cmpuint(etc.copy_bytes, ==, 4096);
	g_assert_true(sw_tree_measure(tree, "/none", &none, NULL, &error));
	g_assert_cmpuint(none.entries, ==, 0);
}

static void test_deep(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(OstreeMutableTree) root = ostree_mutable_tree_new();
	g_autoptr(OstreeMutableTree) here = g_object_ref(root);
	g_autoptr(SwTree) tree = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GFile) file = NULL;
	g_autofree char *commit = NULL;
	struct sw_tree_size size;
	const char *meta;

	g_assert_true(ostree_repo_prepare_transaction(fixture->repo, NULL, NULL, NULL));
	g_assert_true(ostree_repo_write_dfd_to_mtree(fixture->repo, AT_FDCWD, fixture->tree, root,
						     NULL, NULL, NULL));
	meta = ostree_mutable_tree_get_metadata_checksum(root);
	for (int i = 0; i < 1100; i++) {
		OstreeMutableTree *below = NULL;

		g_assert_true(ostree_mutable_tree_ensure_dir(here, "d", &below, NULL));
		ostree_mutable_tree_set_metadata_checksum(below, meta);
		g_object_unref(here);
		here = below;
	}
	g_assert_true(ostree_repo_write_mtree(fixture->repo, root, &file, NULL, &error));
	g_assert_true(ostree_repo_write_commit_with_time(fixture->repo, NULL, NULL, NULL, NULL,
							 OSTREE_REPO_FILE(file), 0, &commit, NULL,
							 &error));
	g_assert_true(ostree_repo_commit_transaction(fixture->repo, NULL, NULL, NULL));
	g_assert_true(sw_tree_open(fixture->repo, commit, &tree, NULL, &error));
	g_assert_false(sw_tree_measure(tree, "/", &size, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "tree");
}

static void test_cancelled(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(SwTree) tree = NULL;
	g_autoptr(GError) error = NULL;
	struct sw_tree_size size;

	fill(fixture);
	tree = fixture_open(fixture);
	g_cancellable_cancel(cancellable);
	g_assert_false(sw_tree_measure(tree, "/", &size, cancellable, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
}

static void test_damaged(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwTree) tree = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *object = NULL;
	struct sw_tree_size size;
	struct sw_node node;

	fill(fixture);
	tree = fixture_open(fixture);
	g_assert_true(sw_tree_find(tree, "/etc", TRUE, &node, NULL));
	object = fixture_object(fixture, node.checksum, "dirtree");
	g_assert_cmpint(truncate(object, 5), ==, 0);
	g_assert_false(sw_tree_measure(tree, "/etc/small", &size, NULL, NULL) && size.entries > 0);
	g_assert_cmpint(unlink(object), ==, 0);
	g_assert_false(sw_tree_measure(tree, "/", &size, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tree-size/measure", test_measure);
	g_test_add_func("/tree-size/deep", test_deep);
	g_test_add_func("/tree-size/cancelled", test_cancelled);
	g_test_add_func("/tree-size/damaged", test_damaged);
	return g_test_run();
}
