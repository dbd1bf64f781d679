/* SPDX-License-Identifier: MIT */
#pragma once

#include "build/run.h"

/* The text of SHA256SUMS (sha256sum -c), a line an artifact; freed by the caller. */
char *sw_record_sums(GPtrArray *artifacts);

/*
 * The text of manifest.json: where the image came from, what was decided, what was written, how
 * long each stage took.  Its keys are stable; "schema" counts incompatible changes.  Freed by the
 * caller.
 */
char *sw_record_manifest(const struct sw_run *run);
