/* SPDX-License-Identifier: MIT */
#include "disk/examine.h"

#include <string.h>

#include "core/error.h"
#include "core/text.h"
#include "disk/guest-handle.h"

/* Each filesystem's own program, told to change nothing. */
static const struct {
	const char *type;
	const char *command; /* in front of the device */
} checkers[] = {
	{ "ext4", "e2fsck -fn" },
	{ "ext3", "e2fsck -fn" },
	{ "ext2", "e2fsck -fn" },
	{ "xfs", "xfs_repair -n" },
	{ "btrfs", "btrfs check --readonly" },
	{ "vfat", "fsck.fat -n" },
};

/* What the programs say of a journal that was not replayed, whatever their exit status. */
static const char *const dirty_words[] = {
	"skipping journal recovery",
	"valuable metadata changes in a log",
	"Dirty bit is set",
};

gboolean sw_examine_start(const char *disk, const char *format, const char *tmpdir,
			  struct sw_progress *progress, struct sw_guest **ret_guest,
			  GCancellable *cancellable, GError **error)
{
	return sw_guest_start_for(disk, format, tmpdir, progress, ret_guest, cancellable, error);
}

gboolean sw_examine_size(struct sw_guest *guest, guint64 *ret_size, GError **error)
{
	int64_t size;

	if (!sw_guest_await(guest, error))
		return FALSE;
	sw_guest_arm(guest, SW_GUEST_CALL_SECONDS);
	size = guestfs_blockdev_getsize64(guest->handle, "/dev/sda");
	sw_watchdog_disarm(guest->watchdog);
	*ret_size = (guint64)MAX(size, 0);
	return size >= 0 || sw_guest_fail(guest, "the disk's size", error);
}

gboolean sw_examine_read(struct sw_guest *guest, guint64 offset, void *data, size_t length,
			 GError **error)
{
	size_t n = 0;
	g_autofree char *read = NULL;

	sw_guest_arm(guest, SW_GUEST_CALL_SECONDS);
	read = guestfs_pread_device(guest->handle, "/dev/sda", (int)length, (int64_t)offset, &n);
	sw_watchdog_disarm(guest->watchdog);
	if (read == NULL)
		return sw_guest_fail(guest, "reading the disk", error);
	if (n != length)
		return sw_fail(error, SW_ERROR_DEPLOY, "appliance", "the disk ends early");
	memcpy(data, read, length);
	return TRUE;
}

gboolean sw_examine_probe(struct sw_guest *guest, guint number, char **ret_type, char **ret_label,
			  char **ret_uuid, GError **error)
{
	g_autofree char *device = g_strdup_printf("/dev/sda%u", number);
	g_autofree char *type = NULL;
	g_autofree char *label = NULL;
	g_autofree char *uuid = NULL;

	sw_guest_arm(guest, SW_GUEST_CALL_SECONDS);
	type = guestfs_vfs_type(guest->handle, device);
	label = type == NULL ? NULL : guestfs_vfs_label(guest->handle, device);
	uuid = label == NULL ? NULL : guestfs_vfs_uuid(guest->handle, device);
	sw_watchdog_disarm(guest->watchdog);
	if (uuid == NULL)
		return sw_guest_fail(guest, device, error);
	*ret_type = g_steal_pointer(&type);
	*ret_label = g_steal_pointer(&label);
	*ret_uuid = g_steal_pointer(&uuid);
	return TRUE;
}

/* The last line of TEXT that says something, cut to what fits into a message. */
static char *last_line(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	const char *last = "no message";

	for (guint i = 0; lines[i] != NULL; i++)
		if (*g_strstrip(lines[i]) != '\0')
			last = lines[i];
	g_autofree char *line = sw_text_line(last);
	return g_utf8_substring(line, 0, MIN(g_utf8_strlen(line, -1), 200));
}

/* OUTPUT ends with the exit status in a line of its own. */
static char *judge(char *output)
{
	char *status = strrchr(output, '=');

	if (status == NULL)
		return g_strdup("no answer");
	*status++ = '\0';
	for (guint i = 0; i < G_N_ELEMENTS(dirty_words); i++)
		if (strstr(output, dirty_words[i]) != NULL)
			return g_strdup("it was not unmounted cleanly");
	return g_str_equal(g_strstrip(status), "0") ? NULL : last_line(output);
}

gboolean sw_examine_check(struct sw_guest *guest, guint number, const char *type,
			  char **ret_problem, GError **error)
{
	const char *command = NULL;
	g_autofree char *script = NULL;
	g_autofree char *output = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(checkers); i++)
		if (g_str_equal(type, checkers[i].type))
			command = checkers[i].command;
	if (command == NULL)
		return sw_fail(error, SW_ERROR_DEPLOY, "appliance",
			       "no program checks a filesystem of the type %s", type);
	/* Names such as /dev/sda are libguestfs' own, but not here. */
	script = g_strdup_printf("%s /dev/disk/guestfs/" SW_GUEST_LABEL "%u 2>&1; echo =$?",
				 command, number);

	/* libguestfs' own calls would repair, and not tell whether they did. */
	sw_guest_arm(guest, SW_GUEST_TRANSFER_SECONDS);
	output = guestfs_debug(guest->handle, "sh", (char *[]){ script, NULL });
	sw_watchdog_disarm(guest->watchdog);
	if (output == NULL)
		return sw_guest_fail(guest, "checking a filesystem", error);
	g_debug("%s: %s", script, output);
	*ret_problem = judge(output);
	return TRUE;
}

gboolean sw_examine_tree(struct sw_guest *guest, guint number, int fd, GError **error)
{
	g_autofree char *device = g_strdup_printf("/dev/sda%u", number);
	g_autofree char *path = g_strdup_printf("/dev/fd/%d", fd);
	gboolean ok;

	sw_guest_arm(guest, SW_GUEST_TRANSFER_SECONDS);
	ok = guestfs_umount_all(guest->handle) == 0 &&
	     guestfs_mount_ro(guest->handle, device, "/") == 0 &&
	     guestfs_tar_out_opts(guest->handle, "/", path, GUESTFS_TAR_OUT_OPTS_NUMERICOWNER, 1,
				  GUESTFS_TAR_OUT_OPTS_XATTRS, 1, -1) == 0;
	sw_watchdog_disarm(guest->watchdog);
	return ok || sw_guest_fail(guest, "reading a filesystem", error);
}

gboolean sw_examine_room(struct sw_guest *guest, struct sw_room *ret_room, GError **error)
{
	struct guestfs_statvfs *stat;

	sw_guest_arm(guest, SW_GUEST_CALL_SECONDS);
	stat = guestfs_statvfs(guest->handle, "/");
	sw_watchdog_disarm(guest->watchdog);
	if (stat == NULL)
		return sw_guest_fail(guest, "the room on a filesystem", error);
	ret_room->bytes = (guint64)stat->blocks * (guint64)stat->frsize;
	ret_room->free_bytes = (guint64)stat->bfree * (guint64)stat->frsize;
	ret_room->inodes = (guint64)stat->files;
	ret_room->free_inodes = (guint64)stat->ffree;
	guestfs_free_statvfs(stat);
	return TRUE;
}

gboolean sw_examine_attributes(struct sw_guest *guest, const char *path, char **ret_attributes,
			       GError **error)
{
	sw_guest_arm(guest, SW_GUEST_CALL_SECONDS);
	*ret_attributes = guestfs_get_e2attrs(guest->handle, path);
	sw_watchdog_disarm(guest->watchdog);
	return *ret_attributes != NULL || sw_guest_fail(guest, path, error);
}
