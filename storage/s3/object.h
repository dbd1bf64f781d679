/* SPDX-License-Identifier: MIT */
#pragma once

#include "storage/s3/upload.h"

/* What HEAD says of an object. */
struct sw_s3_object {
	struct sw_stored stored;
	char *etag;	    /* NULL: none */
	GPtrArray *headers; /* lines for a copy: its type and metadata */
};

/* Frees what OBJECT holds. */
void sw_s3_object_clear(struct sw_s3_object *object);

/* Looks at KEY; "no-key" when it is not there. */
gboolean sw_s3_object_head(struct sw_s3 *s3, const char *key, struct sw_s3_object *ret,
			   GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Gives SINK the bytes of KEY from OFFSET to the end, also over connections that break. */
gboolean sw_s3_object_get(struct sw_s3 *s3, const char *key, guint64 offset, sw_storage_sink sink,
			  void *data, GCancellable *cancellable,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writes KEY from OFFSET to SIZE, its end, to FD in several stretches at once; see storage.h. */
gboolean sw_s3_object_get_file(struct sw_s3 *s3, const char *key, int fd, const char *path,
			       guint64 offset, guint64 size,
			       void (*reached)(guint64 end, void *data), void *data,
			       GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Copies FROM to TO within the server, in parts of at most LIMIT bytes where it is larger than that
 * (SW_S3_PART_MAX); HEADERS are lines for the copy (ACL and such).
 */
gboolean sw_s3_object_copy(struct sw_s3 *s3, const char *from, const char *to,
			   const GPtrArray *headers, guint64 limit, GCancellable *cancellable,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Tells LISTER the keys that begin with PREFIX, without their first SKIP bytes. */
gboolean sw_s3_object_list(struct sw_s3 *s3, const char *prefix, size_t skip,
			   sw_storage_lister lister, void *data, GCancellable *cancellable,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes KEY; no error when there is nothing. */
gboolean sw_s3_object_remove(struct sw_s3 *s3, const char *key, GCancellable *cancellable,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
