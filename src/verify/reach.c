/* SPDX-License-Identifier: MIT */
#include "verify/reach.h"

#include <string.h>
#include <sys/stat.h>

#include "core/hash.h"

#define HEADS "ostree/repo/refs/heads/"
#define TEXTS_MAX 1000
#define DEPTH_MAX 256

/* One walk over trees of objects. */
struct walk {
	const struct sw_examined *disk;
	GHashTable *seen; /* dirtrees that were walked already */
	GPtrArray *texts;
	guint files;
};

static void tell(struct walk *walk, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void tell(struct walk *walk, const char *format, ...)
{
	va_list args;

	if (walk->texts->len >= TEXTS_MAX)
		return;
	va_start(args, format);
	g_ptr_array_add(walk->texts, g_strdup_vprintf(format, args));
	va_end(args);
}

static gboolean add_ref(const char *path, const struct sw_inode *inode, void *data)
{
	if (inode->type == SW_TAR_FILE)
		g_ptr_array_add(data, g_strdup(path + strlen(HEADS)));
	return TRUE;
}

GPtrArray *sw_reach_refs(const struct sw_examined *disk)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	sw_snapshot_walk(disk->root.tree, "ostree/repo/refs/heads", add_ref, names);
	return names;
}

char *sw_reach_ref(const struct sw_examined *disk, const char *name)
{
	g_autofree char *path = g_strconcat(HEADS, name, NULL);
	g_autofree char *text = sw_snapshot_text(disk->root.tree, path, NULL);

	if (text == NULL || !ostree_validate_checksum_string(g_strstrip(text), NULL))
		return NULL;
	return g_steal_pointer(&text);
}

/* The checksum that is child NUMBER of VARIANT, whose structure was validated. */
static void get_checksum(GVariant *variant, gsize number,
			 char ret_hex[OSTREE_SHA256_STRING_LEN + 1])
{
	g_autoptr(GVariant) bytes = g_variant_get_child_value(variant, number);

	ostree_checksum_inplace_from_bytes(ostree_checksum_bytes_peek(bytes), ret_hex);
}

static void need(struct walk *walk, const char *checksum, const char *type, const char *path)
{
	g_autofree char *object =
		g_strdup_printf("ostree/repo/objects/%.2s/%s.%s", checksum, checksum + 2, type);

	if (sw_snapshot_find(walk->disk->root.tree, object) == NULL)
		tell(walk, "/%s: the object %.12s.%s is missing", path, checksum, type);
}

static void walk_tree(struct walk *walk, const char *checksum, const char *path, guint depth)
{
	g_autoptr(GVariant) tree = NULL;
	g_autoptr(GVariant) files = NULL;
	g_autoptr(GVariant) directories = NULL;
	char hex[OSTREE_SHA256_STRING_LEN + 1];

	if (depth > DEPTH_MAX || !g_hash_table_add(walk->seen, g_strdup(checksum)))
		return;
	tree = sw_examined_object(walk->disk, OSTREE_OBJECT_TYPE_DIR_TREE, checksum);
	if (tree == NULL) {
		tell(walk, "/%s: the object %.12s.dirtree is missing", path, checksum);
		return;
	}
	files = g_variant_get_child_value(tree, 0);
	directories = g_variant_get_child_value(tree, 1);
	for (gsize i = 0; i < g_variant_n_children(files); i++) {
		g_autoptr(GVariant) file = g_variant_get_child_value(files, i);
		g_autofree char *child = NULL;
		const char *name;

		g_variant_get_child(file, 0, "&s", &name);
		child = g_build_filename(path, name, NULL);
		get_checksum(file, 1, hex);
		need(walk, hex, "file", child);
	}
	for (gsize i = 0; i < g_variant_n_children(directories); i++) {
		g_autoptr(GVariant) directory = g_variant_get_child_value(directories, i);
		g_autofree char *child = NULL;
		const char *name;

		g_variant_get_child(directory, 0, "&s", &name);
		child = g_build_filename(path, name, NULL);
		get_checksum(directory, 2, hex);
		need(walk, hex, "dirmeta", child);
		get_checksum(directory, 1, hex);
		walk_tree(walk, hex, child, depth + 1);
	}
}

GPtrArray *sw_reach_missing(const struct sw_examined *disk)
{
	g_autoptr(GPtrArray) refs = sw_reach_refs(disk);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct walk walk = { .disk = disk,
			     .seen = seen,
			     .texts = g_ptr_array_new_with_free_func(g_free) };

	for (guint i = 0; i < refs->len; i++) {
		g_autofree char *checksum = sw_reach_ref(disk, refs->pdata[i]);
		g_autoptr(GVariant) commit =
			checksum == NULL
				? NULL
				: sw_examined_object(disk, OSTREE_OBJECT_TYPE_COMMIT, checksum);
		char hex[OSTREE_SHA256_STRING_LEN + 1];

		/* A ref that leads nowhere is told by the check of the refs. */
		if (commit == NULL)
			continue;
		get_checksum(commit, 7, hex);
		need(&walk, hex, "dirmeta", "");
		get_checksum(commit, 6, hex);
		walk_tree(&walk, hex, "", 0);
	}
	return walk.texts;
}

