/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/artifact.h"
#include "core/param.h"

/*
 * A place for artifacts.  storage/NAME.c defines one as sw_storage_NAME; the table is generated
 * from the file names.  Calls: open, then any number of the others, then close (also after a
 * failed open). Errors are SW_ERROR_STORAGE, or SW_ERROR_ENVIRONMENT for a full disk.
 */
struct sw_storage {
	const char *name;	       /* "local"; also the URI scheme */
	const char *summary;	       /* one line, no full stop */
	size_t state_size;	       /* of options and backend; zeroed and freed by the core */
	const struct sw_param *params; /* NULL: no options */

	/*
	 * Prepares LOCATION (a path, a URI without its scheme) for use; creates what may be
	 * created.
	 */
	gboolean (*open)(void *state, const char *location, GCancellable *cancellable,
			 GError **error);

	/*
	 * Stores the file of ARTIFACT under KEY ("qcow2/disk.qcow2"), all or nothing: no reader
	 * ever sees a part of it, and an older one under KEY stays until the new one is whole.
	 * MOVE: the file may be moved away instead of copied.
	 */
	gboolean (*put)(void *state, const char *key, const struct sw_artifact *artifact,
			gboolean move, GCancellable *cancellable, GError **error);

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
