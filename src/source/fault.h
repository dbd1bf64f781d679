/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"
#include "source/reference.h"

/* What was being done when a fault came up: decides what an unknown one is called. */
enum sw_fault_step {
	SW_FAULT_OPEN,	   /* opening the image: "source" */
	SW_FAULT_MANIFEST, /* "manifest" */
	SW_FAULT_CONFIG,   /* "config" */
	SW_FAULT_LAYER,	   /* "source" */
};

/*
 * Is the fault TEXT, as the proxy reports it (Go's error texts of containers/image), one that may
 * pass: a timeout, a 5xx or 429 status, a connection that was refused or broke?
 */
gboolean sw_fault_passes(const char *text);

/*
 * The part of TEXT that matters, on one line fit for a person, at most 200 characters. Caller
 * frees.
 */
char *sw_fault_shorten(const char *text);

/*
 * Sets ERROR for the fault TEXT: the id by what it says ("unauthorized", "image-not-found", "tls",
 * "no-architecture", "policy", "digest", "unreachable", else by STEP); the message names the image
 * and DETAIL (a layer; NULL: none) and says what to do.  The whole text goes to g_debug().  FALSE
 * always.
 */
gboolean sw_fault_fail(const struct sw_reference *reference, enum sw_fault_step step,
		       const char *detail, const char *text, GError **error);
