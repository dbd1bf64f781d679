/* SPDX-License-Identifier: MIT */
#include "core/size.h"
#include "disk/layout.h"
#include "verify/check.h"

static void check_gpt(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autofree char *size = sw_size_format(disk->size);

	for (guint i = 0; i < disk->table->problems->len; i++)
		sw_found_problem(finding, "%s", (const char *)disk->table->problems->pdata[i]);
	sw_found(finding, "%u partitions on %s", disk->table->partitions->len, size);
}

/* Without an image that says it, the partitions of amd64 are expected. */
static struct sw_layout *expected_layout(const struct sw_examined *disk)
{
	struct sw_layout_request request = {
		.architecture = disk->image == NULL ? "amd64" : disk->image->architecture,
		.rootfs = "ext4",
		.seed = "",
	};
	struct sw_layout *layout = NULL;

	return sw_layout_plan(&request, &layout, NULL) ? layout : NULL;
}

static void check_partition(const struct sw_examined *disk, const struct sw_partition *expected,
			    struct sw_finding *finding)
{
	const struct sw_gpt_partition *found = sw_gpt_find(disk->table, NULL, expected->name);

	if (found == NULL) {
		/* bootc's own install has /boot on root. */
		if (expected->role != SW_ROLE_BOOT || disk->boot.partition != NULL)
			sw_found_problem(finding, "no partition is called %s", expected->name);
		return;
	}
	/* The last: bootc's root before 1.11, and bootc-image-builder's. */
	if (!g_str_equal(found->type_guid, expected->type_guid) &&
	    ((expected->role != SW_ROLE_ROOT && expected->role != SW_ROLE_BOOT) ||
	     !g_str_equal(found->type_guid, SW_GPT_LINUX)))
		sw_found_problem(finding, "partition %u (%s) has the type %s, not %s",
				 found->number, found->name, found->type_guid, expected->type_guid);
	if (found->offset % SW_MIB != 0)
		sw_found_warning(finding, "partition %u does not begin at a whole MiB",
				 found->number);
}

static void check_partitions(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autoptr(SwLayout) layout = expected_layout(disk);
	const struct sw_gpt_partition *root = disk->root.partition;

	if (layout == NULL) {
		sw_found_problem(finding, "there is no layout for the architecture %s",
				 disk->image->architecture);
		return;
	}
	for (guint i = 0; i < layout->partitions->len; i++)
		check_partition(disk, layout->partitions->pdata[i], finding);
	for (guint i = 0; root != NULL && i < disk->table->partitions->len; i++) {
		const struct sw_gpt_partition *other = disk->table->partitions->pdata[i];

		if (other->offset > root->offset)
			sw_found_warning(finding,
					 "partition %u lies behind root, which cannot grow",
					 other->number);
	}
	sw_found(finding, "names and types are those that bootupd and systemd look for");
}

const struct sw_check sw_checks_table[] = {
	{ .id = "partition-table",
	  .what = "the partition table is whole, both its copies",
	  .remedy = "copy or write the disk anew; sgdisk -v tells more",
	  .run = check_gpt },
	{ .id = "partitions",
	  .what = "the partitions have the names and types that a bootc host needs",
	  .remedy = "set them by sgdisk -t and -c, or build the disk anew",
	  .run = check_partitions },
	{ .id = NULL },
};
