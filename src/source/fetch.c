/* SPDX-License-Identifier: MIT */
#include "source/source.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>

#include "core/file.h"
#include "core/size.h"
#include "source/fault.h"
#include "source/session.h"

/*
 * One thread moves all data and talks to the proxy; a worker a layer takes it.  The data goes from
 * the proxy's pipe to one of ours by splice(), without a copy: so the bytes are counted, a blob
 * that does not end is cut off, and FinishPipe, which makes the proxy wait, is asked for when a
 * blob is complete and holds nobody up.
 */
#define IN_FLIGHT 4
#define PIPE_SIZE (1 << 20)
#define CHUNK (1 << 20)
#define MOVES_MAX 16		       /* in a row for one layer */
#define TICK_MS 100		       /* how often due times are looked at */
#define STALL (G_TIME_SPAN_SECOND / 2) /* without data: the proxy is asked what became of it */
#define UNKNOWN G_MAXUINT64

enum state {
	STATE_QUEUED,
	STATE_OPENING,	 /* GetBlob has no reply yet */
	STATE_FLOWING,	 /* data comes */
	STATE_FINISHING, /* FinishPipe has no reply yet; data may come */
	STATE_JUDGED,	 /* the proxy's verdict is in; the worker may be at work */
	STATE_DONE,
};

struct fetch;

/* A layer on its way. */
struct flight {
	struct fetch *fetch;
	guint index; /* in the image */
	const struct sw_oci_layer *layer;
	const char *expected_digest;
	enum state state;
	guint tries;	   /* that have failed */
	gint64 not_before; /* monotonic time of the next */
	guint64 pipe_id;
	guint64 length; /* UNKNOWN: only the proxy knows */
	guint64 moved;
	gint64 moved_at;
	gboolean sink_full;
	int from;	 /* the proxy's pipe */
	int sink;	 /* the worker's, where we write */
	int worker_fd;	 /* the same, where it reads */
	char *fault;	 /* the proxy's verdict when it is bad */
	GThread *thread; /* NULL: none runs */
	int taken;	 /* atomic: the worker has ended; what follows is then ours */
	gboolean good;
	GError *error;
};

struct fetch {
	struct sw_source *source;
	struct flight *flights;
	guint count;
	sw_layer_func take;
	void *data;
	struct sw_progress *progress;
	GCancellable *cancellable;
	struct flight *asked; /* whose request has no reply yet; NULL: none */
	gint64 active_at;     /* when the proxy last did something */
	guint64 total;
	int wakeup; /* an eventfd: a worker has ended */
};

static gboolean is_active(const struct flight *flight)
{
	return flight->state != STATE_QUEUED && flight->state != STATE_DONE;
}

static void flight_close(struct flight *flight)
{
	sw_close_fd(&flight->from);
	sw_close_fd(&flight->sink);
	flight->from = -1;
	flight->sink = -1;
}

/* Back to where it was before the try; waits for the worker, whose stream ends here. */
static void flight_reset(struct flight *flight, enum state state)
{
	flight_close(flight);
	if (flight->thread != NULL)
		g_thread_join(g_steal_pointer(&flight->thread));
	sw_close_fd(&flight->worker_fd);
	flight->worker_fd = -1;
	g_clear_pointer(&flight->fault, g_free);
	g_clear_error(&flight->error);
	flight->taken = 0;
	flight->moved = 0;
	flight->sink_full = FALSE;
	flight->state = state;
}

static void fetch_clear(struct fetch *fetch)
{
	for (guint i = 0; i < fetch->count; i++)
		flight_close(&fetch->flights[i]);
	for (guint i = 0; i < fetch->count; i++)
		flight_reset(&fetch->flights[i], STATE_DONE);
	g_free(fetch->flights);
	sw_close_fd(&fetch->wakeup);
}
typedef struct fetch SwFetch;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SwFetch, fetch_clear)

/* "layer 2 of 7 (sha256:0123456789ab)" */
static char *describe(const struct flight *flight)
{
	return g_strdup_printf("layer %u of %u (%.19s)", flight->index + 1,
			       flight->fetch->source->image->layers->len, flight->layer->digest);
}

/* Where layers lie uncompressed their sizes are not the manifest's. */
static gboolean stores_uncompressed(const struct fetch *fetch)
{
	return fetch->source->reference->transport == SW_TRANSPORT_CONTAINERS_STORAGE;
}

