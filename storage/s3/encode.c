/* SPDX-License-Identifier: MIT */
#include "storage/s3/encode.h"

#include <string.h>

void sw_s3_encode(GString *out, const char *text, gboolean keep_slash)
{
	g_string_append_uri_escaped(out, text, keep_slash ? "/" : NULL, FALSE);
}

char *sw_s3_decode(const char *text)
{
	g_autofree char *copy = g_strdup(text);

	g_strdelimit(copy, "+", ' ');
	return g_uri_unescape_string(copy, NULL);
}

GPtrArray *sw_s3_query_new(void)
{
	return g_ptr_array_new_with_free_func(g_free);
}

void sw_s3_query_add(GPtrArray *query, const char *name, const char *value)
{
	GString *text = g_string_new(NULL);

	sw_s3_encode(text, name, FALSE);
	g_string_append_c(text, '=');
	sw_s3_encode(text, value, FALSE);
	g_ptr_array_add(query, g_string_free(text, FALSE));
}

/* A name that is the beginning of another comes first: "=" counts as the end. */
static int compare_parameters(gconstpointer a, gconstpointer b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	size_t x_length = strcspn(x, "="), y_length = strcspn(y, "=");
	int order = memcmp(x, y, MIN(x_length, y_length));

	if (order != 0)
		return order;
	return x_length == y_length ? strcmp(x, y) : (x_length < y_length ? -1 : 1);
}

char *sw_s3_query_text(GPtrArray *query)
{
	GString *text = g_string_new(NULL);

	if (query != NULL) {
		g_ptr_array_sort(query, compare_parameters);
		for (guint i = 0; i < query->len; i++)
			g_string_append_printf(text, "%s%s", i == 0 ? "" : "&",
					       (const char *)query->pdata[i]);
	}
	return g_string_free(text, FALSE);
}
