/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * A boot loader entry as libostree writes it (contract 2.8; uapi-group.org's Boot Loader
 * Specification).
 */
struct sw_bls {
	char *title;
	char *options;	   /* all kernel arguments, ostree= last */
	char *kernel;	   /* path on the boot filesystem: "/boot/ostree/default-.../vmlinuz-..." */
	char *initrd;	   /* likewise; NULL: none */
	char *device_tree; /* likewise, one for all machines; NULL: none */
	char *device_trees; /* likewise, a directory of them; NULL: none */
};

/* The text of ENTRY as the file ostree-1.conf holds it; freed by the caller. */
char *sw_bls_to_string(const struct sw_bls *entry);

/* Frees what ENTRY holds, not itself. */
void sw_bls_clear(struct sw_bls *entry);
