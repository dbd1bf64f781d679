/* SPDX-License-Identifier: MIT */
#pragma once

#include "build/run.h"

/*
 * Before any stage: opens the places of RUN's build, if it has any, and checks them and the keys of
 * what is to be made.
 */
gboolean sw_run_open_stores(struct sw_run *run, GCancellable *cancellable,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * After the last stage: publishes RUN's artifacts there; manifest.json of the output directory says
 * where they are.  FALSE when a place has failed.
 */
gboolean sw_run_publish(struct sw_run *run, GCancellable *cancellable,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;
