/* SPDX-License-Identifier: MIT */
#include "spec/setting.h"

#include <string.h>

#include "core/size.h"
#include "spec/build.h"

/* EXPECTED NULL: TEXT is refused. */
static void check(const char *name, const char *text, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *canonical = NULL;
	const struct sw_setting *setting = sw_setting_find(name);

	g_assert_nonnull(setting);
	if (expected != NULL) {
		g_assert_true(sw_setting_check(setting, text, FALSE, &canonical, &error));
		g_assert_no_error(error);
		g_assert_cmpstr(canonical, ==, expected);
		return;
	}
	g_assert_false(sw_setting_check(setting, text, FALSE, &canonical, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_assert_null(canonical);
	g_assert_null(strchr(error->message, '\n'));
}

static void test_texts(void)
{
	g_autofree char *longest = g_strnfill(4096, 'x');
	g_autofree char *longer = g_strnfill(4097, 'x');

	check("seed", "x", "x");
	check("seed", "gr\303\274n", "gr\303\274n");
	check("seed", longest, longest);
	check("seed", longer, NULL);
	check("seed", "", NULL);
	check("seed", "a\nb", NULL);
	check("seed", "\033[31m", NULL);
	check("seed", "\302\205", NULL);
	check("seed", "\377", NULL);
}

static void test_words(void)
{
	check("rootfs", "xfs", "xfs");
	check("rootfs", "zfs", NULL);
	check("rootfs", "EXT4", NULL);
	check("target-arch", "arm64", "arm64");
	check("target-arch", "x86_64", "amd64");
	check("target-arch", "aarch64", "arm64");
	check("target-arch", "i386", NULL);
	check("tls-verify", "false", "false");
	check("tls-verify", "no", NULL);
	check("progress", "json", "json");
	check("progress", "loud", NULL);
	check("type", "raw", "raw");
	check("type", "floppy", NULL);
	check("type", "raw,qcow2", NULL);
}

static void test_sizes(void)
{
	check("size", "20G", "20G");
	check("size", "512 MiB", "512 MiB");
	check("size", "10737418240", "10737418240");
	check("size", "1000000", NULL);
	check("size", "1K", NULL);
	check("size", "0", NULL);
	check("size", "-1G", NULL);
	check("size", "many", NULL);
}

static void test_kargs(void)
{
	check("karg", "quiet", "quiet");
	check("karg", "console=ttyS0,115200n8", "console=ttyS0,115200n8");
	check("karg", "dyndbg=\"file x.c +p\"", "dyndbg=\"file x.c +p\"");
	check("karg", "empty=", "empty=");
	check("karg", "quiet splash", NULL);
	check("karg", " quiet", NULL);
	check("karg", "a=\"b", NULL);
	check("karg", "=b", NULL);
	check("karg", "\"a b\"", NULL);
	check("karg", "a\tb", NULL);
	check("karg-delete", "a=\"b c\"", "a=\"b c\"");
	check("karg-delete", "a b", NULL);
}

static void test_references(void)
{
	check("image", "quay.io/a/b:1", "quay.io/a/b:1");
	check("image", "oci:/x/y", "oci:/x/y");
	check("image", "bad name", NULL);
	check("target-imgref", "ostree-image-signed:docker://quay.io/a/b:1",
	      "ostree-image-signed:docker://quay.io/a/b:1");
	check("target-imgref", "nowhere://x", NULL);
}

/* Each row can be found, says what it needs to say, and has a place of its own. */
static void test_rows(void)
{
	g_autoptr(GHashTable) offsets = g_hash_table_new(NULL, NULL);
	g_autoptr(GHashTable) letters = g_hash_table_new(NULL, NULL);

	for (const struct sw_setting *row = sw_settings; row->flag != NULL; row++) {
		gboolean is_switch = row->type == SW_SETTING_SWITCH;

		g_assert_true(sw_setting_find(row->flag) == row);
		if (row->key != NULL)
			g_assert_true(sw_setting_find_key(row->key) == row);
		g_assert_true((row->value == NULL) == is_switch);
		g_assert_false(is_switch && row->key != NULL);
		g_assert_true(row->type != SW_SETTING_CHOICE || row->words != NULL);
		g_assert_true(g_hash_table_add(offsets, GSIZE_TO_POINTER(row->offset + 1)));
		if (row->letter != '\0')
			g_assert_true(g_hash_table_add(letters, GINT_TO_POINTER(row->letter)));
		g_assert_cmpint(strlen(row->help), >, 0);
		g_assert_false(g_str_has_suffix(row->help, "."));
		if (row->fallback != NULL)
			check(row->flag, row->fallback, row->fallback);
	}
	g_assert_null(sw_setting_find("nothing"));
	g_assert_null(sw_setting_find_key("progress"));
}

static void test_store(void)
{
	g_autoptr(SwBuild) build = g_new0(struct sw_build, 1);

	sw_setting_store(sw_setting_find("seed"), "a", build);
	sw_setting_store(sw_setting_find("seed"), "b", build);
	sw_setting_store(sw_setting_find("size"), "2G", build);
	sw_setting_store(sw_setting_find("tls-verify"), "true", build);
	sw_setting_store(sw_setting_find("progress"), "plain", build);
	sw_setting_store(sw_setting_find("karg"), "x", build);
	sw_setting_store(sw_setting_find("karg"), "x", build);
	sw_setting_store(sw_setting_find("type"), "raw", build);
	sw_setting_store(sw_setting_find("type"), "raw", build);
	g_assert_cmpstr(build->seed, ==, "b");
	g_assert_cmpuint(build->size, ==, 2 * SW_GIB);
	g_assert_true(build->tls_verify);
	g_assert_cmpint(build->progress, ==, SW_PROGRESS_PLAIN);
	g_assert_cmpuint(g_strv_length(build->kargs), ==, 2);
	g_assert_cmpuint(g_strv_length(build->types), ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/setting/texts", test_texts);
	g_test_add_func("/setting/words", test_words);
	g_test_add_func("/setting/sizes", test_sizes);
	g_test_add_func("/setting/kargs", test_kargs);
	g_test_add_func("/setting/references", test_references);
	g_test_add_func("/setting/rows", test_rows);
	g_test_add_func("/setting/store", test_store);
	return g_test_run();
}
