/* SPDX-License-Identifier: MIT */
#include "image/split.h"

#include "encapsulate.h"

static const char zeros[SW_CHECKSUM_SIZE] =
	"0000000000000000000000000000000000000000000000000000000000000000";
static const char ones[SW_CHECKSUM_SIZE] =
	"1111111111111111111111111111111111111111111111111111111111111111";

struct feed {
	const GByteArray *tar;
	gboolean done;
};

static gboolean next_chunk(void *data, const guint8 **ret_chunk, size_t *ret_length,
			   G_GNUC_UNUSED GError **error)
{
	struct feed *feed = data;

	*ret_chunk = feed->tar->data;
	*ret_length = feed->done ? 0 : feed->tar->len;
	feed->done = TRUE;
	return TRUE;
}

/* Reads TAR to its end or first fault; returns a word an object. */
static char *read_all(GByteArray *tar, enum sw_split_kind kind, GError **error)
{
	struct feed feed = { .tar = tar };
	g_autoptr(SwTar) reader = sw_tar_new(next_chunk, &feed);
	g_autoptr(SwSplit) split = sw_split_new(reader, kind);
	g_autoptr(GString) text = g_string_new(NULL);
	const struct sw_split_object *object = NULL;

	tar_end(tar);
	for (;;) {
		if (!sw_split_next(split, &object, NULL, error)) {
			g_byte_array_unref(tar);
			return NULL;
		}
		if (object == NULL)
			break;
		g_string_append_printf(text, "%s", ostree_object_type_to_string(object->type));
		if (object->metadata == NULL && object->file.xattrs != NULL)
			g_string_append_printf(text, "+%zu",
					       g_variant_n_children(object->file.xattrs));
		g_string_append_c(text, ' ');
	}
	g_byte_array_unref(tar);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static void expect(GByteArray *tar, enum sw_split_kind kind, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = read_all(tar, kind, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(text, ==, expected);
}

static void refuse(GByteArray *tar, enum sw_split_kind kind, const char *what)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = read_all(tar, kind, &error);

	g_assert_null(text);
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "encapsulated");
	if (strstr(error->message, what) == NULL)
		g_error("not \"%s\" but: %s", what, error->message);
	g_assert_null(strchr(error->message, '\n'));
}

static GVariant *some_xattrs(const char *name)
{
	return g_variant_ref_sink(g_variant_new_parsed("[(%^ay, [byte 1, 2])]", name));
}

/* A tar that begins with a good commit. */
static GByteArray *with_commit(char ret_checksum[SW_CHECKSUM_SIZE])
{
	GByteArray *tar = g_byte_array_new();
	g_autoptr(GVariant) commit = g_variant_ref_sink(commit_new(zeros, ones));

	add_variant(tar, commit, ".commit", ret_checksum);
	return tar;
}

static GByteArray *with_entry(char type, const char *path, const char *target, const char *data)
{
	GByteArray *tar = g_byte_array_new();

	add_entry(tar, type, path, target, 0644, 0, 0, data, strlen(data));
	return tar;
}

static GByteArray *with_object(const char *suffix, const void *data, gsize length)
{
	GByteArray *tar = g_byte_array_new();

	add_object(tar, zeros, suffix, data, length);
	return tar;
}

/* What is not an object is passed over; where it lies does not depend on how the path is written. */
static void test_passed_over(void)
{
	GByteArray *tar = g_byte_array_new();

	tar_add_directory(tar, "./", 0755);
	tar_add_directory(tar, "sysroot/ostree/repo/objects/zz", 0755);
	tar_add_file(tar, "usr/bin/sh", 0755, "no object");
	tar_add_file(tar, "../out", 0644, "no object");
	tar_add_hardlink(tar, "etc/passwd", "sysroot/ostree/repo/objects/00/0.file");
	tar_add_file(tar, "sysroot/ostree/repo/config", 0644, "[core]\n");
	tar_add_file(tar, "sysroot/ostree/repo/refs/heads/x", 0644, "x");
	tar_add_header(tar, '3', "dev/null", NULL, 0666, 0, 0, 0);
	expect(tar, SW_SPLIT_OBJECTS, "");
	tar = g_byte_array_new();
	add_object(tar, zeros, ".file", "x", 1);
	expect(tar, SW_SPLIT_OBJECTS, "file ");
	tar = g_byte_array_new();
	add_entry(tar, '0',
		  "./sysroot/ostree/repo/objects/11/"
		  "11111111111111111111111111111111111111111111111111111111111111.file",
		  NULL, 0644, 0, 0, "x", 1);
	expect(tar, SW_SPLIT_OBJECTS, "file ");
}

