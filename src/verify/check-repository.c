/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "image/refs.h"
#include "source/reference.h"
#include "verify/check.h"
#include "verify/origin.h"
#include "verify/reach.h"

#define OBJECTS "ostree/repo/objects"

/* What of libostree's own boot loaders a disk can have in the place of bootc's "none". */
static gboolean is_loader(const struct sw_examined *disk, const char *value)
{
	g_autofree char *menu = NULL;

	/* s390x and Android's loaders have programs of their own. */
	if (g_str_equal(value, "zipl") || g_str_equal(value, "aboot"))
		return TRUE;
	/* The menu of Debian's GRUB (see src/disk/README.md). */
	if (!g_str_equal(value, "syslinux") || disk->bootfs == NULL)
		return FALSE;
	menu = sw_snapshot_resolve(disk->bootfs, disk->boot_directory, "loader/syslinux.cfg");
	return menu != NULL;
}

static void check_config(const struct sw_examined *disk, struct sw_finding *finding)
{
	static const char *const wanted[][3] = {
		{ "core", "repo_version", "1" },     { "core", "mode", "bare" },
		{ "sysroot", "bootloader", "none" }, { "sysroot", "bootprefix", "true" },
		{ "sysroot", "readonly", "true" },
	};
	size_t length = 0;
	g_autofree char *text = sw_snapshot_text(disk->root.tree, "ostree/repo/config", &length);
	g_autoptr(GKeyFile) file = g_key_file_new();

	if (text == NULL || !g_key_file_load_from_data(file, text, length, G_KEY_FILE_NONE, NULL)) {
		sw_found_problem(finding, "ostree/repo/config is missing or no key file");
		return;
	}
	for (guint i = 0; i < G_N_ELEMENTS(wanted); i++) {
		const char *const *row = wanted[i];
		g_autofree char *value = g_key_file_get_string(file, row[0], row[1], NULL);

		if (value != NULL && g_str_equal(row[1], "bootloader") && is_loader(disk, value))
			continue;
		if (g_strcmp0(value, row[2]) != 0)
			sw_found_problem(finding, "[%s] %s is %s, not %s", row[0], row[1],
					 value == NULL ? "missing" : value, row[2]);
	}
	sw_found(finding, "mode bare, [sysroot] as bootc's install leaves it");
}

static gboolean is_object(const char *path, char *ret_checksum, const char **ret_type)
{
	const char *name = path + strlen(OBJECTS "/");
	const char *dot = strchr(name, '.');

	if (dot == NULL || dot - name != OSTREE_SHA256_STRING_LEN + 1 || name[2] != '/')
		return FALSE;
	memcpy(ret_checksum, name, 2);
	memcpy(ret_checksum + 2, name + 3, OSTREE_SHA256_STRING_LEN - 2);
	ret_checksum[OSTREE_SHA256_STRING_LEN] = '\0';
	*ret_type = dot + 1;
	return ostree_validate_checksum_string(ret_checksum, NULL);
}

struct count {
	struct sw_finding *finding;
	guint files, metadata;
};

/* Is the object what its name says? */
static gboolean check_object(const char *path, const struct sw_inode *inode, void *data)
{
	struct count *count = data;
	char checksum[OSTREE_SHA256_STRING_LEN + 1];
	const char *type = NULL;
	const char *actual;

	if (inode->type == SW_TAR_DIRECTORY)
		return TRUE;
	if (!is_object(path, checksum, &type)) {
		sw_found_problem(count->finding, "%s is no object", path);
		return TRUE;
	}
	/* Detached metadata has no checksum. */
	if (g_str_equal(type, "commitmeta"))
		return TRUE;
	if (g_str_equal(type, "file"))
		count->files++;
	else
		count->metadata++;
	actual = g_str_equal(type, "file") ? inode->object : inode->content;
	if (!g_str_equal(actual, checksum))
		sw_found_problem(count->finding, "%s is damaged: its checksum is %s", path,
				 *actual == '\0' ? "none" : actual);
	return TRUE;
}

