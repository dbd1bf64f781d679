/* SPDX-License-Identifier: MIT */
#pragma once

#include "disk/guest.h"

/* An image that the machine's image is bound to, for the machine's image store. */
struct sw_bound_image {
	char *name;	 /* as podman is asked for it: "quay.io/a/b:1", "quay.io/a/b@sha256:..." */
	char *digest;	 /* of the manifest for the machine's platform */
	guint64 bytes;	 /* of its layers, as the registry has them: compressed, mostly */
	char *directory; /* a "dir:" of skopeo that holds it, with a plain name of its own; NULL:
			     not fetched (yet) */
};

/* Frees; NULL is fine. */
void sw_bound_image_free(struct sw_bound_image *image);

/*
 * What the IMAGES (struct sw_bound_image; may be none) take in the store, about: nobody says what a
 * layer unpacks to.
 */
guint64 sw_bound_store_bytes(const GPtrArray *images);

/* What making the store takes of the root beside that. */
guint64 sw_bound_store_transient(const GPtrArray *images);

/*
 * Makes /ostree/bootc/storage on the root that GUEST has mounted, as bootc's install does (contract
 * 2.13), with the IMAGES (at least one, fetched) in it: by the podman and the skopeo of the
 * DEPLOYMENT. IS_LABELLED: all of it gets labels afterwards, and a stamp says so.
 */
gboolean sw_bound_store_make(struct sw_guest *guest, const char *deployment,
			     const GPtrArray *images, gboolean is_labelled,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
