/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Inflates clusters of disk images, one at a time: for one thread. */
struct sw_cluster_inflater;

/* For clusters of SIZE bytes, raw deflate or (IS_ZSTD) zstd frames; never NULL. */
struct sw_cluster_inflater *sw_cluster_inflater_new(size_t size, gboolean is_zstd);

/* Frees; NULL is fine. */
void sw_cluster_inflater_free(struct sw_cluster_inflater *inflater);

/* Room for the LENGTH bytes of a compressed cluster, to be filled before sw_cluster_inflater_run(). */
guint8 *sw_cluster_inflater_input(struct sw_cluster_inflater *inflater, size_t length);

/*
 * Inflates the first LENGTH bytes of the input, behind whose stream may be anything, and keeps the
 * cluster under KEY (not 0).  Stays INFLATER's own until its next run.  NULL: they are no stream of
 * a whole cluster.
 */
const guint8 *sw_cluster_inflater_run(struct sw_cluster_inflater *inflater, size_t length,
				      guint64 key);

/* What the last run made, if that was for KEY; NULL otherwise. */
const guint8 *sw_cluster_inflater_last(const struct sw_cluster_inflater *inflater, guint64 key);
