/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"
#include "source/reference.h"

/*
 * skopeo's image proxy before 1.13 (protocol 0.2.6) does not look at containers-policy.json(5).
 * This refuses an image for which the policy in force demands more than insecureAcceptAnything, as
 * nobody would check it: SW_ERROR_SOURCE with the id "policy", also for a policy that cannot be
 * read.  None at all is no demand.
 */
gboolean sw_policy_check(const struct sw_reference *reference,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same for the policy TEXT (LENGTH bytes) of the file PATH.  Pure. */
gboolean sw_policy_check_text(const struct sw_reference *reference, const char *text, size_t length,
			      const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Does the policy TEXT (LENGTH bytes, hostile) accept anything where it names no other demand?  TRUE
 * for one that cannot be read.
 */
gboolean sw_policy_accepts_anything(const char *text, size_t length);
