/* SPDX-License-Identifier: MIT */
#include "formats/shared/blocks.h"

#include "core/file.h"
#include "core/size.h"
#include "formats/shared/clusters.h"

/* What is read, looked at and written at once; the holes are of this size. */
#define UNIT (64 * SW_KIB)

struct run {
	struct sw_blocks *blocks;
	size_t unit;
	guint64 current; /* the block that was begun last */
	guint64 offset;	 /* where it lies */
};

gboolean sw_blocks_write(const struct sw_blocks *blocks, const void *data, size_t length,
			 guint64 offset, GError **error)
{
	return sw_write_at(blocks->file->fd, data, length, offset, blocks->file->path,
			   SW_ERROR_FORMAT, blocks->id, error);
}

gboolean sw_blocks_set_size(const struct sw_blocks *blocks, guint64 size, GError **error)
{
	if (ftruncate(blocks->file->fd, (off_t)size) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, blocks->id, "cannot write %s",
				     blocks->file->path);
	return TRUE;
}

static gboolean begin(struct run *run, guint64 block, GError **error)
{
	struct sw_blocks *b = run->blocks;

	run->current = block;
	if (b->begin == NULL) {
		run->offset = b->first + block * b->stride;
		return TRUE;
	}
	run->offset = b->end;
	b->end += b->stride;
	b->used++;
	return b->begin(block, run->offset, b->data, error);
}

static gboolean put(const struct sw_cluster *cluster, void *data, GError **error)
{
	struct run *run = data;
	guint64 at = cluster->index * run->unit;
	guint64 block = at / run->blocks->block_size;

	if (block != run->current && !begin(run, block, error))
		return FALSE;
	return sw_blocks_write(run->blocks, cluster->data, cluster->length,
			       run->offset + at % run->blocks->block_size, error);
}

gboolean sw_blocks_run(struct sw_blocks *blocks, GCancellable *cancellable, GError **error)
{
	struct run run = {
		.blocks = blocks,
		.unit = (size_t)MIN(UNIT, blocks->block_size),
		.current = G_MAXUINT64,
	};
	struct sw_clusters clusters = {
		.disk = blocks->input->disk,
		.cluster_size = run.unit,
		.threads = blocks->input->threads,
		.put = put,
		.data = &run,
		.progress = blocks->input->progress,
		.progress_data = blocks->input->progress_data,
	};

	blocks->used = 0;
	blocks->end = blocks->first;
	return sw_clusters_run(&clusters, cancellable, error);
}
