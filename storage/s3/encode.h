/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Appends TEXT as RFC 3986 has it: all but letters, digits, "-", ".", "_" and "~" as %XX, "/" stays
 * where KEEP_SLASH.  The same bytes go over the wire and into the signature.
 */
void sw_s3_encode(GString *out, const char *text, gboolean keep_slash);

/* Undoes what a server does for encoding-type=url ("+" is a blank); NULL when it is not that. */
char *sw_s3_decode(const char *text);

/* A list of query parameters, each "name=value" and encoded. */
GPtrArray *sw_s3_query_new(void);

/* Adds one; VALUE "" for a name alone. */
void sw_s3_query_add(GPtrArray *query, const char *name, const char *value);

/* Sorts QUERY as signatures want it, and joins it; "" when it is empty or NULL. */
char *sw_s3_query_text(GPtrArray *query);
