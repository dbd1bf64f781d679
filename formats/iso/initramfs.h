/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/output.h"

/*
 * Writes the part of the initramfs that is ours to FILE, as a cpio archive (newc, which the kernel
 * takes behind the image's own): the installer, and a systemd target that runs it.
 */
gboolean sw_iso_write_initramfs(const struct sw_output_file *file,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The target, for rd.systemd.unit=. */
#define SW_ISO_TARGET "slipway-install.target"

/* The architecture of the installer that is in this program: OCI's word. */
extern const char *const sw_installer_arch;

/* The installer, a static program. */
GBytes *sw_installer_program(void);
