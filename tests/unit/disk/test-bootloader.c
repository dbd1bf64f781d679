/* SPDX-License-Identifier: MIT */
#include "disk/bootloader.h"

#include <string.h>

#include "disk/mkfs.h"
#include "unit/image/tree-fixture.h"

/* What GRUB's signed program has in it: the directory that it looks for its configuration in. */
#define GRUB "GRUB ... /EFI/BOOT ... (memdisk)/EFI/acme"

static const struct sw_boot_file *find_boot(const struct sw_bootloader_work *work, const char *path)
{
	for (guint i = 0; i < work->boot_files->len; i++) {
		const struct sw_boot_file *file = g_ptr_array_index(work->boot_files, i);

		if (g_str_equal(file->path, path))
			return file;
	}
	return NULL;
}

static gboolean has_esp(const struct sw_bootloader_work *work, const char *path)
{
	for (guint i = 0; i < work->esp_files->len; i++) {
		const struct sw_esp_file *file = g_ptr_array_index(work->esp_files, i);

		if (g_str_equal(file->path, path))
			return TRUE;
	}
	return FALSE;
}

static gboolean prepare_titled(Fixture *fixture, enum sw_bootloader kind, const char *architecture,
			       const char *title, const char *options,
			       struct sw_bootloader_work **ret_work, GError **error)
{
	g_autofree char *commit = fixture_commit(fixture);
	struct sw_layout_request layout_request = {
		.architecture = architecture, .rootfs = "ext4", .root_inodes = 10, .seed = "test"
	};
	g_autoptr(SwLayout) layout = NULL;
	struct sw_install_config install = { .skip_boot_uuid = g_str_equal(options, "static") };
	struct sw_facts facts = { .bootloader = kind,
				  .install = &install,
				  .has_bios_grub = TRUE,
				  .os_id = (char *)"debian" };
	struct sw_bls entry = { .title = (char *)title,
				.options = (char *)options,
				.kernel = (char *)"/boot/ostree/default-x/vmlinuz-6",
				.initrd = (char *)"/boot/ostree/default-x/initramfs-6.img" };
	struct sw_bootloader_request request = {
		.repo = fixture->repo,
		.commit = commit,
		.architecture = architecture,
		.facts = &facts,
		.entry = &entry,
	};

	g_assert_true(sw_layout_plan(&layout_request, &layout, error));
	request.layout = layout;
	return sw_bootloader_prepare(&request, ret_work, NULL, error);
}

static gboolean prepare(Fixture *fixture, enum sw_bootloader kind, const char *architecture,
			const char *options, struct sw_bootloader_work **ret_work, GError **error)
{
	return prepare_titled(fixture, kind, architecture, "Debian 13 (ostree:0)", options,
			      ret_work, error);
}

static void test_grub(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwBootloaderWork) work = NULL;
	g_autoptr(GError) error = NULL;
	const struct sw_boot_file *file;

	fixture_make_good(fixture);
	fixture_write(fixture, "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", GRUB);
	prepare(fixture, SW_BOOTLOADER_GRUB_DEBIAN, "amd64", "rw a=\"b; c\" d=\\$e", &work, &error);
	g_assert_no_error(error);
	g_assert_true(has_esp(work, "EFI/BOOT/BOOTX64.EFI"));
	g_assert_true(has_esp(work, "EFI/BOOT/grubx64.efi"));
	file = find_boot(work, "grub/grub.cfg");
	g_assert_nonnull(file);
	g_assert_nonnull(strstr(file->text, "source /loader/syslinux.cfg\n"));
	file = find_boot(work, "loader.1/syslinux.cfg");
	g_assert_nonnull(file);
	g_assert_cmpstr(file->text, ==,
			"DEFAULT Debian 13 (ostree:0)\n"
			"LABEL Debian 13 (ostree:0)\n"
			"\tKERNEL /boot/ostree/default-x/vmlinuz-6\n"
			"\tINITRD /boot/ostree/default-x/initramfs-6.img\n"
			"\tAPPEND rw a=\"b; c\" d=\\$e\n");
	file = find_boot(work, "syslinux/syslinux.cfg");
	g_assert_nonnull(file);
	g_assert_null(file->text);
	g_assert_cmpstr(file->target, ==, "../loader/syslinux.cfg");
	g_assert_nonnull(strstr(work->script, "--target=i386-pc"));
}