/* A try of FLIGHT has come to nothing: another one, or the end. */
static gboolean fail_flight(struct flight *flight, const char *text, GError **error)
{
	struct fetch *fetch = flight->fetch;
	g_autofree char *detail = describe(flight);
	g_autofree char *reason = sw_fault_shorten(text);
	guint delay = 0;

	flight->tries++;
	if (!sw_fault_passes(text) || flight->tries == SW_SOURCE_TRIES)
		return sw_fault_fail(fetch->source->reference, SW_FAULT_LAYER, detail, text, error);
	delay = sw_source_delay(fetch->source, detail, reason, flight->tries, fetch->progress);
	flight_reset(flight, STATE_QUEUED);
	flight->not_before = g_get_monotonic_time() + delay * G_TIME_SPAN_MILLISECOND;
	return TRUE;
}

/* The proxy failed.  When it only does not answer, all that was under way is tried again. */
static gboolean fail_proxy(struct fetch *fetch, GError **error)
{
	g_autofree char *reason = NULL;
	GError *fault = g_steal_pointer(error);

	sw_source_fail_proxy(fetch->source, &reason, &fault);
	fetch->asked = NULL;
	for (guint i = 0; reason != NULL && i < fetch->count; i++) {
		struct flight *flight = &fetch->flights[i];
		g_autofree char *detail = describe(flight);
		gint64 now = g_get_monotonic_time();
		guint delay = 0;

		if (!is_active(flight) || flight->state == STATE_JUDGED)
			continue;
		if (++flight->tries == SW_SOURCE_TRIES) {
			g_clear_pointer(&reason, g_free);
			break;
		}
		delay = sw_source_delay(fetch->source, detail, reason, flight->tries,
					fetch->progress);
		flight_reset(flight, STATE_QUEUED);
		flight->not_before = now + delay * G_TIME_SPAN_MILLISECOND;
	}
	if (reason == NULL)
		g_propagate_error(error, g_steal_pointer(&fault));
	g_clear_error(&fault);
	return reason != NULL;
}

static gpointer take_layer(gpointer data)
{
	struct flight *flight = data;
	struct fetch *fetch = flight->fetch;
	guint64 one = 1;
	ssize_t n = 0;

	flight->good = fetch->take(flight->layer, flight->expected_digest, flight->worker_fd,
				   fetch->data, fetch->cancellable, &flight->error);
	g_atomic_int_set(&flight->taken, 1);
	n = write(fetch->wakeup, &one, sizeof one);
	(void)n; /* it cannot fail before 2^64 of them */
	return NULL;
}

/* GetBlob has succeeded: the data may flow. */
static gboolean start_flow(struct flight *flight, struct sw_reply *reply, GError **error)
{
	gint64 offered = reply->value != NULL ? json_node_get_int(reply->value) : -1;
	int pipe_fds[2] = { -1, -1 };

	if (stores_uncompressed(flight->fetch))
		flight->length = offered >= 0 ? (guint64)offered : UNKNOWN;
	else
		flight->length = flight->layer->size;
	if (offered >= 0 && (guint64)offered != flight->length) {
		g_autofree char *text = g_strdup_printf("expected %" G_GUINT64_FORMAT
							" bytes in blob, got %" G_GINT64_FORMAT,
							flight->length, offered);

		return fail_flight(flight, text, error);
	}
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "pipe", "cannot make a pipe");
	flight->worker_fd = pipe_fds[0];
	flight->sink = pipe_fds[1];
	flight->from = g_steal_fd(&reply->fd);
	flight->pipe_id = reply->pipe_id;
	flight->moved_at = g_get_monotonic_time();
	flight->state = STATE_FLOWING;
	fcntl(flight->sink, F_SETFL, O_NONBLOCK);
	fcntl(flight->from, F_SETFL, O_NONBLOCK);
	fcntl(flight->sink, F_SETPIPE_SZ, PIPE_SIZE); /* as large as the system lets us */
	fcntl(flight->from, F_SETPIPE_SZ, PIPE_SIZE);
	flight->thread = g_thread_new("layer", take_layer, flight);
	return TRUE;
}

