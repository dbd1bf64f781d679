/* SPDX-License-Identifier: MIT */
#include "core/each.h"

/* What the threads share. */
struct each {
	sw_each_work work;
	void *data;
	guint count;
	GMutex lock; /* of what follows */
	guint next;
	GError *error; /* the first */
};

/* The next piece; FALSE: there is none, or one has failed. */
static gboolean take(struct each *each, guint *ret_i)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&each->lock);

	*ret_i = each->next++;
	return each->error == NULL && *ret_i < each->count;
}

static void *work(void *data)
{
	struct each *each = data;
	guint i = 0;

	while (take(each, &i)) {
		GError *error = NULL;

		if (each->work(i, each->data, &error))
			continue;
		g_mutex_lock(&each->lock);
		if (each->error == NULL)
			each->error = g_steal_pointer(&error);
		g_mutex_unlock(&each->lock);
		g_clear_error(&error);
	}
	return NULL;
}

gboolean sw_each(guint count, guint at_once, const char *name, sw_each_work piece, void *data,
		 GError **error)
{
	struct each each = { .work = piece, .data = data, .count = count };
	guint others = MIN(at_once, count) - (count > 0);
	g_autofree GThread **threads = g_new(GThread *, others);

	g_mutex_init(&each.lock);
	for (guint i = 0; i < others; i++)
		threads[i] = g_thread_new(name, work, &each);
	work(&each);
	for (guint i = 0; i < others; i++)
		g_thread_join(threads[i]);
	g_mutex_clear(&each.lock);
	if (each.error == NULL)
		return TRUE;
	g_propagate_error(error, each.error);
	return FALSE;
}