static void test_order_of_metadata(void)
{
	g_autoptr(GVariant) dirmeta = g_variant_ref_sink(dirmeta_new());
	g_autoptr(GVariant) dirtree = g_variant_ref_sink(dirtree_new(2, zeros, ones));
	g_autoptr(GVariant) detached = g_variant_ref_sink(g_variant_new_parsed("{'a': <'b'>}"));
	g_autoptr(GVariant) commit = g_variant_ref_sink(commit_new(ones, zeros));
	const void *bytes = g_variant_get_data(detached);
	gsize length = g_variant_get_size(detached);
	char checksum[SW_CHECKSUM_SIZE];
	GByteArray *tar = with_commit(checksum);

	add_object(tar, checksum, ".commitmeta", bytes, length);
	add_variant(tar, dirtree, ".dirtree", NULL);
	add_variant(tar, dirmeta, ".dirmeta", NULL);
	expect(tar, SW_SPLIT_COMMIT, "commit commitmeta dirtree dirmeta ");
	expect(with_commit(NULL), SW_SPLIT_COMMIT, "commit ");

	refuse(g_byte_array_new(), SW_SPLIT_COMMIT, "holds none");
	tar = g_byte_array_new();
	add_variant(tar, dirmeta, ".dirmeta", NULL);
	refuse(tar, SW_SPLIT_COMMIT, "before the commit");
	refuse(with_object(".file", "x", 1), SW_SPLIT_COMMIT, "before the commit");
	tar = with_commit(NULL);
	add_variant(tar, commit, ".commit", NULL);
	refuse(tar, SW_SPLIT_COMMIT, "second commit");
	tar = with_commit(NULL);
	add_object(tar, zeros, ".commitmeta", bytes, length);
	refuse(tar, SW_SPLIT_COMMIT, "does not follow its commit");
	tar = with_commit(checksum);
	add_variant(tar, dirmeta, ".dirmeta", NULL);
	add_object(tar, checksum, ".commitmeta", bytes, length);
	refuse(tar, SW_SPLIT_COMMIT, "does not follow its commit");
	/* A component layer has files only. */
	refuse(with_commit(NULL), SW_SPLIT_OBJECTS, "is metadata");
	tar = g_byte_array_new();
	add_variant(tar, dirtree, ".dirtree", NULL);
	refuse(tar, SW_SPLIT_OBJECTS, "is metadata");
}

static void test_metadata_refused(void)
{
	static const char slash[] = "/";
	g_autoptr(GVariant) dirmeta = g_variant_ref_sink(dirmeta_new());
	g_autoptr(GVariant) evil = NULL;
	g_autofree char *large = g_malloc0(11 * 1024 * 1024);
	g_autofree guint8 *garbage = g_memdup2(g_variant_get_data(dirmeta), 12);
	g_autofree char *path = object_path(zeros, ".dirtree");
	char hex[SW_SHA256_SIZE];
	GByteArray *tar = with_commit(NULL);

	add_object(tar, zeros, ".dirmeta", g_variant_get_data(dirmeta),
		   g_variant_get_size(dirmeta));
	refuse(tar, SW_SPLIT_COMMIT, "not what its name says");
	tar = with_commit(NULL);
	add_object(tar, zeros, ".dirtree", large, 11 * 1024 * 1024);
	refuse(tar, SW_SPLIT_COMMIT, "larger");
	tar = with_commit(NULL);
	add_entry(tar, '1', path, "usr/x", 0644, 0, 0, NULL, 0);
	refuse(tar, SW_SPLIT_COMMIT, "no regular file");
	/* Bytes that are no variant of the type, under their right name. */
	tar = with_commit(NULL);
	sw_sha256_data("garbage", 7, hex);
	add_object(tar, hex, ".dirtree", "garbage", 7);
	refuse(tar, SW_SPLIT_COMMIT, "no good object");
	/* A directory that is a regular file. */
	garbage[10] = 0x81;
	tar = with_commit(NULL);
	sw_sha256_data(garbage, 12, hex);
	add_object(tar, hex, ".dirmeta", garbage, 12);
	refuse(tar, SW_SPLIT_COMMIT, "no good object");
	/* A name that would leave its directory. */
	evil = g_variant_ref_sink(g_variant_new_parsed("([(%s, %@ay)], @a(sayay) [])", slash,
						       ostree_checksum_to_bytes_v(zeros)));
	tar = with_commit(NULL);
	add_variant(tar, evil, ".dirtree", NULL);
	refuse(tar, SW_SPLIT_COMMIT, "no good object");
	g_clear_pointer(&evil, g_variant_unref);
	evil = g_variant_ref_sink(g_variant_new_parsed("(@a(say) [], [('..', %@ay, %@ay)])",
						       ostree_checksum_to_bytes_v(zeros),
						       ostree_checksum_to_bytes_v(zeros)));
	tar = with_commit(NULL);
	add_variant(tar, evil, ".dirtree", NULL);
	refuse(tar, SW_SPLIT_COMMIT, "no good object");
}

