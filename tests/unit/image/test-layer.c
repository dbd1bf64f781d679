/* SPDX-License-Identifier: MIT */
#include "image/layer.h"

#include <string.h>

#include "blob.h"
#include "core/file.h"
#include "repo-text.h"
#include "tarball.h"

/* One for all tests but those that need several; made by main(). */
static OstreeRepo *repo;

/* Imports TAR as a layer of its own; on failure the error's id comes instead of the commit. */
static char *import(OstreeRepo *into, const GByteArray *tar, gboolean *ret_has_links,
		    GError **error)
{
	g_autoptr(GByteArray) gzip = gzip_of(tar);
	struct sw_oci_layer *layer = make_layer(gzip, tar);
	sw_autofd int fd = open_blob(gzip);
	char *commit = NULL;
	gboolean ok = sw_layer_import(into, fd, layer, layer->digest, &commit, ret_has_links, NULL,
				      error);

	g_assert_true(ok == (commit != NULL));
	free_layer(layer);
	return commit;
}

static void check(const GByteArray *tar, const char *expected)
{
	gboolean has_links = TRUE;
	g_autoptr(GError) error = NULL;
	g_autofree char *commit = import(repo, tar, &has_links, &error);
	g_autofree char *text = NULL;

	g_assert_no_error(error);
	g_assert_false(has_links);
	text = repo_text(repo, commit);
	g_assert_cmpstr(text, ==, expected);
}

static void check_refused(const GByteArray *tar, enum sw_error code, const char *id,
			  const char *text)
{
	g_autoptr(GError) error = NULL;
	gboolean has_links = FALSE;

	g_assert_null(import(repo, tar, &has_links, &error));
	g_assert_error(error, SW_ERROR, (int)code);
	g_assert_cmpstr(sw_error_id(error), ==, id);
	g_assert_nonnull(strstr(error->message, text));
	g_assert_null(strchr(error->message, '\n'));
}

static void test_kinds(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();

	tar_add_directory(tar, "./", 0711);
	tar_add_directory(tar, "usr/", 0755);
	tar_add_header(tar, '0', "usr/tool", NULL, 06755, 0, 8, 3);
	tar_add_data(tar, "elf", 3);
	tar_add_hardlink(tar, "usr/same", "/usr/tool");
	tar_add_hardlink(tar, "usr/third", "./usr/same");
	tar_add_symlink(tar, "usr/link", "/etc/../x");
	tar_add_header(tar, '5', "var/mail/", NULL, 02775, 5, 6, 0);
	tar_end(tar);
	check(tar, "/ 0:0 040711\n/usr 0:0 040755\n/usr/link 0:0 120777 -> /etc/../x\n"
		   "/usr/same 0:8 106755 'elf'\n/usr/third 0:8 106755 'elf'\n"
		   "/usr/tool 0:8 106755 'elf'\n/var 5:6 040755\n/var/mail 5:6 042775\n");
}

static void test_paths(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();

	tar_add_directory(tar, "/./", 0755);
	tar_add_file(tar, "etc/passwd", 0644, "x");
	tar_add_hardlink(tar, "./etc/group", "etc/passwd");
	tar_add_symlink(tar, "etc/mtab", "../etc/x");
	tar_add_file(tar, "etc/.wh.gone", 0644, "");
	tar_add_directory(tar, "dev/", 0755);
	tar_add_header(tar, '3', "dev/null", NULL, 0666, 0, 0, 0);
	tar_add_file(tar, "tmp/x", 0644, "x");
	tar_add_directory(tar, "run", 0755);
	tar_add_hardlink(tar, "run/y", "tmp/x");
	tar_end(tar);
	check(tar, "/ 0:0 040755\n/dev 0:0 040755\n/run 0:0 040755\n/usr 0:0 040755\n"
		   "/usr/etc 0:0 040755\n/usr/etc/.wh.gone 0:0 100644 ''\n"
		   "/usr/etc/group 0:0 100644 'x'\n/usr/etc/mtab 0:0 120777 -> ../etc/x\n"
		   "/usr/etc/passwd 0:0 100644 'x'\n");
}

static void test_names_and_xattrs(void)
{
	static const guint8 capability[] = { 1, 0, 0, 2, 0, 4, 0, 0, 0, 0 };
	g_autofree char *name = g_strnfill(200, 'n');
	g_autofree char *deep = g_strconcat("etc/", name, "/", name, "/x\xc3\xa9", NULL);
	GByteArray *records = g_byte_array_new();
	g_autofree char *expected = NULL;
	g_autoptr(GByteArray) tar = g_byte_array_new();

	tar_add_record(records, "path", deep, strlen(deep));
	tar_add_record(records, "SCHILY.xattr.security.capability", capability, sizeof(capability));
	tar_add_pax(tar, records);
	tar_add_file(tar, "short", 0755, "p");
	tar_end(tar);
	expected = g_strdup_printf("/ 0:0 040755\n/usr 0:0 040755\n/usr/etc 0:0 040755\n"
				   "/usr/etc/%s 0:0 040755\n/usr/etc/%s/%s 0:0 040755\n"
				   "/usr/etc/%s/%s/x\xc3\xa9 0:0 100755 'p' "
				   "[(b'security.capability', [0x01, 0x00, 0x00, 0x02, 0x00, 0x04, "
				   "0x00, 0x00, 0x00, 0x00])]\n",
				   name, name, name, name, name);
	check(tar, expected);
}

