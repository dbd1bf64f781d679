/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <gio/gio.h>
#include <string.h>

#include "core/hash.h"
#include "source/oci.h"

#define SEPARATOR "\n---\n" /* between manifest and configuration */
#define DIGEST "sha256:0000000000000000000000000000000000000000000000000000000000000000"

static void check_image(const struct sw_oci_image *image)
{
	g_assert_cmpuint(image->layers->len, >, 0);
	g_assert_nonnull(image->architecture);
	g_assert_nonnull(image->os);
	for (guint i = 0; i < image->layers->len; i++) {
		const struct sw_oci_layer *layer = g_ptr_array_index(image->layers, i);

		g_assert_true(sw_digest_valid(layer->digest));
		g_assert_true(sw_digest_valid(layer->diff_id));
		g_assert_nonnull(layer->media_type);
		g_assert_cmpuint(layer->size, <=, G_GUINT64_CONSTANT(1) << 40);
	}
	g_assert_true(image->version == NULL || g_utf8_validate(image->version, -1, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *manifest = (const char *)data;
	const char *middle = memmem(data, size, SEPARATOR, strlen(SEPARATOR));
	size_t length = middle != NULL ? (size_t)(middle - manifest) : size;
	size_t rest = middle != NULL ? size - length - strlen(SEPARATOR) : 0;
	const char *config = middle != NULL ? middle + strlen(SEPARATOR) : manifest;
	g_autoptr(GError) error = NULL;
	g_autoptr(SwOciImage) image = NULL;

	if (sw_oci_image_parse(DIGEST, manifest, length, config, rest, &image, &error))
		check_image(image);
	else
		g_assert_true(g_utf8_validate(error->message, -1, NULL));
	return 0;
}
