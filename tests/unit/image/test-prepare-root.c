/* SPDX-License-Identifier: MIT */
#include "image/prepare-root.h"

#include "tree-fixture.h"

static void assert_mode(const char *text, enum sw_composefs expected)
{
	g_autoptr(GError) error = NULL;
	enum sw_composefs mode;

	g_assert_true(sw_prepare_root_parse(text, strlen(text), "f", &mode, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(sw_composefs_names[mode], ==, sw_composefs_names[expected]);
}

static void test_modes(void)
{
	assert_mode("", SW_COMPOSEFS_NO);
	assert_mode("# nothing\n", SW_COMPOSEFS_NO);
	assert_mode("[composefs]\n", SW_COMPOSEFS_NO);
	assert_mode("[sysroot]\nreadonly = true\n", SW_COMPOSEFS_NO);
	assert_mode("[composefs]\nenabled = no\n", SW_COMPOSEFS_NO);
	assert_mode("[composefs]\nenabled=0\n", SW_COMPOSEFS_NO);
	assert_mode("[composefs]\nenabled=false\n", SW_COMPOSEFS_NO);
	assert_mode("[composefs]\nenabled = maybe  \n", SW_COMPOSEFS_MAYBE);
	assert_mode("[composefs]\nenabled=yes\n", SW_COMPOSEFS_YES);
	assert_mode("[composefs]\nenabled=true\n", SW_COMPOSEFS_YES);
	assert_mode("[composefs]\nenabled=1\n", SW_COMPOSEFS_YES);
	assert_mode("[composefs]\nenabled=verity\n", SW_COMPOSEFS_VERITY);
	assert_mode("[composefs]\nenabled=signed\nkeypath=/etc/key\n", SW_COMPOSEFS_SIGNED);
}

static void test_refused(void)
{
	static const char *const texts[] = {
		"enabled = yes\n",
		"[composefs\nenabled = yes\n",
		"[composefs]\nenabled = perhaps\n",
		"[composefs]\nenabled =\n",
		"[composefs]\nenabled = \033[2J\n",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		enum sw_composefs mode;

		if (sw_prepare_root_parse(texts[i], strlen(texts[i]), "f", &mode, &error))
			g_error("taken: %s", texts[i]);
		g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
		g_assert_cmpstr(sw_error_id(error), ==, "prepare-root");
		g_assert_null(strchr(error->message, '\033'));
	}
}

static void test_read(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	const char *expected[] = { NULL, "/usr/lib/ostree/prepare-root.conf",
				   "/etc/ostree/prepare-root.conf" };

	for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
		g_autoptr(SwTree) tree = NULL;
		enum sw_composefs mode;
		const char *path;

		if (i == 1)
			fixture_write(fixture, "usr/lib/ostree/prepare-root.conf",
				      "[composefs]\nenabled = yes\n");
		if (i == 2)
			fixture_write(fixture, "usr/etc/ostree/prepare-root.conf",
				      "[etc]\ntransient = true\n");
		tree = fixture_open(fixture);
		g_assert_true(sw_prepare_root_read(tree, &mode, &path, NULL));
		g_assert_cmpstr(path, ==, expected[i]);
		g_assert_cmpint(mode, ==, i == 1 ? SW_COMPOSEFS_YES : SW_COMPOSEFS_NO);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/prepare-root/modes", test_modes);
	g_test_add_func("/prepare-root/refused", test_refused);
	g_test_add_func("/prepare-root/read", test_read);
	return g_test_run();
}
