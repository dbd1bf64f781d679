/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/stat.h>

#include "core/hash.h"

/* A finished file.  Immutable once made. */
struct sw_artifact {
	char *path;	    /* where it lies now */
	char *name;	    /* path below an output directory: "qcow2/disk.qcow2" */
	const char *format; /* sw_format.name */
	const char *media_type;
	guint64 size;		     /* bytes in the file */
	guint64 allocated;	     /* bytes that it takes on the disk (st_blocks) */
	guint64 disk_size;	     /* virtual size; 0: not a disk */
	char sha256[SW_SHA256_SIZE]; /* "": not known yet */
	struct timespec
		hashed; /* the file's time of modification then; 0: not by sw_artifact_hash() */
};

/* Frees; NULL is fine. */
void sw_artifact_free(struct sw_artifact *artifact);
typedef struct sw_artifact SwArtifact;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwArtifact, sw_artifact_free)

/*
 * Fills in the SHA-256 of ARTIFACT's file, which must have its size.  SW_ERROR_FORMAT; "changed" where
 * somebody writes to it.
 */
gboolean sw_artifact_hash(struct sw_artifact *artifact, GCancellable *cancellable,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Notes that ARTIFACT's file holds at its path what was hashed, after it was moved there. */
gboolean sw_artifact_stamp(struct sw_artifact *artifact, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Is FD, ARTIFACT's file, a regular file of the size and the time of modification that it had when it was
 * hashed?  SW_ERROR_STORAGE "changed".
 */
gboolean sw_artifact_check(const struct sw_artifact *artifact, int fd,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;
