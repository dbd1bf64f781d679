/* SPDX-License-Identifier: MIT */
#include "disk/objects.h"

#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "unit/image/repo-text.h"

/* A sink that remembers its files: path to the SHA-256 of the content. */
struct memory {
	struct sw_sink sink;
	GHashTable *files;
};

static gboolean remember(struct sw_sink *sink, const struct sw_sink_node *node,
			 G_GNUC_UNUSED GError **error)
{
	struct memory *memory = (struct memory *)sink;
	char hex[SW_SHA256_SIZE];

	if (node->type == SW_SINK_FILE && node->fd < 0) {
		sw_sha256_data(node->data, node->size, hex);
		g_hash_table_insert(memory->files, g_strdup(node->path), g_strdup(hex));
	}
	return TRUE;
}

static char *make_commit(OstreeRepo *repo, const char *detached)
{
	g_autoptr(OstreeMutableTree) tree = ostree_mutable_tree_new();
	g_autoptr(GFileInfo) info = g_file_info_new();
	g_autoptr(GVariant) meta = NULL;
	g_autoptr(GVariant) metadata = NULL;
	g_autofree guchar *checksum = NULL;
	g_autofree char *hex = NULL;
	g_autoptr(GFile) root = NULL;
	char *commit = NULL;

	g_file_info_set_attribute_uint32(info, "unix::mode", 040755);
	g_file_info_set_attribute_uint32(info, "unix::uid", 0);
	g_file_info_set_attribute_uint32(info, "unix::gid", 0);
	meta = ostree_create_directory_metadata(info, NULL);
	g_assert_true(ostree_repo_write_metadata(repo, OSTREE_OBJECT_TYPE_DIR_META, NULL, meta,
						 &checksum, NULL, NULL));
	hex = ostree_checksum_from_bytes(checksum);
	ostree_mutable_tree_set_metadata_checksum(tree, hex);
	g_assert_true(ostree_repo_write_mtree(repo, tree, &root, NULL, NULL));
	g_assert_true(ostree_repo_write_commit_with_time(
		repo, NULL, detached, NULL, NULL, OSTREE_REPO_FILE(root), 0, &commit, NULL, NULL));
	if (detached == NULL)
		return commit;
	metadata = g_variant_ref_sink(g_variant_new_parsed("{'note': <%s>}", detached));
	g_assert_true(
		ostree_repo_write_commit_detached_metadata(repo, commit, metadata, NULL, NULL));
	return commit;
}

/* Metadata comes as it is; a commit's detached metadata comes with it. */
static void test_metadata(void)
{
	g_autofree char *path = make_directory();
	g_autoptr(OstreeRepo) repo = make_repo(path);
	g_autofree char *plain = make_commit(repo, NULL);
	g_autofree char *noted = make_commit(repo, "a note");
	const char *const commits[] = { plain, noted, NULL };
	g_autoptr(GVariant) expected =
		g_variant_ref_sink(g_variant_new_parsed("{'note': <'a note'>}"));
	g_autofree char *detached = NULL;
	g_autoptr(SwObjects) objects = NULL;
	g_autoptr(GHashTable) files =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	struct memory memory = { .sink = { .add = remember }, .files = files };
	g_autoptr(GError) error = NULL;
	char hex[SW_SHA256_SIZE];
	GHashTableIter iter;
	gpointer name = NULL;
	gpointer sum = NULL;

	g_assert_true(ostree_repo_commit_transaction(repo, NULL, NULL, NULL));
	g_assert_true(sw_objects_collect(repo, commits, &objects, NULL, &error));
	g_assert_no_error(error);
	g_assert_true(sw_objects_compose(objects, &memory.sink, NULL, NULL, NULL, &error));
	g_assert_no_error(error);
	/* Two commits, one of them with detached metadata, one tree, one directory. */
	g_assert_cmpuint(g_hash_table_size(files), ==, 5);
	g_assert_cmpuint(sw_objects_count(objects), ==, 5);
	detached = g_strdup_printf("ostree/repo/objects/%.2s/%s.commitmeta", noted, noted + 2);
	sw_sha256_data(g_variant_get_data(expected), g_variant_get_size(expected), hex);
	g_assert_cmpstr(g_hash_table_lookup(files, detached), ==, hex);
	g_hash_table_remove(files, detached);
	g_hash_table_iter_init(&iter, files);
	while (g_hash_table_iter_next(&iter, &name, &sum)) {
		const char *object = (const char *)name + strlen("ostree/repo/objects/");

		g_assert_true(strncmp(object, sum, 2) == 0);
		g_assert_true(strncmp(object + 3, (const char *)sum + 2, 62) == 0);
	}
	remove_directory(path);
}

/* What the repository lacks is said, not left out. */
static void test_missing(void)
{
	static const char *const commits[] = {
		"0000000000000000000000000000000000000000000000000000000000000000", NULL
	};
	g_autofree char *path = make_directory();
	g_autoptr(OstreeRepo) repo = make_repo(path);
	struct sw_objects *objects = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_false(sw_objects_collect(repo, commits, &objects, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
	g_assert_cmpstr(sw_error_id(error), ==, "cache");
	g_assert_null(objects);
	remove_directory(path);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/objects/metadata", test_metadata);
	g_test_add_func("/objects/missing", test_missing);
	return g_test_run();
}
