/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"

/*
 * The rules that turn a path of a layer's tar into a path of the commit (contract 1.6).  Pure.
 */

/* The longest path and the longest name in it, bytes (Linux: PATH_MAX - 1 and NAME_MAX). */
#define SW_PATH_MAX 4095
#define SW_NAME_MAX 255

/*
 * Maps PATH, as an entry or a hard link names it: "/" in front, "." and doubled "/" go; "etc" and all
 * below becomes "usr/etc"; what lies below dev, proc, run, sys and tmp at the top is dropped (they
 * themselves stay).  RET_PATH is relative, "" for the root, NULL for what is dropped; the caller frees
 * it.  SW_ERROR_IMAGE with the id "path" for "..", an empty path, one that is not UTF-8 or too long.
 */
gboolean sw_path_map(const char *path, char **ret_path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Can TARGET, as a tar names it, be that of a symbolic link: not empty, not over-long, UTF-8? */
gboolean sw_link_target_valid(const char *target);

/* PATH for an error: fit for one line, cut after some 200 bytes.  The caller frees it. */
char *sw_path_show(const char *path);
