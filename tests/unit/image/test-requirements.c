/* SPDX-License-Identifier: MIT */
#include "image/requirements.h"

#include "tree-fixture.h"

#define KERNEL "usr/lib/modules/6.1.0-9"

static void layer_free(void *data)
{
	struct sw_oci_layer *layer = data;

	g_free(layer->diff_id);
	g_free(layer);
}

/* An image of one layer, labelled containers.bootc=1. */
static struct sw_oci_image *make_oci(void)
{
	struct sw_oci_image *oci = g_new0(struct sw_oci_image, 1);
	struct sw_oci_layer *layer = g_new0(struct sw_oci_layer, 1);

	layer->diff_id = g_strdup("sha256:aa");
	oci->architecture = g_strdup("amd64");
	oci->labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_hash_table_insert(oci->labels, g_strdup("containers.bootc"), g_strdup("1"));
	oci->layers = g_ptr_array_new_with_free_func(layer_free);
	g_ptr_array_add(oci->layers, layer);
	return oci;
}

static void oci_free(struct sw_oci_image *oci)
{
	g_free(oci->architecture);
	g_hash_table_unref(oci->labels);
	g_ptr_array_unref(oci->layers);
	g_free(oci);
}

static struct sw_facts *read_facts(struct fixture *fixture, const struct sw_oci_image *oci,
				   const char *rootfs)
{
	g_autofree char *commit = fixture_commit(fixture);
	g_autoptr(GError) error = NULL;
	struct sw_facts *facts = NULL;

	g_assert_true(sw_facts_read(fixture->repo, commit, oci, rootfs, &facts, NULL, &error));
	g_assert_no_error(error);
	return facts;
}

static const struct sw_requirement *find_row(const struct sw_facts *facts, const char *id)
{
	for (guint i = 0; i < facts->requirements->len; i++) {
		const struct sw_requirement *row = g_ptr_array_index(facts->requirements, i);

		if (g_str_equal(row->id, id))
			return row;
	}
	g_error("no requirement %s", id);
}

static void check_row(const struct sw_facts *facts, const char *id, enum sw_requirement_state state,
		      const char *detail)
{
	const struct sw_requirement *row = find_row(facts, id);

	g_assert_nonnull(row->detail);
	if (row->state != state || !g_pattern_match_simple(detail, row->detail))
		g_error("%s: state %d, \"%s\"; expected %d, \"%s\"", id, row->state, row->detail,
			state, detail);
	g_assert_true((row->remedy == NULL) == (state == SW_MET));
}

/* What one change to a good image does to one requirement. */
struct change {
	const char *drop; /* NULL: nothing */
	const char *path; /* of a file to write; ending in "/": a directory; NULL: nothing */
	const char *text;
	const char *link; /* instead of TEXT: target of a link */
	const char *id;
	enum sw_requirement_state state;
	const char *detail; /* pattern */
};

static void make_change(struct fixture *fixture, const struct change *change)
{
	if (change->drop != NULL)
		fixture_drop(fixture, change->drop);
	if (change->link != NULL)
		fixture_link(fixture, change->path, change->link);
	else if (change->path != NULL && g_str_has_suffix(change->path, "/"))
		fixture_mkdir(fixture, change->path);
	else if (change->path != NULL)
		fixture_write(fixture, change->path, change->text);
}

/* Makes each of the changes alone. */
static void check_changes(const struct change *changes, gsize count)
{
	g_autoptr(Fixture) fixture = fixture_new();
	struct sw_oci_image *oci = make_oci();

	for (gsize i = 0; i < count; i++) {
		g_autoptr(SwFacts) facts = NULL;

		fixture_make_good(fixture);
		make_change(fixture, &changes[i]);
		facts = read_facts(fixture, oci, "ext4");
		check_row(facts, changes[i].id, changes[i].state, changes[i].detail);
		if (changes[i].path != NULL)
			fixture_drop(fixture, changes[i].path);
	}
	oci_free(oci);
}

static void test_good(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	struct sw_oci_image *oci = make_oci();
	g_autoptr(SwFacts) facts = NULL;
	g_autoptr(GError) error = NULL;

	fixture_make_good(fixture);
	facts = read_facts(fixture, oci, "xfs");
	for (guint i = 0; i < facts->requirements->len; i++) {
		const struct sw_requirement *row = g_ptr_array_index(facts->requirements, i);

		check_row(facts, row->id, SW_MET, "*");
		g_assert_nonnull(row->what);
	}
	g_assert_true(sw_facts_check(facts, &error));
	g_assert_no_error(error);
	oci_free(oci);
}

