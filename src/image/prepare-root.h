/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/facts.h"
#include "image/tree.h"

/*
 * Reads [composefs] enabled of a prepare-root.conf, TEXT of LENGTH bytes, hostile (contract 5.1;
 * ostree's otcore-prepare-root.c).  NAME is its path.  SW_ERROR_IMAGE with the id "prepare-root"
 * for a text that is no key file or a value that is no mode.
 */
gboolean sw_prepare_root_parse(const char *text, size_t length, const char *name,
			       enum sw_composefs *ret_mode,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Changes MODE as the kernel argument ostree.prepare-root.composefs=WORD does at boot: it can switch
 * composefs, and signatures on, but not the demand for fs-verity.  FALSE: ostree stops the boot.
 */
gboolean sw_composefs_override(const char *word, enum sw_composefs *mode);

/*
 * Reads the file of TREE: the one below /etc counts instead of the one below /usr/lib.  RET_PATH
 * gets its path (static); NULL: there is none, the mode is SW_COMPOSEFS_NO.
 */
gboolean sw_prepare_root_read(const struct sw_tree *tree, enum sw_composefs *ret_mode,
			      const char **ret_path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Does the file of TREE below /usr/lib ask for a root into which any path can be laid: composefs in any
 * mode, or root.transient (contract 1.6)?  FALSE when there is none.
 */
gboolean sw_prepare_root_has_overlay(const struct sw_tree *tree, gboolean *ret_has,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;
