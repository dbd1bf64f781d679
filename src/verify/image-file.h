/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"

/* The bytes of a disk file that sw_image_file_probe() wants to see. */
#define SW_IMAGE_FILE_HEAD 65536

/*
 * What a disk file is by its first LENGTH bytes (hostile): "raw" or "qcow2", static.  NAME is for
 * errors: SW_ERROR_USAGE "disk-format" for a format that is neither, SW_ERROR_DEPLOY for a qcow2 that
 * leads to other files (a backing file, an external data file) or cannot be read without a key, so
 * that QEMU never sees it.
 */
gboolean sw_image_file_probe(const guint8 *head, size_t length, const char *name,
			     const char **ret_format, GError **error) G_GNUC_WARN_UNUSED_RESULT;
