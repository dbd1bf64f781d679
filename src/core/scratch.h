/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * A private directory that lives as long as its owner: locked (flock) while in use, removed with
 * sw_scratch_free(), and, after a crash, by the next sw_scratch_new() with the same parent and
 * prefix.
 */
struct sw_scratch;

/*
 * Reclaims what dead owners left in PARENT (directories of ours, 0700, named PREFIX and twelve
 * letters and digits without meaning, whose lock is free), then makes and locks a new one.
 * SW_ERROR_ENVIRONMENT with the id "scratch" when it cannot.
 */
gboolean sw_scratch_new(const char *parent, const char *prefix, struct sw_scratch **ret_scratch,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes the directory and all in it, without following links or crossing mounts; NULL is fine. */
void sw_scratch_free(struct sw_scratch *scratch);
typedef struct sw_scratch SwScratch;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwScratch, sw_scratch_free)

/* Its absolute path, valid as long as it. */
const char *sw_scratch_path(const struct sw_scratch *scratch);

/*
 * Keeps the directory (build --keep), from now on: sw_scratch_free() and later sw_scratch_new()
 * leave it alone.  It is marked by the sticky bit.
 */
void sw_scratch_keep(struct sw_scratch *scratch);
