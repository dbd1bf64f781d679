/* SPDX-License-Identifier: MIT */
#pragma once

#include "storage/oci/client.h"

/* A blob that is to be in the repository. */
struct sw_oci_blob {
	struct sw_oci_descriptor descriptor;
	struct sw_http_body body;		    /* all of it */
	void (*progress)(guint64 done, void *data); /* of struct sw_put */
	void *progress_data;
};

/* Is it there already, with its size? */
gboolean sw_oci_blob_has(struct sw_oci *oci, const struct sw_oci_descriptor *blob,
			 gboolean *ret_there, GCancellable *cancellable,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Sends BLOB unless it is there, in one stream that goes on where it broke.  The registry has
 * compared it with its digest, and shows it, afterwards.  Nothing is left of what fails.
 */
gboolean sw_oci_blob_put(struct sw_oci *oci, const struct sw_oci_blob *blob,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Gives SINK the bytes of FILE from OFFSET to its end, also over connections that break. */
gboolean sw_oci_blob_get(struct sw_oci *oci, const struct sw_oci_file *file, guint64 offset,
			 sw_storage_sink sink, void *data, GCancellable *cancellable,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Begins an upload and gives it up: may we write? */
gboolean sw_oci_blob_probe(struct sw_oci *oci, GCancellable *cancellable,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;
