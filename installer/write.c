/* SPDX-License-Identifier: MIT */
#include "installer/write.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 4

struct pass {
	enum si_pass kind;
	const struct si_payload *payload;
	const struct si_target *target;
	atomic_uint next; /* the frame that nobody has */
	atomic_ullong done;
	pthread_mutex_t lock; /* for all below */
	pthread_cond_t changed;
	unsigned running;
	struct si_failure failure; /* the first one */
};

static bool verify(const struct pass *pass, const struct si_frame *frame,
		   const unsigned char *wanted, unsigned char *buffer, struct si_failure *failure)
{
	const char *path = pass->target->path;

	if (!si_read_at(pass->target->fd, buffer, frame->length, frame->offset))
		return si_fail_errno(failure, "disk-verify",
				     "%s cannot be read at %" PRIu64
				     ": the disk may be failing, try another",
				     path, frame->offset);
	if (memcmp(buffer, wanted, frame->length) == 0)
		return true;
	return si_fail(failure, "disk-verify",
		       "%s does not have what was written at %" PRIu64
		       ": the disk is failing, use another",
		       path, frame->offset);
}

static bool do_frame(const struct pass *pass, struct si_reader *reader, uint32_t number,
		     unsigned char *buffers, struct si_failure *failure)
{
	const struct si_frame *frame = &pass->payload->frames[number];

	if (!si_reader_read(reader, number, buffers, failure))
		return false;
	if (pass->kind == SI_PASS_WRITE)
		return si_target_write(pass->target, buffers, frame->length, frame->offset,
				       failure);
	return pass->kind == SI_PASS_CHECK ||
	       verify(pass, frame, buffers, buffers + SI_FRAME_SIZE, failure);
}

static bool do_frames(struct pass *pass, struct si_failure *failure)
{
	struct si_reader reader = { 0 };
	unsigned char *buffers = malloc((size_t)2 * SI_FRAME_SIZE);
	bool good = buffers != NULL ? si_reader_init(&reader, pass->payload, failure)
				    : si_fail(failure, "memory", "there is no memory left");

	while (good) {
		uint32_t number = atomic_fetch_add(&pass->next, 1);

		if (number >= pass->payload->count)
			break;
		good = do_frame(pass, &reader, number, buffers, failure);
		atomic_fetch_add(&pass->done, pass->payload->frames[number].length);
	}
	if (!good)
		atomic_store(&pass->next, pass->payload->count);
	si_reader_clear(&reader);
	free(buffers);
	return good;
}

static void *worker(void *data)
{
	struct pass *pass = data;
	struct si_failure failure = { 0 };
	bool good = do_frames(pass, &failure);

	pthread_mutex_lock(&pass->lock);
	if (!good && pass->failure.id == NULL)
		pass->failure = failure;
	pass->running--;
	pthread_cond_signal(&pass->changed);
	pthread_mutex_unlock(&pass->lock);
	return NULL;
}

static unsigned start(struct pass *pass, pthread_t *threads)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned wanted = processors < 1	     ? 1
			  : processors > THREADS_MAX ? THREADS_MAX
						     : (unsigned)processors;
	unsigned started = 0;

	pthread_mutex_lock(&pass->lock);
	while (started < wanted && pthread_create(&threads[started], NULL, worker, pass) == 0)
		started++;
	pass->running = started;
	if (started == 0)
		si_fail(&pass->failure, "memory", "no thread can be started");
	pthread_mutex_unlock(&pass->lock);
	return started;
}

static void wait_for_all(struct pass *pass, uint64_t all, si_progress progress)
{
	pthread_mutex_lock(&pass->lock);
	while (pass->running > 0) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&pass->changed, &pass->lock, &until);
		if (pass->running > 0)
			progress(pass->kind, atomic_load(&pass->done), all);
	}
	pthread_mutex_unlock(&pass->lock);
}

bool si_run_pass(enum si_pass kind, const struct si_payload *payload,
		 const struct si_target *target, si_progress progress, struct si_failure *failure)
{
	struct pass pass = { .kind = kind,
			     .payload = payload,
			     .target = target,
			     .next = kind == SI_PASS_CHECK ? 0 : 1,
			     .lock = PTHREAD_MUTEX_INITIALIZER,
			     .changed = PTHREAD_COND_INITIALIZER };
	uint64_t all = payload->content - (kind == SI_PASS_CHECK ? 0 : payload->frames[0].length);
	pthread_t threads[THREADS_MAX];
	unsigned started = start(&pass, threads);

	wait_for_all(&pass, all, progress);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	if (pass.failure.id != NULL) {
		*failure = pass.failure;
		return false;
	}
	progress(kind, all, all);
	return true;
}
