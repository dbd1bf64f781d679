/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "verify/examined.h"

#define METADATA_MAX (64 * 1024 * 1024)

static void entry_free(struct sw_loader_entry *entry)
{
	g_free(entry->name);
	g_free(entry->title);
	g_free(entry->version);
	g_free(entry->options);
	g_free(entry->kernel);
	g_free(entry->initrd);
	g_free(entry->devicetree);
	g_free(entry);
}

static struct sw_loader_entry *parse_entry(const char *name, const char *text)
{
	struct sw_loader_entry *entry = g_new0(struct sw_loader_entry, 1);
	const struct {
		const char *key;
		char **value;
	} keys[] = {
		{ "title", &entry->title },	{ "version", &entry->version },
		{ "options", &entry->options }, { "linux", &entry->kernel },
		{ "initrd", &entry->initrd },	{ "devicetree", &entry->devicetree },
	};
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	entry->name = g_strdup(name);
	for (guint i = 0; lines[i] != NULL; i++)
		for (guint k = 0; k < G_N_ELEMENTS(keys); k++) {
			size_t length = strlen(keys[k].key);

			if (strncmp(lines[i], keys[k].key, length) != 0 ||
			    (lines[i][length] != ' ' && lines[i][length] != '\t'))
				continue;
			g_free(*keys[k].value);
			*keys[k].value = g_strstrip(g_strdup(lines[i] + length));
		}
	return entry;
}

/* The entry of the highest version is the default. */
static int compare_entries(const void *a, const void *b)
{
	const struct sw_loader_entry *one = *(const struct sw_loader_entry *const *)a;
	const struct sw_loader_entry *two = *(const struct sw_loader_entry *const *)b;
	guint64 left = one->version == NULL ? 0 : g_ascii_strtoull(one->version, NULL, 10);
	guint64 right = two->version == NULL ? 0 : g_ascii_strtoull(two->version, NULL, 10);

	return left < right ? 1 : left > right ? -1 : strcmp(one->name, two->name);
}

static void find_entries(struct sw_examined *disk)
{
	g_autofree char *directory = NULL;
	g_auto(GStrv) names = NULL;

	disk->entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
	if (disk->bootfs == NULL)
		return;
	directory = sw_snapshot_resolve(disk->bootfs, disk->boot_directory, "loader/entries");
	if (directory == NULL)
		return;
	names = sw_snapshot_list(disk->bootfs, directory);
	for (guint i = 0; names[i] != NULL; i++) {
		g_autofree char *path = g_strconcat(directory, "/", names[i], NULL);
		g_autofree char *text = NULL;

		if (g_str_has_suffix(names[i], ".conf"))
			text = sw_snapshot_text(disk->bootfs, path, NULL);
		if (text != NULL)
			g_ptr_array_add(disk->entries, parse_entry(names[i], text));
	}
	g_ptr_array_sort(disk->entries, compare_entries);
}

/* "CHECKSUM.SERIAL" */
static gboolean is_deployment(const char *name)
{
	g_autofree char *checksum = g_strndup(name, OSTREE_SHA256_STRING_LEN);
	size_t length = strlen(name);

	return length > OSTREE_SHA256_STRING_LEN + 1 && name[OSTREE_SHA256_STRING_LEN] == '.' &&
	       strspn(name + OSTREE_SHA256_STRING_LEN + 1, "0123456789") ==
		       length - OSTREE_SHA256_STRING_LEN - 1 &&
	       ostree_validate_checksum_string(checksum, NULL);
}

static void add_deployments(const struct sw_snapshot *root, const char *stateroot, GPtrArray *found)
{
	g_autofree char *directory = g_strdup_printf("ostree/deploy/%s/deploy", stateroot);
	g_auto(GStrv) names = sw_snapshot_list(root, directory);

	for (guint i = 0; names[i] != NULL; i++) {
		g_autofree char *path = g_strconcat(directory, "/", names[i], NULL);

		if (is_deployment(names[i]) && sw_snapshot_typed(root, path, SW_TAR_DIRECTORY))
			g_ptr_array_add(found, g_steal_pointer(&path));
	}
}

/* Where the default entry's ostree= leads; NULL: nowhere. */
static char *follow_entry(const struct sw_examined *disk)
{
	const struct sw_loader_entry *entry =
		disk->entries->len == 0 ? NULL : disk->entries->pdata[0];
	g_auto(GStrv) words =
		g_strsplit(entry == NULL || entry->options == NULL ? "" : entry->options, " ", -1);

	for (guint i = 0; words[i] != NULL; i++)
		if (g_str_has_prefix(words[i], "ostree="))
			return sw_snapshot_resolve(disk->root.tree, "", words[i] + 7);
	return NULL;
}

