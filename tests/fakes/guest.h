/* SPDX-License-Identifier: MIT */
#pragma once

#include "disk/guest.h"

/*
 * An appliance that is none: a test that defines it instead of linking src/disk/guest.c makes disks
 * without a virtual machine.  It writes down its calls and fails where it is told to.
 */
struct sw_guest {
	GString *calls;	     /* "mount;run grub-install for BIOS;finish;" */
	GString *scripts;    /* what run was given, one after the other */
	const char *fail_at; /* a call that fails with "appliance-died"; NULL: none */
	guint64 unpacked;    /* bytes of the tar stream */
};
