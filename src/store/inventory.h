/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/progress.h"
#include "store/place.h"
#include "store/records.h"

/* A publication that was found in a place by its manifest.json. */
struct sw_found {
	char *record;			/* what the names of its record's files begin with */
	struct sw_published *published; /* NULL: not by slipway */
	GPtrArray *sums;		/* struct sw_sum; NULL: no SHA256SUMS, or a bad one */
	guint64 bytes;			/* what its files take */
};

/* All that lies in a place. */
struct sw_inventory {
	GHashTable *keys; /* char * to struct sw_stored */
	GPtrArray *found; /* struct sw_found, in the order of their keys */
};

/* Lists the place and reads its records. */
gboolean sw_inventory_make(struct sw_store *store, struct sw_inventory **ret_inventory,
			   GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_inventory_free(struct sw_inventory *inventory);
typedef struct sw_inventory SwInventory;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwInventory, sw_inventory_free)

/* What is wrong with a key. */
struct sw_problem {
	char *key;
	char *what;
};

/*
 * Reads everything that the records list and compares it: struct sw_problem each.  *RET_CHECKED:
 * how many files; *RET_UNLISTED: how many are in no record.
 */
gboolean sw_inventory_verify(struct sw_store *store, const struct sw_inventory *inventory,
			     struct sw_progress *progress, GPtrArray *problems, guint *ret_checked,
			     guint *ret_unlisted, GCancellable *cancellable,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What prune keeps. */
struct sw_retention {
	guint64 keep_last;   /* at most so many of each name and architecture; 0: any number */
	gint64 max_age;	     /* seconds; 0: any age */
	guint64 max_bytes;   /* of all together; 0: any */
	char *const *pinned; /* versions that stay, with "*" and "?"; NULL: none */
	gint64 now;	     /* seconds since 1970 */
};

/*
 * The publications that RETENTION does not keep (struct sw_found, owned by INVENTORY), oldest first.
 * Never one that slipway has not published, a tag, a pinned one, or the newest of its name and
 * architecture.
 */
GPtrArray *sw_inventory_prune(const struct sw_inventory *inventory,
			      const struct sw_retention *retention);

/* Removes what FOUND lists and no other publication does, then its record. */
gboolean sw_inventory_remove(struct sw_store *store, const struct sw_inventory *inventory,
			     const struct sw_found *found, GCancellable *cancellable,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
