/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <string.h>

#include "core/gpt.h"

/* The sectors of a disk that have something in them: so many at its beginning and at its end. */
#define HEAD (34 * SW_SECTOR)
#define TAIL (33 * SW_SECTOR)

struct disk {
	guint8 bytes[HEAD + TAIL];
	guint64 end; /* of its whole sectors */
};

static gboolean read_disk(void *data, void *buffer, size_t length, guint64 offset,
			  G_GNUC_UNUSED GError **error)
{
	const struct disk *disk = data;
	guint8 *to = buffer;

	g_assert_cmpuint(offset, <=, disk->end);
	g_assert_cmpuint(length, <=, disk->end - offset);
	for (size_t i = 0; i < length; i++) {
		guint64 at = offset + i;

		if (at < HEAD)
			to[i] = disk->bytes[at];
		else
			to[i] = disk->end - at > TAIL ? 0
						      : disk->bytes[HEAD + TAIL - (disk->end - at)];
	}
	return TRUE;
}

/* A partition table: nothing is read outside of the disk, and what comes out lies within it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct disk disk = { 0 };
	g_autoptr(GError) error = NULL;
	g_autoptr(SwGpt) gpt = NULL;
	guint64 disk_size = 0;

	memcpy(&disk_size, data, MIN(size, 8));
	if (size > 8)
		memcpy(disk.bytes, data + 8, MIN(size - 8, sizeof disk.bytes));
	disk.end = disk_size / SW_SECTOR * SW_SECTOR;
	g_assert_true(sw_gpt_read(read_disk, &disk, disk_size, &gpt, &error));
	for (guint i = 0; i < gpt->partitions->len; i++) {
		const struct sw_gpt_partition *partition = gpt->partitions->pdata[i];

		g_assert_cmpuint(partition->offset, <, disk_size);
		g_assert_cmpuint(partition->size, <=, disk_size - partition->offset);
		g_assert_true(g_utf8_validate(partition->name, -1, NULL));
	}
	return 0;
}
