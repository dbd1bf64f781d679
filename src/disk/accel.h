/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/* How the appliance's processor is made. */
enum sw_accel {
	SW_ACCEL_KVM,
	SW_ACCEL_TCG, /* emulation */
};

/*
 * Chooses by SLIPWAY_ACCEL (kvm or tcg) or else by trying: a /dev/kvm that cannot be opened, or
 * under which QEMU (the program HV) cannot run three instructions within five seconds, means
 * emulation. RET_REASON gets one line for the user when emulation was not asked for, else NULL.
 * SCRATCH is a directory for the trial.
 */
gboolean sw_accel_choose(const char *hv, const char *scratch, enum sw_accel *ret_accel,
			 char **ret_reason, GCancellable *cancellable,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;
