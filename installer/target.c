/* SPDX-License-Identifier: MIT */
#include "installer/target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "installer/payload.h"

/* Superblocks of filesystems, of LVM and of RAID lie within this much of an end. */
#define END_SIZE (1024 * 1024)
#define NODE_TENTHS 100

static bool is_zero(const unsigned char *data, size_t length)
{
	return length == 0 || (data[0] == 0 && memcmp(data, data + 1, length - 1) == 0);
}

static bool check_empty(const struct si_target *target, unsigned char *buffer,
			struct si_failure *failure)
{
	if (!si_read_at(target->fd, buffer, END_SIZE, 0) ||
	    !si_read_at(target->fd, buffer + END_SIZE, END_SIZE, target->size - END_SIZE))
		return si_fail_errno(failure, "disk", "%s cannot be read", target->path);
	if (is_zero(buffer, (size_t)2 * END_SIZE))
		return true;
	return si_fail(failure, "disk-not-empty",
		       "%s is not empty%s: it is overwritten only with slipway.wipe", target->path,
		       memcmp(buffer + SI_SECTOR, "EFI PART", 8) == 0
			       ? " (there is a partition table)"
			       : "");
}

static bool look_at(struct si_target *target, struct si_failure *failure)
{
	int sector = SI_SECTOR;
	struct stat st;
	off_t end;

	if (fstat(target->fd, &st) < 0)
		return si_fail_errno(failure, "disk", "%s", target->path);
	target->is_device = S_ISBLK(st.st_mode);
	if (!target->is_device && !S_ISREG(st.st_mode))
		return si_fail(failure, "disk", "%s is no disk", target->path);
	end = lseek(target->fd, 0, SEEK_END);
	if (end < 0 || (target->is_device && ioctl(target->fd, BLKSSZGET, &sector) < 0))
		return si_fail_errno(failure, "disk", "%s", target->path);
	target->size = (uint64_t)end / SI_SECTOR * SI_SECTOR;
	if (sector != SI_SECTOR)
		return si_fail(failure, "disk-sectors",
			       "%s has sectors of %d bytes, the image is for 512: choose another "
			       "disk, or switch this one to sectors of 512 bytes",
			       target->path, sector);
	return true;
}

static bool check(struct si_target *target, uint64_t needed, bool wipe, struct si_failure *failure)
{
	unsigned char *buffer;
	bool good;

	if (!look_at(target, failure))
		return false;
	if (target->size < needed || target->size < (uint64_t)2 * END_SIZE)
		return si_fail(failure, "disk-too-small",
			       "%s has %" PRIu64 " MB, the image needs %" PRIu64
			       " MB: choose a larger disk",
			       target->path, target->size / 1000000, (needed + 999999) / 1000000);
	if (wipe)
		return true;
	buffer = malloc((size_t)2 * END_SIZE);
	good = buffer != NULL ? check_empty(target, buffer, failure)
			      : si_fail(failure, "memory", "there is no memory left");
	free(buffer);
	return good;
}

bool si_target_open(struct si_target *target, const char *path, uint64_t needed, bool wipe,
		    struct si_failure *failure)
{
	/* Of a block device this is refused while anyone has it mounted or otherwise claimed. */
	int claimed = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);

	if (claimed < 0 && errno == EBUSY)
		return si_fail(failure, "disk-in-use",
			       "%s is in use: unmount what is on it, or choose another disk", path);
	/* We cannot keep the claim: its partitions are to be mounted. */
	if (claimed >= 0)
		close(claimed);
	*target = (struct si_target){ .path = path, .fd = open(path, O_RDWR | O_CLOEXEC) };
	if (target->fd < 0)
		return si_fail_errno(failure, "disk", "%s cannot be opened", path);
	if (check(target, needed, wipe, failure))
		return true;
	si_target_close(target);
	return false;
}

void si_target_close(struct si_target *target)
{
	close(target->fd);
	target->fd = -1;
}

bool si_target_write(const struct si_target *target, const void *data, size_t length,
		     uint64_t offset, struct si_failure *failure)
{
	const unsigned char *at = data;

	while (length > 0) {
		ssize_t n = pwrite(target->fd, at, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return si_fail_errno(failure, "disk-write",
					     "%s cannot be written at %" PRIu64
					     ": the disk may be failing, try another",
					     target->path, offset);
		at += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return true;
}

bool si_target_sync(const struct si_target *target, struct si_failure *failure)
{
	if (fsync(target->fd) < 0)
		return si_fail_errno(failure, "disk-write",
				     "%s cannot be written: the disk may be failing, try another",
				     target->path);
	if (target->is_device)
		ioctl(target->fd, BLKFLSBUF, 0);
	posix_fadvise(target->fd, 0, 0, POSIX_FADV_DONTNEED);
	return true;
}

bool si_target_erase(const struct si_target *target, struct si_failure *failure)
{
	unsigned char *zeros = calloc(1, END_SIZE);
	bool good = zeros != NULL ? si_target_write(target, zeros, END_SIZE, 0, failure) &&
					    si_target_write(target, zeros, END_SIZE,
							    target->size - END_SIZE, failure) &&
					    si_target_sync(target, failure)
				  : si_fail(failure, "memory", "there is no memory left");

	free(zeros);
	if (good && target->is_device && ioctl(target->fd, BLKRRPART, 0) < 0 && errno != EINVAL)
		return si_fail_errno(failure, "disk-in-use",
				     "the kernel keeps the old partitions of %s", target->path);
	return good;
}

static int change_partition(const struct si_target *target, int op,
			    const struct si_partition *partition)
{
	struct blkpg_partition which = { .start = (long long)partition->offset,
					 .length = (long long)partition->size,
					 .pno = (int)partition->number };
	struct blkpg_ioctl_arg arg = { .op = op, .datalen = sizeof(which), .data = &which };

	return ioctl(target->fd, BLKPG, &arg);
}

bool si_target_add_partition(const struct si_target *target, const struct si_partition *partition,
			     char *ret_path, size_t size, struct si_failure *failure)
{
	const struct timespec tenth = { .tv_nsec = 100000000 };
	char last = target->path[strlen(target->path) - 1];

	snprintf(ret_path, size, "%s%s%u", target->path, last >= '0' && last <= '9' ? "p" : "",
		 partition->number);
	if (change_partition(target, BLKPG_ADD_PARTITION, partition) < 0)
		return si_fail_errno(failure, "partition", "the kernel does not take %s", ret_path);
	for (int i = 0; access(ret_path, F_OK) < 0; i++) {
		if (i == NODE_TENTHS)
			return si_fail(failure, "partition", "there is no %s", ret_path);
		nanosleep(&tenth, NULL);
	}
	return true;
}

void si_target_remove_partition(const struct si_target *target,
				const struct si_partition *partition)
{
	change_partition(target, BLKPG_DEL_PARTITION, partition);
}
