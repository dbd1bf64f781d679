/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "image/prepare-root.h"
#include "verify/check.h"
#include "verify/origin.h"
#include "verify/reach.h"

static void check_mode(const struct sw_examined *disk, const char *path, guint32 mode,
		       struct sw_finding *finding)
{
	const struct sw_inode *inode = sw_snapshot_typed(disk->root.tree, path, SW_TAR_DIRECTORY);

	if (inode == NULL)
		sw_found_problem(finding, "there is no directory /%s", path);
	else if (inode->mode != mode || inode->uid != 0 || inode->gid != 0)
		sw_found_problem(finding, "/%s is of %u:%u with mode %04o, not of root with %04o",
				 path, inode->uid, inode->gid, inode->mode, mode);
}

static void check_sysroot(const struct sw_examined *disk, struct sw_finding *finding)
{
	static const char *const directories[] = { "",
						   "boot",
						   "ostree",
						   "ostree/deploy",
						   "ostree/repo",
						   "ostree/repo/objects",
						   "ostree/repo/refs/heads" };

	for (guint i = 0; i < G_N_ELEMENTS(directories); i++)
		check_mode(disk, directories[i], 0755, finding);
	if (sw_snapshot_typed(disk->root.tree, "ostree/repo/tmp", SW_TAR_DIRECTORY) == NULL)
		sw_found_problem(finding, "there is no directory /ostree/repo/tmp");
	if (sw_snapshot_typed(disk->root.tree, "ostree/bootc", SW_TAR_DIRECTORY) == NULL)
		sw_found_warning(finding,
				 "there is no /ostree/bootc: bootc's status unit waits for it");
	sw_found(finding, "boot, ostree/repo, ostree/deploy");
}

static void check_deployment(const struct sw_examined *disk, struct sw_finding *finding)
{
	static const char *const directories[] = { "sysroot", "boot", "var", "etc", "usr",
						   "dev",     "proc", "sys", "run", "tmp" };
	g_autofree char *link = NULL;

	if (disk->deployment == NULL) {
		sw_found_problem(finding, "there is no ostree/deploy/NAME/deploy/CHECKSUM.N");
		return;
	}
	for (guint i = 0; i < G_N_ELEMENTS(directories); i++) {
		g_autofree char *path = sw_examined_path(disk, directories[i]);

		if (sw_snapshot_typed(disk->root.tree, path, SW_TAR_DIRECTORY) == NULL)
			sw_found_problem(finding, "the deployment has no directory /%s",
					 directories[i]);
	}
	link = sw_examined_path(disk, "ostree");
	if (sw_snapshot_typed(disk->root.tree, link, SW_TAR_SYMLINK) == NULL)
		sw_found_problem(finding, "the deployment has no link /ostree -> sysroot/ostree");
	sw_found(finding, "%s", disk->deployment);
}

static void check_tree(const struct sw_examined *disk, struct sw_finding *finding)
{
	guint files = 0;
	g_autoptr(GPtrArray) texts = sw_reach_compare(disk, &files);

	for (guint i = 0; i < texts->len; i++)
		sw_found_problem(finding, "%s", (const char *)texts->pdata[i]);
	if (files == 0)
		sw_found_problem(finding, "the commit holds no file");
	sw_found(finding, "%u files", files);
}

static void check_links(const struct sw_examined *disk, struct sw_finding *finding)
{
	static const char *const versions[] = { "ostree/boot.0", "ostree/boot.1" };
	gboolean leads = FALSE;

	for (guint i = 0; i < G_N_ELEMENTS(versions); i++) {
		g_autofree char *stateroot = g_strdup_printf("%s/%s", versions[i], disk->stateroot);
		g_autofree char *resolved = sw_snapshot_resolve(disk->root.tree, "", stateroot);
		g_auto(GStrv) sums =
			resolved == NULL ? NULL : sw_snapshot_list(disk->root.tree, resolved);

		for (guint s = 0; sums != NULL && sums[s] != NULL; s++) {
			g_autofree char *path = g_strdup_printf("%s/%s/0", stateroot, sums[s]);
			g_autofree char *end = sw_snapshot_resolve(disk->root.tree, "", path);

			leads = leads || g_strcmp0(end, disk->deployment) == 0;
			if (end == NULL)
				sw_found_problem(finding, "/%s leads nowhere", path);
		}
	}
	if (!leads)
		sw_found_problem(finding, "no link below /ostree/boot.0 or boot.1 leads to %s",
				 disk->deployment);
	sw_found(finding, "ostree/boot.N/%s leads to the deployment", disk->stateroot);
}

