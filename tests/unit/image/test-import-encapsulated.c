/* SPDX-License-Identifier: MIT */
#include "image/image.h"

#include "core/error.h"
#include "encapsulate.h"
#include "fake-source.h"
#include "image/layer.h"

#define COMPOSEFS "[composefs]\nenabled = maybe\n"

/* A base of which the image's first layers are made, and the cache that it is imported into. */
struct fixture {
	char *path;
	OstreeRepo *repo;
	char *base;
	char *cache;
};

static char *make_base(OstreeRepo *repo, const char *prepare_root)
{
	GByteArray *tar = g_byte_array_new();
	struct sw_oci_layer *layer = NULL;
	g_autoptr(GError) error = NULL;
	gboolean has_links = FALSE;
	char *commit = NULL;
	int fd = -1;

	tar_add_directory(tar, "./", 0755);
	tar_add_directory(tar, "opt/", 0700);
	tar_add_directory(tar, "usr/", 0755);
	tar_add_file(tar, "usr/lib/ostree/prepare-root.conf", 0644, prepare_root);
	tar_add_file(tar, "usr/gone", 0644, "gone");
	tar_add_file(tar, "usr/kept", 04755, "kept");
	/* In the base a name is a name. */
	tar_add_file(tar, "usr/.wh.kept", 0644, "no marker");
	tar_add_file(tar, "etc/hostname", 0644, "");
	tar_end(tar);
	layer = make_layer(tar, tar);
	fd = open_blob(tar);
	g_assert_true(
		sw_layer_import(repo, fd, layer, layer->digest, &commit, &has_links, NULL, &error));
	close(fd);
	free_layer(layer);
	g_byte_array_unref(tar);
	return commit;
}

static struct fixture *fixture_new(const char *prepare_root)
{
	struct fixture *fixture = g_new0(struct fixture, 1);

	fixture->path = make_directory();
	fixture->repo = make_repo(fixture->path);
	fixture->base = make_base(fixture->repo, prepare_root);
	fixture->cache = g_build_filename(fixture->path, "cache", NULL);
	return fixture;
}

static void fixture_free(struct fixture *fixture)
{
	g_object_unref(fixture->repo);
	remove_directory(fixture->path);
	g_free(fixture->path);
	g_free(fixture->base);
	g_free(fixture->cache);
	g_free(fixture);
}

/* An image of the base in three layers, labelled. */
static struct sw_source *make_image(const struct fixture *fixture)
{
	struct sw_source *source = source_new();
	const struct sw_oci_layer *last = NULL;

	for (guint part = 0; part < 3; part++)
		source_add(source, encapsulate(fixture->repo, fixture->base, FORM_INLINE, part, 3));
	last = source->image.layers->pdata[2];
	g_hash_table_insert(source->image.labels, (char *)"ostree.final-diffid", last->diff_id);
	source_seal(source);
	return source;
}

static void add_derived(struct sw_source *source)
{
	GByteArray *tar = g_byte_array_new();

	tar_add_file(tar, "usr/.wh.gone", 0644, "");
	tar_add_hardlink(tar, "usr/link", "usr/kept");
	tar_add_directory(tar, "opt/", 0755);
	tar_add_file(tar, "opt/new", 0644, "new");
	tar_add_file(tar, "top", 0644, "top");
	tar_add_file(tar, "var/lib/x", 0644, "x");
	tar_add_directory(tar, "run/", 0755);
	tar_end(tar);
	source_add(source, tar);
	source_seal(source);
}

static struct sw_import *import(const struct fixture *fixture, struct sw_source *source,
				GError **error)
{
	g_autoptr(SwCache) cache = NULL;
	struct sw_import *result = NULL;

	if (!sw_cache_open(fixture->cache, &cache, NULL, error) ||
	    !sw_image_import(cache, source, NULL, &result, NULL, error))
		return NULL;
	return result;
}

static OstreeRepo *open_cache(const struct fixture *fixture)
{
	g_autofree char *name = g_build_filename(fixture->cache, "repo", NULL);
	g_autoptr(GFile) file = g_file_new_for_path(name);
	OstreeRepo *repo = ostree_repo_new(file);

	g_assert_true(ostree_repo_open(repo, NULL, NULL));
	return repo;
}

static guint64 missing(const struct fixture *fixture, struct sw_source *source)
{
	g_autoptr(SwCache) cache = NULL;
	guint64 bytes = 0;

	g_assert_true(sw_cache_open(fixture->cache, &cache, NULL, NULL));
	g_assert_true(sw_image_missing(cache, sw_source_image(source), &bytes, NULL));
	return bytes;
}

