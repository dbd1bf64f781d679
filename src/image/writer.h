/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/mtree.h"
#include "image/tar.h"

/*
 * Writes what tar entries hold as objects of a repository, with their owners, modes and extended
 * attributes.  One writer a thread; any number of them in one transaction.  Errors are
 * SW_ERROR_ENVIRONMENT with the id "cache", "disk-full" or "xattrs", or those of the tar.
 */
struct sw_writer;

/* A new one; never NULL. */
struct sw_writer *sw_writer_new(OstreeRepo *repo);

/* Frees; NULL is fine. */
void sw_writer_free(struct sw_writer *writer);
typedef struct sw_writer SwWriter;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwWriter, sw_writer_free)

/*
 * Appends to OBJECT what the checksum of ENTRY's object (a file or a symbolic link) covers in front
 * of the content: a length, padding to 8 bytes, and (uid, gid, mode, 0, link target, extended
 * attributes), all big-endian (libostree's ostree-core-private.h,
 * _OSTREE_FILE_HEADER_GVARIANT_FORMAT).
 */
void sw_writer_header(GByteArray *object, const struct sw_tar_entry *entry);

/* Writes ENTRY as a regular file, its content taken from TAR. */
gboolean sw_writer_file(struct sw_writer *writer, const struct sw_tar_entry *entry,
			struct sw_tar *tar, char ret_checksum[SW_CHECKSUM_SIZE],
			GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writes ENTRY as a symbolic link. */
gboolean sw_writer_symlink(struct sw_writer *writer, const struct sw_tar_entry *entry,
			   char ret_checksum[SW_CHECKSUM_SIZE], GCancellable *cancellable,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writes the metadata of ENTRY, a directory. */
gboolean sw_writer_directory(struct sw_writer *writer, const struct sw_tar_entry *entry,
			     char ret_checksum[SW_CHECKSUM_SIZE], GCancellable *cancellable,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
