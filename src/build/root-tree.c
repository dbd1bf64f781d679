/* SPDX-License-Identifier: MIT */
#include "build/root-tree.h"

#include <fcntl.h>
#include <gio/gfiledescriptorbased.h>

#include "disk/deployment.h"
#include "disk/tarstream.h"

static gboolean write_tar(void *data, int fd, GCancellable *cancellable, GError **error)
{
	const struct sw_plan *plan = data;
	g_autoptr(SwTarstream) tar = sw_tarstream_new(fd);

	return sw_deployment_compose_plain(sw_cache_repo(plan->cache), plan->import->commit,
					   sw_tarstream_sink(tar), cancellable, error) &&
	       sw_tarstream_close(tar, error);
}

static gboolean open_file(void *data, const char *path, int *ret_fd, GError **error)
{
	const struct sw_plan *plan = data;
	OstreeRepo *repo = sw_cache_repo(plan->cache);
	g_autoptr(SwTree) tree = NULL;
	g_autoptr(GInputStream) content = NULL;
	struct sw_node node;

	if (!sw_tree_open(repo, plan->import->commit, &tree, NULL, error) ||
	    !sw_tree_find(tree, path, TRUE, &node, error))
		return FALSE;
	if (node.kind != SW_NODE_FILE)
		return sw_fail(error, SW_ERROR_IMAGE, "file-missing", "the image has no file %s",
			       path);
	if (!ostree_repo_load_file(repo, node.checksum, &content, NULL, NULL, NULL, error))
		return sw_tree_cache_failed(error, node.checksum);
	*ret_fd = fcntl(g_file_descriptor_based_get_fd(G_FILE_DESCRIPTOR_BASED(content)),
			F_DUPFD_CLOEXEC, 0);
	if (*ret_fd < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "cache", "%s", path);
	return TRUE;
}

/* The arguments that come with the image; those for its disk mean nothing without one. */
static char *image_kargs(const struct sw_facts *facts)
{
	g_autofree char *install = g_strjoinv(" ", facts->install_kargs);
	g_autofree char *image = g_strjoinv(" ", facts->image_kargs);

	return g_strstrip(g_strconcat(install, " ", image, NULL));
}

struct sw_format_tree *sw_root_tree_new(const struct sw_plan *plan)
{
	struct sw_format_tree *tree = g_new0(struct sw_format_tree, 1);

	tree->data = (void *)plan;
	tree->kernel_version = plan->facts->kernel_version;
	tree->kargs = image_kargs(plan->facts);
	tree->write_tar = write_tar;
	tree->open_file = open_file;
	return tree;
}

void sw_root_tree_free(struct sw_format_tree *tree)
{
	if (tree == NULL)
		return;
	g_free((char *)tree->kargs);
	g_free(tree);
}