static void compare_directory(struct walk *walk, const struct sw_inode *inode, const char *checksum,
			      const char *path)
{
	g_autoptr(GFileInfo) info = g_file_info_new();
	g_autoptr(GVariant) meta = NULL;
	char hex[SW_SHA256_SIZE];

	g_file_info_set_attribute_uint32(info, "unix::uid", inode->uid);
	g_file_info_set_attribute_uint32(info, "unix::gid", inode->gid);
	g_file_info_set_attribute_uint32(info, "unix::mode", S_IFDIR | inode->mode);
	meta = g_variant_ref_sink(ostree_create_directory_metadata(info, inode->xattrs));
	sw_sha256_data(g_variant_get_data(meta), g_variant_get_size(meta), hex);
	if (!g_str_equal(hex, checksum))
		tell(walk, "/%s has another owner, mode or xattrs than in the commit", path);
}

/* Names that a deployment has beside its commit's. */
static gboolean is_extra(const char *path)
{
	return g_str_equal(path, "etc") || g_str_equal(path, ".ostree.cfs") ||
	       g_str_equal(path, "usr/.etc.lock");
}

static void compare_names(struct walk *walk, GVariant *files, GVariant *directories,
			  const char *path)
{
	g_autofree char *full = g_build_filename(walk->disk->deployment, path, NULL);
	g_auto(GStrv) names = NULL;
	g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GVariant *const lists[] = { files, directories };

	if (g_str_has_suffix(full, "/"))
		full[strlen(full) - 1] = '\0';
	names = sw_snapshot_list(walk->disk->root.tree, full);
	for (guint l = 0; l < G_N_ELEMENTS(lists); l++)
		for (gsize i = 0; i < g_variant_n_children(lists[l]); i++) {
			g_autoptr(GVariant) child = g_variant_get_child_value(lists[l], i);
			char *name = NULL;

			g_variant_get_child(child, 0, "s", &name);
			g_hash_table_add(known, name);
		}
	for (guint i = 0; names[i] != NULL; i++) {
		g_autofree char *child = g_build_filename(path, names[i], NULL);

		if (!g_hash_table_contains(known, names[i]) && !is_extra(child))
			tell(walk, "/%s is not in the commit", child);
	}
}

static void compare_tree(struct walk *walk, const char *checksum, const char *path, guint depth)
{
	const struct sw_snapshot *root = walk->disk->root.tree;
	g_autoptr(GVariant) tree =
		sw_examined_object(walk->disk, OSTREE_OBJECT_TYPE_DIR_TREE, checksum);
	g_autoptr(GVariant) files = NULL;
	g_autoptr(GVariant) directories = NULL;
	char hex[OSTREE_SHA256_STRING_LEN + 1];

	/* What is missing is told by the check of the objects. */
	if (tree == NULL || depth > DEPTH_MAX)
		return;
	files = g_variant_get_child_value(tree, 0);
	directories = g_variant_get_child_value(tree, 1);
	compare_names(walk, files, directories, path);
	for (gsize i = 0; i < g_variant_n_children(files); i++) {
		g_autoptr(GVariant) file = g_variant_get_child_value(files, i);
		g_autofree char *child = NULL;
		g_autofree char *full = NULL;
		const struct sw_inode *inode;
		const char *name;

		g_variant_get_child(file, 0, "&s", &name);
		child = g_build_filename(path, name, NULL);
		full = sw_examined_path(walk->disk, child);
		inode = sw_snapshot_find(root, full);
		get_checksum(file, 1, hex);
		walk->files++;
		if (inode == NULL)
			tell(walk, "/%s is missing", child);
		else if (!g_str_equal(inode->object, hex))
			tell(walk, "/%s is not the file of the commit", child);
	}
	for (gsize i = 0; i < g_variant_n_children(directories); i++) {
		g_autoptr(GVariant) directory = g_variant_get_child_value(directories, i);
		g_autofree char *child = NULL;
		g_autofree char *full = NULL;
		const struct sw_inode *inode;
		const char *name;

		g_variant_get_child(directory, 0, "&s", &name);
		child = g_build_filename(path, name, NULL);
		full = sw_examined_path(walk->disk, child);
		inode = sw_snapshot_typed(root, full, SW_TAR_DIRECTORY);
		if (inode == NULL) {
			tell(walk, "/%s is missing", child);
			continue;
		}
		get_checksum(directory, 2, hex);
		compare_directory(walk, inode, hex, child);
		get_checksum(directory, 1, hex);
		compare_tree(walk, hex, child, depth + 1);
	}
}

GPtrArray *sw_reach_compare(const struct sw_examined *disk, guint *ret_files)
{
	struct walk walk = { .disk = disk, .texts = g_ptr_array_new_with_free_func(g_free) };
	g_autoptr(GVariant) commit =
		sw_examined_object(disk, OSTREE_OBJECT_TYPE_COMMIT, disk->commit);
	const struct sw_inode *root = sw_snapshot_find(disk->root.tree, disk->deployment);
	char hex[OSTREE_SHA256_STRING_LEN + 1];

	*ret_files = 0;
	if (commit == NULL)
		return walk.texts;
	get_checksum(commit, 7, hex);
	compare_directory(&walk, root, hex, "");
	get_checksum(commit, 6, hex);
	compare_tree(&walk, hex, "", 0);
	*ret_files = walk.files;
	return walk.texts;
}