/* What the image or the user says is never a word of GRUB's language. */
static void test_foreign_words(void)
{
	static const char *const texts[] = { "it's",  "a $b", "a;b", "a | b",  "a&b",
					     "a <b",  "a >b", "{ a", "a }",    "# a",
					     "a \"b", "a\nb", "a\\", "\"$a\"", "\"a\\\"" };
	g_autoptr(Fixture) fixture = fixture_new();

	fixture_make_good(fixture);
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(SwBootloaderWork) work = NULL;
		g_autoptr(GError) of_title = NULL;
		g_autoptr(GError) of_options = NULL;

		g_assert_false(prepare_titled(fixture, SW_BOOTLOADER_GRUB_DEBIAN, "amd64", texts[i],
					      "rw", &work, &of_title));
		g_assert_error(of_title, SW_ERROR, SW_ERROR_IMAGE);
		g_assert_false(prepare(fixture, SW_BOOTLOADER_GRUB_DEBIAN, "amd64", texts[i], &work,
				       &of_options));
		g_assert_error(of_options, SW_ERROR, SW_ERROR_USAGE);
	}
}

/* A literal ends where the string does: the vendor is read from the program, not from os-release. */
static void test_vendor(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwBootloaderWork) work = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *path = NULL;

	fixture_make_good(fixture);
	path = fixture_path(fixture, "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed");
	g_assert_true(g_file_set_contents(path, GRUB "\0tail", sizeof GRUB + 5, &error));
	prepare(fixture, SW_BOOTLOADER_GRUB_DEBIAN, "amd64", "rw", &work, &error);
	g_assert_no_error(error);
	g_assert_true(has_esp(work, "EFI/acme/grub.cfg"));
	g_assert_true(has_esp(work, "EFI/acme/shimx64.efi"));
	g_assert_false(has_esp(work, "EFI/debian/grub.cfg"));
}

/* The image's own program does it all; where it does not run, nothing is begun. */
static void test_bootupd(void)
{
	const char *here = sw_oci_host_architecture();
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwBootloaderWork) uuid = NULL;
	g_autoptr(SwBootloaderWork) no_uuid = NULL;
	g_autoptr(SwBootloaderWork) elsewhere = NULL;
	g_autoptr(GError) error = NULL;

	fixture_make_good(fixture);
	prepare(fixture, SW_BOOTLOADER_BOOTUPD, here, "rw", &uuid, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(uuid->esp_files->len + uuid->boot_files->len, ==, 0);
	g_assert_nonnull(strstr(uuid->script, "bootupctl backend install --write-uuid \"$@\" /\n"));
	prepare(fixture, SW_BOOTLOADER_BOOTUPD, here, "static", &no_uuid, &error);
	g_assert_no_error(error);
	g_assert_nonnull(strstr(no_uuid->script, " install --with-static-configs \"$@\" /\n"));
	g_assert_false(prepare(fixture, SW_BOOTLOADER_BOOTUPD, "s390x", "rw", &elsewhere, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
}

static void test_refused(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwBootloaderWork) work = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) other = NULL;

	fixture_make_good(fixture);
	g_assert_false(prepare(fixture, SW_BOOTLOADER_SYSTEMD, "amd64", "rw", &work, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_false(prepare(fixture, SW_BOOTLOADER_GRUB_DEBIAN, "arm64", "rw", &work, &other));
	g_assert_error(other, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_null(work);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/bootloader/grub", test_grub);
	g_test_add_func("/bootloader/foreign-words", test_foreign_words);
	g_test_add_func("/bootloader/vendor", test_vendor);
	g_test_add_func("/bootloader/bootupd", test_bootupd);
	g_test_add_func("/bootloader/refused", test_refused);
	return g_test_run();
}
