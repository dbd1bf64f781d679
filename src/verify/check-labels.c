/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "verify/check.h"

#define LABEL "security.selinux"

/* What one walk has seen. */
struct labels {
	const char *where; /* "/boot": in front of paths; "" for root */
	gboolean wanted;
	struct sw_finding *finding;
	guint labelled, unlabelled;
};

static gboolean has_label(const struct sw_inode *inode)
{
	gsize count = inode->xattrs == NULL ? 0 : g_variant_n_children(inode->xattrs);

	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) name = NULL;
		g_autoptr(GVariant) xattr = g_variant_get_child_value(inode->xattrs, i);

		name = g_variant_get_child_value(xattr, 0);
		if (g_str_equal(g_variant_get_bytestring(name), LABEL))
			return TRUE;
	}
	return FALSE;
}

static gboolean take(const char *path, const struct sw_inode *inode, void *data)
{
	struct labels *labels = data;
	gboolean found = has_label(inode);

	if (found)
		labels->labelled++;
	else
		labels->unlabelled++;
	/* mke2fs makes it, and only fsck looks into it. */
	if (g_str_equal(path, "lost+found"))
		return TRUE;
	if (labels->wanted && !found)
		sw_found_problem(labels->finding, "%s/%s has no label", labels->where, path);
	else if (!labels->wanted && found)
		sw_found_problem(labels->finding, "%s/%s has a label, but the image has no policy",
				 labels->where, path);
	return TRUE;
}

static void check_labels(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autofree char *config = sw_examined_text(disk, "etc/selinux/config", NULL);
	struct labels labels = { .where = "", .wanted = config != NULL, .finding = finding };

	take("", sw_snapshot_find(disk->root.tree, ""), &labels);
	sw_snapshot_walk(disk->root.tree, "", take, &labels);
	if (disk->boot.tree != NULL) {
		labels.where = "/boot";
		take("", sw_snapshot_find(disk->boot.tree, ""), &labels);
		sw_snapshot_walk(disk->boot.tree, "", take, &labels);
	}
	if (config == NULL)
		sw_found(finding, "the image has no policy, and no file a label");
	else
		sw_found(finding, "%u names, each with a label", labels.labelled);
}

const struct sw_check sw_checks_labels[] = {
	{ .id = "selinux",
	  .what = "files are labelled where the image has a SELinux policy, and only there",
	  .remedy = "build the disk anew: restorecon does not reach the deployment",
	  .needs = SW_NEED_DEPLOYMENT,
	  .run = check_labels },
	{ .id = NULL },
};
