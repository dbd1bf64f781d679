/* SPDX-License-Identifier: MIT */
#include "image/os-release.h"

#include <string.h>

static void assert_value(const char *text, const char *name, const char *expected)
{
	g_autoptr(GHashTable) table = sw_os_release_parse(text, strlen(text));

	g_assert_cmpstr(g_hash_table_lookup(table, name), ==, expected);
}

static void test_values(void)
{
	assert_value("ID=debian\n", "ID", "debian");
	assert_value("ID=debian", "ID", "debian");
	assert_value("ID=\"debian\"\n", "ID", "debian");
	assert_value("ID='debian'\n", "ID", "debian");
	assert_value("# ID=no\n\nID=yes\n", "ID", "yes");
	assert_value("  ID=debian  \r\n", "ID", "debian");
	assert_value("ID=\n", "ID", "");
	assert_value("ID=\"\"\n", "ID", "");
	assert_value("ID=a\nID=b\n", "ID", "b");
	assert_value("PRETTY_NAME=\"a \\\"b\\\" \\$c \\\\d \\`e\\`\"", "PRETTY_NAME",
		     "a \"b\" $c \\d `e`");
	assert_value("PRETTY_NAME='a \\\"b'", "PRETTY_NAME", "a \\\"b");
	assert_value("NAME=a\\ b", "NAME", "a b");
	assert_value("NAME=\"a\"'b'c", "NAME", "abc");
	assert_value("PRETTY_NAME=\"Ünïcode\"", "PRETTY_NAME", "Ünïcode");
}

static void test_left_out(void)
{
	assert_value("", "ID", NULL);
	assert_value("ID\n=x\n", "", NULL);
	assert_value("ID=\"open\n", "ID", NULL);
	assert_value("1D=x\n", "1D", NULL);
	assert_value("A B=x\n", "A B", NULL);
	assert_value("ID=\"a\tb\"", "ID", NULL);
	assert_value("ID=\"\033[31m\"", "ID", NULL);
	assert_value("ID=\"\xff\"", "ID", NULL);
}

/* A NUL ends the text; what stands behind it is not read. */
static void test_nul(void)
{
	g_autoptr(GHashTable) table = sw_os_release_parse("ID=a\0\nID=b\n", 11);

	g_assert_cmpstr(g_hash_table_lookup(table, "ID"), ==, "a");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/os-release/values", test_values);
	g_test_add_func("/os-release/left-out", test_left_out);
	g_test_add_func("/os-release/nul", test_nul);
	return g_test_run();
}
