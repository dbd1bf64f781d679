/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/artifact.h"
#include "core/param.h"

/* What a place holds under a key. */
struct sw_stored {
	guint64 size;		     /* bytes */
	char sha256[SW_SHA256_SIZE]; /* as the place has noted it at the put; "" when it has not */
	gint64 modified;	     /* seconds since 1970 */
};

/* How a put is done. */
struct sw_put {
	gboolean move;	    /* the file may be moved away instead of copied */
	gboolean overwrite; /* else a key that exists is SW_ERROR_STORAGE "key-exists" */
	/*
	 * For the SHA-256 of what was stored, SW_SHA256_SIZE characters, where the row says .hashes and
	 * the artifact has none as yet; NULL: not wanted.
	 */
	char *ret_sha256;
	/* The caller has just seen that nothing is under the key. */
	gboolean looked;
	/* Facts of the artifact for places that keep some, name to text (char *); NULL: none. */
	GHashTable *metadata;
	/* Told the bytes sent so far, from any thread; NULL: nobody asks. */
	void (*progress)(guint64 done, void *data);
	void *progress_data;
};

/* Takes LENGTH bytes of a file that is read; FALSE with ERROR ends the reading. */
typedef gboolean (*sw_storage_sink)(const void *bytes, size_t length, void *data, GError **error);

/* Is told of a key; FALSE with ERROR ends the listing. */
typedef gboolean (*sw_storage_lister)(const char *key, const struct sw_stored *stored, void *data,
				      GError **error);

/* Is told the result of one check: what was looked at, and if it is bad (ERROR) the remedy. */
typedef void (*sw_storage_report)(const char *name, const GError *error, void *data);

/*
 * A place for artifacts.  storage/NAME.c defines one as sw_storage_NAME; the table is generated
 * from the file names.  Calls: open, then any number of the others, then close (also after a
 * failed open). Errors are SW_ERROR_STORAGE, or SW_ERROR_ENVIRONMENT for a full disk; "no-key" for a
 * key that is not there, "no-delete" where nothing can be removed.  All keys are checked by the caller with sw_key_check().
 */
struct sw_storage {
	const char *name;    /* "local" */
	const char *scheme;  /* of its URIs: "file", "s3" */
	const char *summary; /* one line, no full stop */
	/*
	 * What ends a place in a URI before the key of a file in it ("PLACE:KEY"), where not each "/"
	 * can; 0: each can.
	 */
	char mark;
	size_t state_size;	       /* of options and backend; zeroed and freed by the core */
	const struct sw_param *params; /* NULL: no options */
	gboolean hashes;	       /* put() makes the SHA-256 of an artifact that has none */

	/*
	 * Prepares LOCATION (a URI without its scheme, "//" and query: "/srv/images", "BUCKET/PREFIX",
	 * "CLAIM/PATH") for use; makes no connection and nothing in the place.
	 */
	gboolean (*open)(void *state, const char *location, GCancellable *cancellable,
			 GError **error);

	/*
	 * Before the work: is the place reachable, may we write (an own probe that is removed), is
	 * there room for BYTES?  Each look is told to REPORT; FALSE with the first error if one is bad.
	 */
	gboolean (*check)(void *state, guint64 bytes, sw_storage_report report, void *data,
			  GCancellable *cancellable, GError **error);

	/* How many calls at a time may bring more than one after another; NULL: one. */
	guint (*at_once)(const void *state);

	/*
	 * Stores the file of ARTIFACT under KEY ("qcow2/disk.qcow2"), all or nothing: no reader
	 * ever sees a part of it, and an older one under KEY stays until the new one is whole.  What
	 * the place holds afterwards has been compared with the artifact's SHA-256 by its own means.
	 */
	gboolean (*put)(void *state, const char *key, const struct sw_artifact *artifact,
			const struct sw_put *how, GCancellable *cancellable, GError **error);

	/* Stores what lies under FROM also under TO without sending it again, over an older one. */
	gboolean (*link)(void *state, const char *from, const char *to, GCancellable *cancellable,
			 GError **error);

	/* What lies under KEY. */
	gboolean (*stat)(void *state, const char *key, struct sw_stored *ret,
			 GCancellable *cancellable, GError **error);

	/* Tells LISTER all keys that begin with PREFIX ("" for all), in the order of their bytes. */
	gboolean (*list)(void *state, const char *prefix, sw_storage_lister lister, void *data,
			 GCancellable *cancellable, GError **error);

	/* Gives SINK the bytes under KEY from OFFSET to the end, in order. */
	gboolean (*get)(void *state, const char *key, guint64 offset, sw_storage_sink sink,
			void *data, GCancellable *cancellable, GError **error);

	/*
	 * Writes the bytes under KEY from OFFSET to SIZE, all that there are, to their places in FD
	 * (PATH, for errors), several stretches at a time.  REACHED is told, from any thread, up to
	 * where all is there.  NULL: it is no faster than get().
	 */
	gboolean (*get_file)(void *state, const char *key, int fd, const char *path, guint64 offset,
			     guint64 size, void (*reached)(guint64 end, void *data), void *data,
			     GCancellable *cancellable, GError **error);

	/* Removes what lies under KEY; no error when there is nothing. */
	gboolean (*remove)(void *state, const char *key, GCancellable *cancellable, GError **error);

	/*
	 * A URL from which anybody may get KEY for EXPIRES seconds; the caller frees it.  NULL without
	 * ERROR: the place has no such URLs.
	 */
	char *(*url)(void *state, const char *key, guint64 expires, GError **error);

	/* Frees what open() made beyond the option fields; accepts a half-open state. */
	void (*close)(void *state);
};

/*
 * May KEY name an artifact in any backend?  At most 1024 bytes of UTF-8 without control characters,
 * relative, no component empty, "." or "..".  Every put() checks; SW_ERROR_STORAGE "bad-key".
 */
gboolean sw_key_check(const char *key, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* All backends, sorted by name; generated, NULL at the end. */
extern const struct sw_storage *const sw_storages[];
