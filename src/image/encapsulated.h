/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/split.h"
#include "source/oci.h"

/*
 * Images that are an ostree commit in tar form (label "ostree.final-diffid", contract 1.4, 1.5).
 */

/*
 * How many of IMAGE's layers, from the first one, are the commit: that layer and its components; 0
 * for an image of plain layers.  SW_ERROR_IMAGE "final-diffid" when the label names no layer, or one
 * that the image has twice.
 */
gboolean sw_encapsulated_layers(const struct sw_oci_image *image, guint *ret_count,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Imports such a layer from FD into REPO, which is in a transaction, each object verified by its
 * checksum.  RET_COMMIT is, for SW_SPLIT_COMMIT, the commit in it, bit by bit, which is marked as
 * partial; for SW_SPLIT_OBJECTS one that holds the objects as files named by their checksums, the same
 * that upstream's importer makes.  Otherwise as sw_layer_import(); SW_ERROR_IMAGE "encapsulated".
 */
gboolean sw_encapsulated_import(OstreeRepo *repo, int fd, const struct sw_oci_layer *layer,
				const char *expected_digest, enum sw_split_kind kind,
				char **ret_commit, GCancellable *cancellable,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Does REPO hold all that COMMIT consists of, in a tree that is no deeper and no larger than those of
 * plain layers can be?  SW_ERROR_IMAGE "encapsulated" if not.
 */
gboolean sw_encapsulated_check(OstreeRepo *repo, const char *commit, GCancellable *cancellable,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;
