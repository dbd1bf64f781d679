/* SPDX-License-Identifier: MIT */
#include "image/tar.h"

#include <string.h>

#include "tarball.h"

/* A stream out of memory, in pieces of STEP bytes. */
struct feed {
	const guint8 *data;
	gsize left;
	gsize step;
};

static gboolean next_chunk(void *data, const guint8 **ret_chunk, size_t *ret_length,
			   G_GNUC_UNUSED GError **error)
{
	struct feed *feed = data;

	*ret_chunk = feed->data;
	*ret_length = MIN(feed->step, feed->left);
	if (*ret_length > 0)
		feed->data += *ret_length;
	feed->left -= *ret_length;
	return TRUE;
}

/* Reads the content of the present entry as text; sizes that are not the entry's are a failure. */
static char *read_content(struct sw_tar *tar, guint64 size)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	const guint8 *data = NULL;
	size_t n = 1;

	while (n > 0) {
		g_assert_true(sw_tar_data(tar, &data, &n, &error));
		g_assert_no_error(error);
		g_string_append_len(text, (const char *)data, (gssize)n);
	}
	g_assert_cmpuint(text->len, ==, size);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* A line an entry: type, path, target, owner, mode, size, content with NULs shown as "0". */
static char *describe(GByteArray *bytes, gsize step, gboolean with_content)
{
	static const char *const types[] = { "file", "dir", "link", "hard", "dev", "fifo" };
	struct feed feed = { bytes->data, bytes->len, step };
	g_autoptr(SwTar) tar = sw_tar_new(next_chunk, &feed);
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) error = NULL;

	for (;;) {
		const struct sw_tar_entry *entry = NULL;

		g_assert_true(sw_tar_next(tar, &entry, &error));
		g_assert_no_error(error);
		if (entry == NULL)
			break;
		g_string_append_printf(text, "%s %s", types[entry->type], entry->path);
		if (*entry->target != '\0')
			g_string_append_printf(text, " -> %s", entry->target);
		g_string_append_printf(text, " %u:%u %04o %" G_GUINT64_FORMAT, entry->uid,
				       entry->gid, entry->mode, entry->size);
		if (with_content && entry->size > 0) {
			g_autofree char *content = read_content(tar, entry->size);

			for (guint64 i = 0; i < entry->size; i++)
				content[i] = content[i] == '\0' ? '0' : content[i];
			g_string_append_printf(text, " %s", content);
		}
		g_string_append_c(text, '\n');
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* The same at any size of the pieces, and whether the contents are read or passed over. */
static void check(GByteArray *bytes, const char *expected)
{
	static const gsize steps[] = { 1, 7, 511, 512, 513, 100000 };

	for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
		g_autofree char *text = describe(bytes, steps[i], TRUE);
		g_autofree char *passed = describe(bytes, steps[i], FALSE);
		g_autofree char *again = describe(bytes, steps[i], FALSE);

		g_assert_cmpstr(text, ==, expected);
		g_assert_cmpstr(passed, ==, again);
	}
}

static void check_refused(GByteArray *bytes)
{
	struct feed feed = { bytes->data, bytes->len, 512 };
	g_autoptr(SwTar) tar = sw_tar_new(next_chunk, &feed);
	const struct sw_tar_entry *entry = NULL;
	g_autoptr(GError) error = NULL;

	do {
		const guint8 *data = NULL;
		size_t n = 1;

		if (!sw_tar_next(tar, &entry, &error))
			break;
		while (entry != NULL && n > 0 && sw_tar_data(tar, &data, &n, &error))
			continue;
	} while (entry != NULL && error == NULL);
	g_assert_error(error, SW_ERROR, SW_ERROR_SOURCE);
	g_assert_cmpstr(sw_error_id(error), ==, "tar");
}

