/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"

/*
 * A reader of tar streams (POSIX.1-2001 pax and ustar, GNU tar's and the old form; sparse files of GNU's
 * forms "old" and "1.0").  It keeps names as the bytes that they are, whatever the locale, so that a
 * layer gives the same commit everywhere.  Pure: the bytes come from a function.  Errors are
 * SW_ERROR_SOURCE with the id "tar".
 */
struct sw_tar;

/*
 * Gives the next piece of the stream, valid until the next call; RET_LENGTH is 0 at its end, and
 * then also on every further call.
 */
typedef gboolean (*sw_chunk_func)(void *data, const guint8 **ret_chunk, size_t *ret_length,
				  GError **error);

enum sw_tar_type {
	SW_TAR_FILE,
	SW_TAR_DIRECTORY,
	SW_TAR_SYMLINK,
	SW_TAR_HARDLINK, /* to TARGET; with a SIZE above 0 it brings its content along */
	SW_TAR_DEVICE,
	SW_TAR_FIFO,
};

/* One entry.  Owned by the reader, valid until the next entry is asked for. */
struct sw_tar_entry {
	enum sw_tar_type type;
	char *path;   /* as written, neither checked nor normalised; never NULL */
	char *target; /* of a link, likewise; never NULL for links */
	guint32 uid;
	guint32 gid;
	guint32 mode;	   /* the permission bits, with set-user-ID and so on (07777) */
	gboolean has_time; /* its header's modification time is after 1970 */
	guint64 size;	   /* of the content, holes included */
	GVariant *xattrs;  /* a(ayay), libostree's form, sorted by name; NULL: none */
};

/* A reader of what NEXT gives (with DATA); never NULL. */
struct sw_tar *sw_tar_new(sw_chunk_func next, void *data);

/* Frees; NULL is fine. */
void sw_tar_free(struct sw_tar *tar);
typedef struct sw_tar SwTar;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwTar, sw_tar_free)

/*
 * Goes to the next entry, over what is left of the present one's content.  RET_ENTRY is NULL at the
 * end: two empty blocks, or the end of the stream where an entry would begin.
 */
gboolean sw_tar_next(struct sw_tar *tar, const struct sw_tar_entry **ret_entry,
		     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The next piece of the present entry's content, valid until the next call; length 0 at its end. */
gboolean sw_tar_data(struct sw_tar *tar, const guint8 **ret_data, size_t *ret_length,
		     GError **error) G_GNUC_WARN_UNUSED_RESULT;
