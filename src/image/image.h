/* SPDX-License-Identifier: MIT */
#pragma once

#include <ostree.h>

#include "core/progress.h"
#include "source/source.h"

/*
 * The cache: an ostree repository of the mode bare-user, owned by the user, with one commit a layer
 * under bootc's own refs and one merge commit an image.  Several builds may use it at once.
 */
struct sw_cache;

/*
 * Opens the cache at PATH (NULL: $XDG_CACHE_HOME/slipway, with HOME's .cache as ever), creating it where there is none.
 * SW_ERROR_ENVIRONMENT when it cannot be (no such right, a full disk, no user.* xattrs).
 */
gboolean sw_cache_open(const char *path, struct sw_cache **ret_cache, GCancellable *cancellable,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Closes and frees; NULL is fine. */
void sw_cache_free(struct sw_cache *cache);
typedef struct sw_cache SwCache;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwCache, sw_cache_free)

/* The directory of the cache; owned by CACHE. */
const char *sw_cache_path(const struct sw_cache *cache);

/* Its repository; owned by CACHE. */
OstreeRepo *sw_cache_repo(const struct sw_cache *cache);

/* The size of IMAGE's layers that CACHE lacks, as they are in the source. */
gboolean sw_image_missing(struct sw_cache *cache, const struct sw_oci_image *image,
			  guint64 *ret_bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What the import of an image leaves. */
struct sw_import {
	char *commit;	       /* checksum of the merge commit in the cache */
	char **layer_commits;  /* checksum of each layer's commit, in the manifest's order */
	guint layers_fetched;  /* layers that were fetched and imported now */
	guint64 bytes_fetched; /* size of their blobs */
};

/* Frees; NULL is fine. */
void sw_import_free(struct sw_import *import);
typedef struct sw_import SwImport;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwImport, sw_import_free)

/*
 * Brings the image of SOURCE into CACHE: fetches and imports the layers that it lacks, merges them
 * (contract 1.6, 1.7).  Errors: SW_ERROR_SOURCE for content that is not what its digest says or is no tar,
 * SW_ERROR_IMAGE for content that cannot be deployed (a path with "..", a device node, a hard link to nothing ...),
 * SW_ERROR_ENVIRONMENT for this machine's faults.
 */
gboolean sw_image_import(struct sw_cache *cache, struct sw_source *source,
			 struct sw_progress *progress, struct sw_import **ret_import,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
