/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * From now on SIGINT, SIGTERM and SIGHUP cancel CANCELLABLE (but for those that the caller has had
 * ignored, as nohup(1) does), and SIGPIPE is ignored.  A further signal within five seconds changes
 * nothing, so that what was begun is cleaned up; a later one ends the program at once (130).  Call
 * it once, before any other thread is made; it never ends.
 */
void sw_signals_watch(GCancellable *cancellable);
