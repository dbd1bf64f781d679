/* SPDX-License-Identifier: MIT */
#pragma once

#include "unit/image/tarball.h"
#include "verify/snapshot.h"

static gboolean next_of_tar(void *data, const guint8 **ret_chunk, size_t *ret_length,
			    G_GNUC_UNUSED GError **error)
{
	GByteArray *tar = data;

	*ret_chunk = tar->data;
	*ret_length = tar->len;
	tar->len = 0;
	return TRUE;
}

/* A snapshot of TAR, which is used up; RET_OK: could all of it be taken? */
static inline struct sw_snapshot *fill(GByteArray *tar, gboolean *ret_ok)
{
	g_autoptr(GError) error = NULL;
	struct sw_snapshot *snapshot = NULL;

	g_assert_true(sw_snapshot_new(g_get_tmp_dir(), 4096, &snapshot, &error));
	*ret_ok = sw_snapshot_fill(snapshot, next_of_tar, tar, &error);
	g_assert_true(*ret_ok == (error == NULL));
	return snapshot;
}
