/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/artifact.h"
#include "core/error.h"

#define SW_RECORD_SUMS "SHA256SUMS"
#define SW_RECORD_MANIFEST "manifest.json"
/* Longer ones are nobody's record. */
#define SW_RECORD_LIMIT (16 * 1024 * 1024)

/* A line of SHA256SUMS. */
struct sw_sum {
	char *key; /* of the place */
	char sha256[SW_SHA256_SIZE];
};

/* The text of SHA256SUMS whose name begins with RECORD, for ARTIFACTS under KEYS; to be freed. */
char *sw_sums_text(const char *record, GPtrArray *artifacts, char *const *keys);

/*
 * Parses TEXT, the SHA256SUMS under KEY, whose names are relative to its directory: struct sw_sum.
 * SW_ERROR_STORAGE "bad-record" for a line that is none and a name that leads out of it.
 */
gboolean sw_sums_parse(const char *text, const char *key, GPtrArray **ret_sums,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What the name of the record begins with whose file NAME lies under KEY ("a/b/manifest.json"); NULL: it
 * is none.  To be freed. */
char *sw_record_of(const char *key, const char *name);

/* What a manifest.json says of its publication. */
struct sw_published {
	char *name;
	char *version;
	char *arch;
	char *tag;   /* NULL: it is no other name for another one */
	gint64 time; /* seconds since 1970 */
};

/*
 * Parses TEXT, a manifest.json, hostile; *RET_PUBLISHED is NULL when slipway did not publish it.
 * SW_ERROR_STORAGE "bad-record" when it is no JSON object, or holds something of another type.
 */
gboolean sw_published_parse(const char *text, struct sw_published **ret_published,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_published_free(struct sw_published *published);
typedef struct sw_published SwPublished;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwPublished, sw_published_free)
