/* SPDX-License-Identifier: MIT */
#include "image/facts.h"

#include "tree-fixture.h"

static gboolean read_facts(struct fixture *fixture, const char *architecture,
			   struct sw_facts **ret_facts, GError **error)
{
	g_autofree char *commit = fixture_commit(fixture);
	g_autofree char *word = g_strdup(architecture);
	g_autoptr(GHashTable) labels = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) layers = g_ptr_array_new();
	const struct sw_oci_image oci = {
		.architecture = word,
		.labels = labels,
		.layers = layers,
	};

	return sw_facts_read(fixture->repo, commit, &oci, NULL, ret_facts, NULL, error);
}

static struct sw_facts *must_read(struct fixture *fixture, const char *architecture)
{
	g_autoptr(GError) error = NULL;
	struct sw_facts *facts = NULL;

	g_assert_true(read_facts(fixture, architecture, &facts, &error));
	g_assert_no_error(error);
	return facts;
}

static void assert_list(char **list, const char *expected)
{
	g_autofree char *joined = g_strjoinv("|", list);

	g_assert_cmpstr(joined, ==, expected);
}

static void test_good(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwFacts) facts = NULL;

	fixture_make_good(fixture);
	facts = must_read(fixture, "amd64");
	g_assert_cmpstr(facts->kernel_version, ==, "6.1.0-9");
	g_assert_cmpstr(facts->kernel, ==, "/usr/lib/modules/6.1.0-9/vmlinuz");
	g_assert_cmpstr(facts->initramfs, ==, "/usr/lib/modules/6.1.0-9/initramfs.img");
	g_assert_cmpstr(facts->os_id, ==, "debian");
	g_assert_cmpstr(facts->os_version_id, ==, "13");
	g_assert_cmpstr(facts->os_name, ==, "Debian GNU/Linux 13");
	g_assert_cmpint(facts->composefs, ==, SW_COMPOSEFS_MAYBE);
	g_assert_cmpint(facts->bootloader, ==, SW_BOOTLOADER_GRUB_DEBIAN);
	g_assert_true(facts->has_bios_grub);
	g_assert_false(facts->has_selinux);
	g_assert_true(facts->has_ostree);
	g_assert_null(facts->rootfs);
	g_assert_cmpstr(facts->stateroot, ==, "default");
	assert_list(facts->install_kargs, "");
	assert_list(facts->install_karg_deletes, "");
	assert_list(facts->image_kargs, "");
	g_assert_cmpstr(facts->root_home, ==, "var/roothome");
	g_assert_cmpuint(facts->boot_bytes, ==, strlen("kernel") + strlen("initramfs"));
	g_assert_cmpuint(facts->etc_bytes, ==, 2 * 4096);
	g_assert_cmpuint(facts->var_bytes, ==, 0);
	g_assert_cmpuint(facts->content_bytes, >, 0);
	g_assert_cmpuint(facts->content_files, >, 30);
}

static void test_configured(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwFacts) amd64 = NULL;
	g_autoptr(SwFacts) arm64 = NULL;

	fixture_make_good(fixture);
	fixture_write(fixture, "usr/lib/bootc/install/00.toml",
		      "[install]\nroot-fs-type = \"xfs\"\nkargs = [\"a b\"]\n"
		      "karg-deletes = [\"c\"]\nstateroot = \"fleet\"\n");
	fixture_write(fixture, "usr/lib/bootc/kargs.d/00.toml",
		      "kargs = [\"x\"]\nmatch-architectures = [\"aarch64\"]");
	fixture_write(fixture, "usr/lib/bootc/kargs.d/10.toml",
		      "kargs = [\"y\", \"z=\\\"1 2\\\"\"]");
	fixture_write(fixture, "usr/etc/selinux/config", "SELINUX=enforcing\n");
	fixture_write(fixture, "usr/lib/modules/6.1.0-9/dtb/vendor/board.dtb", "tree");
	fixture_write(fixture, "var/lib/state", "state");
	fixture_write(fixture, "usr/lib/shim/shimaa64.efi.signed", "x");
	fixture_write(fixture, "usr/lib/grub/arm64-efi-signed/grubaa64.efi.signed", "x");
	amd64 = must_read(fixture, "amd64");
	g_assert_cmpstr(amd64->rootfs, ==, "xfs");
	g_assert_cmpstr(amd64->stateroot, ==, "fleet");
	assert_list(amd64->install_kargs, "a|b");
	assert_list(amd64->install_karg_deletes, "c");
	assert_list(amd64->image_kargs, "y|z=\"1 2\"");
	g_assert_true(amd64->has_selinux);
	g_assert_cmpuint(amd64->boot_bytes, ==, 15 + 2 * 4096);
	g_assert_cmpuint(amd64->var_bytes, ==, 2 * 4096);
	g_assert_cmpstr(amd64->install->root_fs_type, ==, "xfs");
	arm64 = must_read(fixture, "arm64");
	assert_list(arm64->image_kargs, "x|y|z=\"1 2\"");
	g_assert_cmpint(arm64->bootloader, ==, SW_BOOTLOADER_GRUB_DEBIAN);
}

