/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <string.h>

#include "verify/image-file.h"

/* The beginning of a disk file: an accepted qcow2 names no other file where QEMU would look. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nothing[8];
	g_autoptr(GError) error = NULL;
	const char *format = NULL;

	if (!sw_image_file_probe(data, size, "disk", &format, &error)) {
		g_assert_true(g_error_matches(error, SW_ERROR, SW_ERROR_DEPLOY) ||
			      g_error_matches(error, SW_ERROR, SW_ERROR_USAGE));
		return 0;
	}
	if (strcmp(format, "qcow2") != 0) {
		g_assert_cmpstr(format, ==, "raw");
		g_assert_true(size < 4 || memcmp(data, "QFI\xfb", 4) != 0);
		return 0;
	}
	g_assert_cmpint(memcmp(data + 8, nothing, 8), ==, 0);
	g_assert_cmpint(memcmp(data + 16, nothing, 4), ==, 0);
	g_assert_cmpint(memcmp(data + 32, nothing, 4), ==, 0);
	return 0;
}
