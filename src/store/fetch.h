/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/progress.h"
#include "store/place.h"

/*
 * Opens the place that holds what URI names, whose last PARTS components are the key (to be freed).
 * SW_ERROR_USAGE where there are not as many.
 */
gboolean sw_store_open_key(const struct sw_store_uri *uri, guint parts, char *const *options,
			   struct sw_store **ret_store, char **ret_key, GCancellable *cancellable,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What is to be fetched. */
struct sw_fetch {
	const struct sw_store_uri *uri;
	char *const *options;
	const char *output; /* a file, or a directory that is there */
	gboolean overwrite; /* a file that is there */
	struct sw_progress *progress;
};

/* What was fetched. */
struct sw_fetched {
	char *path;
	guint64 size;
	guint64 resumed; /* bytes that an earlier run had fetched */
	char sha256[SW_SHA256_SIZE];
	gboolean verified; /* against what the place or its SHA256SUMS says */
};

/*
 * Fetches what the URI names into PATH.part, which a further run continues, compares its SHA-256
 * with the one the place has noted or SHA256SUMS beside it or further up says, and renames it.
 */
gboolean sw_store_fetch(const struct sw_fetch *fetch, struct sw_fetched *ret_fetched,
			GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
