/* SPDX-License-Identifier: MIT */
#include "image/tree.h"

#include "tree-fixture.h"

static void assert_kind(struct sw_tree *tree, const char *path, gboolean follow,
			enum sw_node_kind kind)
{
	g_autoptr(GError) error = NULL;
	struct sw_node node;

	g_assert_true(sw_tree_find(tree, path, follow, &node, &error));
	g_assert_no_error(error);
	if (node.kind != kind)
		g_error("%s: kind %d, expected %d", path, node.kind, kind);
}

static void assert_text(struct sw_tree *tree, const char *path, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	size_t length;

	g_assert_true(sw_tree_read(tree, path, 4096, &text, &length, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(text, ==, expected);
	g_assert_cmpuint(length, ==, expected != NULL ? strlen(expected) : 0);
}

static void test_find(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwTree) tree = NULL;
	gboolean has;

	fixture_write(fixture, "usr/lib/file", "text");
	fixture_write(fixture, "usr/empty", "");
	fixture_mkdir(fixture, "usr/share");
	tree = fixture_open(fixture);
	assert_kind(tree, "/", TRUE, SW_NODE_DIRECTORY);
	assert_kind(tree, "", TRUE, SW_NODE_DIRECTORY);
	assert_kind(tree, "usr", TRUE, SW_NODE_DIRECTORY);
	assert_kind(tree, "/usr//./lib/", TRUE, SW_NODE_DIRECTORY);
	assert_kind(tree, "/usr/lib/file", TRUE, SW_NODE_FILE);
	assert_kind(tree, "/usr/lib/../share/../lib/file", TRUE, SW_NODE_FILE);
	assert_kind(tree, "/../../usr", TRUE, SW_NODE_DIRECTORY);
	assert_kind(tree, "/usr/lib/file/below", TRUE, SW_NODE_NONE);
	assert_kind(tree, "/usr/lib/file/..", TRUE, SW_NODE_NONE);
	assert_kind(tree, "/usr/lib/other", TRUE, SW_NODE_NONE);
	assert_kind(tree, "/none/at/all", TRUE, SW_NODE_NONE);
	assert_text(tree, "usr/lib/file", "text");
	assert_text(tree, "usr/empty", "");
	assert_text(tree, "usr/lib", NULL);
	assert_text(tree, "usr/none", NULL);
	g_assert_true(sw_tree_has(tree, "usr/lib/file", SW_NODE_FILE, &has, NULL));
	g_assert_true(has);
	g_assert_true(sw_tree_has(tree, "usr/lib/file", SW_NODE_DIRECTORY, &has, NULL));
	g_assert_false(has);
}

static void test_links(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwTree) tree = NULL;
	g_autofree char *target = NULL;
	g_autofree char *none = NULL;

	fixture_write(fixture, "usr/lib/file", "text");
	fixture_link(fixture, "lib", "usr/lib");
	fixture_link(fixture, "absolute", "/usr/lib/file");
	fixture_link(fixture, "usr/lib/up", "../../../../../usr/lib/file");
	fixture_link(fixture, "loop", "loop");
	fixture_link(fixture, "a", "b");
	fixture_link(fixture, "b", "a");
	fixture_link(fixture, "dangling", "/etc/shadow");
	fixture_link(fixture, "outside", "../../../etc/passwd");
	tree = fixture_open(fixture);
	assert_kind(tree, "lib", FALSE, SW_NODE_LINK);
	assert_kind(tree, "lib", TRUE, SW_NODE_DIRECTORY);
	assert_text(tree, "lib/file", "text");
	assert_text(tree, "absolute", "text");
	assert_text(tree, "lib/up", "text");
	assert_text(tree, "/lib/../lib/file", "text");
	assert_kind(tree, "loop", FALSE, SW_NODE_LINK);
	assert_kind(tree, "loop", TRUE, SW_NODE_NONE);
	assert_kind(tree, "a", TRUE, SW_NODE_NONE);
	assert_kind(tree, "dangling", TRUE, SW_NODE_NONE);
	assert_text(tree, "outside", NULL);
	g_assert_true(sw_tree_read_link(tree, "absolute", &target, NULL));
	g_assert_cmpstr(target, ==, "/usr/lib/file");
	g_assert_true(sw_tree_read_link(tree, "usr/lib/file", &none, NULL));
	g_assert_null(none);
}

