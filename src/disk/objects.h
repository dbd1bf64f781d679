/* SPDX-License-Identifier: MIT */
#pragma once

#include <ostree.h>

#include "disk/sink.h"

/* The objects of some commits in a repository, as they will lie in the disk's repository. */
struct sw_objects;

/*
 * Collects what COMMITS (checksums, NULL at the end) reach in REPO, which must hold it all:
 * SW_ERROR_ENVIRONMENT with the id "cache" where it does not.
 */
gboolean sw_objects_collect(OstreeRepo *repo, const char *const *commits,
			    struct sw_objects **ret_objects, GCancellable *cancellable,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_objects_free(struct sw_objects *objects);
typedef struct sw_objects SwObjects;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwObjects, sw_objects_free)

/*
 * The bytes that the objects take on a filesystem with blocks of 4 KiB, inodes and names counted.
 */
guint64 sw_objects_footprint(const struct sw_objects *objects);

/* Their number. */
guint64 sw_objects_count(const struct sw_objects *objects);

/* The bytes of content in the objects, without any rounding. */
guint64 sw_objects_bytes(const struct sw_objects *objects);

/*
 * Is CHECKSUM one of the objects and an empty regular file?  Deployments copy those instead of
 * linking them.
 */
gboolean sw_objects_is_empty_file(const struct sw_objects *objects, const char *checksum);

/*
 * Adds all objects to SINK as a bare repository holds them, below "ostree/repo/objects", sorted.
 * ADDED (may be NULL) is told the bytes added so far.
 */
gboolean sw_objects_compose(const struct sw_objects *objects, struct sw_sink *sink,
			    void (*added)(guint64 bytes, void *data), void *data,
			    GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The path of a content object in the disk's root: "ostree/repo/objects/ab/cdef.file". */
char *sw_objects_file_path(const char *checksum);

/*
 * Adds the content object CHECKSUM of REPO to SINK as PATH with its true owner, mode, xattrs and
 * content, and the modification time 0 that ostree gives to every file.
 */
gboolean sw_objects_add_file(OstreeRepo *repo, const char *checksum, const char *path,
			     struct sw_sink *sink, GCancellable *cancellable,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
