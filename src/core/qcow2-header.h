/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"

/* Bytes of the fixed part of a header, by version. */
#define SW_QCOW2_HEADER_V2 72
#define SW_QCOW2_HEADER_V3 104

/* Incompatible features. */
#define SW_QCOW2_DIRTY (G_GUINT64_CONSTANT(1) << 0)
#define SW_QCOW2_CORRUPT (G_GUINT64_CONSTANT(1) << 1)
#define SW_QCOW2_DATA_FILE (G_GUINT64_CONSTANT(1) << 2)
#define SW_QCOW2_COMPRESSION (G_GUINT64_CONSTANT(1) << 3)
#define SW_QCOW2_SUBCLUSTERS (G_GUINT64_CONSTANT(1) << 4)

/* The fixed part of a header (QEMU's docs/interop/qcow2.txt). */
struct sw_qcow2_header {
	guint version;
	guint cluster_bits;
	guint64 size;
	guint32 l1_size;
	guint64 l1_offset;
	guint64 features; /* incompatible ones */
	guint32 length;
};

/*
 * What a file is by its first LENGTH bytes, if it holds a disk in a way that is neither raw nor qcow2:
 * "VMDK", "gzip"; else NULL.
 */
const char *sw_disk_image_kind(const guint8 *bytes, size_t length);

/* Do the first LENGTH bytes of a file say that it is a qcow2 image? */
gboolean sw_qcow2_is(const guint8 *bytes, size_t length);

/*
 * Reads the header in the first LENGTH bytes (hostile) of the qcow2 image NAME.  Fails with CODE:
 * "disk-unsupported" for another version than 2 and 3 and for an image that leads to other files (a
 * backing file, an external data file) or is encrypted, "disk-unreadable" for one that is marked as
 * corrupt or whose header is not whole.  Sizes and places are not looked at.
 */
gboolean sw_qcow2_header_read(const guint8 *bytes, size_t length, const char *name,
			      enum sw_error code, struct sw_qcow2_header *ret_header,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Likewise for the extensions behind HEADER, which must end within LENGTH: none may name another file
 * or a key.
 */
gboolean sw_qcow2_check_extensions(const guint8 *bytes, size_t length, const char *name,
				   enum sw_error code, const struct sw_qcow2_header *header,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Fails with CODE: the qcow2 image NAME WHAT ("has a backing file"), and another one is to be made. */
gboolean sw_qcow2_fail_unsupported(const char *name, const char *what, enum sw_error code,
				   GError **error);

/* Fails with CODE: the qcow2 image NAME is damaged: WHAT. */
gboolean sw_qcow2_fail_corrupt(const char *name, const char *what, enum sw_error code,
			       GError **error);
