/* SPDX-License-Identifier: MIT */
#pragma once

#include <string.h>

#include "program.h"

/*
 * Buckets of the server at AWS_ENDPOINT_URL, as clients that are not slipway's see them: the aws
 * client makes them, curl reads them without any signature.
 */

/* What the query QUERY (NULL: a plain GET) says of PATH, "BUCKET" or "BUCKET/KEY"; NULL: nothing
 * good. The caller frees it. */
static inline char *s3_ask(const char *path, const char *query, gsize *ret_length)
{
	g_autofree char *escaped = g_uri_escape_string(path, "/", FALSE);
	g_autofree char *url =
		g_strdup_printf("%s/%s%s%s", g_getenv("AWS_ENDPOINT_URL"), escaped,
				query == NULL ? "" : "?", query == NULL ? "" : query);
	const char *argv[] = { "curl", "--silent", "--fail", "--path-as-is", url, NULL };

	return try_program(argv, ret_length);
}

/* Makes BUCKET, in which everybody may do everything. */
static inline void s3_make_bucket(const char *bucket)
{
	g_autofree char *policy = g_strdup_printf(
		"{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", "
		"\"Principal\": \"*\", \"Action\": \"s3:*\", \"Resource\": "
		"[\"arn:aws:s3:::%s\", \"arn:aws:s3:::%s/*\"]}]}",
		bucket, bucket);
	const char *make[] = { "aws", "s3api", "create-bucket", "--bucket", bucket, NULL };
	const char *allow[] = { "aws",	    "s3api", "put-bucket-policy",
				"--bucket", bucket,  "--policy",
				policy,	    NULL };
	gsize length = 0;
	g_autofree char *made = NULL;
	g_autofree char *allowed = NULL;

	g_assert_nonnull(g_getenv("AWS_ENDPOINT_URL"));
	made = try_program(make, &length);
	g_assert_nonnull(made);
	allowed = try_program(allow, &length);
	g_assert_nonnull(allowed);
}

/* A location of its own in BUCKET, which is made first; the caller frees it. */
static inline char *s3_new_location(const char *bucket)
{
	static gboolean ready;
	g_autofree char *name = g_uuid_string_random();

	if (!ready)
		s3_make_bucket(bucket);
	ready = TRUE;
	return g_strdup_printf("%s/put here/%s", bucket, name);
}

/* The bytes of the object KEY of LOCATION; NULL: there is none. The caller frees them. */
static inline char *s3_read(const char *location, const char *key, gsize *ret_length)
{
	g_autofree char *path = g_strconcat(location, "/", key, NULL);

	return s3_ask(path, NULL, ret_length);
}

/* How often WORD occurs in the list of what is below LOCATION that QUERY asks for. */
static inline guint s3_count_words(const char *location, const char *query, const char *word)
{
	const char *slash = strchr(location, '/');
	g_autofree char *bucket = g_strndup(location, (gsize)(slash - location));
	g_autofree char *prefix = g_uri_escape_string(slash + 1, "/", FALSE);
	g_autofree char *whole = g_strdup_printf("%sprefix=%s/", query, prefix);
	gsize length = 0;
	g_autofree char *answer = s3_ask(bucket, whole, &length);
	guint count = 0;

	g_assert_nonnull(answer);
	for (const char *p = answer; (p = g_strstr_len(p, answer + length - p, word)) != NULL; p++)
		count++;
	return count;
}

/* Objects, and uploads that are not complete. */
static inline guint s3_count(const char *location)
{
	return s3_count_words(location, "", "<Key>") +
	       s3_count_words(location, "uploads&", "<Upload>");
}
