/* SPDX-License-Identifier: MIT */
#pragma once

#include <ostree.h>

#include "core/error.h"

/*
 * The tree of a commit, read through the repository's objects without a checkout.  Paths are those
 * of the booted system, with or without a leading "/": "/etc" is the commit's usr/etc where there
 * is one.  Every path and every symbolic link stays inside the tree.  Faults of the repository are
 * SW_ERROR_ENVIRONMENT with the id "cache"; what is merely not there is no error.
 */
struct sw_tree;

/* What lies at a path. */
enum sw_node_kind {
	SW_NODE_NONE, /* nothing, or a link that leads nowhere or in circles */
	SW_NODE_FILE,
	SW_NODE_DIRECTORY,
	SW_NODE_LINK,
};

struct sw_node {
	enum sw_node_kind kind;
	char checksum[OSTREE_SHA256_STRING_LEN + 1]; /* of the file's object or of the dirtree */
	guint64 size;				     /* of a file, bytes */
};

/* Opens COMMIT (a checksum) of REPO, which must outlive the tree. */
gboolean sw_tree_open(OstreeRepo *repo, const char *commit, struct sw_tree **ret_tree,
		      GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_tree_free(struct sw_tree *tree);
typedef struct sw_tree SwTree;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwTree, sw_tree_free)

/*
 * Does the commit hold both a filled /etc and a filled /usr/etc?  libostree refuses to deploy that.
 */
gboolean sw_tree_has_two_etcs(const struct sw_tree *tree);

/* Does /etc come from the commit's usr/etc? */
gboolean sw_tree_has_usr_etc(const struct sw_tree *tree);

/* What lies at PATH; links are followed on the way, and at the end as well when FOLLOW. */
gboolean sw_tree_find(const struct sw_tree *tree, const char *path, gboolean follow,
		      struct sw_node *ret_node, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Is there something of KIND at PATH, links followed (but for SW_NODE_LINK)? */
gboolean sw_tree_has(const struct sw_tree *tree, const char *path, enum sw_node_kind kind,
		     gboolean *ret_has, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The target of the link at PATH, to be freed; NULL when there is no link. */
gboolean sw_tree_read_link(const struct sw_tree *tree, const char *path, char **ret_target,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The content of the file at PATH, links followed, with a NUL behind it (not counted), to be freed;
 * NULL and 0 when there is none.  SW_ERROR_IMAGE with the id "file-too-large" over LIMIT bytes.
 */
gboolean sw_tree_read(const struct sw_tree *tree, const char *path, size_t limit, char **ret_data,
		      size_t *ret_length, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The names in the directory at PATH, sorted by bytes, to be freed; empty when there is none. */
gboolean sw_tree_list(const struct sw_tree *tree, const char *path, char ***ret_names,
		      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The lists of a dirtree's variant "(a(say)a(sayay))", as libostree's ostree-core.h describes it.
 */
enum { SW_DIRTREE_FILES, SW_DIRTREE_DIRECTORIES };

/* The repository of TREE. */
OstreeRepo *sw_tree_repo(const struct sw_tree *tree);

/* Loads the dirtree CHECKSUM. */
gboolean sw_tree_load_dirtree(const struct sw_tree *tree, const char *checksum,
			      GVariant **ret_dirtree, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The checksum ("ay") that is the child number CHILD of VARIANT, in hexadecimal, into RET_CHECKSUM
 * (OSTREE_SHA256_STRING_LEN + 1 bytes).  OWNER names the object of VARIANT in an error.
 */
gboolean sw_tree_get_checksum(GVariant *variant, gsize child, const char *owner, char *ret_checksum,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Turns libostree's error about the object CHECKSUM into ours; returns FALSE. */
gboolean sw_tree_cache_failed(GError **error, const char *checksum);