static void test_names_refused(void)
{
	static const char *const names[] = {
		OBJECTS "00/00.file",
		OBJECTS "000/0000000000000000000000000000000000000000000000000000000000000.file",
		OBJECTS "AA/00000000000000000000000000000000000000000000000000000000000000.file",
		OBJECTS "00/0000000000000000000000000000000000000000000000000000000000000/.file",
		OBJECTS "00/00000000000000000000000000000000000000000000000000000000000000",
		OBJECTS "../../etc/passwd.file",
		OBJECTS "x",
		"sysroot/ostree/repo/xattrs/00",
		"sysroot/ostree/repo/xattrs/../../x",
	};

	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		refuse(with_entry('0', names[i], NULL, "x"), SW_SPLIT_OBJECTS,
		       i < 7 ? "no name of an object" : "no checksum");
	refuse(with_object(".filez", "x", 1), SW_SPLIT_OBJECTS, "unknown type");
	refuse(with_object(".", "x", 1), SW_SPLIT_OBJECTS, "unknown type");
}

static void test_files_refused(void)
{
	g_autofree char *path = object_path(zeros, ".file");
	GByteArray *tar = g_byte_array_new();

	add_entry(tar, '2', path, "\xff", 0777, 0, 0, NULL, 0);
	refuse(tar, SW_SPLIT_OBJECTS, "bad target");
	tar = g_byte_array_new();
	add_entry(tar, '2', path, "", 0777, 0, 0, NULL, 0);
	refuse(tar, SW_SPLIT_OBJECTS, "bad target");
	for (const char *type = "136"; *type != '\0'; type++) {
		tar = g_byte_array_new();
		add_entry(tar, *type, path, "x", 0644, 0, 0, NULL, 0);
		refuse(tar, SW_SPLIT_OBJECTS, "neither a regular file");
	}
}

/* Every form gives a file the attributes that stand in front of it. */
static void test_xattrs(void)
{
	g_autoptr(GVariant) xattrs = some_xattrs("user.a");
	g_autoptr(GVariant) none = g_variant_ref_sink(g_variant_new("a(ayay)", NULL));

	for (guint form = 0; form < FORM_COUNT; form++) {
		g_autoptr(GHashTable) shared =
			g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		GByteArray *tar = g_byte_array_new();

		add_xattrs(tar, zeros, xattrs, form, shared);
		add_object(tar, zeros, ".file", "x", 1);
		add_xattrs(tar, ones, none, form, shared);
		add_object(tar, ones, ".file", "x", 1);
		expect(tar, SW_SPLIT_OBJECTS, "file+1 file+0 ");
	}
}

static void refuse_xattrs(GVariant *xattrs)
{
	g_autoptr(GVariant) sunk = g_variant_ref_sink(xattrs);

	refuse(with_object(".file-xattrs-link", g_variant_get_data(sunk), g_variant_get_size(sunk)),
	       SW_SPLIT_OBJECTS, "no good extended attributes");
}