/* The deployment that the disk boots, or the first where nothing leads to one. */
static void find_deployment(struct sw_examined *disk)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) stateroots = sw_snapshot_list(disk->root.tree, "ostree/deploy");
	g_autofree char *booted = follow_entry(disk);
	g_auto(GStrv) parts = NULL;
	guint index = 0;

	for (guint i = 0; stateroots[i] != NULL; i++)
		add_deployments(disk->root.tree, stateroots[i], found);
	if (found->len == 0)
		return;
	if (booted == NULL || !g_ptr_array_find_with_equal_func(found, booted, g_str_equal, &index))
		index = 0;
	disk->deployment = g_strdup(found->pdata[index]);
	parts = g_strsplit(disk->deployment, "/", -1);
	disk->stateroot = g_strdup(parts[2]);
	disk->commit = g_strndup(parts[4], OSTREE_SHA256_STRING_LEN);
}

static void find_image(struct sw_examined *disk)
{
	g_autoptr(GVariant) commit =
		sw_examined_object(disk, OSTREE_OBJECT_TYPE_COMMIT, disk->commit);
	g_autoptr(GError) error = NULL;
	const char *manifest = NULL, *config = NULL, *digest = NULL;

	if (commit == NULL)
		return;
	disk->metadata = g_variant_get_child_value(commit, 0);
	if (!g_variant_lookup(disk->metadata, "ostree.manifest", "&s", &manifest) ||
	    !g_variant_lookup(disk->metadata, "ostree.container.image-config", "&s", &config) ||
	    !g_variant_lookup(disk->metadata, "ostree.manifest-digest", "&s", &digest))
		return;
	if (!sw_oci_image_parse(digest, manifest, strlen(manifest), config, strlen(config),
				&disk->image, &error))
		g_debug("the commit's metadata: %s", error->message);
}

void sw_examined_derive(struct sw_examined *disk)
{
	gboolean has_boot = disk->boot.partition != NULL;

	disk->bootfs = has_boot ? disk->boot.tree : disk->root.tree;
	disk->boot_directory = has_boot ? "" : "boot";
	find_entries(disk);
	if (disk->root.tree == NULL)
		return;
	find_deployment(disk);
	if (disk->commit != NULL)
		find_image(disk);
}

char *sw_examined_boot_path(const struct sw_examined *disk, const char *path)
{
	return *disk->boot_directory == '\0' ? g_strdup(path)
					     : g_build_filename(disk->boot_directory, path, NULL);
}

char *sw_examined_path(const struct sw_examined *disk, const char *path)
{
	return g_strconcat(disk->deployment, "/", path, NULL);
}

char *sw_examined_text(const struct sw_examined *disk, const char *path, size_t *ret_length)
{
	g_autofree char *resolved = NULL;

	if (disk->deployment != NULL)
		resolved = sw_snapshot_resolve(disk->root.tree, disk->deployment, path);
	return resolved == NULL ? NULL : sw_snapshot_text(disk->root.tree, resolved, ret_length);
}

static gboolean validate(OstreeObjectType type, GVariant *object)
{
	switch (type) {
	case OSTREE_OBJECT_TYPE_COMMIT:
		return ostree_validate_structureof_commit(object, NULL);
	case OSTREE_OBJECT_TYPE_DIR_TREE:
		return ostree_validate_structureof_dirtree(object, NULL);
	case OSTREE_OBJECT_TYPE_DIR_META:
		return ostree_validate_structureof_dirmeta(object, NULL);
	default:
		return FALSE;
	}
}

GVariant *sw_examined_object(const struct sw_examined *disk, OstreeObjectType type,
			     const char *checksum)
{
	const GVariantType *const types[] = {
		[OSTREE_OBJECT_TYPE_DIR_TREE] = OSTREE_TREE_GVARIANT_FORMAT,
		[OSTREE_OBJECT_TYPE_DIR_META] = OSTREE_DIRMETA_GVARIANT_FORMAT,
		[OSTREE_OBJECT_TYPE_COMMIT] = OSTREE_COMMIT_GVARIANT_FORMAT,
	};
	g_autofree char *path = g_strdup_printf("ostree/repo/objects/%.2s/%s.%s", checksum,
						checksum + 2, ostree_object_type_to_string(type));
	const struct sw_inode *inode = sw_snapshot_find(disk->root.tree, path);
	g_autoptr(GBytes) bytes = inode == NULL || inode->size > METADATA_MAX
					  ? NULL
					  : sw_snapshot_bytes(disk->root.tree, inode);
	g_autoptr(GVariant) object = NULL;

	if (bytes == NULL)
		return NULL;
	object = g_variant_ref_sink(g_variant_new_from_bytes(types[type], bytes, FALSE));
	return validate(type, object) ? g_steal_pointer(&object) : NULL;
}
