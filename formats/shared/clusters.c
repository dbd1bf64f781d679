/* SPDX-License-Identifier: MIT */
#include "formats/shared/clusters.h"

#include "core/error.h"
#include "core/size.h"

#define BATCH_SIZE (256 * SW_KIB)
#define MEMORY_MAX (48 * SW_MIB)
#define PLAIN G_MAXUINT32

enum slot_state { SLOT_FREE, SLOT_BUSY, SLOT_DONE };

/* A batch of clusters on its way: claimed and filled by a worker, emptied by the caller's thread. */
struct slot {
	enum slot_state state;
	guint64 start;
	guint64 length; /* whole clusters */
	guint8 *in;
	guint8 *out;	/* compressed clusters, each at its number times out_size; NULL: no codec */
	guint32 *sizes; /* of each cluster in OUT; 0: all zeros; PLAIN */
};

struct run {
	const struct sw_clusters *clusters;
	GCancellable *cancellable;
	guint64 batch_size;
	size_t out_size; /* room for a compressed cluster */
	GMutex lock;	 /* for all below */
	GCond changed;
	struct slot *slots;
	guint slot_count;
	guint64 claimed; /* batches so far: the next one goes to slot CLAIMED modulo SLOT_COUNT */
	guint64 start;	 /* what is left of the current stretch */
	guint64 end;
	gboolean ended; /* nothing is left to be claimed */
	gboolean stop;	/* somebody failed */
	GError *error;	/* a worker's, the first one */
};

gboolean sw_clusters_next(struct sw_sparse *disk, size_t cluster_size, guint64 offset,
			  guint64 *ret_start, guint64 *ret_end, GError **error)
{
	guint64 start, end;

	if (!sw_sparse_next(disk, offset, &start, &end, error))
		return FALSE;
	/* Not rounded at the end of the disk, to be known as such. */
	*ret_start = start < sw_sparse_size(disk) ? start & ~(cluster_size - 1) : start;
	*ret_end = sw_round_up(end, cluster_size);
	return TRUE;
}

/* Ends all work; ERROR (owned; NULL: the caller's thread has it) is kept if it is the first. */
static void stop(struct run *run, GError *error)
{
	g_mutex_lock(&run->lock);
	if (run->error == NULL)
		run->error = g_steal_pointer(&error);
	run->stop = TRUE;
	g_cond_broadcast(&run->changed);
	g_mutex_unlock(&run->lock);
	g_clear_error(&error);
}

static void set_state(struct run *run, struct slot *slot, enum slot_state state)
{
	g_mutex_lock(&run->lock);
	slot->state = state;
	g_cond_broadcast(&run->changed);
	g_mutex_unlock(&run->lock);
}

/* Finds the next batch for SLOT; sets run->ended when there is none.  With the lock held. */
static gboolean claim_batch(struct run *run, struct slot *slot, GError **error)
{
	struct sw_sparse *disk = run->clusters->disk;

	if (run->start >= run->end && !sw_clusters_next(disk, run->clusters->cluster_size, run->end,
							&run->start, &run->end, error))
		return FALSE;
	if (run->start >= sw_sparse_size(disk)) {
		run->ended = TRUE;
		g_cond_broadcast(&run->changed);
		return TRUE;
	}
	slot->state = SLOT_BUSY;
	slot->start = run->start;
	slot->length = MIN(run->batch_size, run->end - run->start);
	run->start += slot->length;
	run->claimed++;
	return TRUE;
}

/* Waits for a free slot and claims a batch for it; *RET_SLOT is NULL when there is nothing to do. */
static gboolean claim(struct run *run, struct slot **ret_slot, GError **error)
{
	G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&run->lock);
	struct slot *slot = &run->slots[run->claimed % run->slot_count];

	while (!run->stop && !run->ended && slot->state != SLOT_FREE) {
		g_cond_wait(&run->changed, &run->lock);
		slot = &run->slots[run->claimed % run->slot_count];
	}
	*ret_slot = NULL;
	if (run->stop || run->ended)
		return TRUE;
	if (!claim_batch(run, slot, error))
		return FALSE;
	if (!run->ended)
		*ret_slot = slot;
	return TRUE;
}

/* Of the cluster at OFFSET of the disk. */
static size_t cluster_length(const struct run *run, guint64 offset)
{
	size_t size = run->clusters->cluster_size;

	if (!run->clusters->cut_end)
		return size;
	return (size_t)MIN(size, sw_sparse_size(run->clusters->disk) - offset);
}

static gboolean fill(struct run *run, struct slot *slot, void *context, GError **error)
{
	const struct sw_clusters *clusters = run->clusters;
	size_t size = clusters->cluster_size;

	if (!sw_sparse_read(clusters->disk, slot->in, slot->length, slot->start, error))
		return FALSE;
	for (size_t at = 0; at < slot->length; at += size) {
		size_t length = cluster_length(run, slot->start + at);
		guint32 *result = &slot->sizes[at / size];

		if (!sw_check_cancelled(run->cancellable, error))
			return FALSE;
		*result = 0;
		if (sw_is_zero(slot->in + at, length))
			continue;
		if (context != NULL)
			*result = (guint32)clusters->codec->compress(
				context, slot->in + at, length,
				slot->out + at / size * run->out_size, run->out_size);
		if (*result == 0)
			*result = PLAIN;
	}
	return TRUE;
}

/* Fills slots until nothing is left. */
static gboolean work(struct run *run, void *context, GError **error)
{
	for (;;) {
		struct slot *slot;

		if (!claim(run, &slot, error))
			return FALSE;
		if (slot == NULL)
			return TRUE;
		if (!fill(run, slot, context, error))
			return FALSE;
		set_state(run, slot, SLOT_DONE);
	}
}

