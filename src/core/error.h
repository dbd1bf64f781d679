/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * Errors are for the person who must act: one line, lower case, no full stop, names the object and
 * says what to do.  The code is the exit status; the id is a stable word for scripts.
 */
#define SW_ERROR (sw_error_quark())

/* Also the exit status of the program. */
enum sw_error {
	SW_ERROR_UNFORESEEN = 1,  /* anything unforeseen: a defect of slipway */
	SW_ERROR_USAGE = 2,	  /* the command line */
	SW_ERROR_DOCUMENT = 3,	  /* the build document */
	SW_ERROR_SOURCE = 4,	  /* the image could not be found, read or verified */
	SW_ERROR_IMAGE = 5,	  /* the image was read and is unsuitable */
	SW_ERROR_ENVIRONMENT = 6, /* this machine: programs, space, permissions, the appliance */
	SW_ERROR_DEPLOY = 7,	  /* making the disk */
	SW_ERROR_FORMAT = 8,	  /* writing an artifact */
	SW_ERROR_STORAGE = 9,	  /* storing an artifact */
	SW_ERROR_RECORD = 10,	  /* the record of a build, or a lock */
	SW_ERROR_CANCELLED = 130, /* SIGINT or SIGTERM */
};

/* The error domain; it carries an id beside the code (GLib's extended errors). */
GQuark sw_error_quark(void);

/*
 * Sets ERROR (which may be NULL) to CODE with ID ("image-not-found", a static string) and the
 * formatted message.  Returns FALSE always, so that a caller can return it.
 */
gboolean sw_fail(GError **error, enum sw_error code, const char *id, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

/*
 * As sw_fail(), with ": " and the text of errno behind the message.  ENOSPC and EDQUOT become
 * SW_ERROR_ENVIRONMENT with the id "disk-full", ECANCELED SW_ERROR_CANCELLED, whatever CODE and ID
 * say.
 */
gboolean sw_fail_errno(GError **error, enum sw_error code, const char *id, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

/*
 * Turns an error of another domain (GLib's, libostree's) into ours, in place: CODE and ID, the
 * message kept behind "PREFIX: ".  An error that is ours already keeps its code and id and only
 * gets the prefix; G_IO_ERROR_CANCELLED becomes SW_ERROR_CANCELLED, and no space "disk-full".
 * Returns FALSE always.
 */
gboolean sw_fail_prefix(GError **error, enum sw_error code, const char *id, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

/* The exit status for ERROR: its code when it is ours, 130 for a cancellation, else 1. */
int sw_error_exit_status(const GError *error);

/* The stable id of ERROR: "cancelled", the id it was set with, or "unforeseen".  Never NULL. */
const char *sw_error_id(const GError *error);

/* Does ERROR (NULL: no) have the id ID? */
gboolean sw_error_is(const GError *error, const char *id);

/* FALSE with ERROR set to SW_ERROR_CANCELLED when CANCELLABLE (may be NULL) is cancelled. */
gboolean sw_check_cancelled(GCancellable *cancellable, GError **error);
