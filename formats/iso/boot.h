/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/format.h"

/* What a disk boots with, taken out of it. */
struct sw_iso_boot {
	const struct sw_output_file *kernel;
	const struct sw_output_file *initramfs;
	const struct sw_output_file *esp;    /* a FAT filesystem with the medium's EFI programs */
	const struct sw_output_file *config; /* what GRUB is to find beside itself, or ... */
	GPtrArray *
		vendors; /* char *: ... in EFI/VENDOR, which a signed GRUB looks for on the CD itself */
	char *title;	 /* of the boot entry */
	char *options; /* its kernel arguments, those for a root filesystem left out */
};

/*
 * Takes the kernel, initramfs and arguments of the boot entry in DISK's /boot (ext4), and the shim and
 * GRUB in its EFI system partition, whose configuration becomes CONFIG; all go to scratch files of
 * OUTPUT.  SEED is for ids.  SW_ERROR_FORMAT "iso-disk" where the disk has none; by mkfs.fat and mtools.
 */
gboolean sw_iso_take_boot(struct sw_sparse *disk, const char *seed, const char *config,
			  struct sw_output *output, struct sw_iso_boot *boot,
			  GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees the texts; one of zeros is fine. */
void sw_iso_boot_clear(struct sw_iso_boot *boot);

/* A title that a bootloader's menu shows as it stands. */
char *sw_iso_clean_title(const char *title);

/* OPTIONS without what names a root filesystem, and what a menu would read as its own. */
char *sw_iso_clean_options(const char *options);

/*
 * Copies the kernel, and the initramfs, of the newest boot entry on the ext4 filesystem in the file at PATH
 * to BOOT's files, and sets its texts.  SW_ERROR_FORMAT "iso-disk".
 */
gboolean sw_iso_read_boot(const char *path, struct sw_iso_boot *boot, GCancellable *cancellable,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Makes BOOT's ESP (an empty file) of the one in the file at PATH: its shim and GRUB as programs for a medium,
 * and CONFIG wherever GRUB looks for its configuration.
 */
gboolean sw_iso_make_esp(const char *path, const char *seed, const char *config,
			 struct sw_output *output, struct sw_iso_boot *boot,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
