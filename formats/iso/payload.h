/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/format.h"
#include "installer/payload-format.h"

/*
 * Writes INPUT's disk to FILE as a payload (installer/payload-format.h) with ID, compressed at LEVEL (1 to
 * 9): what a block map has (formats/shared/bmap.h), in whole frames.
 */
gboolean sw_iso_write_payload(const struct sw_format_input *input, const guint8 id[SI_ID_SIZE],
			      int level, const struct sw_output_file *file,
			      GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
