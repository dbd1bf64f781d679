/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "verify/check.h"

/* What firmware looks for on a disk that it does not know, by OCI's architecture. */
static const struct {
	const char *architecture;
	const char *removable;
} removable[] = {
	{ "amd64", "BOOTX64.EFI" },
	{ "arm64", "BOOTAA64.EFI" },
	{ "riscv64", "BOOTRISCV64.EFI" },
};

static const char *removable_name(const struct sw_examined *disk)
{
	for (guint i = 0; i < G_N_ELEMENTS(removable); i++)
		if (disk->image != NULL &&
		    g_str_equal(disk->image->architecture, removable[i].architecture))
			return removable[i].removable;
	return removable[0].removable;
}

/* The file NAME of DIRECTORY on the ESP, in whatever case, as vfat has it; to be freed. */
static char *esp_find(const struct sw_examined *disk, const char *directory, const char *name)
{
	g_auto(GStrv) names = sw_snapshot_list(disk->esp.tree, directory);

	for (guint i = 0; names[i] != NULL; i++)
		if (g_ascii_strcasecmp(names[i], name) == 0)
			return *directory == '\0' ? g_strdup(names[i])
						  : g_build_filename(directory, names[i], NULL);
	return NULL;
}

/* The directory of the ESP in which the boot loader that was installed keeps its configuration. */
static char *find_vendor(const struct sw_examined *disk)
{
	g_autofree char *efi = esp_find(disk, "", "EFI");
	g_auto(GStrv) names = efi == NULL ? NULL : sw_snapshot_list(disk->esp.tree, efi);

	for (guint i = 0; names != NULL && names[i] != NULL; i++) {
		g_autofree char *directory = g_build_filename(efi, names[i], NULL);
		g_autofree char *config = esp_find(disk, directory, "grub.cfg");

		if (g_ascii_strcasecmp(names[i], "BOOT") != 0 &&
		    (config != NULL || g_ascii_strcasecmp(names[i], "systemd") == 0))
			return g_steal_pointer(&directory);
	}
	return NULL;
}

/* Is there a program of that prefix ("shim") in DIRECTORY? */
static gboolean has_program(const struct sw_examined *disk, const char *directory,
			    const char *prefix)
{
	g_auto(GStrv) names = sw_snapshot_list(disk->esp.tree, directory);

	for (guint i = 0; names[i] != NULL; i++) {
		g_autofree char *lower = g_ascii_strdown(names[i], -1);

		if (g_str_has_prefix(lower, prefix) && g_str_has_suffix(lower, ".efi"))
			return TRUE;
	}
	return FALSE;
}

static void check_esp(const struct sw_examined *disk, struct sw_finding *finding)
{
	const char *name = removable_name(disk);
	g_autofree char *efi = esp_find(disk, "", "EFI");
	g_autofree char *boot = efi == NULL ? NULL : esp_find(disk, efi, "BOOT");
	g_autofree char *program = boot == NULL ? NULL : esp_find(disk, boot, name);
	g_autofree char *vendor = find_vendor(disk);

	if (program == NULL)
		sw_found_problem(finding,
				 "there is no EFI/BOOT/%s: firmware does not start from "
				 "this disk",
				 name);
	if (vendor == NULL)
		sw_found_problem(
			finding,
			"no directory below EFI holds a boot loader and its configuration");
	else if (!g_str_has_suffix(vendor, "systemd") && !has_program(disk, vendor, "grub"))
		sw_found_problem(finding, "%s has no GRUB", vendor);
	else if (!g_str_has_suffix(vendor, "systemd") && !has_program(disk, vendor, "shim"))
		sw_found_warning(finding, "%s has no shim: Secure Boot needs one", vendor);
	sw_found(finding, "EFI/BOOT/%s and %s", name, vendor);
}

struct programs {
	GHashTable *contents; /* SHA-256 of the image's EFI programs */
	struct sw_finding *finding;
	guint count;
};

static gboolean is_program(const char *path)
{
	const char *slash = strrchr(path, '/');
	g_autofree char *lower = g_ascii_strdown(slash == NULL ? path : slash + 1, -1);

	return g_str_has_suffix(lower, ".efi") || strstr(lower, ".efi.") != NULL;
}

static gboolean take_program(const char *path, const struct sw_inode *inode, void *data)
{
	struct programs *programs = data;

	if (inode->type == SW_TAR_FILE && is_program(path))
		g_hash_table_add(programs->contents, g_strdup(inode->content));
	return TRUE;
}

static gboolean compare_program(const char *path, const struct sw_inode *inode, void *data)
{
	struct programs *programs = data;

	if (inode->type != SW_TAR_FILE || !is_program(path))
		return TRUE;
	programs->count++;
	if (!g_hash_table_contains(programs->contents, inode->content))
		sw_found_problem(programs->finding, "%s is no file of the image", path);
	return TRUE;
}

/* Signatures are valid for the image's own bytes. */
static void check_programs(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autoptr(GHashTable) contents =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *lib = sw_examined_path(disk, "usr/lib");
	g_autofree char *share = sw_examined_path(disk, "usr/share");
	struct programs programs = { contents, finding, 0 };

	sw_snapshot_walk(disk->root.tree, lib, take_program, &programs);
	sw_snapshot_walk(disk->root.tree, share, take_program, &programs);
	sw_snapshot_walk(disk->esp.tree, "", compare_program, &programs);
	if (programs.count == 0)
		sw_found_problem(finding, "there are no programs");
	sw_found(finding, "%u programs are files of the image, signatures and all", programs.count);
}

