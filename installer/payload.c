/* SPDX-License-Identifier: MIT */
#include "installer/payload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "installer/bytes.h"
#include "installer/sha256.h"

bool si_read_at(int fd, void *buffer, size_t length, uint64_t offset)
{
	unsigned char *at = buffer;

	while (length > 0) {
		ssize_t n = pread(fd, at, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return false;
		at += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return true;
}

static bool has_sum(const void *data, size_t length, const unsigned char *sum)
{
	unsigned char is[SI_SHA256];

	si_sha256(data, length, is);
	return memcmp(is, sum, sizeof(is)) == 0;
}

static bool is_header(const struct si_payload *payload, const unsigned char *header)
{
	uint64_t index = si_get64(header + SI_AT_INDEX);
	uint64_t length = (uint64_t)payload->count * SI_ENTRY_SIZE;

	return memcmp(header + SI_AT_MAGIC, SI_MAGIC, strlen(SI_MAGIC)) == 0 &&
	       has_sum(header, SI_AT_HEADER_SUM, header + SI_AT_HEADER_SUM) && payload->count > 0 &&
	       payload->count <= SI_FRAMES_MAX && index >= SI_HEADER_SIZE &&
	       length <= payload->size && index <= payload->size - length &&
	       payload->disk_size >= SI_FRAME_SIZE &&
	       payload->disk_size <= (uint64_t)SI_FRAMES_MAX * SI_FRAME_SIZE;
}

static bool is_frame(const struct si_payload *payload, const struct si_frame *frame)
{
	return frame->offset % SI_FRAME_SIZE == 0 && frame->offset < payload->disk_size &&
	       frame->length > 0 && frame->length <= SI_FRAME_SIZE &&
	       frame->length <= payload->disk_size - frame->offset &&
	       frame->stored <= SI_STORED_MAX && frame->stored <= payload->size &&
	       frame->place <= payload->size - frame->stored;
}

/* The first frame is the one with the partition table; each lies behind the one before. */
static bool take_index(struct si_payload *payload, const unsigned char *index)
{
	uint64_t content = 0;

	for (uint32_t i = 0; i < payload->count; i++) {
		const unsigned char *entry = index + (size_t)i * SI_ENTRY_SIZE;
		struct si_frame *frame = &payload->frames[i];

		frame->offset = si_get64(entry + SI_ENTRY_OFFSET);
		frame->place = si_get64(entry + SI_ENTRY_PLACE);
		frame->length = si_get32(entry + SI_ENTRY_LENGTH);
		frame->stored = si_get32(entry + SI_ENTRY_STORED);
		memcpy(frame->sum, entry + SI_ENTRY_SUM, sizeof(frame->sum));
		if (!is_frame(payload, frame) ||
		    (i == 0 ? frame->offset != 0 : frame->offset <= frame[-1].offset))
			return false;
		content += frame->length;
	}
	return content == payload->content && payload->frames[0].stored > 0 &&
	       payload->frames[0].length == SI_FRAME_SIZE;
}

static bool read_index(struct si_payload *payload, const unsigned char *header,
		       unsigned char *index)
{
	size_t length = (size_t)payload->count * SI_ENTRY_SIZE;

	return si_read_at(payload->fd, index, length,
			  payload->base + si_get64(header + SI_AT_INDEX)) &&
	       has_sum(index, length, header + SI_AT_INDEX_SUM) && take_index(payload, index);
}

bool si_payload_open(struct si_payload *payload, int fd, uint64_t base, uint64_t size,
		     const char *where, struct si_failure *failure)
{
	unsigned char header[SI_HEADER_SIZE];
	unsigned char *index;
	bool good;

	*payload = (struct si_payload){ .fd = fd, .base = base, .size = size };
	if (size < sizeof(header) || !si_read_at(fd, header, sizeof(header), base))
		return si_fail(failure, "payload", "%s cannot be read", where);
	payload->count = si_get32(header + SI_AT_FRAMES);
	payload->disk_size = si_get64(header + SI_AT_DISK_SIZE);
	payload->content = si_get64(header + SI_AT_CONTENT);
	memcpy(payload->id, header + SI_AT_ID, sizeof(payload->id));
	if (!is_header(payload, header))
		return si_fail(failure, "payload",
			       "%s holds no image to install, or its header is damaged: write the "
			       "medium anew",
			       where);
	index = malloc((size_t)payload->count * SI_ENTRY_SIZE);
	payload->frames = calloc(payload->count, sizeof(*payload->frames));
	good = index != NULL && payload->frames != NULL && read_index(payload, header, index);
	free(index);
	if (good)
		return true;
	si_payload_free(payload);
	return si_fail(failure, "payload",
		       "%s: the list of the image's frames is damaged: write the medium anew",
		       where);
}

void si_payload_free(struct si_payload *payload)
{
	free(payload->frames);
	payload->frames = NULL;
}

bool si_reader_init(struct si_reader *reader, const struct si_payload *payload,
		    struct si_failure *failure)
{
	reader->payload = payload;
	reader->context = ZSTD_createDCtx();
	reader->stored = malloc(SI_STORED_MAX);
	if (reader->context != NULL && reader->stored != NULL)
		return true;
	si_reader_clear(reader);
	return si_fail(failure, "memory", "there is no memory left");
}

void si_reader_clear(struct si_reader *reader)
{
	ZSTD_freeDCtx(reader->context);
	free(reader->stored);
	*reader = (struct si_reader){ 0 };
}

bool si_reader_read(struct si_reader *reader, uint32_t number, unsigned char *buffer,
		    struct si_failure *failure)
{
	const struct si_payload *payload = reader->payload;
	const struct si_frame *frame = &payload->frames[number];

	if (frame->stored == 0) {
		memset(buffer, 0, frame->length);
		return true;
	}
	if (!si_read_at(payload->fd, reader->stored, frame->stored, payload->base + frame->place))
		return si_fail_errno(failure, "payload-read",
				     "frame %u of the image cannot be read from the medium",
				     number);
	if (has_sum(reader->stored, frame->stored, frame->sum) &&
	    ZSTD_decompressDCtx(reader->context, buffer, SI_FRAME_SIZE, reader->stored,
				frame->stored) == frame->length)
		return true;
	return si_fail(failure, "payload-corrupted",
		       "frame %u of the image is damaged on the medium: nothing of it was "
		       "written; write the medium anew",
		       number);
}