/* What the proxy says of a blob that has been read. */
static void judge(struct flight *flight, struct sw_reply *reply)
{
	gboolean known_size = !stores_uncompressed(flight->fetch);

	/* The digest is right then; the proxy would say so otherwise. */
	if (reply->error != NULL && !known_size &&
	    strstr(reply->error, " bytes in blob, got ") != NULL)
		g_clear_pointer(&reply->error, g_free);
	flight->fault = g_steal_pointer(&reply->error);
	flight->state = STATE_JUDGED;
	if (flight->fault != NULL)
		flight_close(flight);
}

static gboolean handle_reply(struct fetch *fetch, GError **error)
{
	struct flight *flight = g_steal_pointer(&fetch->asked);
	g_auto(SwReply) reply = SW_REPLY_INIT;

	fetch->active_at = g_get_monotonic_time();
	if (!sw_proxy_receive(fetch->source->proxy, &reply, error))
		return fail_proxy(fetch, error);
	if (flight->state == STATE_FINISHING) {
		judge(flight, &reply);
		return TRUE;
	}
	sw_source_drop_files(fetch->source);
	if (reply.error == NULL && reply.fd < 0)
		reply.error = g_strdup("skopeo gave no pipe");
	if (reply.error != NULL)
		return fail_flight(flight, reply.error, error);
	return start_flow(flight, &reply, error);
}

static gboolean ask(struct flight *flight, const char *method, JsonArray *args, enum state state,
		    GError **error)
{
	struct fetch *fetch = flight->fetch;

	if (!sw_proxy_send(fetch->source->proxy, method, args, error))
		return fail_proxy(fetch, error);
	fetch->active_at = g_get_monotonic_time();
	fetch->asked = flight;
	flight->state = state;
	return TRUE;
}

static gboolean ask_finish(struct flight *flight, GError **error)
{
	JsonArray *args = json_array_new();

	json_array_add_int_element(args, (gint64)flight->pipe_id);
	return ask(flight, "FinishPipe", args, STATE_FINISHING, error);
}

static gboolean ask_blob(struct flight *flight, GError **error)
{
	struct fetch *fetch = flight->fetch;
	JsonArray *args = NULL;

	if (!sw_source_connect(fetch->source, fetch->progress, fetch->cancellable, error))
		return FALSE;
	args = json_array_new();
	json_array_add_int_element(args, fetch->source->image_id);
	json_array_add_string_element(args, flight->expected_digest);
	json_array_add_int_element(args, (gint64)flight->layer->size);
	return ask(flight, "GetBlob", args, STATE_OPENING, error);
}

static gboolean is_complete(const struct flight *flight, gint64 now)
{
	if (flight->length == UNKNOWN || flight->moved >= flight->length)
		return TRUE;
	return !flight->sink_full && now - flight->moved_at > STALL;
}

/* What is in each state; NULL: nothing. */
struct survey {
	struct flight *complete; /* or seems stuck */
	struct flight *oldest;	 /* that flows */
	struct flight *due;	 /* to be opened */
	gboolean queued;
	guint active;
};

static void look_at(struct flight *flight, gint64 now, struct survey *survey)
{
	if (flight->state == STATE_FLOWING) {
		if (survey->oldest == NULL)
			survey->oldest = flight;
		if (survey->complete == NULL && is_complete(flight, now))
			survey->complete = flight;
	} else if (flight->state == STATE_QUEUED) {
		survey->queued = TRUE;
		if (survey->due == NULL && flight->not_before <= now)
			survey->due = flight;
	}
	survey->active += is_active(flight) ? 1 : 0;
}

/*
 * The next request, when there is none: to finish what is complete, else to open what is due, else,
 * when nothing waits to be opened, to finish what was opened first.
 */
static gboolean ask_next(struct fetch *fetch, GError **error)
{
	gint64 now = g_get_monotonic_time();
	struct survey survey = { 0 };

	if (fetch->asked != NULL)
		return TRUE;
	for (guint i = 0; i < fetch->count; i++)
		look_at(&fetch->flights[i], now, &survey);
	if (survey.complete != NULL)
		return ask_finish(survey.complete, error);
	if (survey.due != NULL && survey.active < IN_FLIGHT)
		return ask_blob(survey.due, error);
	if (!survey.queued && survey.oldest != NULL)
		return ask_finish(survey.oldest, error);
	return TRUE;
}

