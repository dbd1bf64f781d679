/* SPDX-License-Identifier: MIT */
#include "disk/deployment.h"

#include <string.h>

#include "core/error.h"

/* One walk over a directory of the commit into the sink. */
struct walk {
	const struct sw_deployment *deployment;
	struct sw_sink *sink;
	gboolean copy;		   /* files get inodes of their own */
	const char *const *except; /* paths that are not taken, NULL at the end; NULL: all are */
	GHashTable *directories;   /* paths of the directories added; NULL: nobody asks */
	GCancellable *cancellable;
};

static gboolean damaged(GError **error)
{
	return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache",
			      "the cache is damaged (remove it and build again)");
}

static gboolean add_directory(struct walk *walk, const char *meta, const char *path, GError **error)
{
	const struct sw_deployment *deployment = walk->deployment;
	g_autoptr(GVariant) variant = NULL;
	g_autoptr(GVariant) xattrs = NULL;
	struct sw_sink_node node = { .path = path, .type = SW_SINK_DIRECTORY };

	if (!ostree_repo_load_variant(deployment->repo, OSTREE_OBJECT_TYPE_DIR_META, meta, &variant,
				      error))
		return damaged(error);
	g_variant_get(variant, "(uuu@a(ayay))", &node.uid, &node.gid, &node.mode, &xattrs);
	node.uid = GUINT32_FROM_BE(node.uid);
	node.gid = GUINT32_FROM_BE(node.gid);
	node.mode = GUINT32_FROM_BE(node.mode) & 07777;
	node.xattrs = xattrs;
	node.immutable = g_strcmp0(path, deployment->path) == 0;
	if (walk->directories != NULL)
		g_hash_table_add(walk->directories, g_strdup(path));
	return sw_sink_add(walk->sink, &node, walk->cancellable, error);
}

static gboolean add_file(struct walk *walk, GVariant *checksum, const char *path, GError **error)
{
	char hex[OSTREE_SHA256_STRING_LEN + 1];
	g_autofree char *object = NULL;
	struct sw_sink_node node = { .path = path, .type = SW_SINK_HARDLINK };

	ostree_checksum_inplace_from_bytes(ostree_checksum_bytes_peek(checksum), hex);
	if (walk->copy || sw_objects_is_empty_file(walk->deployment->objects, hex))
		return sw_objects_add_file(walk->deployment->repo, hex, path, walk->sink,
					   walk->cancellable, error);
	object = sw_objects_file_path(hex);
	node.target = object;
	return sw_sink_add(walk->sink, &node, walk->cancellable, error);
}

static gboolean is_excepted(const struct walk *walk, const char *path)
{
	return walk->except != NULL && g_strv_contains(walk->except, path);
}

static char *join(const char *path, const char *name)
{
	return *path == '\0' ? g_strdup(name) : g_strconcat(path, "/", name, NULL);
}

static gboolean walk_tree(struct walk *walk, const char *tree, const char *meta, const char *path,
			  GError **error)
{
	g_autoptr(GVariant) variant = NULL;
	g_autoptr(GVariant) files = NULL;
	g_autoptr(GVariant) directories = NULL;

	if (!add_directory(walk, meta, path, error))
		return FALSE;
	if (!ostree_repo_load_variant(walk->deployment->repo, OSTREE_OBJECT_TYPE_DIR_TREE, tree,
				      &variant, error))
		return damaged(error);
	files = g_variant_get_child_value(variant, 0);
	directories = g_variant_get_child_value(variant, 1);
	for (gsize i = 0; i < g_variant_n_children(files); i++) {
		g_autoptr(GVariant) checksum = NULL;
		g_autofree char *child = NULL;
		const char *name;

		g_variant_get_child(files, i, "(&s@ay)", &name, &checksum);
		child = join(path, name);
		if (!is_excepted(walk, child) && !add_file(walk, checksum, child, error))
			return FALSE;
	}
	for (gsize i = 0; i < g_variant_n_children(directories); i++) {
		g_autoptr(GVariant) tree_bytes = NULL;
		g_autoptr(GVariant) meta_bytes = NULL;
		char tree_hex[OSTREE_SHA256_STRING_LEN + 1], meta_hex[OSTREE_SHA256_STRING_LEN + 1];
		g_autofree char *child = NULL;
		const char *name;

		g_variant_get_child(directories, i, "(&s@ay@ay)", &name, &tree_bytes, &meta_bytes);
		ostree_checksum_inplace_from_bytes(ostree_checksum_bytes_peek(tree_bytes),
						   tree_hex);
		ostree_checksum_inplace_from_bytes(ostree_checksum_bytes_peek(meta_bytes),
						   meta_hex);
		child = join(path, name);
		if (!is_excepted(walk, child) && !walk_tree(walk, tree_hex, meta_hex, child, error))
			return FALSE;
	}
	return TRUE;
}