static void test_plain(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();

	tar_add_directory(tar, "./", 0755);
	tar_add_file(tar, "a", 04755, "content");
	tar_add_file(tar, "empty", 0600, "");
	tar_add_symlink(tar, "s", "a b");
	tar_add_hardlink(tar, "h", "a");
	tar_add_header(tar, '3', "c", NULL, 0666, 0, 0, 0);
	tar_add_header(tar, '6', "f", NULL, 0666, 1000, 100, 0);
	tar_add_header(tar, '\0', "old/", NULL, 0711, 0, 0, 0);
	tar_end(tar);
	tar_end(tar);
	check(tar, "dir ./ 0:0 0755 0\nfile a 0:0 4755 7 content\nfile empty 0:0 0600 0\n"
		   "link s -> a b 0:0 0777 0\nhard h -> a 0:0 0644 0\ndev c 0:0 0666 0\n"
		   "fifo f 1000:100 0666 0\ndir old/ 0:0 0711 0\n");
}

/* The end may be missing, and an empty stream is an empty archive. */
static void test_ends(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();

	check(tar, "");
	tar_add_file(tar, "a", 0644, "x");
	check(tar, "file a 0:0 0644 1 x\n");
	g_byte_array_set_size(tar, tar->len + TAR_BLOCK);
	memset(tar->data + tar->len - TAR_BLOCK, 0, TAR_BLOCK);
	check(tar, "file a 0:0 0644 1 x\n");
	tar_add_file(tar, "b", 0644, "y");
	check_refused(tar);
}

static void test_long_names(void)
{
	g_autofree char *name = g_strnfill(300, 'n');
	g_autofree char *prefix = g_strnfill(155, 'p');
	g_autofree char *expected = NULL;
	g_autoptr(GByteArray) tar = g_byte_array_new();

	tar_add_header(tar, 'L', "././@LongLink", NULL, 0, 0, 0, 301);
	tar_add_data(tar, name, 301);
	tar_add_header(tar, 'K', "././@LongLink", NULL, 0, 0, 0, 300);
	tar_add_data(tar, name, 300);
	tar_add_symlink(tar, "cut", "cut");
	tar_add_pax_text(tar, "path", name);
	tar_add_file(tar, "cut", 0644, "x");
	tar_add_file(tar, "short", 0644, "");
	memcpy(tar->data + tar->len - TAR_BLOCK + 345, prefix, 155);
	tar_seal(tar, tar->len - TAR_BLOCK);
	tar_end(tar);
	expected = g_strdup_printf("link %s -> %s 0:0 0777 0\nfile %s 0:0 0644 1 x\n"
				   "file %s/short 0:0 0644 0\n",
				   name, name, name, prefix);
	check(tar, expected);
}

static void test_pax(void)
{
	GByteArray *records = g_byte_array_new();
	g_autoptr(GByteArray) tar = g_byte_array_new();

	tar_add_header(tar, 'g', "global", NULL, 0, 0, 0, 13);
	tar_add_data(tar, "13 comment=x\n", 13);
	tar_add_record(records, "path", "p", 1);
	tar_add_record(records, "uid", "70000", 5);
	tar_add_record(records, "gid", "4294967294", 10);
	tar_add_record(records, "size", "3", 1);
	tar_add_pax(tar, records);
	tar_add_header(tar, '0', "x", NULL, 0644, 1, 2, 0);
	tar_add_data(tar, "abc", 3);
	tar_add_file(tar, "after", 0644, "");
	tar_end(tar);
	check(tar, "file p 70000:4294967294 0644 3 abc\nfile after 0:0 0644 0\n");
}

/* GNU's and star's binary numbers. */
static void test_binary_numbers(void)
{
	static const guint8 size[12] = { 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2 };
	static const guint8 uid[8] = { 0x80, 0, 0, 0, 0, 1, 0, 0 };
	g_autoptr(GByteArray) tar = g_byte_array_new();

	tar_add_file(tar, "a", 0644, "xy");
	memcpy(tar->data + 124, size, sizeof(size));
	memcpy(tar->data + 108, uid, sizeof(uid));
	tar_seal(tar, 0);
	check(tar, "file a 65536:0 0644 2 xy\n");
	tar->data[124] = 0xff;
	tar_seal(tar, 0);
	check_refused(tar);
}

