/* SPDX-License-Identifier: MIT */
#include "image/refs.h"

#define LAYER_PREFIX "ostree/container/blob/"
#define IMAGE_PREFIX "ostree/container/image/"

char *sw_ref_escape(const char *text)
{
	g_autoptr(GString) ref = NULL;
	gboolean was_alnum = FALSE;

	if (*text == '\0' || !g_utf8_validate(text, -1, NULL))
		return NULL;
	ref = g_string_new(NULL);
	for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c)) {
		gboolean plain = g_ascii_isalnum(*c) || *c == '-' ||
				 (*c == '/' && was_alnum && c[1] != '\0');

		if (plain)
			g_string_append_c(ref, *c);
		else if (*c == '_')
			g_string_append(ref, "__");
		else
			g_string_append_printf(ref, "_%02X_", (guint)g_utf8_get_char(c));
		was_alnum = g_ascii_isalnum(*c);
	}
	return g_string_free(g_steal_pointer(&ref), FALSE);
}

static char *prefixed(const char *prefix, const char *text)
{
	g_autofree char *escaped = sw_ref_escape(text);

	return escaped == NULL ? NULL : g_strconcat(prefix, escaped, NULL);
}

char *sw_ref_for_layer(const char *digest)
{
	return prefixed(LAYER_PREFIX, digest);
}

char *sw_ref_for_image(const char *reference)
{
	return prefixed(IMAGE_PREFIX, reference);
}
