/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <string.h>

#include "store/uri.h"

/* Whatever parses names a place, leads out of none, and holds no secret; messages are one line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(SwStoreUri) uri = NULL;
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) parts = NULL;

	text[strcspn(text, "\n")] = '\0'; /* corpus files end like text files */
	if (!sw_store_uri_parse(text, &uri, &error)) {
		g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
		g_assert_true(g_utf8_validate(error->message, -1, NULL));
		g_assert_null(strchr(error->message, '\n'));
		return 0;
	}
	g_assert_true(g_utf8_validate(uri->location, -1, NULL));
	g_assert_cmpuint(strlen(uri->location), >, 0);
	g_assert_null(strpbrk(uri->location, "\n\r\t\033"));
	parts = g_strsplit(uri->location, "/", -1);
	if (!g_str_equal(uri->storage->scheme, "file"))
		g_assert_false(g_strv_contains((const char *const *)parts, ".."));
	return 0;
}
