/* SPDX-License-Identifier: MIT */
#pragma once

#include "build/plan.h"
#include "core/artifact.h"
#include "core/scratch.h"
#include "disk/guest.h"

/* Everything one build knows.  Passed down, never global; each stage fills its part. */
struct sw_run {
	const struct sw_build *build;
	struct sw_progress *progress;
	const char *source;	    /* of convert: path of the disk to read; NULL: a build */
	struct sw_scratch *scratch; /* in the output directory */
	guint made_levels;	    /* directories made for the output, the lowest of them itself */
	char *disk;		 /* path of the raw disk in the making, in the scratch directory */
	struct sw_guest *guest;	 /* set by appliance, ended by disk */
	struct sw_plan *plan;	 /* set by source */
	GPtrArray *destinations; /* struct sw_destination; NULL: none are asked for */
	GPtrArray *
		artifacts; /* struct sw_artifact, set by format, hashed by checksum, moved by store */
	GArray *timings;   /* struct sw_timing, a stage each */
	char *manifest_json; /* set by record */
};

/* How long a stage took. */
struct sw_timing {
	const char *stage;
	double seconds;
};

/* A step of the pipeline. */
struct sw_stage {
	const char *name; /* "source" */
	const char *summary;
	gboolean (*run)(struct sw_run *run, GCancellable *cancellable, GError **error);
	/* Gives back what run() took, whether it ran or not.  NULL: nothing to do. */
	void (*undo)(struct sw_run *run);
};

/* Room for the artifacts, and all of them from a disk that is there (stage-convert.c). */
extern const struct sw_stage sw_stage_convert;
/* Room for the artifacts, an empty disk, the start of the appliance (stage-prepare.c). */
extern const struct sw_stage sw_stage_prepare;
/* The image into the cache, and all decisions (stage-source.c). */
extern const struct sw_stage sw_stage_source;
/* The raw disk (stage-disk.c). */
extern const struct sw_stage sw_stage_disk;
/* The artifacts from the raw disk, all at once (stage-format.c). */
extern const struct sw_stage sw_stage_format;
/* The SHA-256 of the artifacts, side by side (stage-checksum.c). */
extern const struct sw_stage sw_stage_checksum;
/* The artifacts into the output directory, the record last (stage-store.c). */
extern const struct sw_stage sw_stage_store;
