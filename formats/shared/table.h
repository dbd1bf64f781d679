/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/output.h"

/*
 * A table of entries in a file, of any size: entered in ascending order, with one page of it in
 * memory.  Zero it, set the fields, begin, put, finish; clear in any case.
 */
struct sw_table {
	const struct sw_output_file *file;
	const char *id;	   /* of errors */
	guint64 offset;	   /* in the file */
	guint64 second;	   /* where the same table lies once more; 0: nowhere */
	size_t entry_size; /* 4 or 8 bytes */
	guint64 count;	   /* entries, those at the end that are never put included */
	const void *unset; /* the bytes of an entry that is not put; NULL: zeros, left as a hole */
	guint64 period;	   /* each PERIODth entry (counted from 1) is zeros all the same; 0: none */
	GCancellable *cancellable;

	/* The table's own. */
	guint8 *page;
	guint64 page_index; /* of the page in memory */
	gboolean touched;   /* something was put into it */
};

/* Makes the table ready for sw_table_put(). */
void sw_table_begin(struct sw_table *table);

/* Enters the bytes ENTRY at INDEX, which no later INDEX is less than. */
gboolean sw_table_put(struct sw_table *table, guint64 index, const void *entry,
		      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writes what is still in memory, and the entries that were not put. */
gboolean sw_table_finish(struct sw_table *table, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees the page; FILE stays. */
void sw_table_clear(struct sw_table *table);
