/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>

#include "disk/labels.h"
#include "verify/check.h"

#define LABEL "security.selinux"

/* What one walk has seen. */
struct walk {
	const struct sw_examined *disk;
	const struct sw_labels *labels;
	const char *prefix; /* "boot/" for its filesystem, "" for root */
	struct sw_finding *finding;
	guint count;
};

static gboolean read_text(void *data, const char *path, size_t limit, char **ret_text,
			  size_t *ret_length, GError **error)
{
	*ret_text = sw_examined_text(data, path, ret_length);
	if (*ret_text == NULL)
		*ret_length = 0;
	return *ret_length <= limit ||
	       sw_fail(error, SW_ERROR_IMAGE, "selinux", "%s is too large", path);
}

/* The label of INODE, to be freed; NULL: none.  libostree writes it with a NUL behind, bootc without. */
static char *get_label(const struct sw_inode *inode)
{
	gsize count = inode->xattrs == NULL ? 0 : g_variant_n_children(inode->xattrs);

	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) xattr = g_variant_get_child_value(inode->xattrs, i);
		g_autoptr(GVariant) name = g_variant_get_child_value(xattr, 0);
		g_autoptr(GVariant) value = g_variant_get_child_value(xattr, 1);

		if (g_str_equal(g_variant_get_bytestring(name), LABEL))
			return g_strndup(g_variant_get_data(value), g_variant_get_size(value));
	}
	return NULL;
}

static guint32 type_bits(const struct sw_inode *inode)
{
	switch (inode->type) {
	case SW_TAR_DIRECTORY:
		return S_IFDIR;
	case SW_TAR_SYMLINK:
		return S_IFLNK;
	case SW_TAR_DEVICE: /* in an image store: what a layer deletes */
		return S_IFCHR;
	case SW_TAR_FIFO:
		return S_IFIFO;
	default:
		return S_IFREG;
	}
}

/* mke2fs makes it, and only fsck looks into it. */
static gboolean is_of_mkfs(const char *path)
{
	return g_str_equal(path, "lost+found");
}

static gboolean compare(const char *path, const struct sw_inode *inode, void *data)
{
	struct walk *walk = data;
	g_autofree char *full = g_strconcat(walk->prefix, path, NULL);
	g_autofree char *found = get_label(inode);
	g_autofree char *wanted = NULL;
	g_autoptr(GError) error = NULL;

	if (g_str_has_suffix(full, "/"))
		full[strlen(full) - 1] = '\0';
	walk->count++;
	if (!sw_labels_find(walk->labels, full, type_bits(inode) | inode->mode, found, &wanted,
			    &error))
		sw_found_problem(walk->finding, "/%s: %s", full, error->message);
	else if (found == NULL && wanted != NULL && !is_of_mkfs(path))
		sw_found_problem(walk->finding, "/%s has no label, not even %s", full, wanted);
	else if (found != NULL && wanted != NULL && !g_str_equal(found, wanted))
		sw_found_problem(walk->finding, "/%s is labelled %s, not %s", full, found, wanted);
	return TRUE;
}

static gboolean refuse(const char *path, const struct sw_inode *inode, void *data)
{
	struct walk *walk = data;
	g_autofree char *found = get_label(inode);

	if (found != NULL)
		sw_found_problem(walk->finding, "/%s%s is labelled %s, but the image has no policy",
				 walk->prefix, path, found);
	return TRUE;
}

static void walk_disk(struct walk *walk,
		      gboolean (*each)(const char *path, const struct sw_inode *inode, void *data))
{
	const struct sw_examined *disk = walk->disk;

	each("", sw_snapshot_find(disk->root.tree, ""), walk);
	sw_snapshot_walk(disk->root.tree, "", each, walk);
	if (disk->boot.tree == NULL || sw_snapshot_find(disk->boot.tree, "") == NULL)
		return;
	walk->prefix = "boot/";
	each("", sw_snapshot_find(disk->boot.tree, ""), walk);
	sw_snapshot_walk(disk->boot.tree, "", each, walk);
}

static void check_labels(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autoptr(SwSepolicy) policy = NULL;
	g_autoptr(GError) error = NULL;
	struct sw_labels labels = { .stateroot = disk->stateroot, .deployment = disk->deployment };
	struct walk walk = { disk, &labels, "", finding, 0 };

	if (!sw_sepolicy_read_from(read_text, (void *)disk, &policy, &error)) {
		sw_found_problem(finding, "%s", error->message);
		return;
	}
	labels.policy = policy;
	walk_disk(&walk, policy == NULL ? refuse : compare);
	if (policy == NULL)
		sw_found(finding, "the image has no policy, and no file a label");
	else
		sw_found(finding, "%u names, each with the label of the policy or of the commit",
			 walk.count);
}

const struct sw_check sw_checks_labels[] = {
	{ .id = "selinux",
	  .what = "files are labelled by the image's SELinux policy, where it has one",
	  .remedy = "build the disk anew: restorecon does not reach the deployment",
	  .needs = SW_NEED_DEPLOYMENT,
	  .run = check_labels },
	{ .id = NULL },
};