/* One move of data; the errno of a failure. A worker that has ended wants no more of it. */
static ssize_t move_once(struct flight *flight)
{
	char waste[16 * SW_KIB];

	if (g_atomic_int_get(&flight->taken) != 0)
		return read(flight->from, waste, sizeof waste);
	return splice(flight->from, NULL, flight->sink, NULL, CHUNK,
		      SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

static gboolean move_data(struct flight *flight, GError **error)
{
	for (guint i = 0; i < MOVES_MAX; i++) {
		GPollFD sink = { .fd = flight->sink, .events = G_IO_OUT };
		ssize_t n = move_once(flight);

		if (n < 0 && errno == EAGAIN) {
			flight->sink_full = g_poll(&sink, 1, 0) == 0;
			return TRUE;
		}
		if (n < 0 && errno != EINTR)
			return sw_fail_errno(error, SW_ERROR_SOURCE, "source",
					     "cannot read from skopeo's image proxy");
		if (n == 0) {
			flight_close(flight);
			return TRUE;
		}
		if (n < 0)
			continue;
		flight->moved += (guint64)n;
		flight->moved_at = g_get_monotonic_time();
		flight->fetch->active_at = flight->moved_at;
		if (flight->moved > flight->length)
			return fail_flight(flight, "expected fewer bytes in blob, got more", error);
	}
	return TRUE;
}

/* The worker has ended, and the verdict is in. */
static gboolean settle(struct flight *flight, GError **error)
{
	if (flight->fault != NULL) {
		g_autofree char *fault = g_strdup(flight->fault);

		return fail_flight(flight, fault, error);
	}
	if (!flight->good) {
		g_propagate_error(error, g_steal_pointer(&flight->error));
		return FALSE;
	}
	flight_reset(flight, STATE_DONE);
	return TRUE;
}

/* Looks at a worker that has ended; *RET_LEFT is counted up while there is work. */
static gboolean reap(struct flight *flight, guint *ret_left, GError **error)
{
	if (g_atomic_int_get(&flight->taken) != 0) {
		gboolean hopeless = g_error_matches(flight->error, SW_ERROR, SW_ERROR_CANCELLED) ||
				    g_error_matches(flight->error, SW_ERROR, SW_ERROR_ENVIRONMENT);

		if (hopeless) {
			g_propagate_error(error, g_steal_pointer(&flight->error));
			return FALSE;
		}
		flight->sink_full = FALSE;
		if (flight->state == STATE_JUDGED && flight->from < 0 && !settle(flight, error))
			return FALSE;
	}
	*ret_left += flight->state != STATE_DONE ? 1 : 0;
	return TRUE;
}

/* What of the layer's size is done. */
static guint64 share(const struct flight *flight)
{
	guint64 size = flight->layer->size;

	if (flight->state == STATE_DONE)
		return size;
	if (flight->length == UNKNOWN || flight->length == 0)
		return 0;
	if (flight->length == size)
		return flight->moved;
	return (guint64)((double)flight->moved / (double)flight->length * (double)size);
}

static void report(const struct fetch *fetch)
{
	guint64 done = 0;

	for (guint i = 0; i < fetch->count; i++)
		done += share(&fetch->flights[i]);
	sw_progress_bytes(fetch->progress, "source", done, fetch->total);
}

/* A worker that is busy keeps its pipe full: then the proxy is not to blame. */
static gboolean check_idle(struct fetch *fetch, GError **error)
{
	gint64 limit = fetch->source->idle_limit_ms * G_TIME_SPAN_MILLISECOND;

	for (guint i = 0; i < fetch->count; i++) {
		if (fetch->flights[i].sink_full)
			fetch->active_at = g_get_monotonic_time();
	}
	if (fetch->asked == NULL || fetch->source->reference->transport != SW_TRANSPORT_REGISTRY ||
	    g_get_monotonic_time() - fetch->active_at < limit)
		return TRUE;
	sw_proxy_fail_idle(fetch->source->proxy, error);
	return fail_proxy(fetch, error);
}

/*
 * What is waited for: the wakeup, the proxy, then pipes; the cancellable comes last, if there is
 * one.
 */
struct wait {
	GPollFD fds[3 + IN_FLIGHT];
	struct flight *flights[3 + IN_FLIGHT]; /* whose pipe it is; NULL: none */
	guint count;
};

static void wait_add(struct wait *wait, struct flight *flight, int fd, gushort events)
{
	wait->flights[wait->count] = flight;
	wait->fds[wait->count++] = (GPollFD){ fd, events, 0 };
}

static void wait_for_something(struct fetch *fetch, struct wait *wait)
{
	guint count = 0;
	gboolean cancels = FALSE;

	wait_add(wait, NULL, fetch->wakeup, G_IO_IN);
	wait_add(wait, NULL, fetch->asked != NULL ? sw_proxy_fd(fetch->source->proxy) : -1,
		 G_IO_IN);
	for (guint i = 0; i < fetch->count && wait->count < 2 + IN_FLIGHT; i++) {
		struct flight *flight = &fetch->flights[i];

		if (flight->from >= 0 && flight->sink_full)
			wait_add(wait, flight, flight->sink, G_IO_OUT);
		else if (flight->from >= 0)
			wait_add(wait, flight, flight->from, G_IO_IN);
	}
	cancels = g_cancellable_make_pollfd(fetch->cancellable, &wait->fds[wait->count]);
	count = wait->count + (cancels ? 1 : 0);
	g_poll(wait->fds, count, TICK_MS);
	if (cancels)
		g_cancellable_release_fd(fetch->cancellable);
}

/* Waits until something can be done, and does it. */
static gboolean turn(struct fetch *fetch, GError **error)
{
	struct wait wait = { 0 };
	guint64 ended = 0;

	wait_for_something(fetch, &wait);
	if (!sw_check_cancelled(fetch->cancellable, error))
		return FALSE;
	if (wait.fds[0].revents != 0 && read(fetch->wakeup, &ended, sizeof ended) < 0)
		return sw_fail_errno(error, SW_ERROR_UNFORESEEN, "unforeseen", "eventfd");
	for (guint i = 2; i < wait.count; i++) {
		if (wait.fds[i].revents != 0 && !move_data(wait.flights[i], error))
			return FALSE;
	}
	if (wait.fds[1].revents != 0 && !handle_reply(fetch, error))
		return FALSE;
	return check_idle(fetch, error);
}

static gboolean run(struct fetch *fetch, GError **error)
{
	guint left = fetch->count;

	fetch->active_at = g_get_monotonic_time();
	while (left > 0) {
		if (!ask_next(fetch, error) || !turn(fetch, error))
			return FALSE;
		left = 0;
		for (guint i = 0; i < fetch->count; i++) {
			if (!reap(&fetch->flights[i], &left, error))
				return FALSE;
		}
		report(fetch);
	}
	return TRUE;
}

static void add_flight(struct fetch *fetch, guint index)
{
	struct flight *flight = &fetch->flights[fetch->count++];

	flight->fetch = fetch;
	flight->index = index;
	flight->layer = g_ptr_array_index(fetch->source->image->layers, index);
	flight->expected_digest =
		stores_uncompressed(fetch) ? flight->layer->diff_id : flight->layer->digest;
	flight->length = UNKNOWN;
	flight->from = -1;
	flight->sink = -1;
	flight->worker_fd = -1;
	fetch->total += flight->layer->size;
}

gboolean sw_source_fetch(struct sw_source *source, const guint *wanted, guint count,
			 sw_layer_func take, void *data, struct sw_progress *progress,
			 GCancellable *cancellable, GError **error)
{
	g_auto(SwFetch) fetch = { .source = source,
				  .flights = g_new0(struct flight, count),
				  .take = take,
				  .data = data,
				  .progress = progress,
				  .cancellable = cancellable,
				  .wakeup = eventfd(0, EFD_CLOEXEC) };
	GError *fault = NULL;

	for (guint i = 0; i < count; i++) {
		g_return_val_if_fail(wanted[i] < source->image->layers->len, FALSE);
		add_flight(&fetch, wanted[i]);
	}
	if (fetch.wakeup < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "pipe", "cannot make a pipe");
	if (run(&fetch, &fault))
		return TRUE;
	g_clear_pointer(&source->proxy, sw_proxy_free); /* it may be at work on what nobody wants */
	g_propagate_error(error, fault);
	return FALSE;
}
