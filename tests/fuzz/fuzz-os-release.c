/* SPDX-License-Identifier: MIT */
#include <stdint.h>

#include "image/os-release.h"
#include "image/prepare-root.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The texts of os-release, whose values become part of a boot entry, and of prepare-root.conf. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GHashTable) table = sw_os_release_parse((const char *)data, size);
	g_autoptr(GError) error = NULL;
	enum sw_composefs mode;
	GHashTableIter iter;
	void *key;
	void *value;

	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		g_assert_true(g_utf8_validate(value, -1, NULL));
		for (const char *c = value; *c != '\0'; c++)
			g_assert_false(g_ascii_iscntrl(*c));
	}
	if (!sw_prepare_root_parse((const char *)data, size, "f.conf", &mode, &error))
		g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	return 0;
}
