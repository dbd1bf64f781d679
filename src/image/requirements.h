/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/facts.h"
#include "image/tree.h"

/* What the requirements are judged by; nothing is owned. */
struct sw_requirement_input {
	const struct sw_tree *tree;
	const struct sw_oci_image *oci;
	const struct sw_facts *facts; /* complete but for the requirements */
	const char *rootfs;	      /* the root filesystem that the user asked for; NULL: none */
	const char *const *kernels;   /* directories below usr/lib/modules with a regular vmlinuz */
	const char *prepare_root;     /* path of prepare-root.conf; NULL: none */
};

/*
 * Judges the requirements of contract 3.4 that are about the image: struct sw_requirement, in the
 * contract's order.  An error is the repository's.
 */
gboolean sw_requirements_judge(const struct sw_requirement_input *input,
			       GPtrArray **ret_requirements,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* May VERSION, a directory's name below usr/lib/modules, become part of paths and boot entries? */
gboolean sw_kernel_version_valid(const char *version);

/* Judges the composefs mode of FACTS anew, after it was changed. */
gboolean sw_requirements_override(const struct sw_facts *facts, const char *rootfs,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;
