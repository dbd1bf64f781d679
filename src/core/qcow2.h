/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/sparse.h"

/*
 * Opens the disk at PATH read-only: a qcow2 image (version 2 or 3; clusters plain or compressed by
 * zlib or zstd) or else a raw disk, as sw_sparse_open().  SW_ERROR_FORMAT "disk-unsupported" for
 * what must not or cannot be read: an image with a backing file, an external data file, encryption,
 * subclusters or features that nobody knows here, and other kinds of images; no other file is
 * ever opened.  "disk-unreadable" for one that contradicts itself.
 */
gboolean sw_disk_image_open(const char *path, struct sw_sparse **ret_sparse,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;
