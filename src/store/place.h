/* SPDX-License-Identifier: MIT */
#pragma once

#include "store/uri.h"

/* A place that is open. */
struct sw_store {
	const struct sw_storage *storage;
	void *state;
	char *text; /* its URI as given */
};

/*
 * Opens the place at URI with OPTIONS ("NAME.KEY=VALUE", those of other backends are passed over;
 * NULL: none); what the URI's query says wins.  LOCATION: another one of the same backend; NULL: the
 * URI's.
 */
gboolean sw_store_open(const struct sw_store_uri *uri, const char *location, char *const *options,
		       struct sw_store **ret_store, GCancellable *cancellable,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * OPTIONS for sw_store_open() with AUTHFILE (NULL: none) for each backend that has such an option
 * and is not given another; to be freed.
 */
char **sw_store_options(char *const *options, const char *authfile);

/* Closes; NULL is fine. */
void sw_store_free(struct sw_store *store);
typedef struct sw_store SwStore;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwStore, sw_store_free)

/* Is there something under KEY?  FALSE with ERROR: it cannot be found out. */
gboolean sw_store_has(struct sw_store *store, const char *key, gboolean *ret_there,
		      struct sw_stored *ret_stored, GCancellable *cancellable,
		      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The SHA-256 of what lies under KEY, by reading it. */
gboolean sw_store_hash(struct sw_store *store, const char *key, char ret_hex[SW_SHA256_SIZE],
		       guint64 *ret_size, GCancellable *cancellable,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The small text under KEY, at most LIMIT bytes; to be freed. */
gboolean sw_store_read(struct sw_store *store, const char *key, size_t limit, char **ret_text,
		       GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Stores TEXT under KEY, over an older one. */
gboolean sw_store_write(struct sw_store *store, const char *key, const char *text,
			const char *media_type, GCancellable *cancellable,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;
