/* SPDX-License-Identifier: MIT */
#include "installer/install.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "installer/apply.h"
#include "installer/gpt.h"

/* The first frame with its table fitted to the disk, and the table's second copy. */
struct head {
	unsigned char frame[SI_FRAME_SIZE];
	unsigned char backup[SI_GPT_BYTES];
	struct si_gpt gpt;
};

static bool read_head(const struct si_payload *payload, const struct si_target *target,
		      struct head *head, struct si_failure *failure)
{
	struct si_reader reader;
	bool good;

	if (!si_reader_init(&reader, payload, failure))
		return false;
	good = si_reader_read(&reader, 0, head->frame, failure);
	si_reader_clear(&reader);
	if (!good)
		return false;
	return (si_gpt_read(&head->gpt, head->frame, sizeof(head->frame), payload->disk_size) &&
		si_gpt_fit(&head->gpt, target->size, head->backup)) ||
	       si_fail(failure, "payload", "the image has no partition table that can be moved");
}

static bool read_back(const struct si_target *target, const unsigned char *wanted, size_t length,
		      uint64_t offset, struct si_failure *failure)
{
	unsigned char *is = malloc(length);
	bool good = is != NULL && si_read_at(target->fd, is, length, offset) &&
		    memcmp(is, wanted, length) == 0;

	free(is);
	return good || si_fail(failure, "disk-verify",
			       "%s does not have the partition table that was written: the disk "
			       "is failing, use another",
			       target->path);
}

static bool write_head(const struct si_target *target, const struct head *head,
		       struct si_failure *failure)
{
	uint64_t backup = target->size - sizeof(head->backup);

	if (!si_target_write(target, head->backup, sizeof(head->backup), backup, failure) ||
	    !si_target_sync(target, failure) ||
	    !si_target_write(target, head->frame, sizeof(head->frame), 0, failure) ||
	    !si_target_sync(target, failure) ||
	    !read_back(target, head->backup, sizeof(head->backup), backup, failure) ||
	    !read_back(target, head->frame, sizeof(head->frame), 0, failure))
		return false;
	/* The kernel need not know: the machine starts anew. */
	if (target->is_device)
		ioctl(target->fd, BLKRRPART, 0);
	return true;
}

bool si_install(const struct si_payload *payload, const struct si_target *target,
		const struct si_request *request, si_progress progress, struct si_failure *failure)
{
	struct head *head = malloc(sizeof(*head));
	bool good = head != NULL ? read_head(payload, target, head, failure)
				 : si_fail(failure, "memory", "there is no memory left");

	good = good && si_target_erase(target, failure) &&
	       si_run_pass(SI_PASS_WRITE, payload, target, progress, failure) &&
	       si_target_sync(target, failure) &&
	       si_run_pass(SI_PASS_VERIFY, payload, target, progress, failure) &&
	       (!target->is_device || si_apply(request, target, &head->gpt, failure)) &&
	       write_head(target, head, failure);
	free(head);
	return good;
}
