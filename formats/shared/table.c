/* SPDX-License-Identifier: MIT */
#include "formats/shared/table.h"

#include <string.h>

#include "core/file.h"
#include "core/size.h"

#define PAGE_SIZE (64 * SW_KIB)

static guint64 page_entries(const struct sw_table *t)
{
	return PAGE_SIZE / t->entry_size;
}

static void make_page(struct sw_table *t)
{
	guint64 first = t->page_index * page_entries(t);

	t->touched = FALSE;
	memset(t->page, 0, PAGE_SIZE);
	if (t->unset == NULL)
		return;
	for (guint64 i = 0; i < page_entries(t); i++)
		if (t->period == 0 || (first + i + 1) % t->period != 0)
			memcpy(t->page + i * t->entry_size, t->unset, t->entry_size);
}

void sw_table_begin(struct sw_table *t)
{
	t->page = g_malloc(PAGE_SIZE);
	t->page_index = 0;
	make_page(t);
}

static gboolean write_page(struct sw_table *t, guint64 offset, GError **error)
{
	guint64 at = t->page_index * PAGE_SIZE;
	guint64 length = MIN(PAGE_SIZE, t->count * t->entry_size - at);

	return sw_write_at(t->file->fd, t->page, length, offset + at, t->file->path,
			   SW_ERROR_FORMAT, t->id, error);
}

/* Writes the page, if it holds more than a hole does, and begins the next one. */
static gboolean turn_page(struct sw_table *t, GError **error)
{
	if (!sw_check_cancelled(t->cancellable, error))
		return FALSE;
	if (t->touched || t->unset != NULL) {
		if (!write_page(t, t->offset, error) ||
		    (t->second != 0 && !write_page(t, t->second, error)))
			return FALSE;
	}
	t->page_index++;
	make_page(t);
	return TRUE;
}

/* Without anything to write the pages between need not be gone through. */
static gboolean go_to(struct sw_table *t, guint64 page, GError **error)
{
	while (t->page_index < page) {
		if (!t->touched && t->unset == NULL)
			t->page_index = page;
		else if (!turn_page(t, error))
			return FALSE;
	}
	return TRUE;
}

gboolean sw_table_put(struct sw_table *t, guint64 index, const void *entry, GError **error)
{
	if (!go_to(t, index / page_entries(t), error))
		return FALSE;
	memcpy(t->page + index % page_entries(t) * t->entry_size, entry, t->entry_size);
	t->touched = TRUE;
	return TRUE;
}

gboolean sw_table_finish(struct sw_table *t, GError **error)
{
	return go_to(t, (t->count + page_entries(t) - 1) / page_entries(t), error);
}

void sw_table_clear(struct sw_table *t)
{
	g_free(t->page);
	t->page = NULL;
}
