/* SPDX-License-Identifier: MIT */
#pragma once

#include "disk/sink.h"

/*
 * A sink that writes into an ext4 filesystem inside a disk file, by libext2fs: no appliance, no
 * mount, no root.  Files get one run of blocks where there is one, and their data goes straight
 * from the source file into the disk file.
 */
struct sw_ext4;

/*
 * Opens the filesystem that begins at OFFSET bytes of the disk file PATH (made by sw_mkfs()).
 * NOW (seconds since 1970) becomes every time stamp that a node does not bring.
 */
gboolean sw_ext4_open(const char *path, guint64 offset, gint64 now, struct sw_ext4 **ret_ext4,
		      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The sink; owned by EXT4. */
struct sw_sink *sw_ext4_sink(struct sw_ext4 *ext4);

/* Writes everything back; the filesystem is clean afterwards. */
gboolean sw_ext4_close(struct sw_ext4 *ext4, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Puts NOW for the times at which a kernel has mounted and written the filesystem that begins at OFFSET of PATH,
 * which is not mounted: the same input gives the same bytes.
 */
gboolean sw_ext4_seal(const char *path, guint64 offset, gint64 now,
		      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees, without writing back if sw_ext4_close() was not called; NULL is fine. */
void sw_ext4_free(struct sw_ext4 *ext4);
typedef struct sw_ext4 SwExt4;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwExt4, sw_ext4_free)
