/* SPDX-License-Identifier: MIT */
#pragma once

#include "verify/examined.h"

/*
 * What commits reach in the disk's repository, and whether a deployment is what its commit says.
 */

/* The refs of the repository ("ostree/1/1/0"), an array that frees them. */
GPtrArray *sw_reach_refs(const struct sw_examined *disk);

/* The commit that the ref NAME leads to, to be freed; NULL: there is none. */
char *sw_reach_ref(const struct sw_examined *disk, const char *name);

/* Texts about objects that a ref's commit needs and that are not there, an array that frees them. */
GPtrArray *sw_reach_missing(const struct sw_examined *disk);

/*
 * Texts about paths at which the deployment's files are not those of its commit (but for /etc,
 * which is the machine's), an array that frees them.  RET_FILES is the number that was compared.
 */
GPtrArray *sw_reach_compare(const struct sw_examined *disk, guint *ret_files);