/* Walks the directory SOURCE of the commit ("": its root) into PATH. */
static gboolean walk_directory(struct walk *walk, const char *source, const char *path,
			       gboolean *ret_found, GError **error)
{
	g_autoptr(GFile) root = NULL;
	g_autoptr(GFile) file = NULL;
	g_autoptr(GError) missing = NULL;
	OstreeRepoFile *directory;

	if (!ostree_repo_read_commit(walk->deployment->repo, walk->deployment->commit, &root, NULL,
				     walk->cancellable, error))
		return damaged(error);
	file = *source == '\0' ? g_object_ref(root) : g_file_resolve_relative_path(root, source);
	directory = OSTREE_REPO_FILE(file);
	if (!ostree_repo_file_ensure_resolved(directory, &missing)) {
		*ret_found = FALSE;
		if (g_error_matches(missing, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
			return TRUE;
		g_propagate_error(error, g_steal_pointer(&missing));
		return damaged(error);
	}
	*ret_found = g_file_query_file_type(file, G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, NULL) ==
		     G_FILE_TYPE_DIRECTORY;
	if (!*ret_found)
		return TRUE;
	return walk_tree(walk, ostree_repo_file_tree_get_contents_checksum(directory),
			 ostree_repo_file_tree_get_metadata_checksum(directory), path, error);
}

static gboolean add_plain_directory(struct walk *walk, const char *path, GError **error)
{
	struct sw_sink_node node = { .path = path, .type = SW_SINK_DIRECTORY, .mode = 0755 };

	return sw_sink_add(walk->sink, &node, walk->cancellable, error);
}

static gboolean add_text(struct walk *walk, const char *path, guint32 mode, const char *text,
			 GError **error)
{
	struct sw_sink_node node = { .path = path,
				     .type = SW_SINK_FILE,
				     .mode = mode,
				     .fd = -1,
				     .data = text,
				     .size = strlen(text) };

	return sw_sink_add(walk->sink, &node, walk->cancellable, error);
}

/* The keys reach root's home, wherever it is, by a line for systemd-tmpfiles (contract 2.10). */
static gboolean add_ssh_keys(struct walk *walk, const char *snippets, const char *path,
			     GError **error)
{
	const struct sw_deployment *deployment = walk->deployment;
	g_autofree char *encoded = NULL;
	g_autofree char *text = NULL;

	if (deployment->ssh_keys == NULL)
		return TRUE;
	encoded =
		g_base64_encode((const guchar *)deployment->ssh_keys, strlen(deployment->ssh_keys));
	text = g_strdup_printf("f~ /%s/.ssh/authorized_keys 600 root root - %s\n",
			       deployment->root_home, encoded);
	if (!g_hash_table_contains(walk->directories, snippets) &&
	    !add_plain_directory(walk, snippets, error))
		return FALSE;
	return add_text(walk, path, 0644, text, error);
}

/* What the machine logs in with when it updates (contract 3.2). */
static gboolean add_auth(struct walk *walk, const char *directory, const char *path, GError **error)
{
	const char *auth = walk->deployment->auth;

	if (auth == NULL)
		return TRUE;
	if (!g_hash_table_contains(walk->directories, directory) &&
	    !add_plain_directory(walk, directory, error))
		return FALSE;
	return add_text(walk, path, 0600, auth, error);
}

/* /etc is a copy of /usr/etc, with what an installation adds. */
static gboolean compose_etc(const struct sw_deployment *deployment, struct sw_sink *sink,
			    GCancellable *cancellable, GError **error)
{
	g_autofree char *etc = g_strconcat(deployment->path, "/etc", NULL);
	g_autofree char *fstab = g_strconcat(etc, "/fstab", NULL);
	g_autofree char *updated = g_strconcat(etc, "/.updated", NULL);
	g_autofree char *snippets = g_strconcat(etc, "/tmpfiles.d", NULL);
	g_autofree char *ssh = g_strconcat(snippets, "/bootc-root-ssh.conf", NULL);
	g_autofree char *ostree = g_strconcat(etc, "/ostree", NULL);
	g_autofree char *auth = g_strconcat(ostree, "/auth.json", NULL);
	g_autofree char *line = g_strdup_printf("%s /boot auto ro 0 0\n", deployment->boot_spec);
	gboolean has_line = *deployment->boot_spec != '\0';
	g_autoptr(GHashTable) directories =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	/* What is not added leaves the image's own in place; a name twice does no harm. */
	const char *const except[] = { updated, deployment->ssh_keys != NULL ? ssh : updated,
				       deployment->auth != NULL ? auth : updated,
				       has_line ? fstab : updated, NULL };
	struct walk walk = { deployment, sink, TRUE, except, directories, cancellable };
	gboolean found;

	if (!walk_directory(&walk, "usr/etc", etc, &found, error))
		return FALSE;
	if (!found && !add_plain_directory(&walk, etc, error))
		return FALSE;
	return (!has_line || add_text(&walk, fstab, 0644, line, error)) &&
	       add_auth(&walk, ostree, auth, error) && add_ssh_keys(&walk, snippets, ssh, error);
}

/*
 * The stateroot's /var begins as a copy of the image's. With the stamp, libostree does not label it
 * anew with the first update.
 */
static gboolean compose_var(const struct sw_deployment *deployment, struct sw_sink *sink,
			    GCancellable *cancellable, GError **error)
{
	g_autofree char *var = g_strdup_printf("ostree/deploy/%s/var", deployment->stateroot);
	g_autofree char *updated = g_strconcat(var, "/.updated", NULL);
	g_autofree char *stamp = g_strconcat(var, "/.ostree-selabeled", NULL);
	const char *const except[] = { updated, stamp, NULL };
	struct walk walk = { deployment, sink, TRUE, except, NULL, cancellable };
	gboolean found;

	return walk_directory(&walk, "var", var, &found, error) &&
	       (found || add_plain_directory(&walk, var, error)) &&
	       (!deployment->has_selinux || add_text(&walk, stamp, 0644, "", error));
}

gboolean sw_deployment_compose(const struct sw_deployment *deployment, struct sw_sink *sink,
			       GCancellable *cancellable, GError **error)
{
	g_autofree char *stateroot = g_strdup_printf("ostree/deploy/%s", deployment->stateroot);
	g_autofree char *parent = g_strconcat(stateroot, "/deploy", NULL);
	struct walk walk = { deployment, sink, FALSE, NULL, NULL, cancellable };
	gboolean found;

	return add_plain_directory(&walk, stateroot, error) &&
	       compose_var(deployment, sink, cancellable, error) &&
	       add_plain_directory(&walk, parent, error) &&
	       walk_directory(&walk, "", deployment->path, &found, error) &&
	       compose_etc(deployment, sink, cancellable, error);
}

gboolean sw_deployment_compose_plain(OstreeRepo *repo, const char *commit, struct sw_sink *sink,
				     GCancellable *cancellable, GError **error)
{
	static const char *const except[] = { "usr/etc", NULL };
	const struct sw_deployment deployment = { .repo = repo, .commit = commit };
	struct walk root = { &deployment, sink, TRUE, except, NULL, cancellable };
	struct walk etc = { &deployment, sink, TRUE, NULL, NULL, cancellable };
	gboolean found;

	return walk_directory(&root, "", "", &found, error) &&
	       walk_directory(&etc, "usr/etc", "etc", &found, error);
}
