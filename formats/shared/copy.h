/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/format.h"

/*
 * Writes INPUT's disk as it is to FILE: shares its blocks where the filesystem can, else copies the data
 * and leaves zeros out.
 */
gboolean sw_copy_disk(const struct sw_format_input *input, const struct sw_output_file *file,
		      GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
