/* SPDX-License-Identifier: MIT */
#include "disk/deviations.h"

const struct sw_deviation_row sw_deviations[] = {
	[SW_DEVIATION_BOOT_PARTITION] = { "boot-partition",
					  "/boot is an ext4 partition of its own; bootc has it on "
					  "root",
					  "GRUB 2.14 finds no entries without one, and three "
					  "kernels fit" },
	[SW_DEVIATION_DERIVED_IDS] = { "derived-ids",
				       "GUIDs and UUIDs derive from the image and the document; "
				       "bootc's are random",
				       "the same input gives the same bytes (--seed gives "
				       "others)" },
	[SW_DEVIATION_LAYER_TIMES] = { "layer-times",
				       "the commits of layers have the time 0; bootc's have that "
				       "of the import",
				       "the same layer gives the same commit everywhere" },
	[SW_DEVIATION_ALEPH_KERNEL] = { "aleph-kernel",
					"\"kernel\" in .bootc-aleph.json is the image's; bootc's "
					"is the builder's",
					"the same image gives the same file everywhere" },
	[SW_DEVIATION_NO_IMAGE_STORE] = { "no-image-store",
					  "/ostree/bootc is empty; bootc makes an image store in "
					  "it",
					  "that takes podman and root; bootc makes it when it "
					  "needs it" },
	[SW_DEVIATION_DEBIAN_GRUB] = { "debian-grub",
				       "the repository says bootloader=syslinux, and GRUB reads "
				       "loader/syslinux.cfg",
				       "Debian's signed GRUB cannot read loader entries; so ostree "
				       "keeps its menu" },
	[SW_DEVIATION_NO_BOOTUPD] = { "no-bootupd",
				      "there is no bootupd-state.json: bootupctl status would say "
				      "\"adoptable\"",
				      "the image brings its boot loader without bootupd" },
	{ NULL, NULL, NULL },
};

guint sw_deviations_planned(const struct sw_facts *facts, const struct sw_layout *layout,
			    gboolean has_store)
{
	guint bits = 1 << SW_DEVIATION_DERIVED_IDS | 1 << SW_DEVIATION_LAYER_TIMES |
		     1 << SW_DEVIATION_ALEPH_KERNEL;

	if (!has_store)
		bits |= 1 << SW_DEVIATION_NO_IMAGE_STORE;
	if (sw_layout_find(layout, SW_ROLE_BOOT) != NULL)
		bits |= 1 << SW_DEVIATION_BOOT_PARTITION;
	if (facts->bootloader == SW_BOOTLOADER_GRUB_DEBIAN)
		bits |= 1 << SW_DEVIATION_DEBIAN_GRUB;
	if (facts->bootloader != SW_BOOTLOADER_BOOTUPD)
		bits |= 1 << SW_DEVIATION_NO_BOOTUPD;
	return bits;
}
