/* SPDX-License-Identifier: MIT */
#include "disk/gpt.h"

#include <errno.h>
#include <libfdisk/libfdisk.h>

#include "core/gpt.h"

static int add_partition(struct fdisk_context *context, const struct sw_partition *planned)
{
	struct fdisk_partition *partition = fdisk_new_partition();
	struct fdisk_parttype *type =
		fdisk_label_parse_parttype(fdisk_get_label(context, NULL), planned->type_guid);
	int r = type == NULL || partition == NULL ? -ENOMEM : 0;

	if (r == 0)
		r = fdisk_partition_set_partno(partition, planned->number - 1);
	if (r == 0)
		r = fdisk_partition_set_start(partition, planned->offset / SW_SECTOR);
	if (r == 0)
		r = fdisk_partition_set_size(partition, planned->size / SW_SECTOR);
	if (r == 0)
		r = fdisk_partition_set_type(partition, type);
	if (r == 0)
		r = fdisk_partition_set_name(partition, planned->name);
	if (r == 0)
		r = fdisk_partition_set_uuid(partition, planned->guid);
	if (r == 0 && planned->role == SW_ROLE_BIOS_BOOT)
		r = fdisk_partition_set_attrs(partition, "LegacyBIOSBootable");
	if (r == 0)
		r = fdisk_add_partition(context, partition, NULL);
	fdisk_unref_parttype(type);
	fdisk_unref_partition(partition);
	return r;
}

static int write_table(struct fdisk_context *context, const struct sw_layout *layout)
{
	int r = fdisk_disable_dialogs(context, 1);

	if (r == 0)
		r = fdisk_create_disklabel(context, "gpt");
	if (r == 0)
		r = fdisk_set_disklabel_id_from_string(context, layout->disk_guid);
	for (guint i = 0; r == 0 && i < layout->partitions->len; i++)
		r = add_partition(context, g_ptr_array_index(layout->partitions, i));
	if (r == 0)
		r = fdisk_write_disklabel(context);
	return r;
}

gboolean sw_gpt_write(const struct sw_layout *layout, const char *path, GError **error)
{
	struct fdisk_context *context = fdisk_new_context();
	int r = fdisk_assign_device(context, path, 0);

	if (r == 0) {
		r = write_table(context, layout);
		fdisk_deassign_device(context, 1);
	}
	fdisk_unref_context(context);
	if (r == 0)
		return TRUE;
	errno = -r;
	return sw_fail_errno(error, SW_ERROR_DEPLOY, "partition-table",
			     "%s: cannot write the partition table", path);
}
