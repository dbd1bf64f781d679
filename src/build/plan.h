/* SPDX-License-Identifier: MIT */
#pragma once

#include "disk/bound-store.h"
#include "disk/kargs.h"
#include "disk/layout.h"
#include "disk/objects.h"
#include "image/facts.h"
#include "image/image.h"
#include "spec/build.h"

/* One file that a build will write. */
struct sw_planned_file {
	char *path;
	guint64 bytes; /* at most, on the disk (sparse files count what they hold) */
};

/* Room that a directory must offer. */
struct sw_planned_space {
	const char *purpose; /* "output" or "cache" */
	char *path;
	guint64 needed;
	guint64 available;
};

/* All that is decided before the first byte of the disk is written. */
struct sw_plan {
	const struct sw_build *build; /* not owned */
	struct sw_cache *cache;
	struct sw_reference *reference; /* of the image */
	struct sw_source *source;
	struct sw_import *import;
	struct sw_facts *facts;
	struct sw_objects *objects; /* that the disk's repository will hold */
	struct sw_layout *layout;
	char *root_spec;	  /* "UUID=..." of root, or what the image wants; empty: none */
	char *boot_spec;	  /* likewise of /boot */
	GPtrArray *kargs;	  /* struct sw_karg, in order */
	struct sw_target *target; /* what the machine will update from */
	char *rootfs;
	const char *rootfs_origin; /* "flag", "document" or "image" */
	char *target_auth;	   /* text of the machine's auth.json; NULL: none */
	char *ssh_keys;		   /* text of the authorized_keys file; NULL: none */
	char *build_id;		   /* SHA-256 of all that shapes the disk, hexadecimal */
	GPtrArray *bound;	   /* struct sw_bound_image that the disk will hold; never NULL */
	guint64 disk_bytes;	   /* what the disk will hold, about */
	guint64 bound_bytes;	   /* what BOUND takes beside it while the disk is made */
	GPtrArray *files;	   /* struct sw_planned_file */
	GPtrArray *spaces;	   /* struct sw_planned_space */
};

/*
 * Opens the image of BUILD, brings it into the cache, reads it and decides everything.  Touches
 * nothing but the cache.  Unmet requirements of the image are errors (SW_ERROR_IMAGE), as is a
 * space that does not suffice (SW_ERROR_ENVIRONMENT "disk-full", only with CHECK_SPACE).
 */
gboolean sw_plan_make(const struct sw_build *build, gboolean check_space,
		      struct sw_progress *progress, struct sw_plan **ret_plan,
		      GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_plan_free(struct sw_plan *plan);
typedef struct sw_plan SwPlan;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwPlan, sw_plan_free)
