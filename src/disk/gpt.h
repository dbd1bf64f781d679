/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"
#include "disk/layout.h"

/*
 * Writes the GPT of LAYOUT into the disk file PATH, whose size must be LAYOUT's (libfdisk).  The
 * BIOS boot partition gets the legacy-BIOS-bootable attribute, as bootc gives it.  SW_ERROR_DEPLOY.
 */
gboolean sw_gpt_write(const struct sw_layout *layout, const char *path,
		      GError **error) G_GNUC_WARN_UNUSED_RESULT;
