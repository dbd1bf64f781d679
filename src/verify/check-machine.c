/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/json.h"
#include "core/size.h"
#include "verify/check.h"
#include "verify/origin.h"

#define ALEPH ".bootc-aleph.json"
/* While libostree writes a new deployment, /boot holds the kernels of three. */
#define KERNELS_TO_COME 2

/* Is the member NAME of OBJECT the text WANTED? */
static void check_member(JsonObject *object, const char *name, const char *wanted,
			 struct sw_finding *finding)
{
	static const struct sw_json_subject subject = { ALEPH, SW_ERROR_DEPLOY, "aleph" };
	g_autoptr(GError) error = NULL;
	const char *text = NULL;

	if (!sw_json_get_string(object, name, FALSE, &subject, &text, &error))
		sw_found_problem(finding, "%s", error->message);
	else if (text == NULL)
		sw_found_problem(finding, "it has no \"%s\"", name);
	else if (wanted != NULL && !g_str_equal(text, wanted))
		sw_found_problem(finding, "its \"%s\" is %s, not %s", name, text, wanted);
}

static void check_aleph(const struct sw_examined *disk, struct sw_finding *finding)
{
	static const struct sw_json_subject subject = { ALEPH, SW_ERROR_DEPLOY, "aleph" };
	g_autoptr(SwTarget) target = sw_origin_read(disk, NULL);
	size_t length = 0;
	g_autofree char *text = sw_snapshot_text(disk->root.tree, ALEPH, &length);
	g_autoptr(JsonNode) root = NULL;
	g_autoptr(GError) error = NULL;

	if (text == NULL) {
		sw_found_problem(finding, "there is no /" ALEPH);
		return;
	}
	if (!sw_json_parse(text, length, &subject, &root, &error)) {
		sw_found_problem(finding, "%s", error->message);
		return;
	}
	check_member(json_node_get_object(root), "digest", disk->image->manifest_digest, finding);
	check_member(json_node_get_object(root), "target-image",
		     target == NULL ? NULL : target->image->name, finding);
	sw_found(finding, "it names the image and its digest");
}

struct sum {
	guint64 bytes, inodes;
};

/* What an object takes in blocks of 4 KiB. */
static gboolean add_object(G_GNUC_UNUSED const char *path, const struct sw_inode *inode, void *data)
{
	struct sum *sum = data;

	sum->bytes += sw_round_up(MIN(inode->size, G_MAXINT64), 4 * SW_KIB);
	sum->inodes++;
	return TRUE;
}

static void check_root(const struct sw_examined *disk, struct sw_finding *finding)
{
	struct sum sum = { 0 };
	g_autofree char *needed = NULL;
	g_autofree char *available = sw_size_format(disk->root.room.free_bytes);

	sw_snapshot_walk(disk->root.tree, "ostree/repo/objects", add_object, &sum);
	needed = sw_size_format(sum.bytes);
	if (disk->root.room.free_bytes < sum.bytes)
		sw_found_warning(finding, "%s are free, an update in which all is new needs %s",
				 available, needed);
	if (disk->root.room.inodes > 0 && disk->root.room.free_inodes < sum.inodes)
		sw_found_warning(finding,
				 "%" G_GUINT64_FORMAT " inodes are free, such an update needs "
				 "%" G_GUINT64_FORMAT,
				 disk->root.room.free_inodes, sum.inodes);
	sw_found(finding, "%s are free, an update needs at most %s", available, needed);
}

static gboolean add_kernel(G_GNUC_UNUSED const char *path, const struct sw_inode *inode, void *data)
{
	if (inode->type == SW_TAR_FILE)
		((struct sum *)data)->bytes +=
			sw_round_up(MIN(inode->size, G_MAXINT64), 4 * SW_KIB);
	return TRUE;
}

static void check_boot(const struct sw_examined *disk, struct sw_finding *finding)
{
	const struct sw_room *room =
		disk->boot.partition != NULL ? &disk->boot.room : &disk->root.room;
	const struct sw_loader_entry *entry = disk->entries->pdata[0];
	g_autofree char *directory =
		g_path_get_dirname(entry->kernel == NULL ? "/boot/ostree/x" : entry->kernel);
	g_autofree char *resolved =
		sw_snapshot_resolve(disk->bootfs, disk->boot_directory, directory);
	g_autofree char *needed = NULL;
	g_autofree char *available = sw_size_format(room->free_bytes);
	struct sum sum = { 0 };

	if (resolved != NULL)
		sw_snapshot_walk(disk->bootfs, resolved, add_kernel, &sum);
	needed = sw_size_format(KERNELS_TO_COME * sum.bytes);
	if (room->free_bytes < KERNELS_TO_COME * sum.bytes)
		sw_found_warning(finding, "%s are free, updates need %s", available, needed);
	sw_found(finding, "%s are free, updates need %s", available, needed);
}

const struct sw_check sw_checks_machine[] = {
	{ .id = "aleph",
	  .what = "the disk tells how it was installed",
	  .remedy = "build the disk anew; bootc itself does not read the file",
	  .needs = SW_NEED_IMAGE,
	  .run = check_aleph },
	{ .id = "room-root",
	  .what = "the root filesystem has room for an update",
	  .remedy = "build with a larger --size, or let the machine grow its root",
	  .needs = SW_NEED_ROOT,
	  .run = check_root },
	{ .id = "room-boot",
	  .what = "/boot has room for the kernels of updates",
	  .remedy = "build the disk anew, or remove what does not belong into /boot",
	  .needs = SW_NEED_ENTRY,
	  .run = check_boot },
	{ .id = NULL },
};
