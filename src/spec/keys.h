/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"

/*
 * Is TEXT the content of an authorized_keys file (sshd(8)): at least one key, every line a key,
 * a comment or empty?  Pure.  PATH is for errors: SW_ERROR_USAGE with the id "keys-file", naming
 * the line but never showing it.
 */
gboolean sw_keys_parse(const char *text, size_t length, const char *path,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Is PATH a readable file of at most 64 KiB with such content?  Errors as sw_keys_parse(). */
gboolean sw_keys_check(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Is PATH a readable file?  SW_ERROR_USAGE with the id "authfile".  Nothing of it is kept. */
gboolean sw_authfile_check(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
