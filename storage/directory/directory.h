/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/storage.h"

/*
 * A directory as a place for artifacts: what the backends on filesystems share.  It is the first
 * member of their state, so that the functions below can stand in their rows; the contract of each
 * is that of its member of struct sw_storage.
 *
 * Several writers, also on several nodes of a network filesystem, may use one directory: there are
 * no locks, and temporary names differ between nodes and processes (temporary.h).
 */
struct sw_directory {
	const char *id; /* of its errors */
	char *location; /* NULL: not open */
	char *mount;	/* must be a mount point, LOCATION is below it; NULL: need not be one */
	int fd;		/* of LOCATION; -1: not looked at yet */
};

/*
 * Notes where things go: LOCATION is a path.  MOUNT is NULL or the directory that a filesystem
 * must be mounted on.  Touches nothing.
 */
gboolean sw_directory_open(struct sw_directory *directory, const char *id, const char *mount,
			   const char *location, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The members of a row. */
gboolean sw_directory_check(void *state, guint64 bytes, sw_storage_report report, void *data,
			    GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean sw_directory_put(void *state, const char *key, const struct sw_artifact *artifact,
			  const struct sw_put *how, GCancellable *cancellable,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean sw_directory_link(void *state, const char *from, const char *to, GCancellable *cancellable,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean sw_directory_stat(void *state, const char *key, struct sw_stored *ret,
			   GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean sw_directory_list(void *state, const char *prefix, sw_storage_lister lister, void *data,
			   GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean sw_directory_get(void *state, const char *key, guint64 offset, sw_storage_sink sink,
			  void *data, GCancellable *cancellable,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean sw_directory_remove(void *state, const char *key, GCancellable *cancellable,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
char *sw_directory_url(void *state, const char *key, guint64 expires, GError **error);
void sw_directory_close(void *state);