static void check_origin(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwTarget) target = sw_origin_read(disk, &error);
	g_autofree char *text = NULL;

	if (target == NULL) {
		sw_found_problem(finding, "%s", error->message);
		return;
	}
	text = sw_target_to_origin(target);
	if (target->image->transport != SW_TRANSPORT_REGISTRY)
		sw_found_warning(finding,
				 "%s is no registry: the machine may not be able to update", text);
	sw_found(finding, "%s", text);
}

static void check_immutable(const struct sw_examined *disk, struct sw_finding *finding)
{
	if (disk->attributes == NULL)
		sw_found_warning(finding, "the filesystem does not tell");
	else if (strchr(disk->attributes, 'i') == NULL)
		sw_found_problem(finding, "%s has not the attribute i", disk->deployment);
	sw_found(finding, "chattr +i");
}

/* How prepare-root.conf wants the root; FALSE with a problem told. */
static gboolean read_mode(const struct sw_examined *disk, enum sw_composefs *ret_mode,
			  struct sw_finding *finding)
{
	static const char *const names[] = { "etc/ostree/prepare-root.conf",
					     "usr/lib/ostree/prepare-root.conf" };
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		size_t length = 0;
		g_autofree char *text = sw_examined_text(disk, names[i], &length);

		if (text == NULL)
			continue;
		if (sw_prepare_root_parse(text, length, names[i], ret_mode, &error))
			return TRUE;
		sw_found_problem(finding, "%s", error->message);
		return FALSE;
	}
	sw_found_problem(finding, "there is no ostree/prepare-root.conf");
	return FALSE;
}

/* Is fs-verity on?  Of the repository's objects the configuration tells, which is sealed last. */
static void check_verity(const char *attributes, const char *name, struct sw_finding *finding)
{
	if (attributes == NULL || strchr(attributes, 'V') == NULL)
		sw_found_problem(finding, "verity is demanded, but %s has none", name);
}

static void check_composefs(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autofree char *path = sw_examined_path(disk, ".ostree.cfs");
	const struct sw_inode *inode = sw_snapshot_typed(disk->root.tree, path, SW_TAR_FILE);
	enum sw_composefs mode = SW_COMPOSEFS_NO;

	if (!read_mode(disk, &mode, finding))
		return;
	if (inode == NULL && mode > SW_COMPOSEFS_MAYBE)
		sw_found_problem(
			finding,
			"composefs is demanded (%s), but the deployment has no .ostree.cfs",
			sw_composefs_names[mode]);
	else if (inode == NULL && mode == SW_COMPOSEFS_MAYBE)
		sw_found_warning(finding, "composefs is wished for, but there is no .ostree.cfs");
	else if (inode != NULL && inode->size == 0)
		sw_found_problem(finding, ".ostree.cfs is empty");
	if (mode >= SW_COMPOSEFS_VERITY) {
		check_verity(disk->composefs_attributes, ".ostree.cfs", finding);
		check_verity(disk->config_attributes, "ostree/repo/config", finding);
	}
	sw_found(finding, "prepare-root.conf says %s, .ostree.cfs is %s", sw_composefs_names[mode],
		 inode == NULL ? "not there" : "there");
}

/* Does LINE of fstab mount something at PATH? RET_SOURCE is what, to be freed. */
static gboolean mounts(const char *line, const char *path, char **ret_source)
{
	g_auto(GStrv) words = g_strsplit_set(line, " \t", -1);
	const char *fields[2] = { NULL };
	guint n = 0;

	for (guint i = 0; words[i] != NULL && n < 2; i++)
		if (*words[i] != '\0')
			fields[n++] = words[i];
	if (n < 2 || *fields[0] == '#' || !g_str_equal(fields[1], path))
		return FALSE;
	*ret_source = g_strdup(fields[0]);
	return TRUE;
}

static void check_fstab(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autofree char *text = sw_examined_text(disk, "etc/fstab", NULL);
	g_auto(GStrv) lines = g_strsplit(text == NULL ? "" : text, "\n", -1);
	g_autofree char *wanted =
		disk->boot.uuid == NULL ? NULL : g_strconcat("UUID=", disk->boot.uuid, NULL);
	gboolean has_boot = FALSE;

	for (guint i = 0; lines[i] != NULL; i++) {
		g_autofree char *boot = NULL;
		g_autofree char *root = NULL;

		if (mounts(lines[i], "/", &root))
			sw_found_problem(finding, "it mounts /, which fails under composefs: "
						  "root= says what root is");
		if (!mounts(lines[i], "/boot", &boot))
			continue;
		has_boot = TRUE;
		if (wanted != NULL && !g_str_equal(boot, wanted))
			sw_found_problem(finding, "it mounts %s on /boot, which is %s", boot,
					 wanted);
	}
	if (!has_boot && disk->boot.partition != NULL)
		sw_found_problem(finding, "it does not mount /boot, which is a partition");
	sw_found(finding, "%s", has_boot ? "/boot, and not /" : "nothing of the contract's");
}

