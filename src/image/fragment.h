/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/tree.h"

/*
 * What bootc's configuration fragments (install/ and kargs.d/) have in common.  NAME is the path of
 * the fragment, ID that of the errors; all errors are SW_ERROR_IMAGE.
 */

/*
 * The word (Rust's) by which fragments call OCI's ARCHITECTURE: "x86_64" for "amd64"; NULL: none.
 */
const char *sw_fragment_architecture(const char *architecture);

/*
 * Does the list "match-architectures" of TABLE hold ARCHITECTURE (OCI's word)?  TRUE without such a
 * list.
 */
gboolean sw_fragment_matches(GVariant *table, const char *architecture, const char *name,
			     const char *id, gboolean *ret_matches,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* VALUE of KEY as a text without control characters, to be freed. */
gboolean sw_fragment_string(GVariant *value, const char *key, const char *name, const char *id,
			    char **ret_text, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* VALUE of KEY as a list of texts, to be freed. */
gboolean sw_fragment_strings(GVariant *value, const char *key, const char *name, const char *id,
			     char ***ret_texts, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Adds VALUE of KEY, a list of texts, to KARGS (char *) as kernel arguments: the texts are joined
 * with blanks and split anew (contract 2.6).  Blanks between double quotes do not split, quotes are
 * kept. A quote without its second and a control character between quotes are errors.
 */
gboolean sw_fragment_kargs(GVariant *value, const char *key, const char *name, const char *id,
			   GPtrArray *kargs, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The fragments of DIRECTORIES (NULL at the end): paths of the files NAME.toml, in the order of
 * their names; of several with one name that of the last directory counts.  SW_ERROR_IMAGE with the
 * id "names" for a name with control characters.
 */
gboolean sw_fragment_list(const struct sw_tree *tree, const char *const *directories,
			  char ***ret_paths, GError **error) G_GNUC_WARN_UNUSED_RESULT;
