/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

/*
 * Ends the appliance's process when a call into it takes too long, when the build is cancelled, or
 * when the disk's filesystem is full, upon which QEMU stops the appliance without a word: a
 * blocking call into libguestfs then returns at once.  Ends nothing but children of this process.
 */
struct sw_watchdog;

enum sw_watchdog_verdict {
	SW_WATCHDOG_QUIET,     /* nothing was ended */
	SW_WATCHDOG_HUNG,      /* the time was over */
	SW_WATCHDOG_FULL,      /* no space is left where the disk lies */
	SW_WATCHDOG_CANCELLED, /* cancelled, or sw_watchdog_end() */
};

/* A watchdog that also looks at CANCELLABLE (NULL: none) and at the filesystem of the file DISK. */
struct sw_watchdog *sw_watchdog_new(const char *disk, GCancellable *cancellable);

/* Stops and frees; NULL is fine. */
void sw_watchdog_free(struct sw_watchdog *watchdog);

/* From now on the process PID has SECONDS. */
void sw_watchdog_arm_process(struct sw_watchdog *watchdog, pid_t pid, guint seconds);

/*
 * From now on the children of the thread TID (of this process) have SECONDS: their ids are not
 * known yet.
 */
void sw_watchdog_arm_thread(struct sw_watchdog *watchdog, pid_t tid, guint seconds);

/* The call has returned. */
void sw_watchdog_disarm(struct sw_watchdog *watchdog);

/* Ends what is armed, or what will be, as a cancellation. */
void sw_watchdog_end(struct sw_watchdog *watchdog);

/* What became of the last call. */
enum sw_watchdog_verdict sw_watchdog_verdict(struct sw_watchdog *watchdog);
