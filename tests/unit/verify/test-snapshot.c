/* SPDX-License-Identifier: MIT */
#include "unit/verify/snapshot.h"

#include <ostree.h>
#include <sys/stat.h>

/* The tree of most tests. */
static GByteArray *make_tar(void)
{
	GByteArray *tar = g_byte_array_new();

	tar_add_header(tar, '5', "./", NULL, 0755, 0, 0, 0);
	tar_add_header(tar, '5', "./b/", NULL, 0755, 1, 2, 0);
	tar_add_file(tar, "./b/file", 0640, "content\n");
	tar_add_header(tar, '1', "./a", "./b/file", 0640, 0, 0, 0);
	tar_add_header(tar, '2', "./up", "../b/../b/file", 0777, 0, 0, 0);
	tar_add_header(tar, '2', "./b/absolute", "/file", 0777, 0, 0, 0);
	tar_add_header(tar, '2', "./loop", "loop", 0777, 0, 0, 0);
	return tar;
}

static void test_names(void)
{
	g_autoptr(GByteArray) tar = make_tar();
	gboolean ok;
	g_autoptr(SwSnapshot) snapshot = fill(tar, &ok);
	const struct sw_inode *file = sw_snapshot_find(snapshot, "b/file");
	g_auto(GStrv) names = sw_snapshot_list(snapshot, "");
	g_autofree char *joined = g_strjoinv(" ", names);
	g_autofree char *text = sw_snapshot_text(snapshot, "a", NULL);

	g_assert_true(ok);
	g_assert_cmpstr(joined, ==, "a b loop up");
	g_assert_true(sw_snapshot_find(snapshot, "a") == file);
	g_assert_cmpuint(file->mode, ==, 0640);
	g_assert_cmpuint(sw_snapshot_find(snapshot, "b")->gid, ==, 2);
	g_assert_cmpstr(text, ==, "content\n");
	g_assert_null(sw_snapshot_typed(snapshot, "b", SW_TAR_FILE));
	g_assert_null(sw_snapshot_find(snapshot, "b/none"));
}

static void test_resolve(void)
{
	static const char *const cases[][3] = {
		{ "", "up", "b/file" },	       { "", "/b/./file", "b/file" },
		{ "b", "absolute", "b/file" }, { "b", "../../file", "b/file" },
		{ "", "b/absolute", NULL },    { "", "loop", NULL },
		{ "", "none", NULL },	       { "", "", "" },
	};
	g_autoptr(GByteArray) tar = make_tar();
	gboolean ok;
	g_autoptr(SwSnapshot) snapshot = fill(tar, &ok);

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *found = sw_snapshot_resolve(snapshot, cases[i][0], cases[i][1]);

		g_assert_cmpstr(found, ==, cases[i][2]);
	}
}

/* libostree is the judge of the checksums. */
static void test_checksums(void)
{
	g_autoptr(GByteArray) tar = make_tar();
	gboolean ok;
	g_autoptr(SwSnapshot) snapshot = fill(tar, &ok);
	g_autoptr(GFileInfo) info = g_file_info_new();
	g_autoptr(GInputStream) input = g_memory_input_stream_new_from_data("content\n", 8, NULL);
	g_autofree guchar *bytes = NULL;
	g_autofree guchar *link_bytes = NULL;
	g_autofree char *file = NULL;
	g_autofree char *link = NULL;

	g_file_info_set_file_type(info, G_FILE_TYPE_REGULAR);
	g_file_info_set_size(info, 8);
	g_file_info_set_attribute_uint32(info, "unix::uid", 0);
	g_file_info_set_attribute_uint32(info, "unix::gid", 0);
	g_file_info_set_attribute_uint32(info, "unix::mode", S_IFREG | 0640);
	g_assert_true(ostree_checksum_file_from_input(info, NULL, input, OSTREE_OBJECT_TYPE_FILE,
						      &bytes, NULL, NULL));
	file = ostree_checksum_from_bytes(bytes);
	g_assert_cmpstr(sw_snapshot_find(snapshot, "a")->object, ==, file);

	g_file_info_set_file_type(info, G_FILE_TYPE_SYMBOLIC_LINK);
	g_file_info_set_size(info, 0);
	g_file_info_set_symlink_target(info, "/file");
	g_file_info_set_attribute_uint32(info, "unix::mode", S_IFLNK | 0777);
	g_assert_true(ostree_checksum_file_from_input(info, NULL, NULL, OSTREE_OBJECT_TYPE_FILE,
						      &link_bytes, NULL, NULL));
	link = ostree_checksum_from_bytes(link_bytes);
	g_assert_cmpstr(sw_snapshot_find(snapshot, "b/absolute")->object, ==, link);
}

/* The appliance is not to be trusted: its disk is anyone's. */
static void test_hostile(void)
{
	static const struct {
		const char *path, *target;
		char type;
	} cases[] = {
		{ "./none/file", NULL, '0' }, { "/file", NULL, '0' },	 { "./b", NULL, '5' },
		{ "./link", "./none", '1' },  { "./a/file", NULL, '0' },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GByteArray) tar = make_tar();
		gboolean ok;
		g_autoptr(SwSnapshot) snapshot = NULL;

		tar_add_header(tar, cases[i].type, cases[i].path, cases[i].target, 0755, 0, 0, 0);
		snapshot = fill(tar, &ok);
		g_assert_false(ok);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/verify/snapshot/names", test_names);
	g_test_add_func("/verify/snapshot/resolve", test_resolve);
	g_test_add_func("/verify/snapshot/checksums", test_checksums);
	g_test_add_func("/verify/snapshot/hostile", test_hostile);
	return g_test_run();
}
