/* SPDX-License-Identifier: MIT */
#pragma once

#include "store/publish.h"

/*
 * The manifest of PUBLICATION with the members "publication" and "locations": a row for each of
 * DESTINATIONS, what it holds and where, or why not.  DONE: records and tags count too, else only
 * the artifacts.  To be freed.
 */
char *sw_locations_add(const struct sw_publication *publication, GPtrArray *destinations,
		       gboolean done);

/* MANIFEST with TAG (NULL: none) noted in its "publication"; to be freed. */
char *sw_locations_tagged(const char *manifest, const char *tag);
