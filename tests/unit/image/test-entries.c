/* SPDX-License-Identifier: MIT */
#include "image/entries.h"

#include <string.h>

/* Checksums that are easy to read: one character, repeated. */
static const char *sum(char c)
{
	static char sums[128][SW_CHECKSUM_SIZE];

	memset(sums[(guint8)c & 127], c, SW_CHECKSUM_SIZE - 1);
	return sums[(guint8)c & 127];
}

/* Parents that are not listed get "b". */
static gboolean make_parent(void *data, char ret_meta[SW_CHECKSUM_SIZE],
			    G_GNUC_UNUSED GError **error)
{
	++*(guint *)data;
	memcpy(ret_meta, sum('b'), SW_CHECKSUM_SIZE);
	return TRUE;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

static void append_tree(GString *text, OstreeMutableTree *tree)
{
	GHashTable *files = ostree_mutable_tree_get_files(tree);
	GHashTable *directories = ostree_mutable_tree_get_subdirs(tree);
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(files), compare_names);
	g_autoptr(GList) below = g_list_sort(g_hash_table_get_keys(directories), compare_names);

	g_string_append_printf(text, "%c(", *ostree_mutable_tree_get_metadata_checksum(tree));
	for (GList *name = names; name != NULL; name = name->next)
		g_string_append_printf(text, " %s=%c", (char *)name->data,
				       *(char *)g_hash_table_lookup(files, name->data));
	for (GList *name = below; name != NULL; name = name->next) {
		g_string_append_printf(text, " %s=", (char *)name->data);
		append_tree(text, g_hash_table_lookup(directories, name->data));
	}
	g_string_append(text, ")");
}

/*
 * Makes a tree of STEPS, each "f PATH C" (file), "d PATH C" (directory) or "h PATH TARGET"; the
 * result is the tree and the links left, or the id of the error.
 */
static char *make(const char *const *steps)
{
	guint parents = 0;
	g_autoptr(SwEntries) entries = sw_entries_new(make_parent, &parents);
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) links = NULL;
	OstreeMutableTree *root = NULL;
	gboolean ok = TRUE;

	for (; ok && *steps != NULL; steps++) {
		g_auto(GStrv) words = g_strsplit(*steps, " ", 3);
		const char *path = g_str_equal(words[1], "/") ? "" : words[1];

		if (*words[0] == 'f')
			ok = sw_entries_file(entries, path, sum(*words[2]), &error);
		else if (*words[0] == 'd')
			ok = sw_entries_directory(entries, path, sum(*words[2]), &error);
		else
			ok = sw_entries_link(entries, path, words[2], &error);
	}
	if (!ok || !sw_entries_finish(entries, &root, &links, &error)) {
		g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
		return g_strdup(sw_error_id(error));
	}
	append_tree(text, root);
	if (links != NULL) {
		g_autofree char *printed = g_variant_print(links, FALSE);

		g_string_append_printf(text, " %s", printed);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

#define CHECK(expected, ...)                                 \
	do {                                                 \
		const char *steps[] = { __VA_ARGS__, NULL }; \
		g_autofree char *text = make(steps);         \
		g_assert_cmpstr(text, ==, expected);         \
	} while (0)

static void test_trees(void)
{
	const char *none[] = { NULL };
	g_autofree char *empty = make(none);

	g_assert_cmpstr(empty, ==, "b()");
	CHECK("r( a=1)", "d / r", "f a 1");
	CHECK("r( d=x( a=1))", "d / r", "d d x", "f d/a 1");
	CHECK("b( d=b( e=b( a=1)))", "f d/e/a 1");
	/* What comes later counts, and the children of a directory listed again stay. */
	CHECK("r( d=y( a=1))", "d / r", "d d x", "f d/a 1", "d d y");
	CHECK("r( d=y( a=1))", "f d/a 1", "d d y", "d / r");
	CHECK("r( a=2)", "d / r", "f a 1", "f a 2");
	CHECK("r( a=x())", "d / r", "f a 1", "d a x");
	CHECK("r( a=1)", "d / r", "d a x", "f a/b 2", "f a 1");
}

static void test_refused(void)
{
	CHECK("path", "f a 1", "f a/b 2");
	CHECK("path", "f a 1", "d a/b x");
	CHECK("path", "f a 1", "h a/b a");
	CHECK("path", "f / 1");
	CHECK("path", "h / x");
}

static void test_links(void)
{
	CHECK("r( a=1 b=1)", "d / r", "f a 1", "h b a");
	/* Before the target, over others, in any order. */
	CHECK("r( a=1 b=1)", "d / r", "h b a", "f a 1");
	CHECK("r( a=1 b=1 c=1 d=1)", "d / r", "h d c", "h c b", "h b a", "f a 1");
	CHECK("r( a=1 b=1 c=1)", "d / r", "h b a", "h c b", "f a 1");
	CHECK("b( d=b( b=1) e=b( a=1))", "h d/b e/a", "f e/a 1");
	/* A later entry of the same path wins over the link. */
	CHECK("r( a=1 b=2)", "d / r", "h b a", "f b 2", "f a 1");
	CHECK("r( a=1 b=x())", "d / r", "h b a", "d b x", "f a 1");
	CHECK("r( b=2)", "d / r", "f b 1", "h b a", "f b 2");
	/* The target's first content, as an unpacking tar has it. */
	CHECK("r( a=2 b=1)", "d / r", "f a 1", "h b a", "f a 2");
	/* In the place of a directory that holds the target. */
	CHECK("r( a=1)", "d / r", "f a/b 1", "h a a/b");
}

/* Targets that only lower layers can have are left, with the parents in place. */
static void test_links_left(void)
{
	CHECK("r() [('b', 'a')]", "d / r", "h b a");
	CHECK("r( d=b()) [('c', 'x/a'), ('d/b', 'x/a')]", "d / r", "h d/b x/a", "h c d/b");
	CHECK("r() [('c', 'a'), ('d', 'a')]", "d / r", "h c d", "h d a");
	CHECK("r( a=x()) [('b', 'a')]", "d / r", "d a x", "h b a");
}

static void test_circles(void)
{
	CHECK("hardlink", "h a a");
	CHECK("hardlink", "h a b", "h b a");
	CHECK("hardlink", "h a b", "h b c", "h c a");
}

/* A chain of any length is fine as long as targets come first. */
static void test_chains(void)
{
	guint parents = 0;
	g_autoptr(SwEntries) entries = sw_entries_new(make_parent, &parents);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) links = NULL;
	OstreeMutableTree *root = NULL;

	g_assert_true(sw_entries_file(entries, "x0", sum('1'), &error));
	for (guint i = 1; i < 20000; i++) {
		g_autofree char *path = g_strdup_printf("x%u", i);
		g_autofree char *target = g_strdup_printf("x%u", i - 1);

		g_assert_true(sw_entries_link(entries, path, target, &error));
	}
	g_assert_true(sw_entries_finish(entries, &root, &links, &error));
	g_assert_null(links);
	g_assert_cmpstr(sw_mtree_find(root, "x19999"), ==, sum('1'));
	g_assert_cmpuint(parents, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/entries/trees", test_trees);
	g_test_add_func("/entries/refused", test_refused);
	g_test_add_func("/entries/links", test_links);
	g_test_add_func("/entries/links-left", test_links_left);
	g_test_add_func("/entries/circles", test_circles);
	g_test_add_func("/entries/chains", test_chains);
	return g_test_run();
}
