/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/progress.h"
#include "disk/layout.h"

/*
 * The appliance: a small virtual machine (libguestfs) with the disk attached as /dev/sda, for what
 * needs a kernel or a program of the image.  This is the only seam to libguestfs.  One thread at a
 * time; errors are SW_ERROR_ENVIRONMENT where this machine is at fault, with the id
 * "appliance-died" when the appliance ended or hung by itself ("appliance-start" when it never came
 * up, twice), else SW_ERROR_DEPLOY.
 */
struct sw_guest;

/*
 * Starts an appliance for the raw disk file DISK and returns at once; it comes up in the
 * background. TMPDIR becomes that of this process, for the files that QEMU and its helpers leave
 * when they are ended early: a directory that is cleared by its owner. The file may be empty and
 * may grow or shrink within its size as long as the guest has not mounted it.  NOTES go to
 * PROGRESS (no KVM, a second start).  Cancelling ends the appliance, whatever it does.
 */
gboolean sw_guest_start(const char *disk, const char *tmpdir, struct sw_progress *progress,
			struct sw_guest **ret_guest, GCancellable *cancellable,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Ends the appliance, if it still runs, without regard to the disk, and frees; NULL is fine. */
void sw_guest_free(struct sw_guest *guest);
typedef struct sw_guest SwGuest;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwGuest, sw_guest_free)

/*
 * Waits until the appliance is up, has it read the partition table anew, and mounts root on / and
 * the boot partition on /boot.  LAYOUT must outlive the guest.
 */
gboolean sw_guest_mount(struct sw_guest *guest, const struct sw_layout *layout,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Unpacks the tar stream that comes from FD (a pipe) onto the mounted root and nothing else (its
 * /boot is the directory that the boot partition is mounted on), owners and xattrs kept.
 */
gboolean sw_guest_unpack(struct sw_guest *guest, int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Runs SCRIPT by the image's own shell (in $DISK the name of the disk's device) with DEPLOYMENT (a
 * path in the root) as its root directory: /dev, /proc and /sys are there, the physical root is on
 * /sysroot, /boot on /boot, /tmp and /run are empty.  The physical root is left as it was.  WHAT
 * ("grub-install") begins the error.
 */
gboolean sw_guest_run(struct sw_guest *guest, const char *deployment, const char *what,
		      const char *script, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* As sw_guest_run() for what may take long (an hour) without having hung. */
gboolean sw_guest_run_long(struct sw_guest *guest, const char *deployment, const char *what,
			   const char *script, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Has the appliance's kernel load MODULE, if it is not there already. */
gboolean sw_guest_load_module(struct sw_guest *guest, const char *module,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Copies the directory FROM of this machine, with its name and its owners, into the directory TO of
 * the physical root, which is made.
 */
gboolean sw_guest_copy_in(struct sw_guest *guest, const char *from, const char *to,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Says the SELinux label (to be freed; NULL: none) of PATH, from the physical root "/", with MODE, of
 * which only the file type is set.
 */
typedef gboolean (*sw_guest_label_func)(const char *path, guint32 mode, char **ret_label,
					void *data, GError **error);

/*
 * Gives the entries of DIRECTORY that have no SELinux label the one that FUNC says, and those of the
 * directories in it, but for EXCEPT (paths, NULL at the end); EXCEPT NULL: only its own.
 */
gboolean sw_guest_label(struct sw_guest *guest, const char *directory, const char *const *except,
			sw_guest_label_func func, void *data,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Trims, unmounts cleanly and shuts the appliance down; the disk file then holds everything. */
gboolean sw_guest_finish(struct sw_guest *guest, GError **error) G_GNUC_WARN_UNUSED_RESULT;
