/* SPDX-License-Identifier: MIT */
#pragma once

#include <ostree.h>

#include "core/error.h"
#include "image/paths.h"

/*
 * What layer and merge do with a tree that is being made (OstreeMutableTree).  Paths are relative and
 * normalised (sw_path_map()).
 */

/* A checksum in hexadecimal, with its end. */
#define SW_CHECKSUM_SIZE (OSTREE_SHA256_STRING_LEN + 1)

/* The most entries that a layer may have: a bound for the memory that a hostile one can take. */
#define SW_ENTRY_LIMIT (4 * 1024 * 1024)

/* The deepest tree that the paths of a layer can make (sw_path_map()). */
#define SW_DEPTH_LIMIT (SW_PATH_MAX / 2 + 1)

/* The subdirectory NAME of TREE; NULL: none.  Owned by TREE. */
OstreeMutableTree *sw_mtree_directory(OstreeMutableTree *tree, const char *name);

/* The checksum of the file or symbolic link at PATH; NULL: none.  Owned by the tree. */
const char *sw_mtree_find(OstreeMutableTree *root, const char *path);

/* The keys of TABLE, the files or subdirectories of a tree, so that the tree may change meanwhile. */
GPtrArray *sw_mtree_names(GHashTable *table);

/* Puts a file or symbolic link at NAME of TREE in the place of whatever is there. */
gboolean sw_mtree_put_file(OstreeMutableTree *tree, const char *name, const char *checksum,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Makes NAME of TREE a directory, in the place of a file if there is one.  One that exists stays as it
 * is, RET_IS_NEW (may be NULL) says so; a new one has no metadata yet.  RET_CHILD is owned by TREE.
 */
gboolean sw_mtree_put_directory(OstreeMutableTree *tree, const char *name,
				OstreeMutableTree **ret_child, gboolean *ret_is_new,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes whatever is at NAME of TREE, if anything is. */
gboolean sw_mtree_remove(OstreeMutableTree *tree, const char *name,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Writes ROOT and a commit of it with PARENT (NULL: none), METADATA (a{sv}; NULL: none) and TIMESTAMP
 * (seconds since 1970), without subject and body.  SW_ERROR_ENVIRONMENT with the id "cache".
 */
gboolean sw_mtree_commit(OstreeRepo *repo, OstreeMutableTree *root, const char *parent,
			 GVariant *metadata, guint64 timestamp, char **ret_commit,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
