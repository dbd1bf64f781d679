/* SPDX-License-Identifier: MIT */
#include "disk/bootloader.h"

#include "disk/mkfs.h"

static void boot_file_free(struct sw_boot_file *file)
{
	g_free(file->path);
	g_free(file->text);
	g_free(file->target);
	g_free(file);
}

const char *sw_bootloader_for_ostree(enum sw_bootloader kind)
{
	return kind == SW_BOOTLOADER_GRUB_DEBIAN ? "syslinux" : "none";
}

gboolean sw_bootloader_prepare(const struct sw_bootloader_request *request,
			       struct sw_bootloader_work **ret_work, GCancellable *cancellable,
			       GError **error)
{
	g_autoptr(SwBootloaderWork) work = g_new0(struct sw_bootloader_work, 1);
	gboolean ok;

	work->esp_files = g_ptr_array_new_with_free_func((GDestroyNotify)sw_esp_file_free);
	work->boot_files = g_ptr_array_new_with_free_func((GDestroyNotify)boot_file_free);
	switch (request->facts->bootloader) {
	case SW_BOOTLOADER_GRUB_DEBIAN:
		ok = sw_grub_prepare(request, work, cancellable, error);
		break;
	case SW_BOOTLOADER_BOOTUPD:
		ok = sw_bootupd_prepare(request, work, error);
		break;
	default:
		ok = sw_fail(error, SW_ERROR_IMAGE, "bootloader",
			     "the image's bootloader (%s) cannot be installed",
			     sw_bootloader_names[request->facts->bootloader]);
		break;
	}
	if (ok)
		*ret_work = g_steal_pointer(&work);
	return ok;
}

void sw_bootloader_work_free(struct sw_bootloader_work *work)
{
	if (work == NULL)
		return;
	g_clear_pointer(&work->esp_files, g_ptr_array_unref);
	g_clear_pointer(&work->boot_files, g_ptr_array_unref);
	g_free(work->script);
	g_free(work);
}