static void test_kernel(void)
{
	static const struct change changes[] = {
		{ NULL, NULL, NULL, NULL, "kernel", SW_MET, "6.1.0-9" },
		{ KERNEL "/vmlinuz", NULL, NULL, NULL, "kernel", SW_UNMET, "no regular file*" },
		{ "usr/lib/modules", NULL, NULL, NULL, "kernel", SW_UNMET, "no regular file*" },
		{ KERNEL "/vmlinuz", KERNEL "/vmlinuz", NULL, "/boot/vmlinuz", "kernel", SW_UNMET,
		  "no regular file*" },
		{ NULL, "usr/lib/modules/6.2/vmlinuz", "k", NULL, "kernel", SW_UNMET,
		  "2: 6.1.0-9, 6.2" },
		{ NULL, "usr/lib/modules/6.2/extra.ko", "k", NULL, "kernel", SW_MET, "6.1.0-9" },
		{ KERNEL "/initramfs.img", NULL, NULL, NULL, "kernel", SW_UNMET,
		  "6.1.0-9 has no initramfs.img" },
		{ KERNEL "/initramfs.img", KERNEL "/initramfs", "i", NULL, "kernel", SW_MET, "*" },
		{ KERNEL, "usr/lib/modules/6 1/vmlinuz", "k", NULL, "kernel", SW_UNMET,
		  "unfit name*" },
		{ KERNEL, "boot/EFI/Linux/debian.efi", "uki", NULL, "kernel", SW_UNMET,
		  "only a unified kernel image: /boot/EFI/Linux/debian.efi" },
		{ KERNEL "/vmlinuz", KERNEL "/linux.efi", "uki", NULL, "kernel", SW_UNMET,
		  "only a unified kernel image: /usr/lib/modules/6.1.0-9/linux.efi" },
		{ NULL, "boot/EFI/Linux/debian.efi", "uki", NULL, "kernel", SW_MET, "*" },
	};

	check_changes(changes, G_N_ELEMENTS(changes));
}

static void test_tree(void)
{
	static const struct change changes[] = {
		{ "sysroot", NULL, NULL, NULL, "root-layout", SW_UNMET, "missing: /sysroot" },
		{ "ostree", NULL, NULL, NULL, "root-layout", SW_UNMET, "missing: /ostree*" },
		{ "ostree", "ostree", NULL, "/sysroot/ostree", "root-layout", SW_UNMET, "*" },
		{ "boot", NULL, NULL, NULL, "root-layout", SW_UNMET, "missing: /boot" },
		{ "proc", "proc", "file", NULL, "root-layout", SW_UNMET, "missing: /proc" },
		{ "tmp", "tmp", NULL, "sysroot/tmp", "root-layout", SW_MET, "*" },
		{ "var", "var", NULL, "usr", "root-layout", SW_UNMET, "missing: /var" },
		{ NULL, "etc/", NULL, NULL, "etc", SW_MET, "*" },
		{ NULL, "etc/passwd", "x", NULL, "etc", SW_UNMET, "both*" },
		{ "usr/etc", NULL, NULL, NULL, "etc", SW_UNMET, "there is none" },
		{ "usr/etc", "etc/passwd", "x", NULL, "etc", SW_UNMET, "there is none" },
		{ "usr/lib/os-release", NULL, NULL, NULL, "os-release", SW_UNMET, "*" },
		{ NULL, "usr/lib/os-release", "VERSION=1\n", NULL, "os-release", SW_UNMET, "*" },
		{ NULL, "usr/lib/os-release", "ID=x\n", NULL, "os-release", SW_MET, "x" },
		{ "usr/lib/ostree/ostree-prepare-root", NULL, NULL, NULL, "ostree", SW_WARNING,
		  "*" },
	};

	check_changes(changes, G_N_ELEMENTS(changes));
}

static void test_bound_images(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	struct sw_oci_image *oci = make_oci();
	g_autoptr(SwFacts) facts = NULL;

	fixture_make_good(fixture);
	fixture_write(fixture, "usr/share/a.image", "[Image]\nImage=quay.io/a/b\n");
	fixture_link(fixture, "usr/lib/bootc/bound-images.d/a.image", "/usr/share/a.image");
	facts = read_facts(fixture, oci, "ext4");
	check_row(facts, "bound-images", SW_WARNING, "1: quay.io/a/b");
	g_assert_cmpstr(facts->bound_images[0], ==, "quay.io/a/b");
	oci_free(oci);
}

