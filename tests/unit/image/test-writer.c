/* SPDX-License-Identifier: MIT */
#include "image/writer.h"

#include <string.h>
#include <sys/stat.h>

#include "repo-text.h"
#include "tarball.h"

/* A stream of one piece. */
static gboolean next_chunk(void *data, const guint8 **ret_chunk, size_t *ret_length,
			   G_GNUC_UNUSED GError **error)
{
	GByteArray **tar = data;

	*ret_length = *tar == NULL ? 0 : (*tar)->len;
	*ret_chunk = *tar == NULL ? NULL : (*tar)->data;
	*tar = NULL;
	return TRUE;
}

/* One extended attribute with a value of SIZE bytes. */
static GVariant *some_xattrs(gsize size)
{
	g_autofree char *value = g_strnfill(size, 'v');
	GVariant *pair = g_variant_new(
		"(@ay@ay)", g_variant_new_bytestring("user.x"),
		g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, value, size, sizeof(guint8)));

	return g_variant_ref_sink(g_variant_new_array(G_VARIANT_TYPE("(ayay)"), &pair, 1));
}

/* Writes CONTENT as a file and compares the checksum with libostree's own. */
static void check_file(OstreeRepo *repo, const GByteArray *content, guint mode, GVariant *xattrs)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	GByteArray *feed = bytes;
	g_autoptr(SwTar) tar = sw_tar_new(next_chunk, &feed);
	g_autoptr(SwWriter) writer = sw_writer_new(repo);
	const struct sw_tar_entry *entry = NULL;
	struct sw_tar_entry changed;
	g_autofree char *expected = NULL;
	char checksum[SW_CHECKSUM_SIZE];
	g_autoptr(GError) error = NULL;

	tar_add_header(bytes, '0', "a", NULL, mode, 1000, 100, content->len);
	tar_add_data(bytes, content->data, content->len);
	g_assert_true(sw_tar_next(tar, &entry, NULL));
	changed = *entry;
	changed.xattrs = xattrs;
	g_assert_true(sw_writer_file(writer, &changed, tar, checksum, NULL, &error));
	g_assert_no_error(error);
	g_assert_true(
		ostree_repo_fsck_object(repo, OSTREE_OBJECT_TYPE_FILE, checksum, NULL, &error));
	g_assert_no_error(error);
	expected = ostree_repo_write_regfile_inline(repo, NULL, 1000, 100, S_IFREG | mode, xattrs,
						    content->data, content->len, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(checksum, ==, expected);
}

static void test_files(void)
{
	static const guint sizes[] = { 0, 1, 511, 100000, 4 << 20, (4 << 20) + 1 };
	g_autofree char *path = make_directory();
	g_autoptr(OstreeRepo) repo = make_repo(path);
	g_autoptr(GVariant) xattrs = some_xattrs(10);

	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autoptr(GByteArray) content = g_byte_array_new();

		g_byte_array_set_size(content, sizes[i]);
		for (guint n = 0; n < sizes[i]; n++)
			content->data[n] = (guint8)(n * 7 + n / 1000);
		check_file(repo, content, 0644, NULL);
		check_file(repo, content, 06511, xattrs);
		check_file(repo, content, 0, xattrs);
	}
	remove_directory(path);
}

static void test_others(void)
{
	g_autofree char *path = make_directory();
	g_autoptr(OstreeRepo) repo = make_repo(path);
	g_autoptr(SwWriter) writer = sw_writer_new(repo);
	g_autoptr(GVariant) xattrs = some_xattrs(3);
	struct sw_tar_entry entry = { .type = SW_TAR_SYMLINK,
				      .path = (char *)"a",
				      .target = (char *)"b",
				      .uid = 1,
				      .gid = 2,
				      .mode = 01777,
				      .xattrs = xattrs };
	g_autofree char *expected = NULL;
	g_autoptr(GVariant) meta = NULL;
	g_autoptr(GError) error = NULL;
	char checksum[SW_CHECKSUM_SIZE];
	guint uid = 0;
	guint gid = 0;
	guint mode = 0;

	g_assert_true(sw_writer_symlink(writer, &entry, checksum, NULL, &error));
	g_assert_no_error(error);
	expected = ostree_repo_write_symlink(repo, NULL, 1, 2, xattrs, "b", NULL, &error);
	g_assert_cmpstr(checksum, ==, expected);

	g_assert_true(sw_writer_directory(writer, &entry, checksum, NULL, &error));
	g_assert_no_error(error);
	ostree_repo_load_variant(repo, OSTREE_OBJECT_TYPE_DIR_META, checksum, &meta, &error);
	g_assert_no_error(error);
	g_variant_get(meta, "(uuua(ayay))", &uid, &gid, &mode, NULL);
	g_assert_cmpuint(GUINT32_FROM_BE(uid), ==, 1);
	g_assert_cmpuint(GUINT32_FROM_BE(gid), ==, 2);
	g_assert_cmpuint(GUINT32_FROM_BE(mode), ==, S_IFDIR | 01777);
	remove_directory(path);
}

/* What a filesystem cannot hold is named, not called a full disk. */
static void test_large_xattrs(void)
{
	g_autofree char *path = make_directory();
	g_autoptr(OstreeRepo) repo = make_repo(path);
	g_autoptr(SwWriter) writer = sw_writer_new(repo);
	g_autoptr(GVariant) xattrs = some_xattrs(60000);
	struct sw_tar_entry entry = { .type = SW_TAR_FILE,
				      .path = (char *)"a/file",
				      .target = (char *)"",
				      .mode = 0644,
				      .xattrs = xattrs };
	GByteArray *none = NULL;
	g_autoptr(SwTar) tar = sw_tar_new(next_chunk, &none);
	char checksum[SW_CHECKSUM_SIZE];
	g_autoptr(GError) error = NULL;

	if (sw_writer_file(writer, &entry, tar, checksum, NULL, &error)) {
		g_test_skip("this filesystem takes large extended attributes");
	} else {
		g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
		g_assert_cmpstr(sw_error_id(error), ==, "xattrs");
		g_assert_nonnull(strstr(error->message, "'a/file'"));
	}
	remove_directory(path);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/writer/files", test_files);
	g_test_add_func("/writer/others", test_others);
	g_test_add_func("/writer/large-xattrs", test_large_xattrs);
	return g_test_run();
}
