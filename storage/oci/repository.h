/* SPDX-License-Identifier: MIT */
#pragma once

#include "storage/oci/client.h"

/* A manifest or an index as the registry gave it. */
struct sw_oci_got {
	struct sw_oci_descriptor descriptor;
	char *text; /* DESCRIPTOR's size bytes */
};

/* Frees what GOT holds. */
void sw_oci_got_clear(struct sw_oci_got *got);

/* Gets the manifest REFERENCE, a tag or a digest; "no-key" when there is none. */
gboolean sw_oci_manifest_get(struct sw_oci *oci, const char *reference, struct sw_oci_got *ret_got,
			     GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Stores TEXT under REFERENCE, a tag or its digest, and looks whether it is there.  RET_DESCRIPTOR
 * is what others call it by; RET_LISTED (NULL: not wanted): the registry lists it among the
 * referrers of its subject.
 */
gboolean sw_oci_manifest_put(struct sw_oci *oci, const char *reference, const char *media_type,
			     const char *text, struct sw_oci_descriptor *ret_descriptor,
			     gboolean *ret_listed, GCancellable *cancellable,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes the manifest DIGEST and all its tags; "no-delete" where the registry forbids that. */
gboolean sw_oci_manifest_delete(struct sw_oci *oci, const char *digest, GCancellable *cancellable,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* All tags (char *), in no order; none of a repository that is not there yet. */
gboolean sw_oci_tags(struct sw_oci *oci, GPtrArray **ret_tags, GCancellable *cancellable,
		     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Where a registry does not list referrers itself, the tag "sha256-..." of the image SUBJECT does:
 * takes DIGEST off it, and adds ADDED, of ARTIFACT_TYPE, unless that is NULL.
 */
gboolean sw_oci_referrers_tag(struct sw_oci *oci, const char *subject, const char *digest,
			      const struct sw_oci_descriptor *added, const char *artifact_type,
			      GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The image that WORD names: a tag (of several platforms the one for ARCHITECTURE) or a digest of
 * this repository.  SW_ERROR_STORAGE "subject".
 */
gboolean sw_oci_subject_find(struct sw_oci *oci, const char *word, const char *architecture,
			     struct sw_oci_descriptor *ret_subject, GCancellable *cancellable,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
