/* SPDX-License-Identifier: MIT */
#pragma once

#include "build/run.h"

/* Makes the raw disk of RUN anew, empty and sparse, and starts an appliance on it. */
gboolean sw_run_attach(struct sw_run *run, GCancellable *cancellable,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;
