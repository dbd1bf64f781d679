/* SPDX-License-Identifier: MIT */
#pragma once

#include "disk/sink.h"
#include "image/sepolicy.h"

/*
 * The SELinux labels of a disk (contract 2.5, 2.8, 2.9).  What lies in the physical root is labelled as
 * the booted system will name it, by the image's policy; the content of the repository and the
 * deployment wear the labels of the commit.
 */
struct sw_labels {
	const struct sw_sepolicy *policy;
	const char *stateroot;
	const char *deployment; /* "ostree/deploy/default/deploy/CHECKSUM.0" */
};

/*
 * The label that PATH with MODE (its type counts) must have on the disk, where the commit gave it
 * CURRENT (NULL: none); NULL when the policy gives it none.  To be freed.
 */
gboolean sw_labels_find(const struct sw_labels *labels, const char *path, guint32 mode,
			const char *current, char **ret_label,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * A sink that puts the labels on what goes to INNER, whose paths are those of the physical root below
 * PREFIX ("", or "boot").  LABELS and INNER are borrowed.
 */
struct sw_labeller;

/* A new one; never NULL. */
struct sw_labeller *sw_labeller_new(const struct sw_labels *labels, const char *prefix,
				    struct sw_sink *inner);

/* Its sink, owned by it. */
struct sw_sink *sw_labeller_sink(struct sw_labeller *labeller);

/* Frees; NULL is fine. */
void sw_labeller_free(struct sw_labeller *labeller);
typedef struct sw_labeller SwLabeller;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwLabeller, sw_labeller_free)
