/* SPDX-License-Identifier: MIT */
#include "image/merge.h"

#include <string.h>

#include "blob.h"
#include "core/file.h"
#include "image/layer.h"
#include "repo-text.h"
#include "tarball.h"

/*
 * A layer out of STEPS: "PATH/" (directory), "PATH=CONTENT", "PATH->TARGET", "PATH<=TARGET" (hard
 * link).
 */
static GByteArray *make_tar(const char *const *steps)
{
	GByteArray *tar = g_byte_array_new();

	for (; *steps != NULL; steps++) {
		g_auto(GStrv) hard = g_strsplit(*steps, "<=", 2);
		g_auto(GStrv) link = g_strsplit(*steps, "->", 2);
		g_auto(GStrv) file = g_strsplit(*steps, "=", 2);

		if (g_str_has_suffix(*steps, "/"))
			tar_add_directory(tar, *steps, 0755);
		else if (hard[1] != NULL)
			tar_add_hardlink(tar, hard[0], hard[1]);
		else if (link[1] != NULL)
			tar_add_symlink(tar, link[0], link[1]);
		else
			tar_add_file(tar, file[0], 0644, file[1] != NULL ? file[1] : "");
	}
	tar_end(tar);
	return tar;
}

/* One for all tests, made by main(). */
static OstreeRepo *repo;

static char *import(const GByteArray *tar)
{
	struct sw_oci_layer *layer = make_layer(tar, tar);
	sw_autofd int fd = open_blob(tar);
	gboolean has_links = FALSE;
	char *commit = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(
		sw_layer_import(repo, fd, layer, layer->digest, &commit, &has_links, NULL, &error));
	g_assert_no_error(error);
	free_layer(layer);
	return commit;
}

static const struct sw_oci_image image = {
	.manifest_digest = (char *)"sha256:0123",
	.manifest = (char *)"{\"schemaVersion\":2}",
	.config = (char *)"{}",
	.created = 1700000000,
};

/* Merges the layers.  RESOLVED (may be NULL) gets the last layer commit that was written anew. */
static char *merge(const char *const *const *layers, guint count, char **resolved, GError **error)
{
	g_autoptr(SwMerge) merge = sw_merge_new(repo);
	g_autofree char *commit = NULL;

	for (guint i = 0; i < count; i++) {
		g_autoptr(GByteArray) tar = make_tar(layers[i]);
		g_autofree char *layer = import(tar);
		g_autofree char *used = NULL;

		if (!sw_merge_layer(merge, layer, &used, NULL, error))
			return NULL;
		if (resolved != NULL && !g_str_equal(used, layer))
			*resolved = g_steal_pointer(&used);
	}
	if (!sw_merge_finish(merge, &image, &commit, NULL, error))
		return NULL;
	return g_steal_pointer(&commit);
}

