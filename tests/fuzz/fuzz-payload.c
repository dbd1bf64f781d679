/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <glib.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "installer/bytes.h"
#include "installer/gpt.h"
#include "installer/payload.h"
#include "installer/request.h"
#include "installer/sha256.h"

/* The checksums are made right: what lies behind them is to be judged by itself. */
static void seal(unsigned char *bytes, size_t size)
{
	uint64_t index = si_get64(bytes + SI_AT_INDEX);
	uint64_t length = (uint64_t)si_get32(bytes + SI_AT_FRAMES) * SI_ENTRY_SIZE;

	if (index < size && length <= size - index)
		si_sha256(bytes + index, length, bytes + SI_AT_INDEX_SUM);
	si_sha256(bytes, SI_AT_HEADER_SUM, bytes + SI_AT_HEADER_SUM);
}

static void read_payload(unsigned char *bytes, size_t size)
{
	int fd = memfd_create("payload", MFD_CLOEXEC);
	unsigned char *buffer = g_malloc(SI_FRAME_SIZE);
	struct si_failure failure = { 0 };
	struct si_reader reader;
	struct si_payload payload;

	g_assert_true(write(fd, bytes, size) == (ssize_t)size);
	if (si_payload_open(&payload, fd, 0, size, "it", &failure)) {
		g_assert_true(si_reader_init(&reader, &payload, &failure));
		for (uint32_t i = 0; i < MIN(payload.count, 4); i++) {
			const struct si_frame *frame = &payload.frames[i];

			g_assert_cmpuint(frame->length, <=, SI_FRAME_SIZE);
			g_assert_cmpuint(frame->offset + frame->length, <=, payload.disk_size);
			si_reader_read(&reader, i, buffer, &failure);
		}
		si_reader_clear(&reader);
		si_payload_free(&payload);
	}
	g_free(buffer);
	close(fd);
}

static void read_request(const uint8_t *data, size_t size)
{
	g_autofree char *line = g_strndup((const char *)data, size);
	struct si_failure failure = { 0 };
	struct si_request request;

	if (si_request_parse(line, &request, &failure))
		si_request_free(&request);
}

/* A partition table in the head of a disk: what comes of it lies within the disk, also when it has grown. */
static void read_table(const uint8_t *data, size_t size)
{
	unsigned char head[SI_SECTOR + SI_GPT_BYTES] = { 0 }, backup[SI_GPT_BYTES];
	const uint64_t disk_size = 64 * 1024 * 1024;
	struct si_gpt gpt;

	memcpy(head, data, MIN(size, sizeof(head)));
	if (!si_gpt_read(&gpt, head, sizeof(head), disk_size))
		return;
	g_assert_true(si_gpt_fit(&gpt, 2 * disk_size, backup));
	for (size_t i = 0; i < gpt.count; i++)
		g_assert_cmpuint(gpt.partitions[i].offset + gpt.partitions[i].size, <=,
				 2 * disk_size);
	g_assert_true(si_gpt_read(&gpt, head, sizeof(head), 2 * disk_size));
}

/* What the installer reads on foreign media and from the boot menu. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_request(data, size);
	read_table(data, size);
	if (size >= SI_HEADER_SIZE) {
		g_autofree unsigned char *copy = g_memdup2(data, size);

		read_payload(copy, size);
		seal(copy, size);
		read_payload(copy, size);
	}
	return 0;
}