/* A hard link's size means data in the pax form only. */
static void test_hardlink_data(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();

	tar_add_header(tar, '1', "h", "a", 0644, 0, 0, 1000);
	tar_add_file(tar, "after", 0644, "");
	tar_add_pax_text(tar, "mtime", "1");
	tar_add_header(tar, '1', "i", "a", 0644, 0, 0, 3);
	tar_add_data(tar, "abc", 3);
	tar_end(tar);
	check(tar, "hard h -> a 0:0 0644 0\nfile after 0:0 0644 0\nhard i -> a 0:0 0644 3 abc\n");
}

/* GNU tar's older sparse form: the map is in the header and in blocks behind it. */
static void test_sparse_old(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();
	guint8 more[TAR_BLOCK] = { 0 };

	tar_add_header(tar, 'S', "s", NULL, 0644, 0, 0, 4);
	memcpy(tar->data + 257, "ustar  ", 8);
	memset(tar->data + 345, 0, 155);
	memcpy(tar->data + 386, "00000000002\00000000000001\0", 24);
	memcpy(tar->data + 410, "00000000004\00000000000002\0", 24);
	tar->data[482] = 1;
	memcpy(tar->data + 483, "00000000012\0", 12);
	tar_seal(tar, 0);
	memcpy(more, "00000000010\00000000000001\0", 24);
	memcpy(more + 24, "00000000012\00000000000000\0", 24);
	g_byte_array_append(tar, more, sizeof(more));
	tar_add_data(tar, "abcd", 4);
	tar_add_file(tar, "after", 0644, "");
	tar_end(tar);
	check(tar, "file s 0:0 0644 10 00a0bc00d0\nfile after 0:0 0644 0\n");
	/* One byte more in the map than is stored. */
	memcpy(tar->data + TAR_BLOCK, "00000000010\00000000000002\0", 24);
	check_refused(tar);
	/* Pieces in the wrong order. */
	memcpy(tar->data + TAR_BLOCK, "00000000001\00000000000001\0", 24);
	check_refused(tar);
}

static void add_sparse_records(GByteArray *tar, const char *real_size)
{
	GByteArray *records = g_byte_array_new();

	tar_add_record(records, "GNU.sparse.major", "1", 1);
	tar_add_record(records, "GNU.sparse.minor", "0", 1);
	tar_add_record(records, "GNU.sparse.name", "real", 4);
	tar_add_record(records, "GNU.sparse.realsize", real_size, strlen(real_size));
	tar_add_pax(tar, records);
}

/* Form 1.0: the map is in front of the content. */
static void test_sparse_new(void)
{
	static const char map[] = "2\n1\n2\n5\n1\n";
	g_autoptr(GByteArray) tar = g_byte_array_new();
	g_autoptr(GByteArray) bad = g_byte_array_new();

	add_sparse_records(tar, "8");
	tar_add_header(tar, '0', "GNUSparseFile.1/real", NULL, 0644, 0, 0, TAR_BLOCK + 3);
	tar_add_data(tar, map, sizeof(map) - 1);
	tar_add_data(tar, "abc", 3);
	tar_add_file(tar, "after", 0644, "");
	tar_end(tar);
	check(tar, "file real 0:0 0644 8 0ab00c00\nfile after 0:0 0644 0\n");

	add_sparse_records(bad, "5");
	g_byte_array_append(bad, tar->data + 2 * TAR_BLOCK, tar->len - 2 * TAR_BLOCK);
	check_refused(bad);
	g_byte_array_set_size(bad, 0);
	add_sparse_records(bad, "8");
	tar_add_header(bad, '0', "x", NULL, 0644, 0, 0, TAR_BLOCK);
	tar_add_data(bad, "9999999\n", 8);
	check_refused(bad);
}