/* One line an entry, without owner and mode. */
static char *short_text(const char *commit)
{
	g_autofree char *text = repo_text(repo, commit);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GString) out = g_string_new(NULL);

	for (guint i = 1; *lines[i] != '\0'; i++) {
		g_auto(GStrv) words = g_strsplit(lines[i], " ", 4);

		g_string_append_printf(out, "%s%s%s%s%s", i > 1 ? " " : "", words[0],
				       words[2][0] == '0' ? "/" : "", words[3] != NULL ? " " : "",
				       words[3] != NULL ? words[3] : "");
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static void check(const char *const *const *layers, guint count, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *commit = merge(layers, count, NULL, &error);
	g_autofree char *text = NULL;

	g_assert_no_error(error);
	text = short_text(commit);
	g_assert_cmpstr(text, ==, expected);
}

#define LAYER(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define CHECK(expected, ...)                                   \
	do {                                                   \
		const char *const *layers[] = { __VA_ARGS__ }; \
		check(layers, G_N_ELEMENTS(layers), expected); \
	} while (0)

static void test_union(void)
{
	CHECK("/a '2' /b '1' /c '2' /d/ /d/x '1' /d/y '2'", LAYER("a=1", "b=1", "d/", "d/x=1"),
	      LAYER("a=2", "c=2", "d/", "d/y=2"));
	CHECK("/a -> y", LAYER("a->x"), LAYER("a->y"));
	CHECK("/a '2'", LAYER("a->x"), LAYER("a=2"));
}

static void test_whiteouts(void)
{
	CHECK("/b '1'", LAYER("a=1", "b=1"), LAYER(".wh.a"));
	CHECK("/d/", LAYER("d/", "d/x=1", "d/y/", "d/y/z=1"), LAYER("d/.wh.x", "d/.wh.y"));
	CHECK("/b '1'", LAYER("a/", "a/x=1", "b=1"), LAYER(".wh.a"));
	CHECK("/usr/ /usr/etc/", LAYER("etc/x=1"), LAYER("etc/.wh.x"));
	/* Of what is not there; then it comes again, or came with the layer itself. */
	CHECK("/a '1'", LAYER("a=1"), LAYER(".wh.x"));
	CHECK("/a '3'", LAYER("a=1"), LAYER(".wh.a"), LAYER("a=3"));
	CHECK("/+x '2' /a '2' /d/ /d/new '2'", LAYER("a=1", "+x=1", "d/", "d/old=1"),
	      LAYER("a=2", ".wh.a", "+x=2", ".wh.+x", ".wh.d", "d/", "d/new=2"));
	/* In the lowest layer, and one that a symbolic link only looks like. */
	CHECK("/a '1'", LAYER("a=1", ".wh.b"));
	CHECK("/.wh.a -> x /a '1'", LAYER("a=1"), LAYER(".wh.a->x"));
	/* A top-level etc is not where the image's /etc lies (contract 1.6). */
	CHECK("/usr/ /usr/etc/ /usr/etc/x '1'", LAYER("etc/x=1"), LAYER(".wh.etc"));
}

static void test_opaque(void)
{
	CHECK("/d/ /d/new '2'", LAYER("d/", "d/x=1", "d/y/", "d/y/z=1"),
	      LAYER("d/", "d/.wh..wh..opq", "d/new=2"));
	CHECK("/d/ /d/x '2'", LAYER("d/x=1"), LAYER("d/x=2", "d/.wh..wh..opq"));
	CHECK("/d/ /d/y/ /d/y/z '2'", LAYER("d/", "d/y/", "d/y/a=1"),
	      LAYER("d/.wh..wh..opq", "d/y/z=2"));
	CHECK("/new '2'", LAYER("a=1", "d/"), LAYER(".wh..wh..opq", "new=2"));
	CHECK("/d/", LAYER("a=1"), LAYER("d/", "d/.wh..wh..opq"), LAYER(".wh.a"));
}

static void test_type_changes(void)
{
	CHECK("/a/ /a/b '2'", LAYER("a=1"), LAYER("a/", "a/b=2"));
	CHECK("/a/ /a/b '2'", LAYER("a->x"), LAYER("a/", "a/b=2"));
	CHECK("/a '2'", LAYER("a/", "a/b=1"), LAYER("a=2"));
	CHECK("/a -> x", LAYER("a/", "a/b=1"), LAYER("a->x"));
	/* Nothing of the old directory comes back. */
	CHECK("/a/ /a/c '3'", LAYER("a/", "a/b=1"), LAYER("a=2"), LAYER("a/", "a/c=3"));
}

static void test_leftovers(void)
{
	CHECK("/usr/ /usr/etc/ /usr/etc/hosts ''", LAYER("etc/hostname", "etc/resolv.conf"),
	      LAYER("etc/hosts"));
	CHECK("/usr/ /usr/etc/ /usr/etc/hostname 'x' /usr/etc/resolv.conf -> y",
	      LAYER("etc/hostname=x", "etc/resolv.conf->y"));
	CHECK("/usr/ /usr/etc/ /usr/etc/hostname/", LAYER("etc/hostname/"));
}

/* A directory that lower layers have keeps its owner and mode, but not over an opaque marker. */
static void test_directory_metadata(void)
{
	g_autoptr(SwMerge) merge = sw_merge_new(repo);
	g_autofree char *commit = NULL;
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < 2; i++) {
		g_autoptr(GByteArray) tar = g_byte_array_new();
		g_autofree char *layer = NULL;
		g_autofree char *used = NULL;

		tar_add_directory(tar, "./", i == 0 ? 0755 : 0700);
		tar_add_directory(tar, "kept/", i == 0 ? 0750 : 0700);
		tar_add_header(tar, '5', "replaced/", NULL, i == 0 ? 0750 : 01700, i, i, 0);
		tar_add_header(tar, '5', "gone/", NULL, i == 0 ? 0750 : 01700, i, i, 0);
		if (i == 1) {
			tar_add_file(tar, "replaced/.wh..wh..opq", 0644, "");
			tar_add_file(tar, ".wh.gone", 0644, "");
		}
		layer = import(tar);
		g_assert_true(sw_merge_layer(merge, layer, &used, NULL, &error));
		g_assert_cmpstr(used, ==, layer);
	}
	g_assert_true(sw_merge_finish(merge, &image, &commit, NULL, &error));
	text = repo_text(repo, commit);
	g_assert_cmpstr(text, ==,
			"/ 0:0 040755\n/gone 1:1 041700\n/kept 0:0 040750\n"
			"/replaced 1:1 041700\n");
}