static void check_var(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autofree char *var = g_strdup_printf("ostree/deploy/%s/var", disk->stateroot);
	const char *name = strrchr(disk->deployment, '/') + 1;
	g_autofree char *backing = g_strdup_printf("ostree/deploy/%s/backing/%s/root-transient",
						   disk->stateroot, name);

	if (sw_snapshot_typed(disk->root.tree, var, SW_TAR_DIRECTORY) == NULL)
		sw_found_problem(finding, "there is no /%s", var);
	if (sw_snapshot_typed(disk->root.tree, backing, SW_TAR_DIRECTORY) == NULL)
		sw_found_warning(finding, "there is no /%s, for a transient root", backing);
	sw_found(finding, "%s", var);
}

struct etc {
	const struct sw_examined *disk;
	struct sw_finding *finding;
	size_t prefix;
	guint files;
};

static gboolean compare_etc(const char *path, const struct sw_inode *inode, void *data)
{
	struct etc *etc = data;
	const char *name = path + etc->prefix;
	g_autofree char *below = g_strconcat("etc/", name, NULL);
	g_autofree char *own = sw_examined_path(etc->disk, below);
	const struct sw_inode *copy = sw_snapshot_find(etc->disk->root.tree, own);

	etc->files++;
	if (g_str_equal(name, ".updated"))
		return TRUE;
	if (copy == NULL)
		sw_found_problem(etc->finding, "/etc/%s is missing", name);
	else if (copy->type != inode->type)
		sw_found_problem(etc->finding, "/etc/%s is of another type than /usr/etc/%s", name,
				 name);
	else if (copy == inode && inode->type == SW_TAR_FILE)
		sw_found_problem(etc->finding,
				 "/etc/%s is a link to the repository: who changes it damages that",
				 name);
	return TRUE;
}

static void check_etc(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autofree char *defaults = sw_examined_path(disk, "usr/etc");
	struct etc etc = { disk, finding, strlen(defaults) + 1, 0 };

	sw_snapshot_walk(disk->root.tree, defaults, compare_etc, &etc);
	sw_found(finding, "%u names of /usr/etc are there as copies", etc.files);
}

const struct sw_check sw_checks_deployment[] = {
	{ .id = "sysroot",
	  .what = "the physical root has the directories of an ostree system",
	  .remedy = "build the disk anew (ostree admin init-fs --modern makes them)",
	  .needs = SW_NEED_ROOT,
	  .run = check_sysroot },
	{ .id = "deployment",
	  .what = "there is a deployment that can be booted into",
	  .remedy = "build the disk anew, of an image that slipway inspect finds in order",
	  .needs = SW_NEED_ROOT,
	  .run = check_deployment },
	{ .id = "deployment-tree",
	  .what = "the deployment's files are those of its commit",
	  .remedy = "build the disk anew: somebody has changed what nobody may change",
	  .needs = SW_NEED_DEPLOYMENT,
	  .run = check_tree },
	{ .id = "deployment-links",
	  .what = "the links of ostree lead to the deployment",
	  .remedy = "build the disk anew: the kernel argument ostree= leads nowhere",
	  .needs = SW_NEED_DEPLOYMENT,
	  .run = check_links },
	{ .id = "origin",
	  .what = "the origin tells what the machine updates from",
	  .remedy = "build with --target-imgref, or run bootc switch on the machine",
	  .needs = SW_NEED_DEPLOYMENT,
	  .run = check_origin },
	{ .id = "immutable",
	  .what = "the deployment's root is immutable",
	  .remedy = "chattr +i the directory",
	  .needs = SW_NEED_DEPLOYMENT,
	  .run = check_immutable },
	{ .id = "composefs",
	  .what = "the root is made as the image's prepare-root.conf wants it",
	  .remedy = "build the disk anew: the machine stops in its initramfs",
	  .needs = SW_NEED_DEPLOYMENT,
	  .run = check_composefs },
	{ .id = "fstab",
	  .what = "/etc/fstab mounts /boot, and not /",
	  .remedy = "write the line \"UUID=... /boot auto ro 0 0\" into it",
	  .needs = SW_NEED_DEPLOYMENT,
	  .run = check_fstab },
	{ .id = "etc",
	  .what = "/etc is a copy of /usr/etc",
	  .remedy = "build the disk anew",
	  .needs = SW_NEED_DEPLOYMENT,
	  .run = check_etc },
	{ .id = "var",
	  .what = "the stateroot has its /var",
	  .remedy = "build the disk anew",
	  .needs = SW_NEED_DEPLOYMENT,
	  .run = check_var },
	{ .id = NULL },
};
