/* SPDX-License-Identifier: MIT */
#include "disk/kernel.h"

#include "core/error.h"
#include "core/hash.h"
#include "image/tree.h"

#define BUFFER_SIZE (1024 * 1024)
/* A tree of device trees is two deep; more is a mistake, and recursion costs stack. */
#define DEPTH_MAX 16

/* One reading of a kernel's directory. */
struct reading {
	OstreeRepo *repo;
	const struct sw_tree *tree;
	const char *directory; /* "/usr/lib/modules/VERSION" */
	struct sw_kernel *kernel;
	struct sw_sha256 *hash;
	GCancellable *cancellable;
};

static void file_free(void *data)
{
	struct sw_kernel_file *file = data;

	g_free(file->name);
	g_free(file->checksum);
	g_free(file);
}

void sw_kernel_free(struct sw_kernel *kernel)
{
	if (kernel == NULL)
		return;
	g_free(kernel->checksum);
	g_clear_pointer(&kernel->files, g_ptr_array_unref);
	g_free(kernel->kernel);
	g_free(kernel->initramfs);
	g_free(kernel->device_tree);
	g_free(kernel);
}

static void add(const struct reading *reading, const char *name, const char *checksum)
{
	struct sw_kernel_file *file = g_new0(struct sw_kernel_file, 1);

	file->name = g_strdup(name);
	file->checksum = g_strdup(checksum);
	g_ptr_array_add(reading->kernel->files, file);
}

static gboolean hash_content(const struct reading *reading, const char *checksum, GError **error)
{
	g_autoptr(GInputStream) content = NULL;
	g_autofree char *buffer = g_malloc(BUFFER_SIZE);
	gssize n = 0;

	if (!ostree_repo_load_file(reading->repo, checksum, &content, NULL, NULL,
				   reading->cancellable, error))
		return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache", "%s",
				      reading->directory);
	while ((n = g_input_stream_read(content, buffer, BUFFER_SIZE, reading->cancellable,
					error)) > 0)
		sw_sha256_update(reading->hash, buffer, (size_t)n);
	return n == 0 ||
	       sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache", "%s", reading->directory);
}

/*
 * The regular file SOURCE of the kernel's directory becomes NAME on /boot; RET_FOUND FALSE: there
 * is none.  IS_HASHED: it counts in the checksum.
 */
static gboolean take(const struct reading *reading, const char *source, const char *name,
		     gboolean is_hashed, gboolean *ret_found, GError **error)
{
	g_autofree char *path = g_build_filename(reading->directory, source, NULL);
	struct sw_node node;

	if (!sw_tree_find(reading->tree, path, TRUE, &node, error))
		return FALSE;
	*ret_found = node.kind == SW_NODE_FILE;
	if (!*ret_found)
		return TRUE;
	add(reading, name, node.checksum);
	return !is_hashed || hash_content(reading, node.checksum, error);
}

/* The tree of device trees NAME, names in their order, directories where their names come. */
static gboolean take_tree(const struct reading *reading, const char *name, guint depth,
			  GError **error)
{
	g_autofree char *path = g_build_filename(reading->directory, name, NULL);
	g_auto(GStrv) children = NULL;

	if (depth > DEPTH_MAX)
		return sw_fail(error, SW_ERROR_IMAGE, "kernel", "%s: directories are too deep",
			       path);
	add(reading, name, NULL);
	if (!sw_tree_list(reading->tree, path, &children, error))
		return FALSE;
	for (char **child = children; *child != NULL; child++) {
		g_autofree char *inner = g_build_filename(name, *child, NULL);
		g_autofree char *full = g_build_filename(path, *child, NULL);
		struct sw_node node;
		gboolean found;

		if (!sw_tree_find(reading->tree, full, FALSE, &node, error))
			return FALSE;
		if (!(node.kind == SW_NODE_DIRECTORY
			      ? take_tree(reading, inner, depth + 1, error)
			      : take(reading, inner, inner, TRUE, &found, error)))
			return FALSE;
	}
	return TRUE;
}

/* One device tree for all machines, or else a directory of them. */
static gboolean take_device_trees(const struct reading *reading, const char *version,
				  GError **error)
{
	g_autofree char *name = g_strdup_printf("devicetree-%s", version);
	g_autofree char *path = g_build_filename(reading->directory, "dtb", NULL);
	gboolean found;

	if (!take(reading, "devicetree", name, TRUE, &found, error))
		return FALSE;
	if (found) {
		reading->kernel->device_tree = g_steal_pointer(&name);
		return TRUE;
	}
	if (!sw_tree_has(reading->tree, path, SW_NODE_DIRECTORY, &reading->kernel->has_dtb, error))
		return FALSE;
	return !reading->kernel->has_dtb || take_tree(reading, "dtb", 0, error);
}

static gboolean take_all(const struct reading *reading, const struct sw_facts *facts,
			 GError **error)
{
	struct sw_kernel *kernel = reading->kernel;
	const char *version = facts->kernel_version;
	g_autofree char *initramfs = g_path_get_basename(facts->initramfs);
	g_autofree char *hmac = g_strdup_printf(".vmlinuz-%s.hmac", version);
	gboolean found;

	kernel->kernel = g_strdup_printf("vmlinuz-%s", version);
	kernel->initramfs = g_strdup_printf("initramfs-%s.img", version);
	/* dracut's FIPS module looks for the kernel's HMAC beside it. */
	return take(reading, "vmlinuz", kernel->kernel, TRUE, &found, error) &&
	       take(reading, initramfs, kernel->initramfs, TRUE, &found, error) &&
	       take_device_trees(reading, version, error) &&
	       take(reading, ".vmlinuz.hmac", hmac, FALSE, &found, error);
}

gboolean sw_kernel_read(OstreeRepo *repo, const char *commit, const struct sw_facts *facts,
			struct sw_kernel **ret_kernel, GCancellable *cancellable, GError **error)
{
	g_autoptr(SwKernel) kernel = g_new0(struct sw_kernel, 1);
	g_autoptr(SwSha256) hash = sw_sha256_new();
	g_autoptr(SwTree) tree = NULL;
	g_autofree char *directory = g_path_get_dirname(facts->kernel);
	struct reading reading = {
		.repo = repo,
		.directory = directory,
		.kernel = kernel,
		.hash = hash,
		.cancellable = cancellable,
	};
	char hex[SW_SHA256_SIZE];

	kernel->files = g_ptr_array_new_with_free_func(file_free);
	if (!sw_tree_open(repo, commit, &tree, cancellable, error))
		return FALSE;
	reading.tree = tree;
	if (!take_all(&reading, facts, error))
		return FALSE;
	sw_sha256_hex(hash, hex);
	kernel->checksum = g_strdup(hex);
	*ret_kernel = g_steal_pointer(&kernel);
	return TRUE;
}
