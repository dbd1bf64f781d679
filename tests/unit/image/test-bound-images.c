/* SPDX-License-Identifier: MIT */
#include "image/bound-images.h"

#include "tree-fixture.h"

static void test_parse(void)
{
	static const char text[] =
		"# comment\n[Unit]\nImage=no\n[Container]\n Image = quay.io/a/b:1\r\n"
		"Image=quay.io/a/c@sha256:"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
		"[Install]\nImage=x\n";
	g_autofree char *image = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_bound_image_parse(text, strlen(text), "Container", "f", &image, &error));
	g_assert_no_error(error);
	g_assert_true(g_str_has_prefix(image, "quay.io/a/c@sha256:0123"));
}

static void test_refused(void)
{
	static const char *const texts[] = {
		"",
		"Image=quay.io/a/b\n",
		"[Container]\nImage=quay.io/a/b\n",
		"[Image]\nImage=\n",
		"[Image]\nImage=quay.io/a/%i\n",
		"[Image]\nImage=quay.io/a/b%\n",
		"[Image]\nImage=oci:/etc\n",
		"[Image]\nImage=--root=/\n",
		"[Image]\nImage=quay.io/a b\n",
		"[Image]\nImage=quay.io/a/b\nAuthFile=/etc/x\n",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *image = NULL;

		if (sw_bound_image_parse(texts[i], strlen(texts[i]), "Image", "f", &image, &error))
			g_error("taken: %s", texts[i]);
		g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
		g_assert_cmpstr(sw_error_id(error), ==, "bound-images");
		g_assert_null(strchr(error->message, '\n'));
	}
}

static gboolean read_images(struct fixture *fixture, char **ret_joined, GError **error)
{
	g_autoptr(SwTree) tree = fixture_open(fixture);
	g_auto(GStrv) images = NULL;

	if (!sw_bound_images_read(tree, &images, error))
		return FALSE;
	*ret_joined = g_strjoinv("|", images);
	return TRUE;
}

static void test_read(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(GError) error = NULL;
	g_autofree char *none = NULL;
	g_autofree char *some = NULL;

	fixture_write(fixture, "usr/share/a.image", "[Image]\nImage=quay.io/a/a\n");
	fixture_write(fixture, "usr/etc/b.container", "[Container]\nImage=quay.io/a/b:1\n");
	g_assert_true(read_images(fixture, &none, &error));
	g_assert_cmpstr(none, ==, "");
	fixture_link(fixture, "usr/lib/bootc/bound-images.d/2.image", "/usr/share/a.image");
	fixture_link(fixture, "usr/lib/bootc/bound-images.d/1", "../../../../etc/b.container");
	fixture_link(fixture, "usr/lib/bootc/bound-images.d/3", "/usr/share/a.image");
	g_assert_true(read_images(fixture, &some, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(some, ==, "quay.io/a/b:1|quay.io/a/a");
}

static void test_bad_entries(void)
{
	static const char *const targets[] = { "/usr/share/none.image", "/usr/share/a.txt", NULL };

	for (gsize i = 0; i < G_N_ELEMENTS(targets); i++) {
		g_autoptr(Fixture) fixture = fixture_new();
		g_autoptr(GError) error = NULL;
		g_autofree char *joined = NULL;

		fixture_write(fixture, "usr/share/a.txt", "[Image]\nImage=quay.io/a/a\n");
		if (targets[i] != NULL)
			fixture_link(fixture, "usr/lib/bootc/bound-images.d/x.image", targets[i]);
		else
			fixture_write(fixture, "usr/lib/bootc/bound-images.d/x.image",
				      "[Image]\nImage=quay.io/a/a\n");
		g_assert_false(read_images(fixture, &joined, &error));
		g_assert_cmpstr(sw_error_id(error), ==, "bound-images");
		g_assert_true(g_str_has_prefix(error->message, "/usr/lib/bootc/bound-images.d/x"));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/bound-images/parse", test_parse);
	g_test_add_func("/bound-images/refused", test_refused);
	g_test_add_func("/bound-images/read", test_read);
	g_test_add_func("/bound-images/bad-entries", test_bad_entries);
	return g_test_run();
}
