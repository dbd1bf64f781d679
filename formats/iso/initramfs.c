/* SPDX-License-Identifier: MIT */
#include "formats/iso/initramfs.h"

#include "core/file.h"
#include "core/size.h"
#include "installer/payload-format.h"

#define ID "iso-write"
#define UNITS "usr/lib/systemd/system/"
#define SERVICE "slipway-install.service"
#define MODE_DIRECTORY 040755
#define MODE_FILE 0100644
#define MODE_PROGRAM 0100755

static const char target[] = "[Unit]\n"
			     "Description=Installation\n"
			     "Requires=" SERVICE "\n"
			     "AllowIsolate=yes\n";

/* After udev has settled; no root filesystem is looked for, as the initramfs' own units are not asked for. */
static const char service[] = "[Unit]\n"
			      "Description=Installer\n"
			      "DefaultDependencies=no\n"
			      "Wants=systemd-udevd.service systemd-udev-trigger.service "
			      "systemd-udev-settle.service systemd-modules-load.service\n"
			      "After=systemd-udev-settle.service systemd-modules-load.service\n"
			      "[Service]\n"
			      "Type=oneshot\n"
			      "ExecStart=/" SI_INSTALLER_PATH "\n";

/* A file or directory of the archive. */
static void add(GByteArray *archive, const char *path, guint mode, const void *data, gsize length)
{
	static const guint8 padding[4];
	g_autofree char *head =
		g_strdup_printf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s",
				archive->len, mode, 0, 0, mode == MODE_DIRECTORY ? 2 : 1, 0,
				(guint)length, 0, 0, 0, 0, (guint)strlen(path) + 1, 0, path);
	gsize size = strlen(head) + 1;

	g_byte_array_append(archive, (const guint8 *)head, (guint)size);
	g_byte_array_append(archive, padding, (guint)(-size & 3));
	if (length > 0)
		g_byte_array_append(archive, data, (guint)length);
	g_byte_array_append(archive, padding, (guint)(-length & 3));
}

gboolean sw_iso_write_initramfs(const struct sw_output_file *file, GError **error)
{
	static const char *const directories[] = { "usr", "usr/lib", "usr/lib/slipway",
						   "usr/lib/systemd", "usr/lib/systemd/system" };
	g_autoptr(GByteArray) archive = g_byte_array_new();
	g_autoptr(GBytes) program = sw_installer_program();
	gsize length = 0;
	const void *data = g_bytes_get_data(program, &length);

	for (guint i = 0; i < G_N_ELEMENTS(directories); i++)
		add(archive, directories[i], MODE_DIRECTORY, NULL, 0);
	add(archive, SI_INSTALLER_PATH, MODE_PROGRAM, data, length);
	add(archive, UNITS SERVICE, MODE_FILE, service, strlen(service));
	add(archive, UNITS SW_ISO_TARGET, MODE_FILE, target, strlen(target));
	add(archive, "TRAILER!!!", 0, NULL, 0);
	return sw_write_at(file->fd, archive->data, archive->len, 0, file->path, SW_ERROR_FORMAT,
			   ID, error);
}
