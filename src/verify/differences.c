/* SPDX-License-Identifier: MIT */
#include "verify/differences.h"

#include <string.h>

#include "disk/deviations.h"
#include "image/refs.h"
#include "verify/reach.h"

/* Where a UUID in its text form has its version: 4 is random, 5 derived from something. */
#define UUID_VERSION_AT 14

static gboolean is_derived(const char *uuid)
{
	return uuid != NULL && strlen(uuid) > UUID_VERSION_AT && uuid[UUID_VERSION_AT] == '5';
}

/* Has the commit of the image's first layer the time 0? */
static gboolean has_timeless_layers(const struct sw_examined *disk)
{
	const struct sw_oci_layer *layer = disk->image->layers->pdata[0];
	g_autofree char *name = sw_ref_for_layer(layer->digest);
	g_autofree char *checksum = sw_reach_ref(disk, name);
	g_autoptr(GVariant) commit =
		checksum == NULL ? NULL
				 : sw_examined_object(disk, OSTREE_OBJECT_TYPE_COMMIT, checksum);

	return commit != NULL && ostree_commit_get_timestamp(commit) == 0;
}

/* Is the kernel that .bootc-aleph.json names one of the deployment's? */
static gboolean has_image_kernel(const struct sw_examined *disk)
{
	g_autofree char *aleph = sw_snapshot_text(disk->root.tree, ".bootc-aleph.json", NULL);
	g_autofree char *modules = sw_examined_path(disk, "usr/lib/modules");
	g_auto(GStrv) versions = sw_snapshot_list(disk->root.tree, modules);

	for (guint i = 0; aleph != NULL && versions[i] != NULL; i++) {
		g_autofree char *member = g_strdup_printf("\"kernel\":\"%s\"", versions[i]);

		if (strstr(aleph, member) != NULL)
			return TRUE;
	}
	return FALSE;
}

static guint of_boot(const struct sw_examined *disk)
{
	g_autofree char *state = sw_examined_boot_path(disk, "bootupd-state.json");
	g_autofree char *menu =
		sw_snapshot_resolve(disk->bootfs, disk->boot_directory, "loader/syslinux.cfg");
	guint bits = 0;

	if (sw_snapshot_find(disk->bootfs, state) == NULL)
		bits |= 1 << SW_DEVIATION_NO_BOOTUPD;
	if (menu != NULL)
		bits |= 1 << SW_DEVIATION_DEBIAN_GRUB;
	return bits;
}

guint sw_examined_deviations(const struct sw_examined *disk)
{
	guint bits = 0;

	if (disk->boot.partition != NULL)
		bits |= 1 << SW_DEVIATION_BOOT_PARTITION;
	if (is_derived(disk->root.uuid))
		bits |= 1 << SW_DEVIATION_DERIVED_IDS;
	if (disk->bootfs != NULL)
		bits |= of_boot(disk);
	if (disk->root.tree == NULL || disk->deployment == NULL)
		return bits;
	if (sw_snapshot_find(disk->root.tree, "ostree/bootc/storage") == NULL)
		bits |= 1 << SW_DEVIATION_NO_IMAGE_STORE;
	if (disk->image != NULL && has_timeless_layers(disk))
		bits |= 1 << SW_DEVIATION_LAYER_TIMES;
	if (has_image_kernel(disk))
		bits |= 1 << SW_DEVIATION_ALEPH_KERNEL;
	return bits;
}
