/* SPDX-License-Identifier: MIT */
#include "installer/disks.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the kernel makes of other disks or of memory, and floppies. */
static const char *const not_disks[] = { "loop", "ram", "zram", "dm-", "md", "fd", "nbd", "drbd" };

/* A file of the kernel's, without what is at its ends; empty where there is none. */
static void read_text(const char *dir, const char *name, char *text, size_t size)
{
	char path[PATH_MAX];
	ssize_t n = -1;
	size_t skip = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, size - 1);
		close(fd);
	}
	if (n < 0)
		n = 0;
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	text[n] = '\0';
	while (isspace((unsigned char)text[skip]))
		skip++;
	memmove(text, text + skip, (size_t)n - skip + 1);
	for (char *c = text; *c != '\0'; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
}

static uint64_t read_number(const char *dir, const char *name)
{
	char text[32];
	uint64_t value = 0;

	read_text(dir, name, text, sizeof(text));
	for (const char *c = text; *c >= '0' && *c <= '9' && value < UINT64_MAX / 10; c++)
		value = value * 10 + (uint64_t)(*c - '0');
	return value;
}

static bool is_disk(const char *name)
{
	for (size_t i = 0; i < sizeof(not_disks) / sizeof(*not_disks); i++)
		if (strncmp(name, not_disks[i], strlen(not_disks[i])) == 0)
			return false;
	return *name != '.';
}

static void add(struct si_disks *disks, const char *sys, const char *name)
{
	struct si_disk *disk = &disks->all[disks->count];
	uint64_t sectors;
	char dir[PATH_MAX];

	if (disks->count == SI_DISKS_MAX || strlen(name) >= sizeof(disk->name))
		return;
	snprintf(dir, sizeof(dir), "%s/%s", sys, name);
	sectors = read_number(dir, "size");
	if (sectors == 0)
		return;
	*disk = (struct si_disk){ .size = sectors * 512 };
	snprintf(disk->name, sizeof(disk->name), "%s", name);
	snprintf(disk->path, sizeof(disk->path), "/dev/%s", name);
	read_text(dir, "device/model", disk->model, sizeof(disk->model));
	read_text(dir, "device/serial", disk->serial, sizeof(disk->serial));
	if (*disk->serial == '\0')
		read_text(dir, "serial", disk->serial, sizeof(disk->serial));
	disk->sector = (unsigned)read_number(dir, "queue/logical_block_size");
	disk->is_cd = strncmp(name, "sr", 2) == 0;
	disks->count++;
}

static int compare(const void *a, const void *b)
{
	const struct si_disk *x = a, *y = b;

	return strcmp(x->name, y->name);
}

bool si_disks_list(struct si_disks *disks, const char *sys, struct si_failure *failure)
{
	DIR *dir = opendir(sys);
	const struct dirent *entry;

	disks->count = 0;
	if (dir == NULL)
		return si_fail_errno(failure, "no-disk", "cannot read %s", sys);
	while ((entry = readdir(dir)) != NULL)
		if (is_disk(entry->d_name))
			add(disks, sys, entry->d_name);
	closedir(dir);
	qsort(disks->all, disks->count, sizeof(*disks->all), compare);
	return true;
}

bool si_disk_is_offered(const struct si_disk *disk)
{
	return !disk->is_cd && !disk->is_medium;
}

void si_disk_describe(const struct si_disk *disk, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s, %" PRIu64 ".%" PRIu64 " GB%s%s%s%s%s", disk->path,
		 disk->size / 1000000000, disk->size / 100000000 % 10,
		 *disk->model == '\0' ? "" : ", ", disk->model,
		 *disk->serial == '\0' ? "" : " (serial ", disk->serial,
		 *disk->serial == '\0' ? "" : ")");
}

