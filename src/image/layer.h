/* SPDX-License-Identifier: MIT */
#pragma once

#include <ostree.h>

#include "core/error.h"
#include "source/oci.h"

/* What the commits of this importer carry as ostree.importer.version; another text, another importer:
 * it changes whenever the same layers would give another commit. */
#define SW_IMPORTER_VERSION "slipway-3"

/* The key of a layer commit's metadata that lists, as a(ss), the hard links left to the merge. */
#define SW_KEY_LINKS "slipway.links"

/* The metadata of a layer's commit: the importer's version and LINKS (a(ss); NULL: none).  Floating. */
GVariant *sw_layer_metadata(GVariant *links);

/*
 * Imports one layer from FD into REPO, which is in a transaction: contract 1.6.  The commit is a
 * function of the layer's blob alone.  Nothing of the layer is referred to before EXPECTED_DIGEST and
 * LAYER's diff_id are verified.  RET_HAS_LINKS: it has hard links to files of lower layers only.  May
 * run in several threads at once, one a layer.  Errors: SW_ERROR_SOURCE "digest", "diff-id",
 * "compression", "tar"; SW_ERROR_IMAGE "path", "hardlink", "device"; SW_ERROR_ENVIRONMENT.
 */
gboolean sw_layer_import(OstreeRepo *repo, int fd, const struct sw_oci_layer *layer,
			 const char *expected_digest, char **ret_commit, gboolean *ret_has_links,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