static void test_xattrs(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();
	struct feed feed = { 0 };
	g_autoptr(SwTar) reader = NULL;
	const struct sw_tar_entry *entry = NULL;
	g_autofree char *text = NULL;

	tar_add_pax_text(tar, "SCHILY.xattr.user.x", "1");
	tar_add_file(tar, "a", 0644, "");
	tar_add_file(tar, "b", 0644, "");
	feed = (struct feed){ tar->data, tar->len, 512 };
	reader = sw_tar_new(next_chunk, &feed);
	g_assert_true(sw_tar_next(reader, &entry, NULL));
	text = g_variant_print(entry->xattrs, FALSE);
	g_assert_cmpstr(text, ==, "[(b'user.x', [0x31])]");
	g_assert_true(sw_tar_next(reader, &entry, NULL));
	g_assert_null(entry->xattrs);
}

static void test_refused(void)
{
	g_autoptr(GByteArray) good = g_byte_array_new();

	tar_add_pax_text(good, "path", "p");
	tar_add_file(good, "a", 0644, "content");
	tar_end(good);
	for (guint i = 0; i < 4; i++) {
		g_autoptr(GByteArray) bad = g_byte_array_new();

		g_byte_array_append(bad, good->data, good->len);
		if (i == 0) /* ends in the content */
			g_byte_array_set_size(bad, 3 * TAR_BLOCK + 3);
		else if (i == 1) /* ends between a header and its entry */
			g_byte_array_set_size(bad, 2 * TAR_BLOCK);
		else if (i == 2) /* a wrong checksum */
			bad->data[0] ^= 1;
		else /* an unknown type */
			bad->data[2 * TAR_BLOCK + 156] = 'M';
		if (i == 3)
			tar_seal(bad, 2 * TAR_BLOCK);
		check_refused(bad);
	}
	memset(good->data, 'x', good->len);
	check_refused(good);
}

static void test_refused_numbers(void)
{
	for (guint i = 0; i < 4; i++) {
		g_autoptr(GByteArray) bad = g_byte_array_new();

		if (i == 3)
			tar_add_pax_text(bad, "uid", "4294967295");
		tar_add_file(bad, "a", 0644, "");
		if (i == 0)
			memcpy(bad->data + 124, "0000000000x", 11);
		else if (i == 1)
			memset(bad->data + 124, 0xff, 12);
		else if (i == 2)
			memcpy(bad->data + 108, "12 x456", 7);
		if (i == 2)
			bad->data[108] = '9';
		tar_seal(bad, bad->len - TAR_BLOCK);
		check_refused(bad);
	}
}

static void test_header_too_large(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();

	tar_add_header(tar, 'L', "x", NULL, 0, 0, 0, 1024 * 1024 + 1);
	check_refused(tar);
	g_byte_array_set_size(tar, 0);
	tar_add_header(tar, 'x', "x", NULL, 0, 0, 0, 1024 * 1024 + 1);
	check_refused(tar);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tar/plain", test_plain);
	g_test_add_func("/tar/ends", test_ends);
	g_test_add_func("/tar/long-names", test_long_names);
	g_test_add_func("/tar/pax", test_pax);
	g_test_add_func("/tar/binary-numbers", test_binary_numbers);
	g_test_add_func("/tar/hardlink-data", test_hardlink_data);
	g_test_add_func("/tar/sparse-old", test_sparse_old);
	g_test_add_func("/tar/sparse-new", test_sparse_new);
	g_test_add_func("/tar/xattrs", test_xattrs);
	g_test_add_func("/tar/refused", test_refused);
	g_test_add_func("/tar/refused-numbers", test_refused_numbers);
	g_test_add_func("/tar/header-too-large", test_header_too_large);
	return g_test_run();
}