/* A hard link that brings its content along is a file; pax names of a target are mapped as all others. */
static void test_hardlinks(void)
{
	g_autofree char *name = g_strnfill(150, 'n');
	g_autofree char *target = g_strconcat("./etc/", name, NULL);
	GByteArray *records = g_byte_array_new();
	g_autoptr(GByteArray) tar = g_byte_array_new();
	g_autofree char *expected = NULL;

	tar_add_directory(tar, "./", 0755);
	tar_add_record(records, "path", target, strlen(target));
	tar_add_pax(tar, records);
	tar_add_file(tar, "short", 0640, "x");
	tar_add_pax_text(tar, "linkpath", target);
	tar_add_hardlink(tar, "usr/link", "short");
	tar_add_pax_text(tar, "comment", "pax");
	tar_add_header(tar, '1', "usr/own", "usr/link", 0600, 1, 2, 3);
	tar_add_data(tar, "own", 3);
	tar_end(tar);
	expected = g_strdup_printf("/ 0:0 040755\n/usr 0:0 040755\n/usr/etc 0:0 040755\n"
				   "/usr/etc/%s 0:0 100640 'x'\n/usr/link 0:0 100640 'x'\n"
				   "/usr/own 1:2 100600 'own'\n",
				   name);
	check(tar, expected);
}

/* Sets the modification time of the entry that was added last, whose header is at OFFSET. */
static void set_time(GByteArray *tar, guint offset)
{
	memcpy(tar->data + offset + 136, "14500000000", 11);
	tar_seal(tar, offset);
}

/*
 * A container changed files of an encapsulated base, and an engine found the change at the objects that
 * they are hard links to: the files have it, the objects do not come.
 */
static void test_changed_objects(void)
{
	static const char repo_path[] = "sysroot/ostree/repo/objects/";
	g_autofree char *object = g_strconcat(repo_path, "00/11.file", NULL);
	g_autofree char *other = g_strconcat(repo_path, "00/22.file", NULL);
	g_autofree char *dot = g_strconcat("./", object, NULL);
	g_autoptr(GByteArray) tar = g_byte_array_new();
	guint offset = 0;

	tar_add_header(tar, '0', object, NULL, 0750, 3, 4, 1);
	tar_add_data(tar, "x", 1);
	set_time(tar, 0);
	offset = tar->len;
	tar_add_hardlink(tar, "usr/one", object);
	set_time(tar, offset);
	offset = tar->len;
	tar_add_hardlink(tar, "etc/two", dot);
	set_time(tar, offset);
	/* A link to an object that did not change: the file is as it was. */
	offset = tar->len;
	tar_add_hardlink(tar, "usr/same", other);
	set_time(tar, offset);
	tar_end(tar);
	check(tar, "/ 0:0 040755\n/usr 0:0 040755\n/usr/etc 0:0 040755\n"
		   "/usr/etc/two 3:4 100750 'x'\n/usr/one 3:4 100750 'x'\n");
}

/* What was not changed is a plain file, as in an encapsulated layer that is read without its label. */
static void test_unchanged_objects(void)
{
	static const char object[] = "sysroot/ostree/repo/objects/00/11.file";
	g_autoptr(GByteArray) tar = g_byte_array_new();

	tar_add_directory(tar, "./", 0755);
	tar_add_file(tar, object, 0644, "x");
	tar_add_hardlink(tar, "usr/one", object);
	tar_end(tar);
	check(tar, "/ 0:0 040755\n/sysroot 0:0 040755\n/sysroot/ostree 0:0 040755\n"
		   "/sysroot/ostree/repo 0:0 040755\n/sysroot/ostree/repo/objects 0:0 040755\n"
		   "/sysroot/ostree/repo/objects/00 0:0 040755\n"
		   "/sysroot/ostree/repo/objects/00/11.file 0:0 100644 'x'\n"
		   "/usr 0:0 040755\n/usr/one 0:0 100644 'x'\n");
}

static void test_empty(void)
{
	g_autoptr(GByteArray) none = g_byte_array_new();
	g_autoptr(GByteArray) tar = g_byte_array_new();

	check(none, "/ 0:0 040755\n");
	tar_end(tar);
	check(tar, "/ 0:0 040755\n");
}

