/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/sparse.h"

/*
 * What the ids in an image of DISK are made of (sw_uuid_derive()): the disk's size and its first MiB,
 * which holds the partition table with the disk's own GUID.  The caller frees it.
 */
gboolean sw_identity_seed(struct sw_sparse *disk, char **ret_seed,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The UUID of SEED and NAME as 16 bytes in the order of its digits. */
void sw_identity_uuid(const char *seed, const char *name, guint8 ret_uuid[16]);

/* Likewise, with its first three fields little-endian, as Microsoft's GUIDs are. */
void sw_identity_guid(const char *seed, const char *name, guint8 ret_guid[16]);

/* The bytes of the GUID whose digits are TEXT ("2dc27766-f623-...", static), as above. */
void sw_identity_parse_guid(const char *text, guint8 ret_guid[16]);
