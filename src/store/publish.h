/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/progress.h"
#include "store/naming.h"
#include "store/place.h"

/* A place to publish to, and how it went. */
struct sw_destination {
	struct sw_store *store;
	char *name;	  /* for progress: "s3", "s3-2" */
	char **keys;	  /* of the artifacts, in their order; NULL: not known yet */
	char *record;	  /* what the names of the record's files begin with */
	gboolean stored;  /* the artifacts are there, and their record */
	GPtrArray *tags;  /* char *: those that are there */
	guint64 unsent;	  /* bytes that lay there already */
	GError *error;	  /* why not; NULL */
	gboolean all_old; /* nothing had to be stored */
};

/* What is to be published. */
struct sw_publication {
	const char *layout;
	struct sw_naming naming;
	char *const *tags; /* further versions (or tags, where the layout has {tag}) of the same */
	gboolean latest;   /* and "latest", when all else is there */
	gboolean overwrite;
	GPtrArray *artifacts; /* struct sw_artifact, also without a SHA-256 as yet */
	/* The manifest when they have it, JSON to be freed: publication and locations are added. */
	char *(*manifest)(const void *data);
	const void *manifest_data;
};

/* Makes the SHA-256 that ARTIFACTS have not as yet. */
gboolean sw_publish_hash(GPtrArray *artifacts, struct sw_progress *progress,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Opens STORES (URIs, NULL at the end) with OPTIONS: an array of struct sw_destination.
 * SW_ERROR_USAGE, also for two of the same URI.
 */
gboolean sw_publish_open(char *const *stores, char *const *options, GPtrArray **ret_destinations,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Before the work: can all DESTINATIONS be reached and written to, with room for BYTES?  What is
 * wrong is a note each in PROGRESS if there are several; the first is the error.
 */
gboolean sw_publish_check(GPtrArray *destinations, guint64 bytes, struct sw_progress *progress,
			  GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Has PUBLICATION a key of its own for each artifact, and for each tag?  Opens nothing. */
gboolean sw_publish_check_keys(const struct sw_publication *publication,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Stores PUBLICATION in all DESTINATIONS at once: artifacts, SHA256SUMS, manifest.json, then tags,
 * last "latest".  A key that holds the same already is not sent again; one that holds something
 * else is an error without overwrite, before anything is sent there.  A failure of one does not
 * stop the others: SW_ERROR_STORAGE at the end.  RET_MANIFEST is the manifest with all results,
 * set in any case but a cancellation; to be freed.
 */
gboolean sw_publish(GPtrArray *destinations, const struct sw_publication *publication,
		    struct sw_progress *progress, char **ret_manifest, GCancellable *cancellable,
		    GError **error) G_GNUC_WARN_UNUSED_RESULT;
