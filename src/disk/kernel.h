/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/facts.h"

/* A file or directory of a kernel's directory on /boot. */
struct sw_kernel_file {
	char *name;	/* in that directory: "vmlinuz-6.1.0", "dtb/vendor/board.dtb" */
	char *checksum; /* of the content object; NULL: a directory */
};

/* What libostree puts onto /boot for one deployment (contract 2.8, 5.3). */
struct sw_kernel {
	char *checksum;	  /* the "bootcsum": of kernel, initramfs and device trees */
	GPtrArray *files; /* struct sw_kernel_file, directories before what is in them */
	char *kernel;	  /* names among FILES */
	char *initramfs;
	char *device_tree; /* one for all machines; NULL: none */
	gboolean has_dtb;  /* the directory "dtb" with one for each machine */
};

/* Finds the files of the kernel of COMMIT, FACTS of which are read, and computes the checksum. */
gboolean sw_kernel_read(OstreeRepo *repo, const char *commit, const struct sw_facts *facts,
			struct sw_kernel **ret_kernel, GCancellable *cancellable,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_kernel_free(struct sw_kernel *kernel);
typedef struct sw_kernel SwKernel;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwKernel, sw_kernel_free)
