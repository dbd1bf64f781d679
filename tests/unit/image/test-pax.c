/* SPDX-License-Identifier: MIT */
#include "image/pax.h"

#include <string.h>

#include "core/error.h"
#include "tarball.h"

static void test_records(void)
{
	static const guint8 capability[] = { 1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0 };
	g_autoptr(GByteArray) records = g_byte_array_new();
	g_autoptr(GVariant) xattrs = NULL;
	g_autofree char *text = NULL;
	g_auto(SwPax) pax = { 0 };
	g_autoptr(GError) error = NULL;

	tar_add_record(records, "path", "a\n=b", 4);
	tar_add_record(records, "linkpath", "c", 1);
	tar_add_record(records, "size", "8589934592", 10);
	tar_add_record(records, "uid", "4000000000", 10);
	tar_add_record(records, "mtime", "1.5", 3);
	tar_add_record(records, "SCHILY.xattr.user.b", "x\0y", 3);
	tar_add_record(records, "SCHILY.xattr.security.capability", capability, sizeof(capability));
	tar_add_record(records, "SCHILY.xattr.user.a", "x", 1);
	tar_add_record(records, "SCHILY.xattr.user.a", "", 0);
	tar_add_record(records, "SCHILY.xattr.user.empty", "", 0);
	g_assert_true(sw_pax_parse(&pax, (const char *)records->data, records->len, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(pax.path, ==, "a\n=b");
	g_assert_cmpstr(pax.target, ==, "c");
	g_assert_true(pax.has_size && pax.has_uid && !pax.has_gid);
	g_assert_cmpuint(pax.size, ==, G_GUINT64_CONSTANT(8589934592));
	g_assert_cmpuint(pax.uid, ==, 4000000000u);
	xattrs = sw_pax_xattrs(&pax);
	text = g_variant_print(xattrs, FALSE);
	g_assert_cmpstr(text, ==,
			"[(b'security.capability', [0x01, 0x00, 0x00, 0x02, 0x00, 0x20, 0x00, "
			"0x00, 0x00, 0x00]), (b'user.b', [0x78, 0x00, 0x79])]");
}

/* A later record of the same keyword counts; an empty one leaves what was. */
static void test_repeated(void)
{
	g_autoptr(GByteArray) records = g_byte_array_new();
	g_auto(SwPax) pax = { 0 };

	tar_add_record(records, "path", "a", 1);
	tar_add_record(records, "path", "b", 1);
	tar_add_record(records, "path", "", 0);
	g_assert_true(sw_pax_parse(&pax, (const char *)records->data, records->len, NULL));
	g_assert_cmpstr(pax.path, ==, "b");
	g_assert_null(sw_pax_xattrs(&pax));
}

static void check_refused(const char *text, gsize length)
{
	g_auto(SwPax) pax = { 0 };
	g_autoptr(GError) error = NULL;

	g_assert_false(sw_pax_parse(&pax, text, length, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_SOURCE);
	g_assert_cmpstr(sw_error_id(error), ==, "tar");
}

static void test_refused(void)
{
	static const char *const rows[] = {
		"x",
		"9",
		"9 ",
		"0 a=b\n",
		"6 a=b\n9",
		"5 a=b\n",
		"7 a=b\n",
		"99 a=b\n",
		"3 \n",
		"6 abc\n",
		"-6 a=b\n",
		"+6 a=b\n",
		"06 a=b\n",
		"18446744073709551622 a=b\n",
		"9 size=\n\n",
		"10 size=x\n",
		"11 size=-1\n",
		"11 uid=0x1\n",
		"20 SCHILY.xattr.=x\n",
		"22 GNU.sparse.major=0\n",
		"26 GNU.sparse.numblocks=1\n",
	};
	g_autofree char *name = g_strnfill(256, 'n');
	g_autofree char *key = g_strconcat("SCHILY.xattr.", name, NULL);
	g_autofree char *value = g_strnfill(65537, 'v');
	g_autoptr(GByteArray) long_name = g_byte_array_new();
	g_autoptr(GByteArray) long_value = g_byte_array_new();

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_test_message("%s", rows[i]);
		check_refused(rows[i], strlen(rows[i]));
	}
	check_refused("9 path=\0\n", 9);
	check_refused("8 a\0b=c\n", 8);
	tar_add_record(long_name, key, "x", 1);
	check_refused((const char *)long_name->data, long_name->len);
	tar_add_record(long_value, "SCHILY.xattr.user.x", value, 65537);
	check_refused((const char *)long_value->data, long_value->len);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pax/records", test_records);
	g_test_add_func("/pax/repeated", test_repeated);
	g_test_add_func("/pax/refused", test_refused);
	return g_test_run();
}