static void test_no_kernel(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwFacts) two = NULL;
	g_autoptr(SwFacts) none = NULL;

	fixture_make_good(fixture);
	fixture_write(fixture, "usr/lib/modules/6.2/vmlinuz", "kernel");
	two = must_read(fixture, "amd64");
	g_assert_null(two->kernel_version);
	g_assert_null(two->kernel);
	g_assert_cmpuint(two->boot_bytes, ==, 0);
	fixture_drop(fixture, "usr/lib/modules");
	none = must_read(fixture, "amd64");
	g_assert_null(none->kernel);
	g_assert_null(none->initramfs);
}

static void test_root_home(void)
{
	static const char *const cases[][2] = {
		{ "var/roothome", "var/roothome" },
		{ "/var/roothome", "var/roothome" },
		{ "/var/home/root", "var/home/root" },
		{ "../var/roothome", "root" },
		{ "var/../..", "root" },
		{ "/", "root" },
		{ "var/root home", "root" },
		{ "var/%h", "root" },
		{ "var/a\nb", "root" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Fixture) fixture = fixture_new();
		g_autoptr(SwFacts) facts = NULL;

		fixture_link(fixture, "root", cases[i][0]);
		facts = must_read(fixture, "amd64");
		g_assert_cmpstr(facts->root_home, ==, cases[i][1]);
	}
}

/* An image with nothing in it is unsuitable in many ways, and no error. */
static void test_empty(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwFacts) facts = NULL;
	g_autoptr(GError) error = NULL;

	facts = must_read(fixture, "amd64");
	g_assert_cmpstr(facts->root_home, ==, "root");
	g_assert_cmpint(facts->bootloader, ==, SW_BOOTLOADER_NONE);
	g_assert_null(facts->os_name);
	g_assert_false(sw_facts_check(facts, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "bootc-label");
	g_assert_nonnull(strstr(error->message, " more: see slipway inspect)"));
}

static void test_broken_configuration(void)
{
	static const char *const cases[][3] = {
		{ "usr/lib/bootc/install/00.toml", "[install", "install-config" },
		{ "usr/lib/bootc/kargs.d/00.toml", "kargs", "kargs-d" },
		{ "usr/etc/ostree/prepare-root.conf", "[composefs]\nenabled=x\n", "prepare-root" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Fixture) fixture = fixture_new();
		g_autoptr(GError) error = NULL;
		struct sw_facts *facts = NULL;

		fixture_make_good(fixture);
		fixture_write(fixture, cases[i][0], cases[i][1]);
		g_assert_false(read_facts(fixture, "amd64", &facts, &error));
		g_assert_null(facts);
		g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
		g_assert_cmpstr(sw_error_id(error), ==, cases[i][2]);
	}
}

/* A text that should be small but is not is refused before it is read. */
static void test_huge_configuration(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(GError) error = NULL;
	g_autofree char *text = g_strnfill(100000, 'a');
	struct sw_facts *facts = NULL;

	fixture_make_good(fixture);
	fixture_write(fixture, "usr/lib/os-release", text);
	g_assert_false(read_facts(fixture, "amd64", &facts, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "file-too-large");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/facts/good", test_good);
	g_test_add_func("/facts/configured", test_configured);
	g_test_add_func("/facts/no-kernel", test_no_kernel);
	g_test_add_func("/facts/root-home", test_root_home);
	g_test_add_func("/facts/empty", test_empty);
	g_test_add_func("/facts/broken-configuration", test_broken_configuration);
	g_test_add_func("/facts/huge-configuration", test_huge_configuration);
	return g_test_run();
}