static void test_xattrs_refused(void)
{
	g_autoptr(GVariant) xattrs = some_xattrs("user.a");
	g_autoptr(GHashTable) shared = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *long_name = g_strnfill(256, 'n');
	g_autofree char *large = g_malloc0(2 * 1024 * 1024);
	g_autofree char *path = object_path(zeros, ".file-xattrs-link");
	g_autofree char *target = object_path(ones, ".file-xattrs");
	GByteArray *tar = g_byte_array_new();

	refuse_xattrs(g_variant_new_parsed("[(@ay [], @ay [])]"));
	refuse_xattrs(g_variant_new_parsed("[([byte 97], [byte 97])]"));
	refuse_xattrs(g_variant_new_parsed("[([byte 97, 0, 97, 0], [byte 97])]"));
	refuse_xattrs(g_variant_new_parsed("[(b'a', b'b'), (b'a', b'c')]"));
	refuse_xattrs(g_variant_new_parsed("[(%^ay, b'b')]", long_name));
	refuse(with_object(".file-xattrs-link", "garbage", 7), SW_SPLIT_OBJECTS, "no good");
	refuse(with_object(".file-xattrs-link", large, 2 * 1024 * 1024), SW_SPLIT_OBJECTS,
	       "larger");
	refuse(with_object(".file-xattrs", g_variant_get_data(xattrs), g_variant_get_size(xattrs)),
	       SW_SPLIT_OBJECTS, "not what its name says");
	add_entry(tar, '1', path, target, 0644, 0, 0, NULL, 0);
	refuse(tar, SW_SPLIT_OBJECTS, "did not come");
	refuse(with_entry('1', path, "usr/bin/sh", ""), SW_SPLIT_OBJECTS, "no extended attributes");
	refuse(with_entry('1', path, OBJECTS "x.file-xattrs", ""), SW_SPLIT_OBJECTS,
	       "no extended attributes");
	refuse(with_entry('2', path, target, ""), SW_SPLIT_OBJECTS, "no regular file");
	/* For another file than the next, twice, or for none. */
	tar = g_byte_array_new();
	add_xattrs(tar, zeros, xattrs, FORM_INLINE, shared);
	add_object(tar, ones, ".file", "x", 1);
	refuse(tar, SW_SPLIT_OBJECTS, "of another file");
	tar = g_byte_array_new();
	add_xattrs(tar, zeros, xattrs, FORM_INLINE, shared);
	add_xattrs(tar, zeros, xattrs, FORM_INLINE, shared);
	refuse(tar, SW_SPLIT_OBJECTS, "whose file is missing");
	tar = g_byte_array_new();
	add_xattrs(tar, zeros, xattrs, FORM_INLINE, shared);
	refuse(tar, SW_SPLIT_OBJECTS, "is missing");
}

/* Attributes for later files are bounded as a whole. */
static void test_xattrs_flood(void)
{
	GByteArray *tar = g_byte_array_new();

	for (guint i = 0; i < 80; i++) {
		GVariantBuilder builder;
		g_autoptr(GVariant) xattrs = NULL;

		g_variant_builder_init(&builder, G_VARIANT_TYPE("a(ayay)"));
		for (guint n = 0; n < 15; n++) {
			g_autofree char *name = g_strdup_printf("user.%u.%u", i, n);
			g_autofree char *value = g_strnfill(60000, 'v');

			g_variant_builder_add(&builder, "(^ay^ay)", name, value);
		}
		xattrs = g_variant_ref_sink(g_variant_builder_end(&builder));
		add_variant(tar, xattrs, ".file-xattrs", NULL);
	}
	refuse(tar, SW_SPLIT_OBJECTS, "64 MiB");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/split/passed-over", test_passed_over);
	g_test_add_func("/split/order-of-metadata", test_order_of_metadata);
	g_test_add_func("/split/metadata-refused", test_metadata_refused);
	g_test_add_func("/split/names-refused", test_names_refused);
	g_test_add_func("/split/files-refused", test_files_refused);
	g_test_add_func("/split/xattrs", test_xattrs);
	g_test_add_func("/split/xattrs-refused", test_xattrs_refused);
	g_test_add_func("/split/xattrs-flood", test_xattrs_flood);
	return g_test_run();
}