static void check_objects(const struct sw_examined *disk, struct sw_finding *finding)
{
	struct count count = { .finding = finding };
	g_autoptr(GPtrArray) missing = NULL;

	sw_snapshot_walk(disk->root.tree, OBJECTS, check_object, &count);
	missing = sw_reach_missing(disk);
	for (guint i = 0; i < missing->len; i++)
		sw_found_problem(finding, "%s", (const char *)missing->pdata[i]);
	if (count.files + count.metadata == 0)
		sw_found_problem(finding, "there are no objects");
	sw_found(finding, "%u files and %u metadata objects have the checksums they are named by",
		 count.files, count.metadata);
}

/* Does the ref NAME lead to COMMIT (NULL: to any commit that is there)? */
static void check_ref(const struct sw_examined *disk, const char *name, const char *commit,
		      struct sw_finding *finding)
{
	g_autofree char *target = sw_reach_ref(disk, name);
	g_autoptr(GVariant) object = NULL;

	if (target == NULL) {
		sw_found_problem(finding, "there is no ref %s", name);
		return;
	}
	object = sw_examined_object(disk, OSTREE_OBJECT_TYPE_COMMIT, target);
	if (object == NULL)
		sw_found_problem(finding, "the ref %s leads to no commit", name);
	else if (commit != NULL && !g_str_equal(target, commit))
		sw_found_problem(finding, "the ref %s is %.12s, not the deployment's commit %.12s",
				 name, target, commit);
}

static void check_refs(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autoptr(SwTarget) target = sw_origin_read(disk, NULL);
	g_autoptr(GPtrArray) names = sw_reach_refs(disk);
	gboolean has_deployment = FALSE;

	for (guint i = 0; i < names->len; i++) {
		const char *name = names->pdata[i];

		if (!g_str_has_prefix(name, "ostree/0/") && !g_str_has_prefix(name, "ostree/1/"))
			continue;
		g_autofree char *commit = sw_reach_ref(disk, name);

		has_deployment = has_deployment || g_strcmp0(commit, disk->commit) == 0;
	}
	if (!has_deployment)
		sw_found_problem(finding, "no ref ostree/0/.. or ostree/1/.. keeps the deployment");
	if (target != NULL) {
		g_autofree char *reference = sw_reference_to_string(target->image);
		g_autofree char *name = sw_ref_for_image(reference);

		check_ref(disk, name, disk->commit, finding);
	}
	for (guint i = 0; i < disk->image->layers->len; i++) {
		const struct sw_oci_layer *layer = disk->image->layers->pdata[i];
		g_autofree char *name = sw_ref_for_layer(layer->digest);

		check_ref(disk, name, NULL, finding);
	}
	sw_found(finding, "of the image, of its %u layers and of the deployment",
		 disk->image->layers->len);
}

static void check_commit(const struct sw_examined *disk, struct sw_finding *finding)
{
	static const char *const keys[] = { "ostree.manifest-digest", "ostree.manifest",
					    "ostree.container.image-config",
					    "ostree.importer.version" };

	if (disk->metadata == NULL) {
		sw_found_problem(finding, "the deployment's commit %.12s is not in the repository",
				 disk->commit);
		return;
	}
	for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
		const char *text = NULL;

		if (!g_variant_lookup(disk->metadata, keys[i], "&s", &text))
			sw_found_problem(finding, "the commit has no %s", keys[i]);
	}
	if (disk->image == NULL)
		sw_found_problem(finding, "the manifest and the configuration in the commit "
					  "do not describe an image");
	else
		sw_found(finding, "%s", disk->image->manifest_digest);
}

const struct sw_check sw_checks_repository[] = {
	{ .id = "repository-config",
	  .what = "the repository is configured as bootc expects",
	  .remedy = "set the keys by ostree config set, or build the disk anew",
	  .needs = SW_NEED_ROOT,
	  .run = check_config },
	{ .id = "objects",
	  .what = "the repository holds all that its commits need, undamaged",
	  .remedy = "build the disk anew; a machine of it may fail anywhere",
	  .needs = SW_NEED_ROOT,
	  .run = check_objects },
	{ .id = "commit",
	  .what = "the deployment's commit tells bootc its image",
	  .remedy = "build the disk anew: bootc status fails without it",
	  .needs = SW_NEED_DEPLOYMENT,
	  .run = check_commit },
	{ .id = "refs",
	  .what = "refs keep the image, its layers and the deployment",
	  .remedy = "build the disk anew: bootc status or the next update fails",
	  .needs = SW_NEED_IMAGE,
	  .run = check_refs },
	{ .id = NULL },
};
