/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * System calls that fail, in the program that links this file: pwrite(), copy_file_range(),
 * pread(), ftruncate(), fsync(), openat() and ioctl(FICLONE) stand before libc's.  One fault at a
 * time, for all threads.
 */
enum fault {
	FAULT_NONE,
	FAULT_WRITE,	/* the first bytes are written, also by a call that wants more */
	FAULT_READ,	/* likewise */
	FAULT_TRUNCATE, /* to anything but nothing */
	FAULT_SYNC,
};

/* From now on, besides other faults, no filesystem has O_TMPFILE, or all that do. */
void fault_no_temporary(gboolean no);

/* From now on FAULT fails with NUMBER (an errno), reading and writing after AFTER more bytes. */
void fault_set(enum fault fault, int number, guint64 after);

/* How many bytes were written since the last fault_set(). */
guint64 fault_written(void);

/*
 * From now on the mounts of this process are its own.  FALSE: this machine does not allow it.  Before
 * the first thread.
 */
gboolean fault_own_mounts(void);

/*
 * Runs TEST with DATA in a child process, in a directory that is a filesystem of SIZE bytes.
 * FALSE: this machine allows no such mount.  A test that fails there fails here.
 */
gboolean fault_on_small_disk(const char *directory, guint64 size,
			     void (*test)(const char *directory, gconstpointer data),
			     gconstpointer data);

/* Runs TEST with DATA in a child process; returns the most memory that it took, in bytes. */
guint64 fault_peak_memory(void (*test)(gconstpointer data), gconstpointer data);
