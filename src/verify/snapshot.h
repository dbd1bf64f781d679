/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/hash.h"
#include "image/tar.h"

/*
 * All that a filesystem of the disk holds, as the tar stream from the appliance tells it: names,
 * owners, modes, xattrs, checksums of every file, and the content of small ones.  The checks read
 * this and nothing else.  Paths have no leading "/"; the root is "".
 */
struct sw_snapshot;

/* One inode; several names may share it. */
struct sw_inode {
	enum sw_tar_type type; /* never SW_TAR_HARDLINK */
	guint32 uid;
	guint32 gid;
	guint32 mode; /* 07777 */
	guint64 size;
	GVariant *xattrs;	     /* a(ayay); NULL: none */
	char *target;		     /* of a symbolic link; else NULL */
	char object[SW_SHA256_SIZE]; /* the checksum that ostree gives to a file or link; else "" */
	char content[SW_SHA256_SIZE]; /* SHA-256 of a file's bytes; else "" */
	guint64 spool;		      /* where the content is kept */
	gboolean kept;
};

/*
 * A new, empty one, which keeps the content of files up to KEEP bytes in a file without a name in
 * the directory SCRATCH.
 */
gboolean sw_snapshot_new(const char *scratch, guint64 keep, struct sw_snapshot **ret_snapshot,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_snapshot_free(struct sw_snapshot *snapshot);
typedef struct sw_snapshot SwSnapshot;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwSnapshot, sw_snapshot_free)

/* Fills SNAPSHOT from a tar stream, hostile.  SW_ERROR_DEPLOY "appliance" for what is none. */
gboolean sw_snapshot_fill(struct sw_snapshot *snapshot, sw_chunk_func next, void *data,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The inode at PATH, links not followed; NULL: none. */
const struct sw_inode *sw_snapshot_find(const struct sw_snapshot *snapshot, const char *path);

/* As sw_snapshot_find(), but only one of TYPE. */
const struct sw_inode *sw_snapshot_typed(const struct sw_snapshot *snapshot, const char *path,
					 enum sw_tar_type type);

/* The names in the directory PATH, sorted by bytes, to be freed; empty when there is none. */
char **sw_snapshot_list(const struct sw_snapshot *snapshot, const char *path);

/*
 * PATH with all symbolic links resolved as a system whose root is ROOT ("" or the path of a
 * directory) would; to be freed.  NULL: it leads nowhere.
 */
char *sw_snapshot_resolve(const struct sw_snapshot *snapshot, const char *root, const char *path);

/* The content of INODE when it is a file that was kept; NULL if not. */
GBytes *sw_snapshot_bytes(const struct sw_snapshot *snapshot, const struct sw_inode *inode);

/* The content of the file at PATH, links not followed, NUL behind it, to be freed; NULL: none. */
char *sw_snapshot_text(const struct sw_snapshot *snapshot, const char *path, size_t *ret_length);

/* Calls EACH for every name (parents first, sorted) below the directory PATH, until it is FALSE. */
void sw_snapshot_walk(const struct sw_snapshot *snapshot, const char *path,
		      gboolean (*each)(const char *path, const struct sw_inode *inode, void *data),
		      void *data);
