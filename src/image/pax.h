/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"

/* What the extended header of one tar entry says (POSIX.1-2001 pax, GNU's and star's keywords). */
struct sw_pax {
	char *path; /* NULL: not given; so are the others */
	char *target;
	char *sparse_name; /* GNU.sparse.name: the path of a sparse file */
	gboolean has_size, has_uid, has_gid, has_real_size;
	gboolean is_sparse; /* GNU's sparse form 1.0: its map is in front of the content */
	guint64 size;
	guint64 real_size;
	guint64 uid;
	guint64 gid;
	GTree *xattrs; /* char * to GBytes, from SCHILY.xattr.NAME, none empty; NULL: none */
};

/*
 * Adds the records of TEXT (LENGTH bytes, hostile) to PAX, which was zeroed.  Records of other
 * keywords are ignored.  SW_ERROR_SOURCE with the id "tar".
 */
gboolean sw_pax_parse(struct sw_pax *pax, const char *text, size_t length,
		      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The extended attributes of PAX as libostree's a(ayay), sorted by name; NULL when it has none. */
GVariant *sw_pax_xattrs(const struct sw_pax *pax);

/* Frees what PAX owns and zeroes it. */
void sw_pax_clear(struct sw_pax *pax);
typedef struct sw_pax SwPax;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SwPax, sw_pax_clear)
