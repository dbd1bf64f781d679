/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/qcow2.h"
#include "core/size.h"
#include "fuzz.h"

/* What is read of a disk: images of a few bytes can hold exabytes. */
#define STRETCHES 64
#define BYTES (64 * SW_KIB)

static void read_disk(struct sw_sparse *disk)
{
	static guint8 buffer[BYTES];
	guint64 start = 0, end = 0;

	for (int i = 0; i < STRETCHES; i++) {
		guint64 offset = end;

		if (!sw_sparse_next(disk, offset, &start, &end, NULL))
			return;
		g_assert_cmpuint(start, >=, offset);
		if (start >= sw_sparse_size(disk))
			return;
		g_assert_cmpuint(end, >, start);
		g_assert_cmpuint(end, <=, sw_sparse_size(disk));
		if (!sw_sparse_read(disk, buffer, MIN(BYTES, end - start), start, NULL))
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(SwSparse) disk = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *path = NULL;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, data, size), ==, size);
	path = g_strdup_printf("/proc/self/fd/%d", fd);
	if (sw_disk_image_open(path, &disk, &error))
		read_disk(disk);
	else
		g_assert_nonnull(error);
	close(fd);
	return 0;
}