static void test_composefs(void)
{
	static const char conf[] = "usr/lib/ostree/prepare-root.conf";
	static const struct change changes[] = {
		{ conf, NULL, NULL, NULL, "prepare-root", SW_UNMET, "none" },
		{ conf, NULL, NULL, NULL, "composefs", SW_MET, "no" },
		{ NULL, conf, "[composefs]\nenabled=yes\n", NULL, "composefs", SW_MET, "yes" },
		{ "usr/bin/ostree", conf, "[composefs]\nenabled=yes\n", NULL, "composefs", SW_UNMET,
		  "yes: there is no /usr/bin/ostree*" },
		{ "usr/bin/ostree", NULL, NULL, NULL, "composefs", SW_WARNING, "maybe: *" },
		{ "usr/bin/ostree", conf, "", NULL, "composefs", SW_MET, "no" },
		{ NULL, conf, "[composefs]\nenabled=verity\n", NULL, "composefs", SW_MET,
		  "verity" },
		{ NULL, conf, "[composefs]\nenabled=signed\n", NULL, "composefs", SW_UNMET,
		  "signed: *" },
		{ NULL, "usr/lib/bootc/kargs.d/1.toml",
		  "kargs = [\"ostree.prepare-root.composefs=signed\"]", NULL, "composefs", SW_UNMET,
		  "signed: *" },
	};

	check_changes(changes, G_N_ELEMENTS(changes));
}

/* Only ext4 can hold what slipway writes; the user's kernel argument has the last word. */
static void test_verity(void)
{
	static const char *const yes[] = { "quiet", "ostree.prepare-root.composefs=yes", NULL };
	static const char *const bad[] = { "ostree.prepare-root.composefs=verity", NULL };
	static const char *const no[] = { "ostree.prepare-root.composefs=no", NULL };
	g_autoptr(Fixture) fixture = fixture_new();
	struct sw_oci_image *oci = make_oci();
	g_autoptr(SwFacts) facts = NULL;
	g_autoptr(GError) error = NULL;

	fixture_make_good(fixture);
	fixture_write(fixture, "usr/etc/ostree/prepare-root.conf",
		      "[composefs]\nenabled = verity\n");
	facts = read_facts(fixture, oci, "xfs");
	check_row(facts, "composefs", SW_UNMET, "verity: *(xfs)");
	g_assert_true(sw_facts_apply_kargs(facts, (char *const *)yes, "ext4", &error));
	check_row(facts, "composefs", SW_MET, "verity");
	g_assert_false(sw_facts_apply_kargs(facts, (char *const *)bad, "ext4", &error));
	g_assert_cmpstr(sw_error_id(error), ==, "composefs");
	g_clear_error(&error);
	g_assert_cmpint(facts->composefs, ==, SW_COMPOSEFS_VERITY);
	g_assert_true(sw_facts_apply_kargs(facts, (char *const *)no, "xfs", &error));
	check_row(facts, "composefs", SW_MET, "no");
	oci_free(oci);
}

static void test_bootloader(void)
{
	static const char config[] = "usr/lib/bootc/install/1.toml";
	static const struct change changes[] = {
		{ NULL, NULL, NULL, NULL, "bootloader", SW_MET, "grub" },
		{ "usr/lib/shim", NULL, NULL, NULL, "bootloader", SW_UNMET,
		  "none, there is no /usr/bin/bootupctl, /usr/lib/bootupd/updates, "
		  "/usr/lib/shim/shimx64.efi.signed" },
		{ "usr/lib/grub/x86_64-efi-signed", NULL, NULL, NULL, "bootloader", SW_UNMET,
		  "none, there is no /usr/bin/bootupctl, /usr/lib/bootupd/updates, "
		  "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" },
		{ "usr/lib/grub/i386-pc", NULL, NULL, NULL, "bootloader", SW_WARNING,
		  "grub, UEFI only" },
		{ "usr/sbin/grub-install", NULL, NULL, NULL, "bootloader", SW_WARNING, "*" },
		{ "usr/sbin/grub-install", "usr/bin/grub-install", "x", NULL, "bootloader", SW_MET,
		  "grub" },
		{ "usr/lib/shim", "usr/lib/systemd/boot/efi/systemd-bootx64.efi", "x", NULL,
		  "bootloader", SW_UNMET, "systemd-boot reads loader entries only from FAT*" },
		{ NULL, "usr/lib/systemd/boot/efi/systemd-bootx64.efi", "x", NULL, "bootloader",
		  SW_MET, "grub" },
		{ NULL, config, "[install]\nbootloader = \"none\"", NULL, "bootloader", SW_UNMET,
		  "*wants none" },
		{ NULL, config, "[install]\nbootloader = \"systemd\"", NULL, "bootloader", SW_UNMET,
		  "none*" },
		{ NULL, config, "[install]\nbootloader = \"grub\"", NULL, "bootloader", SW_MET,
		  "grub" },
	};

	check_changes(changes, G_N_ELEMENTS(changes));
}

