/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/sparse.h"
#include "formats/shared/codec.h"

/* One cluster of the virtual disk that is not all zeros. */
struct sw_cluster {
	guint64 index; /* it begins at this many cluster sizes */
	const guint8 *data;
	size_t size; /* of the cluster: the cluster size, or less at the end of the disk (cut_end) */
	size_t length; /* of DATA: SIZE, or another when compressed */
	gboolean compressed;
};

/* A pass over a disk, cluster by cluster. */
struct sw_clusters {
	struct sw_sparse *disk;
	size_t cluster_size;	      /* a power of two, at most SW_CLUSTER_MAX */
	const struct sw_codec *codec; /* NULL: nothing is compressed */
	int level;
	int threads; /* at least 1 */
	gboolean
		cut_end; /* the last cluster ends where the disk does, else it is filled with zeros */

	/* Takes a cluster; called in the order of the disk, by the thread that called sw_clusters_run(). */
	gboolean (*put)(const struct sw_cluster *cluster, void *data, GError **error);

	/* As in sw_format.write(); NULL: not called. */
	void (*progress)(guint64 done, void *data);
	void *data; /* for put() */
	void *progress_data;
};

#define SW_CLUSTER_MAX (2 * 1024 * 1024)

/*
 * The next stretch of whole clusters at or behind OFFSET (a whole cluster) that may hold data.  At the
 * end of the disk *RET_START is its size or more.
 */
gboolean sw_clusters_next(struct sw_sparse *disk, size_t cluster_size, guint64 offset,
			  guint64 *ret_start, guint64 *ret_end,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Reads the disk's data once, compresses clusters on all threads and puts them in order, whatever the
 * number of threads.  A cluster that does not become smaller is put as it is (see sw_codec.bound).
 * Takes less than 56 MiB, with fewer threads where it must.
 */
gboolean sw_clusters_run(const struct sw_clusters *clusters, GCancellable *cancellable,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;
