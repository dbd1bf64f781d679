/* SPDX-License-Identifier: MIT */
#pragma once

#include <ostree.h>

#include "core/error.h"
#include "disk/bls.h"
#include "disk/layout.h"
#include "image/facts.h"

/* What a bootloader is installed from.  All is borrowed. */
struct sw_bootloader_request {
	OstreeRepo *repo;
	const char *commit;
	const char *architecture; /* OCI's word */
	const struct sw_facts *facts;
	const struct sw_layout *layout;
	const struct sw_bls *entry;
};

/* A file or a link of /boot. */
struct sw_boot_file {
	char *path; /* "grub/grub.cfg"; its directory is made unless the boot entry lies there */
	char *text; /* NULL: a link to TARGET */
	char *target;
};

/* What a bootloader puts where; the disk stage carries it out. */
struct sw_bootloader_work {
	GPtrArray *esp_files;  /* struct sw_esp_file */
	GPtrArray *boot_files; /* struct sw_boot_file */
	char *script; /* run in the appliance by the image's shell (sw_guest_run()); NULL: none */
	const char *what; /* of the script, for errors */
};

/*
 * What the machine's ostree has to know of a bootloader: [sysroot] bootloader in its repository's
 * configuration.
 */
const char *sw_bootloader_for_ostree(enum sw_bootloader kind);

/*
 * The work for the image's bootloader: the one place that knows the kinds.  SW_ERROR_IMAGE with
 * the id "bootloader" for an image whose kind has no way here (sw_facts_check() says so before).
 */
gboolean sw_bootloader_prepare(const struct sw_bootloader_request *request,
			       struct sw_bootloader_work **ret_work, GCancellable *cancellable,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_bootloader_work_free(struct sw_bootloader_work *work);
typedef struct sw_bootloader_work SwBootloaderWork;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwBootloaderWork, sw_bootloader_work_free)

/*
 * bootupd's way (bootloader-bootupd.c): the image's own program puts everything in place.
 * SW_ERROR_ENVIRONMENT with the id "bootloader" where it cannot run.
 */
gboolean sw_bootupd_prepare(const struct sw_bootloader_request *request,
			    struct sw_bootloader_work *work,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Debian's way (bootloader-grub.c): the signed shim and GRUB of the image. Its GRUB cannot read
 * loader entries, but it can read as a script what libostree writes for syslinux, together with
 * the entries and as atomically.
 */
gboolean sw_grub_prepare(const struct sw_bootloader_request *request,
			 struct sw_bootloader_work *work, GCancellable *cancellable,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;
