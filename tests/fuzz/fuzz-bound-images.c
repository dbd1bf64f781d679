/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>

#include "fuzz.h"
#include "image/bound-images.h"

/* A .image file: what comes out is one plain word, never an option. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *image = NULL;

	if (!sw_bound_image_parse((const char *)data, size, "Image", "f.image", &image, &error)) {
		g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
		return 0;
	}
	g_assert_true(g_ascii_isalnum(*image) || *image == '[' || *image == 'd');
	g_assert_null(strpbrk(image, " \n\t\\%"));
	return 0;
}