/* Hard links to files that only lower layers have. */
static void test_links_to_lower(void)
{
	const char *const *layers[] = { LAYER("etc/a=1", "b->x", "old=1"),
					LAYER("new/l<=etc/a", "new/m<=new/l", "n<=b", "o<=old",
					      ".wh.old") };
	g_autoptr(GError) error = NULL;
	g_autofree char *resolved = NULL;
	g_autofree char *commit = merge(layers, G_N_ELEMENTS(layers), &resolved, &error);
	g_autofree char *text = NULL;
	g_autofree char *layer_text = NULL;
	g_autoptr(GVariant) variant = NULL;
	g_autoptr(GVariant) metadata = NULL;

	g_assert_no_error(error);
	text = short_text(commit);
	g_assert_cmpstr(text, ==,
			"/b -> x /n -> x /new/ /new/l '1' /new/m '1' /o '1' /usr/ /usr/etc/ "
			"/usr/etc/a '1'");
	/* The layer's commit in this image is whole, so that bootc can use it. */
	layer_text = short_text(resolved);
	g_assert_cmpstr(layer_text, ==, "/.wh.old '' /n -> x /new/ /new/l '1' /new/m '1' /o '1'");
	g_assert_true(ostree_repo_load_commit(repo, resolved, &variant, NULL, NULL));
	metadata = g_variant_get_child_value(variant, 0);
	g_assert_cmpuint(g_variant_n_children(metadata), ==, 1);
}

static void check_refused(const char *const *const *layers, guint count, const char *id)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(merge(layers, count, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_cmpstr(sw_error_id(error), ==, id);
}

#define REFUSED(id, ...)                                         \
	do {                                                     \
		const char *const *layers[] = { __VA_ARGS__ };   \
		check_refused(layers, G_N_ELEMENTS(layers), id); \
	} while (0)

static void test_refused(void)
{
	REFUSED("hardlink", LAYER("b<=a"));
	REFUSED("hardlink", LAYER("a/"), LAYER("b<=a"));
	REFUSED("hardlink", LAYER("a=1"), LAYER(".wh.a"), LAYER("b<=a"));
	REFUSED("whiteout", LAYER("a=1"), LAYER(".wh."));
	REFUSED("whiteout", LAYER("a=1"), LAYER("d/.wh.."));
	REFUSED("whiteout", LAYER("a=1"), LAYER("d/.wh..."));
}

static void test_commit(void)
{
	const char *const *layers[] = { LAYER("a=1") };
	g_autofree char *commit = merge(layers, 1, NULL, NULL);
	g_autoptr(GVariant) variant = NULL;
	g_autoptr(GVariant) metadata = NULL;
	g_autofree char *text = NULL;

	g_assert_true(ostree_repo_load_commit(repo, commit, &variant, NULL, NULL));
	g_assert_cmpuint(ostree_commit_get_timestamp(variant), ==, 1700000000);
	g_assert_null(ostree_commit_get_parent(variant));
	metadata = g_variant_get_child_value(variant, 0);
	text = g_variant_print(metadata, FALSE);
	g_assert_cmpstr(text, ==,
			"{'ostree.container.image-config': <'{}'>, 'ostree.importer.version': "
			"<'" SW_IMPORTER_VERSION
			"'>, 'ostree.manifest': <'{\"schemaVersion\":2}'>, "
			"'ostree.manifest-digest': <'sha256:0123'>}");
}

int main(int argc, char **argv)
{
	g_autofree char *path = NULL;
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	path = make_directory();
	repo = make_repo(path);
	g_test_add_func("/merge/union", test_union);
	g_test_add_func("/merge/whiteouts", test_whiteouts);
	g_test_add_func("/merge/opaque", test_opaque);
	g_test_add_func("/merge/type-changes", test_type_changes);
	g_test_add_func("/merge/leftovers", test_leftovers);
	g_test_add_func("/merge/directory-metadata", test_directory_metadata);
	g_test_add_func("/merge/links-to-lower", test_links_to_lower);
	g_test_add_func("/merge/refused", test_refused);
	g_test_add_func("/merge/commit", test_commit);
	status = g_test_run();
	g_clear_object(&repo);
	remove_directory(path);
	return status;
}