/* The number of names that wait must not grow with the links. */
static void test_link_bomb(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwTree) tree = NULL;
	g_autofree char *text = NULL;
	GString *target = g_string_new(NULL);

	for (int i = 0; i < 400; i++)
		g_string_append(target, "bomb/");
	text = g_string_free(target, FALSE);
	fixture_link(fixture, "bomb", text);
	tree = fixture_open(fixture);
	assert_kind(tree, "bomb", TRUE, SW_NODE_NONE);
}

static void test_etc(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwTree) tree = NULL;

	fixture_write(fixture, "usr/lib/os-release", "ID=x\n");
	fixture_link(fixture, "usr/etc/os-release", "../usr/lib/os-release");
	fixture_link(fixture, "usr/lib/back", "/etc/os-release");
	tree = fixture_open(fixture);
	assert_text(tree, "/etc/os-release", "ID=x\n");
	assert_text(tree, "/usr/lib/back", "ID=x\n");
	g_assert_true(sw_tree_has_usr_etc(tree));
	g_assert_false(sw_tree_has_two_etcs(tree));
}

static void test_two_etcs(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwTree) none = NULL;
	g_autoptr(SwTree) one = NULL;
	g_autoptr(SwTree) two = NULL;

	none = fixture_open(fixture);
	g_assert_false(sw_tree_has_usr_etc(none));
	fixture_mkdir(fixture, "etc");
	fixture_write(fixture, "usr/etc/passwd", "");
	one = fixture_open(fixture);
	g_assert_false(sw_tree_has_two_etcs(one));
	fixture_write(fixture, "etc/passwd", "");
	two = fixture_open(fixture);
	g_assert_true(sw_tree_has_two_etcs(two));
}

static void test_list(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwTree) tree = NULL;
	g_auto(GStrv) names = NULL;
	g_auto(GStrv) none = NULL;
	g_autofree char *joined = NULL;

	fixture_write(fixture, "d/b", "");
	fixture_mkdir(fixture, "d/a");
	fixture_mkdir(fixture, "d/c");
	fixture_link(fixture, "d/B", "x");
	tree = fixture_open(fixture);
	g_assert_true(sw_tree_list(tree, "d", &names, NULL));
	joined = g_strjoinv(" ", names);
	g_assert_cmpstr(joined, ==, "B a b c");
	g_assert_true(sw_tree_list(tree, "none", &none, NULL));
	g_assert_cmpuint(g_strv_length(none), ==, 0);
}

static void test_too_large(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwTree) tree = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	size_t length;

	fixture_write(fixture, "file", "12345");
	tree = fixture_open(fixture);
	g_assert_true(sw_tree_read(tree, "file", 5, &text, &length, &error));
	g_assert_false(sw_tree_read(tree, "file", 4, &text, &length, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "file-too-large");
}

/* A repository that lost an object is this machine's fault, and never a crash. */
static void test_damaged(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwTree) tree = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *object = NULL;
	g_autofree char *text = NULL;
	struct sw_node node;
	size_t length;

	fixture_write(fixture, "file", "12345");
	tree = fixture_open(fixture);
	g_assert_true(sw_tree_find(tree, "file", TRUE, &node, &error));
	object = fixture_object(fixture, node.checksum, "file");
	g_assert_cmpint(unlink(object), ==, 0);
	g_assert_false(sw_tree_read(tree, "file", 100, &text, &length, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
	g_assert_cmpstr(sw_error_id(error), ==, "cache");
}

static void test_no_commit(void)
{
	static const char none[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(GError) error = NULL;
	struct sw_tree *tree = NULL;

	g_assert_false(sw_tree_open(fixture->repo, none, &tree, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
	g_assert_null(tree);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tree/find", test_find);
	g_test_add_func("/tree/links", test_links);
	g_test_add_func("/tree/link-bomb", test_link_bomb);
	g_test_add_func("/tree/etc", test_etc);
	g_test_add_func("/tree/two-etcs", test_two_etcs);
	g_test_add_func("/tree/list", test_list);
	g_test_add_func("/tree/too-large", test_too_large);
	g_test_add_func("/tree/damaged", test_damaged);
	g_test_add_func("/tree/no-commit", test_no_commit);
	return g_test_run();
}