/* A commit tells nothing of when and how the layer came; its metadata is the importer's version. */
static void test_function_of_blob(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();
	g_autofree char *first = NULL;

	tar_add_file(tar, "a", 0644, "x");
	tar_add_hardlink(tar, "b", "lower/x");
	for (guint i = 0; i < 2; i++) {
		g_autofree char *path = make_directory();
		g_autoptr(OstreeRepo) own = make_repo(path);
		gboolean has_links = FALSE;
		g_autofree char *commit = import(own, tar, &has_links, NULL);
		g_autoptr(GVariant) variant = NULL;
		g_autoptr(GVariant) metadata = NULL;
		g_autofree char *text = NULL;

		g_assert_true(has_links);
		g_assert_true(ostree_repo_load_commit(own, commit, &variant, NULL, NULL));
		g_assert_cmpuint(ostree_commit_get_timestamp(variant), ==, 0);
		metadata = g_variant_get_child_value(variant, 0);
		text = g_variant_print(metadata, FALSE);
		g_assert_cmpstr(text, ==,
				"{'ostree.importer.version': <'" SW_IMPORTER_VERSION "'>, "
				"'slipway.links': <[('b', 'lower/x')]>}");
		if (first == NULL)
			first = g_strdup(commit);
		g_assert_cmpstr(commit, ==, first);
		remove_directory(path);
	}
}

static void test_refused(void)
{
	static const struct {
		char type;
		const char *path;
		const char *target;
		const char *id;
		const char *text;
	} rows[] = {
		{ '0', "usr/../../x", NULL, "path", "'usr/../../x' has '..'" },
		{ '0', "/etc/x", NULL, "path", "'/etc/x' is an absolute path" },
		{ '0', "usr/\xff", NULL, "path", "is not UTF-8" },
		{ '2', "usr/l", "\xff", "path", "'usr/l' is a symbolic link" },
		{ '2', "usr/l", NULL, "path", "'usr/l' is a symbolic link" },
		{ '1', "usr/l", "../x", "path", "'../x' has '..'" },
		{ '1', "usr/l", "dev/null", "hardlink", "'usr/l' is a hard link into" },
		{ '1', "usr/l", "usr/l", "hardlink", "'usr/l' leads in a circle" },
		{ '3', "usr/c", NULL, "device", "'usr/c' is a device node" },
		{ '4', "usr/b", NULL, "device", "'usr/b' is a device node" },
		{ '6', "usr/f", NULL, "device", "'usr/f' is a FIFO" },
		{ '3', "dev", NULL, "device", "'dev' is a device node" },
		{ '0', ".", NULL, "path", "the top directory" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GByteArray) tar = g_byte_array_new();

		tar_add_file(tar, "usr/x", 0644, "x");
		tar_add_header(tar, rows[i].type, rows[i].path, rows[i].target, 0644, 0, 0, 0);
		tar_end(tar);
		check_refused(tar, SW_ERROR_IMAGE, rows[i].id, rows[i].text);
	}
}

static void test_no_tar(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();

	tar_add_file(tar, "x", 0644, "x");
	g_byte_array_set_size(tar, TAR_BLOCK + 1);
	check_refused(tar, SW_ERROR_SOURCE, "tar", "ends in the middle");
	g_byte_array_set_size(tar, 2000);
	memset(tar->data, 'x', tar->len);
	check_refused(tar, SW_ERROR_SOURCE, "tar", "no tar stream");
}

/* A blob that is not what its digest says is a lying source, whatever its tar is like. */
static void test_digest_first(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();
	struct sw_oci_layer *layer = NULL;
	g_autofree char *commit = NULL;
	gboolean has_links = FALSE;

	tar_add_file(tar, "x", 0644, "x");
	tar_end(tar);
	layer = make_layer(tar, tar);
	for (guint i = 0; i < 2; i++) {
		g_autoptr(GError) error = NULL;
		sw_autofd int fd = -1;

		/* The content at first, which tar does not notice; then the header. */
		tar->data[i == 0 ? TAR_BLOCK : 0] = 'y';
		fd = open_blob(tar);
		g_assert_false(sw_layer_import(repo, fd, layer, layer->digest, &commit, &has_links,
					       NULL, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_SOURCE);
		g_assert_cmpstr(sw_error_id(error), ==, "digest");
		g_assert_null(commit);
	}
	free_layer(layer);
}

int main(int argc, char **argv)
{
	g_autofree char *path = NULL;
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	path = make_directory();
	repo = make_repo(path);
	g_test_add_func("/layer/hardlinks", test_hardlinks);
	g_test_add_func("/layer/changed-objects", test_changed_objects);
	g_test_add_func("/layer/unchanged-objects", test_unchanged_objects);
	g_test_add_func("/layer/kinds", test_kinds);
	g_test_add_func("/layer/paths", test_paths);
	g_test_add_func("/layer/names-and-xattrs", test_names_and_xattrs);
	g_test_add_func("/layer/empty", test_empty);
	g_test_add_func("/layer/function-of-blob", test_function_of_blob);
	g_test_add_func("/layer/refused", test_refused);
	g_test_add_func("/layer/no-tar", test_no_tar);
	g_test_add_func("/layer/digest-first", test_digest_first);
	status = g_test_run();
	g_clear_object(&repo);
	remove_directory(path);
	return status;
}
