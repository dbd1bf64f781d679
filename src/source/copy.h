/* SPDX-License-Identifier: MIT */
#pragma once

#include "source/source.h"

/*
 * Copies the image of OPTIONS, a registry's, whole into DIRECTORY, which is made: a "dir:" of
 * containers-transports(5), its manifest as the registry has it.  DIGEST is the manifest's, as
 * sw_source_open() of the same OPTIONS gave it: nothing else is taken.  A reference by the digest of
 * a list brings the list, too, so that the image is found again by that digest.  Errors as
 * sw_source_fetch(), and the environment's.
 */
gboolean sw_source_copy(const struct sw_source_options *options, const char *digest,
			const char *directory, GCancellable *cancellable,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;
