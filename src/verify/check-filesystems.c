/* SPDX-License-Identifier: MIT */
#include "verify/check.h"

static void check_filesystem(const struct sw_examined_filesystem *filesystem, const char *name,
			     struct sw_finding *finding)
{
	if (filesystem->partition == NULL)
		sw_found_problem(finding, "there is no partition for %s", name);
	else if (filesystem->type == NULL)
		sw_found_problem(finding, "partition %u: %s", filesystem->partition->number,
				 filesystem->unreadable);
	else if (filesystem->problem != NULL)
		sw_found_problem(finding, "%s in partition %u: %s", filesystem->type,
				 filesystem->partition->number, filesystem->problem);
	else if (filesystem->unreadable != NULL)
		sw_found_problem(finding, "%s in partition %u cannot be read: %s", filesystem->type,
				 filesystem->partition->number, filesystem->unreadable);
	else
		sw_found(finding, "%s in partition %u is clean", filesystem->type,
			 filesystem->partition->number);
}

static void check_root(const struct sw_examined *disk, struct sw_finding *finding)
{
	check_filesystem(&disk->root, "root", finding);
}

static void check_boot(const struct sw_examined *disk, struct sw_finding *finding)
{
	if (disk->boot.partition == NULL)
		sw_found(finding, "/boot is a directory of the root filesystem");
	else
		check_filesystem(&disk->boot, "/boot", finding);
}

static gboolean needs_esp(const struct sw_examined *disk)
{
	return disk->image == NULL || (!g_str_equal(disk->image->architecture, "ppc64le") &&
				       !g_str_equal(disk->image->architecture, "s390x"));
}

static void check_esp(const struct sw_examined *disk, struct sw_finding *finding)
{
	if (disk->esp.partition == NULL && !needs_esp(disk))
		sw_found(finding, "%s has none", disk->image->architecture);
	else
		check_filesystem(&disk->esp, "the EFI system partition", finding);
}

static void check_label(const struct sw_examined_filesystem *filesystem, const char *label,
			struct sw_finding *finding)
{
	if (filesystem->label != NULL && !g_str_equal(filesystem->label, label))
		sw_found_problem(finding,
				 "the filesystem in partition %u is labelled \"%s\", not %s",
				 filesystem->partition->number, filesystem->label, label);
}

static void check_identity(const struct sw_examined *disk, struct sw_finding *finding)
{
	check_label(&disk->root, "root", finding);
	check_label(&disk->boot, "boot", finding);
	check_label(&disk->esp, "EFI-SYSTEM", finding);
	if (g_strcmp0(disk->boot.type, "vfat") == 0)
		sw_found_problem(finding,
				 "/boot is vfat, which has no links: ostree cannot use it");
	if (disk->esp.type != NULL && !g_str_equal(disk->esp.type, "vfat"))
		sw_found_problem(finding, "the EFI system partition is %s: firmware reads vfat",
				 disk->esp.type);
	if (g_strcmp0(disk->root.uuid, "") == 0 || g_strcmp0(disk->boot.uuid, "") == 0)
		sw_found_problem(finding, "a filesystem has no UUID");
	sw_found(finding, "root, boot and EFI-SYSTEM");
}

const struct sw_check sw_checks_filesystems[] = {
	{ .id = "root-filesystem",
	  .what = "the root filesystem is clean",
	  .remedy = "build the disk anew, or repair it by its own fsck from another machine",
	  .run = check_root },
	{ .id = "boot-filesystem",
	  .what = "the filesystem of /boot is clean",
	  .remedy = "build the disk anew, or repair it by its own fsck from another machine",
	  .run = check_boot },
	{ .id = "esp-filesystem",
	  .what = "the EFI system partition is clean",
	  .remedy = "build the disk anew, or repair it by fsck.fat from another machine",
	  .run = check_esp },
	{ .id = "filesystem-labels",
	  .what = "the filesystems have the types and labels that boot loaders look for",
	  .remedy = "set the label (e2label, xfs_admin -L, btrfs filesystem label, fatlabel)",
	  .run = check_identity },
	{ .id = NULL },
};
