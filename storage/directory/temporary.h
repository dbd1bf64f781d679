/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Names for files in the making: the node (this boot and this set of processes), the process and a
 * random number are in each, so that no two writers choose one, and a name tells whose it is.
 */

/* A new name; the caller frees it. */
char *sw_temporary_name(void);

/* Would a component of KEY be taken for a file in the making? */
gboolean sw_temporary_in_key(const char *key);

/*
 * Removes what killed writers left in the directory FD: files of processes of this node that are no
 * more, and of other nodes when nobody has written to them for a day.
 */
void sw_temporary_sweep(int fd);
