/* SPDX-License-Identifier: MIT */
#pragma once

#include "build/run.h"

/*
 * Makes the output directory of RUN and a scratch directory in it; a file that cannot be replaced
 * and options that a type cannot have (with a disk of DISK_SIZE bytes, 0: not known) are found now.
 */
gboolean sw_run_make_room(struct sw_run *run, guint64 disk_size,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes back what sw_run_make_room() made, called or not. */
void sw_run_leave_room(struct sw_run *run);

/* Makes the raw disk of RUN anew, empty and sparse, and starts an appliance on it. */
gboolean sw_run_attach(struct sw_run *run, GCancellable *cancellable,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;
