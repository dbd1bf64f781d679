/* SPDX-License-Identifier: MIT */
#pragma once

#include "storage/directory/directory.h"

/* Where a key leads to. */
struct sw_place {
	const struct sw_directory *directory;
	char *path;	  /* for errors */
	char *name;	  /* the last component of the key */
	int fd;		  /* the directory that holds it */
	GPtrArray *made;  /* directories made for it, relative to the location */
	gboolean settled; /* those stay */
};

/*
 * Opens the directory of KEY (unchecked); MAKE: makes what is missing, until sw_place_clear() unless
 * it is settled.  Links are not followed: they could lead out of the location.  Without MAKE a
 * missing directory is "no-key".  To be cleared after a failure as well.
 */
gboolean sw_place_open(struct sw_place *place, struct sw_directory *directory, const char *key,
		       gboolean make, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; removes what was made and is not settled. */
void sw_place_clear(struct sw_place *place);

/* SW_ERROR_STORAGE with errno: what cannot be done (VERB) with the path of PLACE. */
gboolean sw_place_fail(const struct sw_place *place, const char *verb, GError **error);

/*
 * Opens the location; -1 with ERROR.  MAKE: makes it.  Without MAKE a missing one is -1 with
 * "no-key".  The descriptor belongs to DIRECTORY.
 */
int sw_directory_fd(struct sw_directory *directory, gboolean make, GError **error);

/* Is a filesystem mounted where one must be, the one whose location is open? */
gboolean sw_directory_mounted(const struct sw_directory *directory,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;
