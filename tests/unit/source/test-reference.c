/* SPDX-License-Identifier: MIT */
#include "source/reference.h"

#include <string.h>

#include "core/error.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void assert_error(const GError *error)
{
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "image-reference");
	g_assert_null(strchr(error->message, '\n'));
	g_assert_cmpuint(strlen(error->message), <, 500);
}

static void assert_refused(const char *text)
{
	g_autoptr(GError) error = NULL;
	struct sw_reference *reference = NULL;

	g_test_message("'%.200s'", text);
	g_assert_false(sw_reference_parse(text, &reference, &error));
	g_assert_null(reference);
	assert_error(error);
}

static void test_good(void)
{
	static const struct {
		const char *text;
		const char *canonical;
	} cases[] = {
		{ "quay.io/a/b", "docker://quay.io/a/b:latest" },
		{ "quay.io/fedora/fedora-bootc:42", "docker://quay.io/fedora/fedora-bootc:42" },
		{ "docker://quay.io/a/b:1", "docker://quay.io/a/b:1" },
		{ "registry:quay.io/a/b", "docker://quay.io/a/b:latest" },
		{ "quay.io/a/b@sha256:" HEX, "docker://quay.io/a/b@sha256:" HEX },
		{ "localhost:5000/foo", "docker://localhost:5000/foo:latest" },
		{ "localhost/foo", "docker://localhost/foo:latest" },
		{ "127.0.0.1:5000/a__b/c--d/e.f_g:T-1._x",
		  "docker://127.0.0.1:5000/a__b/c--d/e.f_g:T-1._x" },
		{ "[::1]:5000/a", "docker://[::1]:5000/a:latest" },
		{ "Quay.IO/a", "docker://Quay.IO/a:latest" },
		{ "fedora", "docker://fedora:latest" },
		{ "fedora:42", "docker://fedora:42" },
		{ "org/fedora", "docker://org/fedora:latest" },
		{ "oci:/run/install", "oci:/run/install" },
		{ "oci:relative/dir:tag", "oci:relative/dir:tag" },
		{ "oci-archive:/x.tar:v1.0", "oci-archive:/x.tar:v1.0" },
		{ "docker-archive:/x.tar:docker.io/a/b:1",
		  "docker-archive:/x.tar:docker.io/a/b:1" },
		{ "containers-storage:localhost/bootc", "containers-storage:localhost/bootc" },
		{ "containers-storage:[overlay@/var/lib/c]busybox",
		  "containers-storage:[overlay@/var/lib/c]busybox" },
		{ "dir:/a:b", "dir:/a:b" },
		{ "dir:/\xc3\xbc", "dir:/\xc3\xbc" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(SwReference) reference = NULL;
		g_autoptr(SwReference) again = NULL;
		g_autofree char *canonical = NULL;

		g_assert_true(sw_reference_parse(cases[i].text, &reference, &error));
		g_assert_no_error(error);
		canonical = sw_reference_to_string(reference);
		g_assert_cmpstr(canonical, ==, cases[i].canonical);
		g_assert_true(sw_reference_parse(canonical, &again, &error));
		g_assert_cmpstr(again->name, ==, reference->name);
		g_assert_cmpint(again->transport, ==, reference->transport);
	}
}

static void test_refused(void)
{
	static const char *const cases[] = {
		"",
		" quay.io/a",
		"quay.io/a b",
		"quay.io/a\n",
		"quay.io/a\x1b[31m",
		"oci:/a b",
		"quay.io/a\xff",
		"oci:/a\xc2\xa0z",
		"https://quay.io/a",
		"docker:quay.io/a",
		"docker://",
		"registry:",
		"docker-daemon:foo:latest",
		"docker-daemon:foo",
		"conatiners-storage:localhost/x",
		"ostree-remote-registry:r:quay.io/a",
		"Quay/a",
		"quay.io/A",
		"quay.io/a:",
		"quay.io/a:-tag",
		"quay.io/a:tag/x:",
		"quay.io/a@sha256:123",
		("quay.io/a@sha512:" HEX HEX),
		("quay.io/a:1@sha256:" HEX),
		"quay.io/",
		"/a",
		"quay.io//a",
		"quay.io/a..b",
		"quay.io/a___b",
		"quay.io/a-_b",
		"quay.io/-a",
		"quay.io/a-",
		"quay.io:port/a",
		"quay.io:65536/a",
		"quay.io:/a",
		"-quay.io/a",
		"quay..io/a",
		"[::1/a",
		"[]/a",
		"[quay.io]:1/a",
		"oci:",
		"oci::tag",
		"oci:/a:",
		"oci:/a:t;g",
		"dir:",
		"containers-storage:",
		"containers-storage:[overlay@/x]",
		"containers-storage:[overlay@/x",
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_refused(cases[i]);
}

static void test_length(void)
{
	g_autofree char *path = g_strnfill(5000, 'a');
	g_autofree char *reference_text = g_strconcat("dir:", path, NULL);
	g_autofree char *component = g_strnfill(300, 'a');
	g_autofree char *tag = g_strnfill(129, 'a');
	g_autofree char *tagged = g_strconcat("quay.io/a:", tag, NULL);

	assert_refused(reference_text);
	assert_refused(component);
	assert_refused(tagged);
}

static void check_short_name(const char *text, const char *name)
{
	g_autoptr(SwReference) reference = NULL;
	g_autofree char *found = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_reference_parse(text, &reference, &error));
	found = sw_reference_short_name(reference);
	g_assert_cmpstr(found, ==, name);
}

static void test_short_names(void)
{
	check_short_name("quay.io/fedora/fedora-bootc:42", "fedora-bootc");
	check_short_name("localhost:5000/os", "os");
	check_short_name("docker://example.com/a/b@sha256:"
			 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
			 "b");
	check_short_name("oci:/srv/images/edge+device:latest", "edge-device");
	check_short_name("dir:/srv/..", "image");
}

static void test_targets(void)
{
	static const struct {
		const char *text;
		const char *origin;
	} cases[] = {
		{ "quay.io/a/b", "ostree-unverified-registry:quay.io/a/b:latest" },
		{ "ostree-unverified-registry:quay.io/a/b:1",
		  "ostree-unverified-registry:quay.io/a/b:1" },
		{ "ostree-unverified-image:docker://quay.io/a/b:1",
		  "ostree-unverified-registry:quay.io/a/b:1" },
		{ "ostree-unverified-image:registry:quay.io/a/b",
		  "ostree-unverified-registry:quay.io/a/b:latest" },
		{ "ostree-unverified-image:oci:/a", "ostree-unverified-image:oci:/a" },
		{ "oci-archive:/a.tar", "ostree-unverified-image:oci-archive:/a.tar" },
		{ "ostree-image-signed:docker://quay.io/a/b:1",
		  "ostree-image-signed:docker://quay.io/a/b:1" },
		{ "ostree-image-signed:registry:quay.io/a/b:1",
		  "ostree-image-signed:docker://quay.io/a/b:1" },
	};
	static const char *const refused[] = {
		"ostree-unverified-image:quay.io/a/b",
		"ostree-unverified-registry:docker://quay.io/a",
		"ostree-unverified-registry:",
		"ostree-image-signed:quay.io/a",
		"ostree-image-signed:",
		"ostree-remote-registry:fedora:quay.io/a/b",
		"ostree-remote-image:fedora:docker://quay.io/a/b",
		"",
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(SwTarget) target = NULL;
		g_autofree char *origin = NULL;

		g_assert_true(sw_target_parse(cases[i].text, &target, &error));
		g_assert_no_error(error);
		origin = sw_target_to_origin(target);
		g_assert_cmpstr(origin, ==, cases[i].origin);
		g_assert_cmpint(target->is_signed, ==, strstr(origin, "signed:") != NULL);
		g_assert_cmpint(target->is_explicit, ==,
				g_str_has_prefix(cases[i].text, "ostree-"));
	}
	for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
		struct sw_target *target = NULL;
		g_autoptr(GError) error = NULL;

		g_test_message("'%s'", refused[i]);
		g_assert_false(sw_target_parse(refused[i], &target, &error));
		g_assert_null(target);
		assert_error(error);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/reference/good", test_good);
	g_test_add_func("/reference/refused", test_refused);
	g_test_add_func("/reference/length", test_length);
	g_test_add_func("/reference/short-names", test_short_names);
	g_test_add_func("/reference/targets", test_targets);
	return g_test_run();
}
