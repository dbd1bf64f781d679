/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* What GRUB shows and what it starts. */
struct sw_iso_menu {
	const char *medium;  /* the medium's id */
	const char *title;   /* of the system, clean (formats/iso/boot.h) */
	const char *options; /* kernel arguments of the image, clean */
	const char *
		arguments; /* for the installer, as sw_iso_quote() makes them: " 'slipway.x=y'..." */
	int timeout;	   /* seconds */
};

/* Where the files lie on the medium. */
#define SW_ISO_KERNEL "/boot/vmlinuz"
#define SW_ISO_INITRAMFS "/boot/initramfs.img"
#define SW_ISO_INSTALLER "/boot/installer.img"
#define SW_ISO_MENU "/boot/grub/grub.cfg"
#define SW_ISO_BIOS "/boot/grub/bios.img"
/* A directory with an empty file whose name is the medium's id. */
#define SW_ISO_MARK "/slipway/"

/* The configuration of a GRUB that was just started: finds the medium with the id MEDIUM, and its menu. */
char *sw_iso_print_stub(const char *medium);

/* The menu. */
char *sw_iso_print_menu(const struct sw_iso_menu *menu);
