/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/* Does piece number I of some work. */
typedef gboolean (*sw_each_work)(guint i, void *data, GError **error);

/*
 * WORK for the pieces 0 to COUNT - 1, up to AT_ONCE (from 1) of them at a time, in threads called NAME
 * and in this one.  The first failure is the error; what is under way then is ended, what is not is
 * not begun.
 */
gboolean sw_each(guint count, guint at_once, const char *name, sw_each_work work, void *data,
		 GError **error) G_GNUC_WARN_UNUSED_RESULT;