/* The merge commit: the base is its parent, it has exactly the four keys and the image's time. */
static void check_merge(OstreeRepo *repo, const char *commit, const char *base,
			const struct sw_oci_image *image)
{
	const char *const rows[][2] = {
		{ "ostree.container.image-config", image->config },
		{ "ostree.importer.version", SW_IMPORTER_VERSION },
		{ "ostree.manifest", image->manifest },
		{ "ostree.manifest-digest", image->manifest_digest },
	};
	g_autoptr(GVariant) variant = NULL;
	g_autoptr(GVariant) metadata = NULL;
	g_autofree char *parent = NULL;

	g_assert_true(ostree_repo_load_commit(repo, commit, &variant, NULL, NULL));
	parent = ostree_commit_get_parent(variant);
	g_assert_cmpstr(parent, ==, base);
	g_assert_cmpuint(ostree_commit_get_timestamp(variant), ==, image->created);
	metadata = g_variant_get_child_value(variant, 0);
	g_assert_cmpuint(g_variant_n_children(metadata), ==, G_N_ELEMENTS(rows));
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *value = NULL;

		g_assert_true(g_variant_lookup(metadata, rows[i][0], "&s", &value));
		g_assert_cmpstr(value, ==, rows[i][1]);
	}
}

/* Layers on an encapsulated base; the second import finds all of it. */
static void test_derived(void)
{
	struct fixture *fixture = fixture_new(COMPOSEFS);
	g_autoptr(SwSource) source = make_image(fixture);
	g_autoptr(OstreeRepo) repo = NULL;
	g_autoptr(SwImport) first = NULL;
	g_autoptr(SwImport) second = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	g_autofree char *ref = NULL;

	add_derived(source);
	g_assert_cmpuint(missing(fixture, source), >, 0);
	first = import(fixture, source, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(missing(fixture, source), ==, 0);
	g_assert_cmpuint(first->layers_fetched, ==, 4);
	g_assert_cmpstr(first->layer_commits[0], ==, fixture->base);
	repo = open_cache(fixture);
	check_merge(repo, first->commit, fixture->base, &source->image);
	text = repo_text(repo, first->commit);
	g_assert_cmpstr(text, ==,
			"/ 0:0 040755\n"
			"/opt 0:0 040700\n"
			"/opt/new 0:0 100644 'new'\n"
			"/run 0:0 040755\n"
			"/top 0:0 100644 'top'\n"
			"/usr 0:0 040755\n"
			"/usr/.wh.kept 0:0 100644 'no marker'\n"
			"/usr/etc 0:0 040755\n"
			"/usr/kept 0:0 104755 'kept'\n"
			"/usr/lib 0:0 040755\n"
			"/usr/lib/ostree 0:0 040755\n"
			"/usr/lib/ostree/prepare-root.conf 0:0 100644 '" COMPOSEFS "'\n"
			"/usr/link 0:0 104755 'kept'\n"
			"/var 0:0 040755\n"
			"/var/lib 0:0 040755\n"
			"/var/lib/x 0:0 100644 'x'\n");
	second = import(fixture, source, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(second->layers_fetched, ==, 0);
	g_assert_cmpstr(second->commit, ==, first->commit);
	g_assert_true(g_strv_equal((const char *const *)second->layer_commits,
				   (const char *const *)first->layer_commits));
	fixture_free(fixture);
}

/* Nothing on top: the tree is the base's, but for what a build container leaves. */
static void test_base_alone(void)
{
	struct fixture *fixture = fixture_new(COMPOSEFS);
	g_autoptr(SwSource) source = make_image(fixture);
	g_autoptr(OstreeRepo) repo = NULL;
	g_autoptr(SwImport) result = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *expected = NULL;
	g_autofree char *text = NULL;

	result = import(fixture, source, &error);
	g_assert_no_error(error);
	repo = open_cache(fixture);
	check_merge(repo, result->commit, fixture->base, &source->image);
	expected = repo_text(repo, fixture->base);
	text = repo_text(repo, result->commit);
	g_assert_nonnull(strstr(expected, "/usr/etc/hostname 0:0 100644 ''\n"));
	g_assert_null(strstr(text, "hostname"));
	g_assert_nonnull(strstr(text, "/usr/.wh.kept 0:0 100644 'no marker'\n"));
	g_assert_cmpuint(strlen(expected) - strlen(text), ==,
			 strlen("/usr/etc/hostname 0:0 100644 ''\n"));
	fixture_free(fixture);
}

/* A base whose root takes no other paths: what layers have beside usr, etc and var is left out. */
static void test_usr_only(void)
{
	static const char *const configs[] = { "", "[composefs]\nenabled=no\n",
					       "[root]\ntransient=true\n" };

	for (guint i = 0; i < G_N_ELEMENTS(configs); i++) {
		struct fixture *fixture = fixture_new(configs[i]);
		g_autoptr(SwSource) source = make_image(fixture);
		gboolean takes_all = i == 2;

		add_derived(source);
		for (guint round = 0; round < 2; round++) {
			g_autoptr(GError) error = NULL;
			g_autoptr(SwImport) result = import(fixture, source, &error);
			g_autoptr(OstreeRepo) repo = open_cache(fixture);
			g_autofree char *text = NULL;
			g_autofree char *layer = NULL;

			g_assert_no_error(error);
			text = repo_text(repo, result->commit);
			layer = repo_text(repo, result->layer_commits[3]);
			g_assert_cmpint(strstr(text, "/top ") != NULL, ==, takes_all);
			g_assert_cmpint(strstr(text, "/opt/new ") != NULL, ==, takes_all);
			g_assert_cmpint(strstr(layer, "/opt ") != NULL, ==, takes_all);
			g_assert_nonnull(strstr(text, "/opt 0:0 040700\n"));
			g_assert_nonnull(strstr(text, "/run 0:0 040755\n"));
			g_assert_nonnull(strstr(text, "/var/lib/x "));
			g_assert_nonnull(strstr(text, "/usr/link 0:0 104755 'kept'\n"));
			g_assert_null(strstr(text, "/usr/gone"));
		}
		fixture_free(fixture);
	}
}

/* A component that lies fails the import; the next one fetches it alone. */
static void test_bad_component(void)
{
	struct fixture *fixture = fixture_new(COMPOSEFS);
	g_autoptr(SwSource) source = make_image(fixture);
	GByteArray *blob = source->blobs->pdata[1];
	g_autoptr(GError) error = NULL;
	g_autoptr(SwImport) result = NULL;

	add_derived(source);
	blob->data[blob->len / 2] ^= 0x10;
	g_assert_null(import(fixture, source, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_SOURCE);
	g_assert_cmpstr(sw_error_id(error), ==, "digest");
	g_clear_error(&error);
	blob->data[blob->len / 2] ^= 0x10;
	result = import(fixture, source, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(result->layers_fetched, ==, 1);
	fixture_free(fixture);
}

/* The label ends the commit too early: it is not whole, however often one tries. */
static void test_not_whole(void)
{
	struct fixture *fixture = fixture_new(COMPOSEFS);
	g_autoptr(SwSource) source = make_image(fixture);
	const struct sw_oci_layer *first = source->image.layers->pdata[0];
	const struct sw_oci_layer *last = source->image.layers->pdata[2];
	g_autoptr(SwImport) result = NULL;
	g_autoptr(GError) error = NULL;

	g_hash_table_insert(source->image.labels, (char *)"ostree.final-diffid", first->diff_id);
	for (guint i = 0; i < 2; i++) {
		g_assert_null(import(fixture, source, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
		g_assert_cmpstr(sw_error_id(error), ==, "encapsulated");
		g_assert_nonnull(strstr(error->message, fixture->base));
		g_assert_cmpuint(source->fetched, ==, 3);
		g_clear_error(&error);
	}
	/* The commit is there; with the right label only its components are fetched. */
	g_hash_table_insert(source->image.labels, (char *)"ostree.final-diffid", last->diff_id);
	result = import(fixture, source, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(result->layers_fetched, ==, 2);
	fixture_free(fixture);
}

/* The same blobs without the label are plain layers, and neither way disturbs the other. */
static void test_without_label(void)
{
	struct fixture *fixture = fixture_new(COMPOSEFS);
	g_autoptr(SwSource) source = make_image(fixture);
	const struct sw_oci_layer *last = source->image.layers->pdata[2];
	g_autofree char *commit = NULL;

	for (guint i = 0; i < 3; i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(SwImport) result = NULL;

		if (i == 1)
			g_hash_table_remove(source->image.labels, "ostree.final-diffid");
		if (i == 2)
			g_hash_table_insert(source->image.labels, (char *)"ostree.final-diffid",
					    last->diff_id);
		/* A label is a part of the configuration. */
		g_free(source->image.config);
		source->image.config = g_strdup(i == 1 ? "{}" : "{\"labelled\":true}");
		result = import(fixture, source, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(result->layers_fetched, ==, i < 2 ? 3 : 0);
		if (i == 1)
			g_assert_cmpstr(result->layer_commits[0], !=, fixture->base);
		else
			g_assert_cmpstr(result->layer_commits[0], ==, fixture->base);
		if (i == 0)
			commit = g_strdup(result->commit);
		g_assert_cmpint(g_str_equal(result->commit, commit), ==, i != 1);
	}
	fixture_free(fixture);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/import-encapsulated/derived", test_derived);
	g_test_add_func("/import-encapsulated/base-alone", test_base_alone);
	g_test_add_func("/import-encapsulated/usr-only", test_usr_only);
	g_test_add_func("/import-encapsulated/bad-component", test_bad_component);
	g_test_add_func("/import-encapsulated/not-whole", test_not_whole);
	g_test_add_func("/import-encapsulated/without-label", test_without_label);
	return g_test_run();
}
