/* SPDX-License-Identifier: MIT */
#include "disk/bootloader.h"

/*
 * As bootc's install calls it for a disk image (contract 2.11): all components, nothing in the
 * firmware's memory. Newer ones are told a filesystem on the disk, older ones the disk.
 */
static const char script[] = "if bootupctl backend install --help 2>&1 | grep -q -e --filesystem; "
			     "then\n"
			     "\tset -- --filesystem /sysroot\n"
			     "else\n"
			     "\tset -- --device \"$DISK\"\n"
			     "fi\n"
			     "bootupctl backend install %s \"$@\" /\n"
			     "test -s /boot/bootupd-state.json\n";

gboolean sw_bootupd_prepare(const struct sw_bootloader_request *request,
			    struct sw_bootloader_work *work, GError **error)
{
	gboolean no_uuid = request->facts->install->skip_boot_uuid;

	if (g_strcmp0(request->architecture, sw_oci_host_architecture()) != 0)
		return sw_fail(error, SW_ERROR_ENVIRONMENT, "bootloader",
			       "the image's bootupctl is a program for %s and does not run here: "
			       "build on such a machine",
			       request->architecture);
	work->what = "bootupctl backend install";
	work->script = g_strdup_printf(script, no_uuid ? "--with-static-configs" : "--write-uuid");
	return TRUE;
}
