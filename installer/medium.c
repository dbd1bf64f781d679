/* SPDX-License-Identifier: MIT */
#include "installer/medium.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "installer/gpt.h"

/* As much as a disk can be: the medium may be larger than what was written to it. */
#define ANY_SIZE ((uint64_t)INT64_MAX)

static bool open_payload(int fd, const char *path, struct si_payload *payload,
			 struct si_failure *failure)
{
	unsigned char head[SI_GPT_READ_MAX];
	const struct si_partition *partition;
	struct si_gpt gpt;

	if (!si_read_at(fd, head, sizeof(head), 0) ||
	    !si_gpt_read(&gpt, head, sizeof(head), ANY_SIZE) ||
	    (partition = si_gpt_find(&gpt, SI_PARTITION_TYPE)) == NULL)
		return si_fail(failure, "payload", "%s is no installation medium", path);
	return si_payload_open(payload, fd, partition->offset, partition->size, path, failure);
}

bool si_medium_open(const char *path, struct si_payload *payload, int *ret_fd,
		    struct si_failure *failure)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return si_fail_errno(failure, "payload", "%s", path);
	if (open_payload(fd, path, payload, failure)) {
		*ret_fd = fd;
		return true;
	}
	close(fd);
	return false;
}

static bool is_wanted(const struct si_payload *payload, const char *medium)
{
	char id[2 * SI_ID_SIZE + 1];

	si_print_hex(payload->id, SI_ID_SIZE, id);
	return medium == NULL || strcmp(id, medium) == 0;
}

bool si_medium_find(struct si_disks *disks, const char *medium, struct si_payload *payload,
		    int *ret_fd, struct si_failure *failure)
{
	bool found = false;

	si_fail(failure, "payload",
		"the installation medium is on no disk and in no drive: connect it again");
	for (size_t i = 0; i < disks->count; i++) {
		struct si_payload seen;
		struct si_failure why;
		int fd;

		if (!si_medium_open(disks->all[i].path, &seen, &fd, &why)) {
			/* One that is damaged is worth more words than none. */
			if (strstr(why.text, "is no installation medium") == NULL)
				*failure = why;
			continue;
		}
		/* A second copy is a medium, too: it is not offered. */
		disks->all[i].is_medium = is_wanted(&seen, medium);
		if (found || !disks->all[i].is_medium) {
			si_payload_free(&seen);
			close(fd);
			continue;
		}
		*payload = seen;
		*ret_fd = fd;
		found = true;
	}
	return found;
}
