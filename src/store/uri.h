/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"
#include "core/storage.h"

/* Where a place for artifacts is. */
struct sw_store_uri {
	const struct sw_storage *storage;
	char *location;	     /* for its open() */
	GHashTable *options; /* name to text, both char *: what the query says */
	char *text;	     /* as given: fit to be shown, as secrets are refused */
};

/*
 * Parses "/PATH" or "PATH" (a directory), or "SCHEME://LOCATION?NAME=VALUE&..." where the scheme is
 * a backend's, and location and values may be percent-encoded.  The names are options of the
 * backend, checked as such.  Refused: a user or a password, an option that is a secret, "..", a
 * fragment.  SW_ERROR_USAGE; no message repeats more than scheme and option names.
 */
gboolean sw_store_uri_parse(const char *text, struct sw_store_uri **ret_uri,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_store_uri_free(struct sw_store_uri *uri);
typedef struct sw_store_uri SwStoreUri;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwStoreUri, sw_store_uri_free)

/* The backend NAME ("pvc"); NULL if there is none. */
const struct sw_storage *sw_store_find(const char *name);

/*
 * Is TEXT ("pvc.root=/mnt") an option of a backend that may stand on a command line or in a
 * document?  RET_CANONICAL is to be freed.  SW_ERROR_USAGE.
 */
gboolean sw_store_check_option(const char *text, char **ret_canonical,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;
