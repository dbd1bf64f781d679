/* SPDX-License-Identifier: MIT */
#include "installer/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/btrfs.h>
#include <linux/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Where the filesystems are mounted meanwhile. */
#define PLACE "/run/slipway"

/* The types of a partition with the root filesystem, the last one Linux data. */
static const char *const root_types[] = { "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
					  "b921b045-1df0-41c3-af44-4c6f280d3fae",
					  "0fc63daf-8483-4772-8e79-3d69d8477de4" };
#define BOOT_TYPE "bc13c2ff-59e6-4262-a352-b275fd6f7172"

static const char *const filesystems[] = { "ext4", "xfs", "btrfs" };

/* Linux, fs/ext4/ext4.h and fs/xfs/libxfs/xfs_fs.h, which libc has no headers of. */
#define EXT4_IOC_RESIZE_FS _IOW('f', 16, __u64)
struct xfs_growfs_data {
	__u64 newblocks;
	__u32 imaxpct;
};
#define XFS_IOC_FSGROWFSDATA _IOW('X', 110, struct xfs_growfs_data)
#define EXT4_MAGIC 0xef53
#define XFS_MAGIC 0x58465342
#define BTRFS_MAGIC 0x9123683e

static const struct si_partition *find_root(const struct si_gpt *gpt)
{
	for (size_t i = 0; i < sizeof(root_types) / sizeof(*root_types); i++) {
		const struct si_partition *found = si_gpt_find(gpt, root_types[i]);

		if (found != NULL)
			return found;
	}
	return NULL;
}

static bool mount_partition(const struct si_target *target, const struct si_partition *partition,
			    const char *at, struct si_failure *failure)
{
	char path[PATH_MAX];

	mkdir(PLACE, 0700);
	mkdir(at, 0700);
	if (!si_target_add_partition(target, partition, path, sizeof(path), failure))
		return false;
	for (size_t i = 0; i < sizeof(filesystems) / sizeof(*filesystems); i++)
		if (mount(path, at, filesystems[i], MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
			return true;
	si_fail_errno(failure, "mount", "%s, just written, cannot be mounted", path);
	si_target_remove_partition(target, partition);
	return false;
}

static bool unmount_partition(const struct si_target *target, const struct si_partition *partition,
			      const char *at, struct si_failure *failure)
{
	bool good =
		umount(at) == 0 || si_fail_errno(failure, "mount", "%s cannot be unmounted", at);

	si_target_remove_partition(target, partition);
	return good;
}

static int grow_btrfs(int fd)
{
	struct btrfs_ioctl_vol_args args = { .name = "max" };

	return ioctl(fd, BTRFS_IOC_RESIZE, &args);
}

/* The filesystem at PATH fills its partition of SIZE bytes. */
static bool grow(const char *path, uint64_t size, struct si_failure *failure)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int status = -1;
	struct statfs fs;

	if (fd >= 0 && fstatfs(fd, &fs) == 0) {
		__u64 blocks = size / (__u64)fs.f_bsize;
		struct xfs_growfs_data xfs = { .newblocks = blocks, .imaxpct = 25 };

		if (fs.f_type == EXT4_MAGIC)
			status = ioctl(fd, EXT4_IOC_RESIZE_FS, &blocks);
		else if (fs.f_type == XFS_MAGIC)
			status = ioctl(fd, XFS_IOC_FSGROWFSDATA, &xfs);
		else if (fs.f_type == BTRFS_MAGIC)
			status = grow_btrfs(fd);
	}
	if (status < 0)
		si_fail_errno(failure, "grow",
			      "the root filesystem does not grow to its partition");
	if (fd >= 0)
		close(fd);
	return status >= 0;
}

static bool apply_mounted(const struct si_request *request, const struct si_partition *root,
			  struct si_failure *failure)
{
	return grow(PLACE "/root", root->size, failure) &&
	       si_configure(request, PLACE "/root", PLACE "/boot", failure);
}

bool si_apply(const struct si_request *request, const struct si_target *target,
	      const struct si_gpt *gpt, struct si_failure *failure)
{
	const struct si_partition *root = find_root(gpt), *boot = si_gpt_find(gpt, BOOT_TYPE);
	bool good;

	if (root == NULL || boot == NULL)
		return si_fail(failure, "partition", "the image has no partition for %s",
			       root == NULL ? "its root" : "/boot");
	if (!mount_partition(target, root, PLACE "/root", failure))
		return false;
	good = mount_partition(target, boot, PLACE "/boot", failure);
	if (good) {
		good = apply_mounted(request, root, failure);
		good = unmount_partition(target, boot, PLACE "/boot", failure) && good;
	}
	return unmount_partition(target, root, PLACE "/root", failure) && good;
}
