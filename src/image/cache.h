/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/image.h"

/*
 * What the import needs of the cache beyond image.h.
 */

/*
 * Begins to write: waits for nobody, clears what killed or failed imports left (when no other runs),
 * starts a transaction.  To be ended by one of the two below.
 */
gboolean sw_cache_begin(struct sw_cache *cache, GCancellable *cancellable,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Ends the transaction well: all objects on the disk first, then the refs that it set.  On failure it
 * is aborted.
 */
gboolean sw_cache_commit(struct sw_cache *cache, GCancellable *cancellable,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Ends the transaction without a trace. */
void sw_cache_abort(struct sw_cache *cache);

/*
 * SW_ERROR_ENVIRONMENT "disk-full" when the filesystem of CACHE has less than NEEDED bytes for WHAT
 * ("the image's layers").
 */
gboolean sw_cache_check_space(const struct sw_cache *cache, guint64 needed, const char *what,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;
