/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "core/artifact.h"

/* The files that a format writes, in a scratch directory until they are whole. */
struct sw_output;

/* One of them, being written. */
struct sw_output_file {
	int fd;	    /* an empty regular file, opened for reading and writing; stays OUTPUT's own */
	char *path; /* where it lies now, for errors */
};

/*
 * An output of FORMAT (its name, static) in DIRECTORY.  DISK (NULL: there is none to give away) is
 * the path of a raw disk on the same filesystem that nobody needs after this run.
 */
struct sw_output *sw_output_new(const char *format, const char *directory, const char *disk);

/* Closes, and removes the files that were not finished; NULL is fine. */
void sw_output_free(struct sw_output *output);
typedef struct sw_output SwOutput;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwOutput, sw_output_free)

/*
 * Creates the file that will lie as NAME ("vmdk/disk.vmdk") below the output directory.  MEDIA_TYPE
 * is static.  DISK_SIZE is the size of the virtual disk in it, in bytes; 0: it is no disk.
 * RET_FILE stays OUTPUT's own.  Neither sync nor close it.  SW_ERROR_FORMAT "artifact".
 */
gboolean sw_output_add(struct sw_output *output, const char *name, const char *media_type,
		       guint64 disk_size, const struct sw_output_file **ret_file,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Creates a file for the work of the format, which is removed in the end.  As sw_output_add(). */
gboolean sw_output_add_scratch(struct sw_output *output, const struct sw_output_file **ret_file,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Makes the raw disk itself the file NAME, without a copy; FALSE where it cannot be given away: then
 * it is to be copied.
 */
gboolean sw_output_take_disk(struct sw_output *output, const char *name, const char *media_type,
			     guint64 disk_size);

/*
 * Adds all files with their sizes, but no SHA-256, to ARTIFACTS (struct sw_artifact) in the order in
 * which they were made; what was written is theirs from then on.  SW_ERROR_FORMAT.
 */
gboolean sw_output_finish(struct sw_output *output, GPtrArray *artifacts,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;
