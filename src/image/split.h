/* SPDX-License-Identifier: MIT */
#pragma once

#include <ostree.h>

#include "image/mtree.h"
#include "image/tar.h"

/*
 * A reader of the layers of an encapsulated image (contract 1.5): the tar holds a repository of the mode
 * "bare-split-xattrs", whose objects it gives one by one; all else in it (the paths that are hard links
 * to them) is passed over.  Both layouts are known: the present one (".file-xattrs",
 * ".file-xattrs-link") and the first ("xattrs/", ".file.xattrs").  Writes nothing.  Errors are
 * SW_ERROR_IMAGE with the id "encapsulated", or those of the tar.
 */
struct sw_split;

/* What a layer holds. */
enum sw_split_kind {
	SW_SPLIT_COMMIT,  /* first a commit, then objects of any kind */
	SW_SPLIT_OBJECTS, /* content objects only */
};

/* One object.  Owned by the reader, valid until the next one is asked for. */
struct sw_split_object {
	OstreeObjectType
		type; /* OSTREE_OBJECT_TYPE_FILE, _COMMIT, _COMMIT_META, _DIR_TREE, _DIR_META */
	char checksum[SW_CHECKSUM_SIZE]; /* as its name says; of a file it is yet to be verified */
	GVariant *metadata;		 /* whole, its form and checksum verified; NULL: a file */
	struct sw_tar_entry
		file; /* else: a regular file or symbolic link, with its true attributes */
};

/* A reader of TAR, which must outlive it; never NULL. */
struct sw_split *sw_split_new(struct sw_tar *tar, enum sw_split_kind kind);

/* Frees; NULL is fine. */
void sw_split_free(struct sw_split *split);
typedef struct sw_split SwSplit;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwSplit, sw_split_free)

/* The next object, NULL at the end.  A file's content is then to be had from the tar. */
gboolean sw_split_next(struct sw_split *split, const struct sw_split_object **ret_object,
		       GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
