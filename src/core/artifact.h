/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/hash.h"

/* A finished file.  Immutable once made. */
struct sw_artifact {
	char *path;	    /* where it lies now */
	char *name;	    /* path below an output directory: "qcow2/disk.qcow2" */
	const char *format; /* sw_format.name */
	const char *media_type;
	guint64 size;	   /* bytes in the file */
	guint64 allocated; /* bytes that it takes on the disk (st_blocks) */
	guint64 disk_size; /* virtual size; 0: not a disk */
	char sha256[SW_SHA256_SIZE];
};

/* Frees; NULL is fine. */
void sw_artifact_free(struct sw_artifact *artifact);
typedef struct sw_artifact SwArtifact;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwArtifact, sw_artifact_free)
