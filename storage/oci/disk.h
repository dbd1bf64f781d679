/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"
#include "storage/http/http.h"
#include "storage/oci/manifest.h"

/*
 * A file as the only layer of a container disk of KubeVirt: a tar with the directory disk and the
 * file disk/disk.img or disk/disk.qcow2, owned by qemu (107), which is made while it is read.
 */
struct sw_oci_disk;

/* The layer for ARTIFACT, a qcow2 image or a raw disk: else NULL with SW_ERROR_USAGE "containerdisk". */
struct sw_oci_disk *sw_oci_disk_new(const struct sw_artifact *artifact, int fd, GError **error);

/* Frees; NULL is fine. */
void sw_oci_disk_free(struct sw_oci_disk *disk);
typedef struct sw_oci_disk SwOciDisk;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwOciDisk, sw_oci_disk_free)

/* The layer as a body; DISK must outlive it. */
struct sw_http_body sw_oci_disk_body(struct sw_oci_disk *disk);

/* Reads all of it: FILE's blob and the place of the file in it; SW_ERROR_STORAGE "changed". */
gboolean sw_oci_disk_describe(struct sw_oci_disk *disk, struct sw_oci_file *file,
			      GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