/* An image with all that bootupd needs, but for PATH (NULL: nothing is missing), and with MORE. */
static void check_bootupd(const char *path, const char *more, enum sw_requirement_state state,
			  const char *detail)
{
	static const char *const files[] = {
		"usr/bin/bootupctl",
		"usr/bin/grub2-editenv",
		"usr/sbin/grub2-install",
		"usr/lib/grub/i386-pc/boot.img",
		"usr/lib/bootupd/updates/EFI.json",
		"usr/lib/bootupd/updates/BIOS.json",
		"usr/lib/bootupd/updates/EFI/acme/shimx64.efi",
		"usr/lib/bootupd/grub2-static/grub-static-pre.cfg",
		"usr/lib/bootupd/grub2-static/grub-static-efi.cfg",
		"usr/lib/bootupd/grub2-static/configs.d/10_blscfg.cfg",
	};
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwFacts) facts = NULL;
	struct sw_oci_image *oci = make_oci();

	fixture_make_good(fixture);
	for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
		fixture_write(fixture, files[i], "x");
	if (path != NULL)
		fixture_drop(fixture, path);
	if (more != NULL)
		fixture_write(fixture, more, "x");
	facts = read_facts(fixture, oci, "xfs");
	check_row(facts, "bootloader", state, detail);
	oci_free(oci);
}

static void test_bootupd(void)
{
	static const char updates[] = "usr/lib/bootupd/updates";
	static const char shim[] = "usr/lib/bootupd/updates/EFI/acme/shimx64.efi";
	static const char efilib[] = "usr/lib/efi/shim/1:15-1/EFI/acme/shimx64.efi";

	check_bootupd(NULL, NULL, SW_MET, "bootupd, UEFI and BIOS");
	check_bootupd("usr/lib/bootupd/updates/EFI", efilib, SW_MET, "bootupd, UEFI and BIOS");
	check_bootupd("usr/lib/bootupd/updates/BIOS.json", NULL, SW_MET, "bootupd, UEFI");
	check_bootupd("usr/lib/bootupd/updates/EFI.json", NULL, SW_WARNING, "bootupd, BIOS only");
	check_bootupd(updates, "usr/lib/bootupd/updates/x", SW_UNMET,
		      "bootupd without /usr/lib/bootupd/updates/EFI.json");
	check_bootupd(shim, NULL, SW_UNMET,
		      "bootupd without shimx64.efi below /usr/lib/efi or "
		      "/usr/lib/bootupd/updates/EFI");
	check_bootupd(shim, "usr/lib/efi/shimx64.efi/file", SW_UNMET,
		      "bootupd without shimx64.efi below /usr/lib/efi or "
		      "/usr/lib/bootupd/updates/EFI");
	check_bootupd(NULL, "usr/lib/bootupd/updates/EFI/more/shimx64.efi", SW_UNMET,
		      "bootupd without one shimx64.efi alone (there are 2)");
	check_bootupd("usr/lib/bootupd/grub2-static", NULL, SW_UNMET,
		      "bootupd without /usr/lib/bootupd/grub2-static/grub-static-pre.cfg");
	check_bootupd("usr/lib/bootupd/grub2-static/grub-static-efi.cfg", NULL, SW_UNMET,
		      "bootupd without /usr/lib/bootupd/grub2-static/grub-static-efi.cfg");
	check_bootupd("usr/bin/grub2-editenv", NULL, SW_UNMET,
		      "bootupd without /usr/bin/grub2-editenv");
	check_bootupd("usr/sbin/grub2-install", NULL, SW_UNMET,
		      "bootupd without /usr/sbin/grub2-install");
	check_bootupd("usr/lib/grub/i386-pc", NULL, SW_UNMET,
		      "bootupd without /usr/lib/grub/i386-pc");
}

static void test_install_config(void)
{
	static const char config[] = "usr/lib/bootc/install/1.toml";
	static const struct change changes[] = {
		{ NULL, config, "[install]\nblock = [\"direct\"]", NULL, "block-setup", SW_MET,
		  "*" },
		{ NULL, config, "[install]\nblock = [\"tpm2-luks\", \"direct\"]", NULL,
		  "block-setup", SW_WARNING, "tpm2-luks *" },
		{ NULL, config, "[install]\nblock = [\"tpm2-luks\"]", NULL, "block-setup", SW_UNMET,
		  "*only tpm2-luks" },
		{ NULL, config, "[install]\nnew = 1\nother = 2", NULL, "install-config", SW_WARNING,
		  "*unknown key install.new, and others" },
	};

	check_changes(changes, G_N_ELEMENTS(changes));
}

