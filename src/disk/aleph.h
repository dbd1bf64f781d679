/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/facts.h"
#include "source/reference.h"

/*
 * The text of /.bootc-aleph.json, which tells how a machine was installed (contract 2.10).  SOURCE
 * is the image reference with its digest; NULL for one that means nothing elsewhere, such as a path.  The key "kernel" names the image's kernel, not the
 * builder's: the same image gives the same file everywhere.  Freed by the caller.
 */
char *sw_aleph_json(const struct sw_oci_image *oci, const struct sw_facts *facts,
		    const struct sw_target *target, const char *source);
