/* SPDX-License-Identifier: MIT */
#include "disk/watchdog.h"

#include <signal.h>
#include <string.h>

#include "core/file.h"
#include "core/size.h"

/* After a cancellation, children that are just being made are looked for this often. */
#define TICK (100 * G_TIME_SPAN_MILLISECOND)
/* The free space is looked at this often; a disk is full that was so this many times in a row. */
#define SPACE_TICK G_TIME_SPAN_SECOND
#define SPACE_LOOKS 2

struct sw_watchdog {
	GCancellable *cancellable;
	gulong handler;
	GThread *thread;
	char *disk;
	GMutex lock; /* innermost; guards all below */
	GCond changed;
	gboolean stop;
	gboolean cancelled;
	pid_t process; /* 0: none */
	pid_t parent;  /* thread whose children are meant; 0: none */
	gint64 deadline;
	guint full_looks; /* that found no space, in a row */
	enum sw_watchdog_verdict verdict;
};

static void kill_children_of(pid_t tid)
{
	g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", (int)tid);
	g_autofree char *text = NULL;
	g_auto(GStrv) words = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return;
	words = g_strsplit(g_strstrip(text), " ", -1);
	for (char **word = words; *word != NULL; word++) {
		guint64 pid;

		if (sw_number_parse(*word, 2, G_MAXINT, &pid, NULL))
			kill((pid_t)pid, SIGKILL);
	}
}

static void look_at_space(struct sw_watchdog *self)
{
	if (sw_is_full(self->disk))
		self->full_looks++;
	else
		self->full_looks = 0;
}

static gboolean is_full(const struct sw_watchdog *self)
{
	return self->full_looks >= SPACE_LOOKS;
}

static void bite(struct sw_watchdog *self)
{
	if (self->cancelled)
		self->verdict = SW_WATCHDOG_CANCELLED;
	else
		self->verdict = is_full(self) ? SW_WATCHDOG_FULL : SW_WATCHDOG_HUNG;
	if (self->process > 1)
		kill(self->process, SIGKILL);
	if (self->parent > 0)
		kill_children_of(self->parent);
}

static void *watch(void *data)
{
	struct sw_watchdog *self = data;

	g_mutex_lock(&self->lock);
	while (!self->stop) {
		gboolean armed = self->process > 0 || self->parent > 0;
		gint64 now = g_get_monotonic_time();

		if (armed && (self->cancelled || is_full(self) || now >= self->deadline)) {
			bite(self);
			g_cond_wait_until(&self->changed, &self->lock, now + TICK);
		} else if (armed) {
			if (!g_cond_wait_until(&self->changed, &self->lock,
					       MIN(self->deadline, now + SPACE_TICK)))
				look_at_space(self);
		} else {
			g_cond_wait(&self->changed, &self->lock);
		}
	}
	g_mutex_unlock(&self->lock);
	return NULL;
}

void sw_watchdog_end(struct sw_watchdog *watchdog)
{
	g_mutex_lock(&watchdog->lock);
	watchdog->cancelled = TRUE;
	g_cond_signal(&watchdog->changed);
	g_mutex_unlock(&watchdog->lock);
}

static void on_cancelled(G_GNUC_UNUSED GCancellable *cancellable, struct sw_watchdog *self)
{
	sw_watchdog_end(self);
}

struct sw_watchdog *sw_watchdog_new(const char *disk, GCancellable *cancellable)
{
	struct sw_watchdog *self = g_new0(struct sw_watchdog, 1);

	g_mutex_init(&self->lock);
	g_cond_init(&self->changed);
	self->disk = g_strdup(disk);
	self->thread = g_thread_new("watchdog", watch, self);
	if (cancellable != NULL) {
		self->cancellable = g_object_ref(cancellable);
		self->handler =
			g_cancellable_connect(cancellable, G_CALLBACK(on_cancelled), self, NULL);
	}
	return self;
}

void sw_watchdog_free(struct sw_watchdog *watchdog)
{
	if (watchdog == NULL)
		return;
	g_cancellable_disconnect(watchdog->cancellable, watchdog->handler);
	g_mutex_lock(&watchdog->lock);
	watchdog->stop = TRUE;
	g_cond_signal(&watchdog->changed);
	g_mutex_unlock(&watchdog->lock);
	g_thread_join(watchdog->thread);
	g_clear_object(&watchdog->cancellable);
	g_cond_clear(&watchdog->changed);
	g_mutex_clear(&watchdog->lock);
	g_free(watchdog->disk);
	g_free(watchdog);
}

static void arm(struct sw_watchdog *self, pid_t process, pid_t parent, guint seconds)
{
	g_mutex_lock(&self->lock);
	self->process = process;
	self->parent = parent;
	self->deadline = g_get_monotonic_time() + seconds * G_TIME_SPAN_SECOND;
	self->full_looks = 0;
	if (process > 0 || parent > 0)
		self->verdict = SW_WATCHDOG_QUIET;
	g_cond_signal(&self->changed);
	g_mutex_unlock(&self->lock);
}

void sw_watchdog_arm_process(struct sw_watchdog *watchdog, pid_t pid, guint seconds)
{
	arm(watchdog, pid, 0, seconds);
}

void sw_watchdog_arm_thread(struct sw_watchdog *watchdog, pid_t tid, guint seconds)
{
	arm(watchdog, 0, tid, seconds);
}

void sw_watchdog_disarm(struct sw_watchdog *watchdog)
{
	arm(watchdog, 0, 0, 0);
}

enum sw_watchdog_verdict sw_watchdog_verdict(struct sw_watchdog *watchdog)
{
	enum sw_watchdog_verdict verdict;

	g_mutex_lock(&watchdog->lock);
	verdict = watchdog->verdict;
	g_mutex_unlock(&watchdog->lock);
	return verdict;
}
