/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <string.h>

#include "core/storage.h"
#include "store/records.h"

/* SHA256SUMS and manifest.json of a place, which others may write: no key leads out of it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(SwPublished) published = NULL;
	g_autoptr(GPtrArray) sums = NULL;

	if (sw_sums_parse(text, "a/b/SHA256SUMS", &sums, NULL))
		for (guint i = 0; i < sums->len; i++) {
			const struct sw_sum *sum = sums->pdata[i];

			g_assert_true(g_str_has_prefix(sum->key, "a/b/"));
			g_assert_true(sw_key_check(sum->key, NULL));
			g_assert_cmpuint(strlen(sum->sha256), ==, SW_SHA256_HEX);
		}
	if (sw_published_parse(text, &published, NULL) && published != NULL)
		g_assert_true(published->name != NULL && published->version != NULL &&
			      published->arch != NULL);
	return 0;
}
