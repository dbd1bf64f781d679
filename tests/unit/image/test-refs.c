/* SPDX-License-Identifier: MIT */
#include "image/refs.h"

/* The vectors of contract 1.2, and of ostree-ext's own tests. */
static void test_vectors(void)
{
	static const char *const rows[][2] = {
		{ "registry:quay.io/coreos/fedora:latest",
		  "registry_3A_quay_2E_io/coreos/fedora_3A_latest" },
		{ "docker://quay.io/a/b:latest", "docker_3A__2F__2F_quay_2E_io/a/b_3A_latest" },
		{ "docker://localhost:5000/foo:latest",
		  "docker_3A__2F__2F_localhost_3A_5000/foo_3A_latest" },
		{ "docker://quay.io/a-/b_c", "docker_3A__2F__2F_quay_2E_io/a-_2F_b__c" },
		{ "oci:/run/install", "oci_3A__2F_run/install" },
		{ "containers-storage:localhost/bootc", "containers-storage_3A_localhost/bootc" },
		{ "sha256:abcd", "sha256_3A_abcd" },
		{ "/", "_2F_" },
		{ "a/", "a_2F_" },
		{ "a//b", "a/_2F_b" },
		{ "/foo/bar/foo.html", "_2F_foo/bar/foo_2E_html" },
		{ "_", "__" },
		{ "\t", "_09_" },
		{ "\xc3\xa9", "_E9_" },
		{ "\xe2\x82\xac/x", "_20AC__2F_x" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *ref = sw_ref_escape(rows[i][0]);

		g_assert_cmpstr(ref, ==, rows[i][1]);
	}
}

static void test_refused(void)
{
	g_assert_null(sw_ref_escape(""));
	g_assert_null(sw_ref_escape("a\xff"));
	g_assert_null(sw_ref_for_image(""));
}

static void test_prefixes(void)
{
	g_autofree char *layer = sw_ref_for_layer("sha256:0123");
	g_autofree char *image = sw_ref_for_image("docker://quay.io/a/b:1");

	g_assert_cmpstr(layer, ==, "ostree/container/blob/sha256_3A_0123");
	g_assert_cmpstr(image, ==, "ostree/container/image/docker_3A__2F__2F_quay_2E_io/a/b_3A_1");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/refs/vectors", test_vectors);
	g_test_add_func("/refs/refused", test_refused);
	g_test_add_func("/refs/prefixes", test_prefixes);
	return g_test_run();
}
