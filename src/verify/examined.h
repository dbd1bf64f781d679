/* SPDX-License-Identifier: MIT */
#pragma once

#include <ostree.h>

#include "core/gpt.h"
#include "disk/examine.h"
#include "source/oci.h"
#include "verify/snapshot.h"

/* One filesystem of the disk. */
struct sw_examined_filesystem {
	const struct sw_gpt_partition *partition; /* NULL: the disk has none for it */
	char *type;				  /* "ext4"; NULL: none was found */
	char *label;				  /* "" when it has none; NULL as type */
	char *uuid;				  /* likewise */
	char *problem;				  /* what its own checker says; NULL: it is clean */
	char *unreadable;			  /* why it could not be read; NULL: it was */
	struct sw_snapshot *tree;		  /* what it holds; NULL: unreadable */
	struct sw_room room;
};

/* A boot loader entry of the disk, as its file says (uapi-group.org, Boot Loader Specification). */
struct sw_loader_entry {
	char *name;							/* of the file */
	char *title, *version, *options, *kernel, *initrd, *devicetree; /* NULL: no such line */
};

/*
 * A disk as the appliance saw it, with what the checks need again and again.  The checks read it and
 * nothing else.
 */
struct sw_examined {
	guint64 size;
	struct sw_gpt *table;
	struct sw_examined_filesystem root, boot, esp;
	gboolean has_boot_code; /* in the MBR */
	gboolean has_bios_core; /* in the BIOS boot partition */

	char *stateroot;	    /* of the deployment; NULL: none was found */
	char *commit;		    /* its checksum, from its name; NULL likewise */
	char *deployment;	    /* "ostree/deploy/default/deploy/CHECKSUM.0"; NULL likewise */
	char *attributes;	    /* lsattr's of the deployment; NULL: not known */
	char *config_attributes;    /* likewise of the repository's configuration */
	char *composefs_attributes; /* likewise of the deployment's .ostree.cfs */
	GVariant *metadata;	    /* of the deployment's commit, a{sv}; NULL: not readable */
	struct sw_oci_image *image; /* from the commit's metadata; NULL: not readable */
	const struct sw_snapshot *bootfs; /* what holds /boot; NULL: unreadable */
	const char *boot_directory; /* where in BOOTFS: "", or "boot" without a partition of it */
	GPtrArray *entries;	    /* struct sw_loader_entry, the default first */
};

/* Has the appliance GUEST tell all about its disk.  Errors: the appliance's, not the disk's. */
gboolean sw_examined_read(struct sw_guest *guest, const char *scratch, struct sw_progress *progress,
			  struct sw_examined **ret_disk, GCancellable *cancellable,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Fills in what follows from the filesystems: the deployment, its commit, the entries.  For tests,
 * and for sw_examined_read().
 */
void sw_examined_derive(struct sw_examined *disk);

/* Frees; NULL is fine. */
void sw_examined_free(struct sw_examined *disk);
typedef struct sw_examined SwExamined;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwExamined, sw_examined_free)

/* PATH of /boot as a path in disk->bootfs, to be freed. */
char *sw_examined_boot_path(const struct sw_examined *disk, const char *path);

/* PATH (without a leading "/") in the deployment as a path in the root, to be freed. */
char *sw_examined_path(const struct sw_examined *disk, const char *path);

/*
 * The text of PATH in the deployment, links followed as the booted system would, to be freed; NULL:
 * no such file.
 */
char *sw_examined_text(const struct sw_examined *disk, const char *path, size_t *ret_length);

/* The metadata object of TYPE and CHECKSUM in the disk's repository, validated; NULL: not there. */
GVariant *sw_examined_object(const struct sw_examined *disk, OstreeObjectType type,
			     const char *checksum);