/* The disks that are offered, separated by semicolons. */
static void describe_all(const struct si_disks *disks, char *text, size_t size)
{
	*text = '\0';
	for (size_t i = 0; i < disks->count; i++) {
		char one[256];
		size_t length = strlen(text);

		if (!si_disk_is_offered(&disks->all[i]))
			continue;
		si_disk_describe(&disks->all[i], one, sizeof(one));
		snprintf(text + length, size - length, "%s%s", length == 0 ? "" : "; ", one);
	}
	if (*text == '\0')
		snprintf(text, size, "none");
}

/* By its path, by a link of udev's to it, or by its serial number. */
static const struct si_disk *find_named(const struct si_disks *disks, const char *which)
{
	bool is_id = strncmp(which, "id:", 3) == 0;
	char link[PATH_MAX], target[PATH_MAX];
	const struct si_disk *found = NULL;

	snprintf(link, sizeof(link), "%s%s", is_id ? "/dev/disk/by-id/" : "",
		 which + (is_id ? 3 : 0));
	if (realpath(link, target) == NULL)
		snprintf(target, sizeof(target), "%s", link);
	for (size_t i = 0; i < disks->count; i++)
		if (strcmp(disks->all[i].path, target) == 0)
			return &disks->all[i];
	for (size_t i = 0; is_id && i < disks->count; i++) {
		if (strcmp(disks->all[i].serial, which + 3) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = &disks->all[i];
	}
	return found;
}

static const struct si_disk *choose_named(const struct si_disks *disks, const char *which,
					  struct si_failure *failure)
{
	const struct si_disk *disk = find_named(disks, which);
	char there[256];

	if (disk != NULL && si_disk_is_offered(disk))
		return disk;
	describe_all(disks, there, sizeof(there));
	if (disk != NULL)
		si_fail(failure, "no-disk",
			"%s is %s: name another disk with slipway.install=; there is: %s",
			disk->path,
			disk->is_medium ? "the medium that is being installed from" : "a CD",
			there);
	else
		si_fail(failure, "no-disk",
			"there is no disk %s, or more than one: name one with slipway.install=; "
			"there is: %s",
			which, there);
	return NULL;
}

/* auto: the only one; smallest, largest: of those that are large enough, if no other is as large. */
static const struct si_disk *choose_by_size(const struct si_disks *disks, const char *which,
					    uint64_t needed, struct si_failure *failure)
{
	bool is_auto = strcmp(which, "auto") == 0, is_largest = strcmp(which, "largest") == 0;
	const struct si_disk *best = NULL;
	bool is_tie = false;
	char there[256];

	for (size_t i = 0; i < disks->count; i++) {
		const struct si_disk *disk = &disks->all[i];

		if (!si_disk_is_offered(disk) || disk->size < needed)
			continue;
		if (best == NULL ||
		    (disk->size != best->size && (disk->size > best->size) == is_largest)) {
			is_tie = is_auto && best != NULL;
			best = disk;
		} else if (is_auto || disk->size == best->size) {
			is_tie = true;
		}
	}
	if (best != NULL && !is_tie)
		return best;
	describe_all(disks, there, sizeof(there));
	if (best != NULL)
		si_fail(failure, "which-disk",
			"slipway.install=%s does not say which disk: name one by slipway.install="
			"/dev/NAME or id:SERIAL; there is: %s",
			which, there);
	else
		si_fail(failure, "no-disk",
			"no disk holds the image's %" PRIu64
			" MB: connect a larger one; there is: %s",
			(needed + 999999) / 1000000, there);
	return NULL;
}

const struct si_disk *si_disks_choose(const struct si_disks *disks, const char *which,
				      uint64_t needed, struct si_failure *failure)
{
	const struct si_disk *disk;

	if (strncmp(which, "/dev/", 5) != 0 && strncmp(which, "id:", 3) != 0)
		return choose_by_size(disks, which, needed, failure);
	disk = choose_named(disks, which, failure);
	if (disk == NULL || disk->size >= needed)
		return disk;
	si_fail(failure, "disk-too-small",
		"%s has %" PRIu64 " MB, the image needs %" PRIu64 " MB: choose a larger disk",
		disk->path, disk->size / 1000000, (needed + 999999) / 1000000);
	return NULL;
}