/* The configuration on the ESP has to find /boot. */
static void check_config(const struct sw_examined *disk, struct sw_finding *finding)
{
	static const char *const names[] = { "grub.cfg", "bootuuid.cfg" };
	g_autofree char *vendor = find_vendor(disk);
	const char *uuid = disk->boot.partition != NULL ? disk->boot.uuid : disk->root.uuid;
	gboolean names_it = FALSE, by_label = FALSE;

	if (vendor == NULL) {
		sw_found_problem(finding, "there is none");
		return;
	}
	if (g_str_has_suffix(vendor, "systemd")) {
		sw_found(finding, "systemd-boot reads the entries");
		return;
	}
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = esp_find(disk, vendor, names[i]);
		g_autofree char *text =
			path == NULL ? NULL : sw_snapshot_text(disk->esp.tree, path, NULL);

		names_it = names_it || (text != NULL && uuid != NULL && strstr(text, uuid) != NULL);
		by_label = by_label || (text != NULL && strstr(text, "--label boot") != NULL);
	}
	if (!names_it && !by_label)
		sw_found_problem(finding, "%s does not look for the filesystem of /boot, %s",
				 vendor, uuid == NULL ? "which cannot be read" : uuid);
	sw_found(finding, "%s/grub.cfg looks for /boot by its %s", vendor,
		 names_it ? "UUID" : "label");
}

static char *read_menu(const struct sw_examined *disk, const char **ret_name)
{
	static const char *const names[] = { "grub2/grub.cfg", "grub/grub.cfg" };

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = sw_examined_boot_path(disk, names[i]);
		char *text = sw_snapshot_text(disk->bootfs, path, NULL);

		*ret_name = names[i];
		if (text != NULL)
			return text;
	}
	return NULL;
}

/*
 * Does MENU show KERNEL?  GRUB with blscfg reads the entries, Debian's what libostree writes beside
 * them (src/disk/README.md).
 */
static gboolean shows_kernel(const struct sw_examined *disk, const char *menu, const char *kernel)
{
	g_autofree char *path = NULL;
	g_autofree char *text = NULL;

	if (strstr(menu, "blscfg") != NULL)
		return TRUE;
	if (strstr(menu, "syslinux.cfg") != NULL)
		path = sw_snapshot_resolve(disk->bootfs, disk->boot_directory,
					   "loader/syslinux.cfg");
	if (path != NULL)
		text = sw_snapshot_text(disk->bootfs, path, NULL);
	return kernel != NULL &&
	       (strstr(menu, kernel) != NULL || (text != NULL && strstr(text, kernel) != NULL));
}

static void check_menu(const struct sw_examined *disk, struct sw_finding *finding)
{
	const struct sw_loader_entry *entry = disk->entries->pdata[0];
	const char *name = NULL;
	g_autofree char *text = read_menu(disk, &name);
	g_autofree char *vendor = disk->esp.tree == NULL ? NULL : find_vendor(disk);

	if (vendor != NULL && g_str_has_suffix(vendor, "systemd")) {
		sw_found(finding, "systemd-boot needs none");
		return;
	}
	if (text == NULL)
		sw_found_problem(finding, "there is neither /boot/grub2/grub.cfg nor "
					  "/boot/grub/grub.cfg");
	else if (!shows_kernel(disk, text, entry->kernel))
		sw_found_problem(finding, "/boot/%s neither reads the entries nor names %s", name,
				 entry->kernel == NULL ? "a kernel" : entry->kernel);
	sw_found(finding, "/boot/%s", name);
}

static void check_bios(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autofree char *grub = sw_examined_boot_path(disk, "grub/i386-pc/core.img");
	g_autofree char *grub2 = sw_examined_boot_path(disk, "grub2/i386-pc/core.img");

	if (sw_snapshot_find(disk->bootfs, grub) == NULL &&
	    sw_snapshot_find(disk->bootfs, grub2) == NULL && !disk->has_boot_code) {
		sw_found(finding, "none is installed; the disk starts over UEFI only");
		return;
	}
	if (!disk->has_boot_code)
		sw_found_problem(finding, "the MBR holds no code");
	if (!disk->has_bios_core)
		sw_found_problem(finding, "the BIOS boot partition is empty");
	sw_found(finding, "GRUB in the MBR and in the BIOS boot partition");
}

const struct sw_check sw_checks_bootloader[] = {
	{ .id = "esp",
	  .what = "firmware finds a boot loader, and that its configuration",
	  .remedy = "build the disk anew",
	  .needs = SW_NEED_ESP,
	  .run = check_esp },
	{ .id = "esp-programs",
	  .what = "the programs that firmware starts are the image's own",
	  .remedy = "build the disk anew: Secure Boot refuses changed programs",
	  .needs = SW_NEED_ESP | SW_NEED_DEPLOYMENT,
	  .run = check_programs },
	{ .id = "esp-config",
	  .what = "the boot loader on the ESP finds /boot",
	  .remedy = "correct the UUID in its grub.cfg or bootuuid.cfg",
	  .needs = SW_NEED_ESP,
	  .run = check_config },
	{ .id = "menu",
	  .what = "the boot loader's menu has the entry",
	  .remedy = "build the disk anew",
	  .needs = SW_NEED_ENTRY,
	  .run = check_menu },
	{ .id = "bios",
	  .what = "GRUB for BIOS is installed whole, or not at all",
	  .remedy = "build the disk anew, or run grub-install for i386-pc",
	  .needs = SW_NEED_BOOT,
	  .run = check_bios },
	{ .id = NULL },
};
