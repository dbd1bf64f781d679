/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/tree.h"

/*
 * The SELinux policy that an image brings, as far as it says which label a path has.  Only the texts
 * of its file_contexts count: nothing of this machine's policy, and no compiled form.
 */
struct sw_sepolicy;

/*
 * Reads the policy that TREE's /etc/selinux/config names.  RET_POLICY is NULL when there is none, or
 * it is neither enforcing nor permissive (contract 2.8).  SW_ERROR_IMAGE with the id "selinux" when it
 * cannot be used.
 */
gboolean sw_sepolicy_read(const struct sw_tree *tree, struct sw_sepolicy **ret_policy,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Gives the text of PATH of an image, with a NUL behind it (not counted), to be freed; NULL and 0 when
 * there is none.  An error over LIMIT bytes.
 */
typedef gboolean (*sw_sepolicy_text_func)(void *data, const char *path, size_t limit,
					  char **ret_text, size_t *ret_length, GError **error);

/* As sw_sepolicy_read(), of an image whose texts READ gives. */
gboolean sw_sepolicy_read_from(sw_sepolicy_text_func read, void *data,
			       struct sw_sepolicy **ret_policy,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Opens the policy whose texts lie beside the file FILE_CONTEXTS on this machine; NAME stands for it
 * in errors.
 */
gboolean sw_sepolicy_open(const char *file_contexts, const char *name,
			  struct sw_sepolicy **ret_policy,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_sepolicy_free(struct sw_sepolicy *policy);
typedef struct sw_sepolicy SwSepolicy;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwSepolicy, sw_sepolicy_free)

/* The SHA-256 of the texts, in hexadecimal: who has the same gives the same labels. */
const char *sw_sepolicy_digest(const struct sw_sepolicy *policy);

/*
 * The label of PATH (from "/", as the booted system sees it) with MODE, whose file type counts; NULL
 * when the policy gives it none.  To be freed.
 */
gboolean sw_sepolicy_label(const struct sw_sepolicy *policy, const char *path, guint32 mode,
			   char **ret_label, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The label among XATTRS (a(ayay); NULL: none); NULL: there is none.  Owned by XATTRS. */
const char *sw_sepolicy_get(GVariant *xattrs);

/*
 * XATTRS (a(ayay); NULL: none) with LABEL in the place of the label that they hold, or without one
 * when LABEL is NULL; sorted by name.  To be unreferenced.
 */
GVariant *sw_sepolicy_set(GVariant *xattrs, const char *label);
