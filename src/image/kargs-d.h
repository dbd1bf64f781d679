/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/tree.h"

/*
 * The kernel arguments that an image brings in usr/lib/bootc/kargs.d (contract 2.6; bootc's
 * bootc_kargs.rs).  All errors about content are SW_ERROR_IMAGE with the id "kargs-d".
 */

/*
 * Adds the arguments of one file, TEXT of LENGTH bytes (hostile), to KARGS (char *).  NAME is its
 * path, for errors; ARCHITECTURE is OCI's word: a file for others adds nothing.  An unknown key is
 * an error, as for bootc.
 */
gboolean sw_kargs_d_parse(const char *text, size_t length, const char *name,
			  const char *architecture, GPtrArray *kargs,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* All files of the directory in the order of their names; RET_KARGS is to be freed, never NULL. */
gboolean sw_kargs_d_read(const struct sw_tree *tree, const char *architecture, char ***ret_kargs,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;
