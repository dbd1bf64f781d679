/* SPDX-License-Identifier: MIT */
#include "disk/kernel.h"

#include "unit/image/tree-fixture.h"

#define DIRECTORY "usr/lib/modules/6.1.0-9/"

static struct sw_kernel *read_kernel(struct fixture *fixture)
{
	g_autofree char *commit = fixture_commit(fixture);
	const struct sw_facts facts = {
		.kernel_version = (char *)"6.1.0-9",
		.kernel = (char *)"/" DIRECTORY "vmlinuz",
		.initramfs = (char *)"/" DIRECTORY "initramfs.img",
	};
	g_autoptr(GError) error = NULL;
	struct sw_kernel *kernel = NULL;

	g_assert_true(sw_kernel_read(fixture->repo, commit, &facts, &kernel, NULL, &error));
	g_assert_no_error(error);
	return kernel;
}

/* The checksum is of the bytes one after the other, as libostree computes it. */
static void assert_kernel(const struct sw_kernel *kernel, const char *bytes, const char *names)
{
	g_autofree char *checksum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, bytes, -1);
	g_autoptr(GString) joined = g_string_new(NULL);

	for (guint i = 0; i < kernel->files->len; i++) {
		const struct sw_kernel_file *file = g_ptr_array_index(kernel->files, i);

		g_string_append_printf(joined, "%s%s%s", i > 0 ? " " : "", file->name,
				       file->checksum == NULL ? "/" : "");
	}
	g_assert_cmpstr(kernel->checksum, ==, checksum);
	g_assert_cmpstr(joined->str, ==, names);
}

static void test_plain(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwKernel) kernel = NULL;

	fixture_make_good(fixture);
	kernel = read_kernel(fixture);
	assert_kernel(kernel, "kernelinitramfs", "vmlinuz-6.1.0-9 initramfs-6.1.0-9.img");
	g_assert_null(kernel->device_tree);
	g_assert_false(kernel->has_dtb);
}

static void test_device_trees(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwKernel) many = NULL;
	g_autoptr(SwKernel) one = NULL;

	fixture_make_good(fixture);
	fixture_write(fixture, DIRECTORY "dtb/b.dtb", "B");
	fixture_write(fixture, DIRECTORY "dtb/vendor/y.dtb", "Y");
	fixture_write(fixture, DIRECTORY "dtb/vendor/x.dtb", "X");
	fixture_write(fixture, DIRECTORY "dtb/z.dtb", "Z");
	fixture_link(fixture, DIRECTORY "dtb/a.dtb", "z.dtb");
	fixture_write(fixture, DIRECTORY ".vmlinuz.hmac", "H");
	many = read_kernel(fixture);
	assert_kernel(many, "kernelinitramfsZBXYZ",
		      "vmlinuz-6.1.0-9 initramfs-6.1.0-9.img dtb/ dtb/a.dtb dtb/b.dtb dtb/vendor/ "
		      "dtb/vendor/x.dtb dtb/vendor/y.dtb dtb/z.dtb .vmlinuz-6.1.0-9.hmac");
	g_assert_true(many->has_dtb);
	fixture_write(fixture, DIRECTORY "devicetree", "T");
	one = read_kernel(fixture);
	assert_kernel(one, "kernelinitramfsT",
		      "vmlinuz-6.1.0-9 initramfs-6.1.0-9.img devicetree-6.1.0-9 "
		      ".vmlinuz-6.1.0-9.hmac");
	g_assert_cmpstr(one->device_tree, ==, "devicetree-6.1.0-9");
	g_assert_false(one->has_dtb);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/kernel/plain", test_plain);
	g_test_add_func("/kernel/device-trees", test_device_trees);
	return g_test_run();
}
