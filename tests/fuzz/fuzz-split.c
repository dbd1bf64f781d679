/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <string.h>

#include "core/hash.h"
#include "image/split.h"
#include "image/tar.h"
#include "tar.h"

struct feed {
	const guint8 *data;
	size_t left;
};

static gboolean next_chunk(void *data, const guint8 **ret_chunk, size_t *ret_length,
			   G_GNUC_UNUSED GError **error)
{
	struct feed *feed = data;

	*ret_chunk = feed->data;
	*ret_length = MIN(feed->left, 1000);
	feed->data += *ret_length;
	feed->left -= *ret_length;
	return TRUE;
}

/* Names each object in TAR after what is in it, so that its form is looked at, too. */
static void name_objects(guint8 *tar, size_t size)
{
	static const char objects[] = "objects/";

	for (size_t at = 0; at + 512 <= size; at += 512) {
		char *block = (char *)tar + at;
		char *name = memmem(block, 100, objects, strlen(objects));
		char hex[SW_SHA256_SIZE];
		char digits[13] = { 0 };
		guint64 length = 0;

		if (memcmp(block + 257, "ustar", 5) != 0 || name == NULL ||
		    name + strlen(objects) + 66 > block + 100)
			continue;
		memcpy(digits, block + 124, 12);
		length = g_ascii_strtoull(digits, NULL, 8);
		if (length > size - at - 512)
			continue;
		sw_sha256_data(block + 512, length, hex);
		memcpy(name + strlen(objects), hex, 2);
		memcpy(name + strlen(objects) + 3, hex + 2, 62);
	}
}

/* What the writer of the objects does with them. */
static void use(const struct sw_split_object *object, struct sw_tar *tar)
{
	const guint8 *data = NULL;
	size_t length = 1;

	g_assert_cmpuint(strspn(object->checksum, "0123456789abcdef"), ==, 64);
	if (object->type != OSTREE_OBJECT_TYPE_FILE) {
		g_assert_true(g_variant_is_normal_form(object->metadata));
		return;
	}
	g_assert_null(object->metadata);
	if (object->file.xattrs != NULL) {
		gsize count = g_variant_n_children(object->file.xattrs);

		for (gsize i = 0; i < count; i++) {
			const char *name = NULL;

			g_variant_get_child(object->file.xattrs, i, "(^&ay@ay)", &name, NULL);
			g_assert_cmpuint(strlen(name), >, 0);
		}
	}
	if (object->file.type == SW_TAR_SYMLINK) {
		g_assert_true(g_utf8_validate(object->file.target, -1, NULL));
		return;
	}
	for (guint i = 0; length > 0 && i < 1000; i++)
		if (!sw_tar_data(tar, &data, &length, NULL))
			return;
}

/* The tar of a layer of an encapsulated image: all but the writing.  The first byte is the kind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree guint8 *named = g_malloc(size + 1);
	g_autofree guint8 *sealed = NULL;
	g_autoptr(SwTar) tar = NULL;
	g_autoptr(SwSplit) split = NULL;
	g_autoptr(GError) error = NULL;
	const struct sw_split_object *object = NULL;
	struct feed feed = { 0 };

	if (size < 1)
		return 0;
	memcpy(named, data + 1, size - 1);
	name_objects(named, size - 1);
	sealed = seal(named, size - 1);
	feed = (struct feed){ sealed, size - 1 };
	tar = sw_tar_new(next_chunk, &feed);
	split = sw_split_new(tar, data[0] & 1 ? SW_SPLIT_COMMIT : SW_SPLIT_OBJECTS);
	while (sw_split_next(split, &object, NULL, &error) && object != NULL)
		use(object, tar);
	if (error != NULL) {
		g_assert_true(error->domain == SW_ERROR);
		g_assert_true(error->code == SW_ERROR_SOURCE || error->code == SW_ERROR_IMAGE);
		g_assert_null(strchr(error->message, '\n'));
		g_assert_true(g_utf8_validate(error->message, -1, NULL));
	}
	return 0;
}