static gpointer worker(gpointer data)
{
	struct run *run = data;
	const struct sw_codec *codec = run->clusters->codec;
	void *context = codec == NULL ? NULL : codec->open(run->clusters->level);
	GError *error = NULL;

	if (!work(run, context, &error))
		stop(run, error);
	if (context != NULL)
		codec->close(context);
	return NULL;
}

/* The slot of batch NUMBER once it is done; NULL when there is no such batch, or a worker failed. */
static struct slot *wait_for(struct run *run, guint64 number)
{
	G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&run->lock);
	struct slot *slot = &run->slots[number % run->slot_count];

	while (!run->stop && slot->state != SLOT_DONE && !(run->ended && number == run->claimed))
		g_cond_wait(&run->changed, &run->lock);
	return run->stop || slot->state != SLOT_DONE ? NULL : slot;
}

static gboolean put_batch(struct run *run, const struct slot *slot, GError **error)
{
	const struct sw_clusters *clusters = run->clusters;
	size_t size = clusters->cluster_size;

	if (!sw_check_cancelled(run->cancellable, error))
		return FALSE;
	for (size_t at = 0; at < slot->length; at += size) {
		guint32 length = slot->sizes[at / size];
		struct sw_cluster cluster = { .index = (slot->start + at) / size,
					      .size = cluster_length(run, slot->start + at),
					      .compressed = length != PLAIN };

		if (length == 0)
			continue;
		cluster.length = cluster.compressed ? length : cluster.size;
		cluster.data =
			cluster.compressed ? slot->out + at / size * run->out_size : slot->in + at;
		if (!clusters->put(&cluster, clusters->data, error))
			return FALSE;
	}
	if (clusters->progress != NULL)
		clusters->progress(MIN(slot->start + slot->length, sw_sparse_size(clusters->disk)),
				   clusters->progress_data);
	return TRUE;
}

static gboolean put_all(struct run *run, GError **error)
{
	struct slot *slot;

	for (guint64 number = 0; (slot = wait_for(run, number)) != NULL; number++) {
		if (!put_batch(run, slot, error)) {
			stop(run, NULL);
			return FALSE;
		}
		set_state(run, slot, SLOT_FREE);
	}
	return TRUE;
}

/* How many workers are wanted and what they need fit into MEMORY_MAX. */
static guint worker_count(const struct run *run)
{
	const struct sw_clusters *clusters = run->clusters;
	guint64 slot = run->batch_size + run->batch_size / clusters->cluster_size * run->out_size;
	guint64 context =
		clusters->codec == NULL ? 0 : clusters->codec->memory(clusters->cluster_size);
	guint64 most = (MEMORY_MAX - slot) / (2 * slot + context);

	return (guint)CLAMP((guint64)MAX(clusters->threads, 1), 1, MAX(most, 1));
}

static void make_slots(struct run *run, guint count)
{
	guint64 clusters = run->batch_size / run->clusters->cluster_size;

	run->slot_count = count;
	run->slots = g_new0(struct slot, count);
	for (guint i = 0; i < count; i++) {
		run->slots[i].in = g_malloc(run->batch_size);
		if (run->clusters->codec != NULL)
			run->slots[i].out = g_malloc(clusters * run->out_size);
		run->slots[i].sizes = g_new0(guint32, clusters);
	}
}

static void free_slots(struct run *run)
{
	for (guint i = 0; i < run->slot_count; i++) {
		g_free(run->slots[i].in);
		g_free(run->slots[i].out);
		g_free(run->slots[i].sizes);
	}
	g_free(run->slots);
}

/* Starts COUNT workers and puts what they make; all have ended when it returns. */
static gboolean run_workers(struct run *run, guint count, GError **error)
{
	g_autofree GThread **threads = g_new0(GThread *, count);
	guint started = 0;
	gboolean good = FALSE;

	while (started < count) {
		/* Fewer threads than wanted will do. */
		threads[started] =
			g_thread_try_new("clusters", worker, run, started > 0 ? NULL : error);
		if (threads[started] == NULL)
			break;
		started++;
	}
	if (started > 0)
		good = put_all(run, error);
	else
		sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "threads", "cannot start a thread");
	while (started > 0)
		g_thread_join(threads[--started]);
	return good;
}

gboolean sw_clusters_run(const struct sw_clusters *clusters, GCancellable *cancellable,
			 GError **error)
{
	struct run run = {
		.clusters = clusters,
		.cancellable = cancellable,
		.batch_size = MAX(clusters->cluster_size, BATCH_SIZE),
	};
	guint workers;
	gboolean good;

	if (clusters->codec != NULL)
		run.out_size = clusters->codec->bound != NULL
				       ? clusters->codec->bound(clusters->cluster_size)
				       : clusters->cluster_size - 1;
	workers = worker_count(&run);
	g_mutex_init(&run.lock);
	g_cond_init(&run.changed);
	make_slots(&run, 2 * workers + 1);
	good = run_workers(&run, workers, error);
	if (good && run.error != NULL) {
		g_propagate_error(error, g_steal_pointer(&run.error));
		good = FALSE;
	}
	g_clear_error(&run.error);
	free_slots(&run);
	g_cond_clear(&run.changed);
	g_mutex_clear(&run.lock);
	if (good && clusters->progress != NULL)
		clusters->progress(sw_sparse_size(clusters->disk), clusters->progress_data);
	return good;
}
