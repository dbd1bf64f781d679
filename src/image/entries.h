/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/mtree.h"

/*
 * The entries of one layer become a tree.  Paths are normalised (sw_path_map()); a later entry
 * replaces an earlier one of the same path.  A hard link takes the object of its target; where the
 * target comes later, or is itself a link, that is found out at the end; where the layer does not have
 * it at all, the link is left to the merge.  Errors are SW_ERROR_IMAGE with the id "path" or "hardlink".
 */
struct sw_entries;

/*
 * Gives the checksum of the directory metadata for parents that the layer does not list: mode 0755, the
 * owner of the present entry (contract 1.6).
 */
typedef gboolean (*sw_parent_func)(void *data, char ret_meta[SW_CHECKSUM_SIZE], GError **error);

/* An empty tree; never NULL.  PARENT is called with DATA. */
struct sw_entries *sw_entries_new(sw_parent_func parent, void *data);

/* Frees; NULL is fine. */
void sw_entries_free(struct sw_entries *entries);
typedef struct sw_entries SwEntries;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwEntries, sw_entries_free)

/* Puts the file or symbolic link CHECKSUM at PATH. */
gboolean sw_entries_file(struct sw_entries *entries, const char *path, const char *checksum,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Puts a directory with the metadata META at PATH ("": the root); what is in it already stays. */
gboolean sw_entries_directory(struct sw_entries *entries, const char *path, const char *meta,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Puts a hard link to TARGET at PATH. */
gboolean sw_entries_link(struct sw_entries *entries, const char *path, const char *target,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Ends the tree: RET_ROOT is owned by ENTRIES; RET_LINKS, a(ss) of path and target sorted by path, are
 * the links left to the merge (NULL: none), to be unreferenced by the caller.
 */
gboolean sw_entries_finish(struct sw_entries *entries, OstreeMutableTree **ret_root,
			   GVariant **ret_links, GError **error) G_GNUC_WARN_UNUSED_RESULT;