static void test_rootfs(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	struct sw_oci_image *oci = make_oci();
	g_autoptr(SwFacts) without = NULL;
	g_autoptr(SwFacts) with = NULL;
	g_autoptr(SwFacts) asked = NULL;
	g_autoptr(GError) error = NULL;

	fixture_make_good(fixture);
	without = read_facts(fixture, oci, NULL);
	check_row(without, "root-filesystem", SW_UNMET, "*");
	g_assert_nonnull(strstr(find_row(without, "root-filesystem")->remedy, "--rootfs"));
	g_assert_false(sw_facts_check(without, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "root-filesystem");
	g_assert_nonnull(strstr(error->message, "--rootfs"));
	g_assert_null(strstr(error->message, "more"));
	fixture_write(fixture, "usr/lib/bootc/install/1.toml",
		      "[install.filesystem.root]\ntype = \"xfs\"");
	with = read_facts(fixture, oci, NULL);
	check_row(with, "root-filesystem", SW_MET, "xfs, by the image*");
	asked = read_facts(fixture, oci, "btrfs");
	check_row(asked, "root-filesystem", SW_MET, "btrfs, as asked for");
	oci_free(oci);
}

static void set_label(struct sw_oci_image *oci, const char *name, const char *value)
{
	g_hash_table_insert(oci->labels, g_strdup(name), g_strdup(value));
}

static void test_oci(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	struct sw_oci_image *oci = make_oci();
	g_autoptr(SwFacts) first = NULL;
	g_autoptr(SwFacts) second = NULL;
	g_autoptr(SwFacts) third = NULL;

	fixture_make_good(fixture);
	set_label(oci, "containers.bootc", "yes");
	set_label(oci, "ostree.final-diffid", "sha256:aa");
	first = read_facts(fixture, oci, "ext4");
	check_row(first, "bootc-label", SW_WARNING, "containers.bootc is not 1");
	check_row(first, "final-diffid", SW_MET, "layer 1");
	g_hash_table_remove(oci->labels, "containers.bootc");
	set_label(oci, "ostree.bootable", "true");
	set_label(oci, "ostree.final-diffid", "sha256:bb");
	second = read_facts(fixture, oci, "ext4");
	check_row(second, "bootc-label", SW_WARNING, "ostree.bootable");
	check_row(second, "final-diffid", SW_UNMET, "*");
	g_hash_table_remove_all(oci->labels);
	g_free(oci->architecture);
	oci->architecture = g_strdup("mips64le");
	third = read_facts(fixture, oci, "ext4");
	check_row(third, "bootc-label", SW_UNMET, "neither*");
	check_row(third, "architecture", SW_UNMET, "mips64le");
	check_row(third, "bootloader", SW_UNMET, "none*");
	oci_free(oci);
}

static void test_kernel_version(void)
{
	g_assert_true(sw_kernel_version_valid("6.12.107+deb13-cloud-amd64"));
	g_assert_true(sw_kernel_version_valid("5.14.0-503.el9.x86_64"));
	g_assert_true(sw_kernel_version_valid("6.6~rc1"));
	g_assert_false(sw_kernel_version_valid(""));
	g_assert_false(sw_kernel_version_valid("."));
	g_assert_false(sw_kernel_version_valid(".."));
	g_assert_false(sw_kernel_version_valid("-x"));
	g_assert_false(sw_kernel_version_valid("6 1"));
	g_assert_false(sw_kernel_version_valid("6\n1"));
	g_assert_false(sw_kernel_version_valid("6\xff"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/requirements/good", test_good);
	g_test_add_func("/requirements/kernel", test_kernel);
	g_test_add_func("/requirements/tree", test_tree);
	g_test_add_func("/requirements/bound-images", test_bound_images);
	g_test_add_func("/requirements/composefs", test_composefs);
	g_test_add_func("/requirements/verity", test_verity);
	g_test_add_func("/requirements/bootloader", test_bootloader);
	g_test_add_func("/requirements/bootupd", test_bootupd);
	g_test_add_func("/requirements/install-config", test_install_config);
	g_test_add_func("/requirements/rootfs", test_rootfs);
	g_test_add_func("/requirements/oci", test_oci);
	g_test_add_func("/requirements/kernel-version", test_kernel_version);
	return g_test_run();
}
