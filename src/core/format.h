/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/param.h"
#include "core/sparse.h"

/*
 * An output format.  formats/NAME.c defines one as sw_format_NAME; the table is generated from the
 * file names.  The core allocates the state, fills it from the option rows, names and hashes the
 * file, and removes it when write() fails.
 */
struct sw_format {
	const char *name;	    /* the word on the command line */
	const char *const *aliases; /* other words for it, NULL at the end; NULL: none */
	const char *summary;	    /* one line, no full stop */
	const char *file;	    /* path below the output directory, as the peers lay it out */
	const char *media_type;
	const char *hint;  /* how to use it: a command with FILE for its path; NULL: none */
	size_t state_size; /* of the option fields; zeroed and freed by the core */
	const struct sw_param *params; /* NULL: no options */

	/*
	 * Is the file, with default options, the raw disk itself?  The core may then hand out the
	 * disk that it made instead of calling write().
	 */
	gboolean is_disk;

	/*
	 * Are the options of STATE good together, and can a disk of DISK_SIZE bytes be written?
	 * Called before any work; SW_ERROR_USAGE or SW_ERROR_FORMAT.  NULL: always.
	 */
	gboolean (*check)(const void *state, guint64 disk_size, GError **error);

	/*
	 * Writes DISK to FD, an empty regular file opened for reading and writing; PATH is for
	 * errors.  Deterministic at any number of THREADS (at least 1).  Calls PROGRESS (may be
	 * NULL) with the bytes of the virtual disk done so far, from any thread.  Does not sync and
	 * does not close.
	 */
	gboolean (*write)(const void *state, struct sw_sparse *disk, int fd, const char *path,
			  int threads, void (*progress)(guint64 done, void *data), void *data,
			  GCancellable *cancellable, GError **error);
};

/* All formats, sorted by name; generated, NULL at the end. */
extern const struct sw_format *const sw_formats[];

/*
 * The format whose name or alias is NAME; NULL with SW_ERROR_USAGE (and the nearest name) if none.
 */
const struct sw_format *sw_format_find(const char *name, GError **error);
