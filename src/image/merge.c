/* SPDX-License-Identifier: MIT */
#include "image/merge.h"

#include <string.h>

#include "image/layer.h"
#include "image/mtree.h"
#include "image/paths.h"
#include "image/prepare-root.h"

/* OCI image-spec 1.1, layer.md: whiteouts. */
#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"

struct sw_merge {
	OstreeRepo *repo;
	OstreeMutableTree *root;
	gboolean has_layers;
	gboolean is_base;  /* what is being merged is BASE, in which a name means just itself */
	char *base;	   /* the commit that the layers lie on; NULL: none */
	gboolean usr_only; /* the system's root takes nothing but what ostree knows */
};

struct sw_merge *sw_merge_new(OstreeRepo *repo)
{
	struct sw_merge *merge = g_new0(struct sw_merge, 1);

	merge->repo = g_object_ref(repo);
	merge->root = ostree_mutable_tree_new();
	return merge;
}

void sw_merge_free(struct sw_merge *merge)
{
	if (merge == NULL)
		return;
	g_object_unref(merge->root);
	g_object_unref(merge->repo);
	g_free(merge->base);
	g_free(merge);
}

static gboolean broken(GError **error)
{
	return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache",
			      "cannot read a layer in the cache");
}

/* Is the object CHECKSUM a regular file, and is it empty? */
static gboolean query(OstreeRepo *repo, const char *checksum, gboolean *ret_is_regular,
		      gboolean *ret_is_empty, GError **error)
{
	g_autoptr(GFileInfo) info = NULL;

	if (!ostree_repo_load_file(repo, checksum, NULL, &info, NULL, NULL, error))
		return broken(error);
	*ret_is_regular = g_file_info_get_file_type(info) == G_FILE_TYPE_REGULAR;
	*ret_is_empty = *ret_is_regular && g_file_info_get_size(info) == 0;
	return TRUE;
}

/* A symbolic link of such a name is just that (libostree's checkout_one_file_at()). */
static gboolean is_whiteout(struct sw_merge *merge, const char *name, const char *checksum,
			    gboolean *ret_is, GError **error)
{
	gboolean is_empty = FALSE;

	*ret_is = FALSE;
	return merge->is_base || !g_str_has_prefix(name, WHITEOUT) ||
	       query(merge->repo, checksum, ret_is, &is_empty, error);
}

static gboolean clear(OstreeMutableTree *tree, GError **error)
{
	GHashTable *tables[] = { ostree_mutable_tree_get_files(tree),
				 ostree_mutable_tree_get_subdirs(tree) };

	for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
		g_autoptr(GPtrArray) names = sw_mtree_names(tables[i]);

		for (guint n = 0; n < names->len; n++)
			if (!sw_mtree_remove(tree, names->pdata[n], error))
				return FALSE;
	}
	return TRUE;
}

static gboolean apply_whiteout(OstreeMutableTree *tree, const char *marker, GError **error)
{
	const char *name = marker + strlen(WHITEOUT);

	if (g_str_equal(marker, OPAQUE))
		return clear(tree, error);
	if (*name == '\0' || g_str_equal(name, ".") || g_str_equal(name, "..")) {
		g_autofree char *shown = sw_path_show(marker);

		return sw_fail(error, SW_ERROR_IMAGE, "whiteout", "the whiteout '%s' names no file",
			       shown);
	}
	return sw_mtree_remove(tree, name, error);
}

/*
 * Goes once over the FILES (a(say)) of a layer's directory: first with WHITEOUTS, which mean what
 * lower layers have, then without for the files themselves.
 */
static gboolean merge_files(struct sw_merge *merge, OstreeMutableTree *tree, GVariant *files,
			    gboolean whiteouts, gboolean *is_opaque, GError **error)
{
	gsize count = g_variant_n_children(files);

	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) bytes = NULL;
		char checksum[SW_CHECKSUM_SIZE];
		const char *name = NULL;
		gboolean is_marker = FALSE;

		g_variant_get_child(files, i, "(&s@ay)", &name, &bytes);
		ostree_checksum_inplace_from_bytes(ostree_checksum_bytes_peek(bytes), checksum);
		if (!is_whiteout(merge, name, checksum, &is_marker, error))
			return FALSE;
		if (is_marker != whiteouts)
			continue;
		*is_opaque = *is_opaque || (is_marker && g_str_equal(name, OPAQUE));
		if (!(is_marker ? apply_whiteout(tree, name, error)
				: sw_mtree_put_file(tree, name, checksum, error)))
			return FALSE;
	}
	return TRUE;
}

/*
 * Lays the directory with CONTENTS and META over TREE.  A directory that exists keeps its metadata
 * unless this layer made it anew (contract 1.7, step 3).
 */
static gboolean merge_directory(struct sw_merge *merge, OstreeMutableTree *tree, gboolean is_new,
				const char *contents, const char *meta, guint depth, GError **error)
{
	g_autoptr(GVariant) dirtree = NULL;
	g_autoptr(GVariant) files = NULL;
	g_autoptr(GVariant) directories = NULL;
	gsize count = 0;

	if (depth == SW_DEPTH_LIMIT)
		return sw_fail(error, SW_ERROR_IMAGE, "path", "directories lie too deep");
	if (!ostree_repo_load_variant(merge->repo, OSTREE_OBJECT_TYPE_DIR_TREE, contents, &dirtree,
				      error))
		return broken(error);
	files = g_variant_get_child_value(dirtree, 0);
	if (!merge_files(merge, tree, files, TRUE, &is_new, error))
		return FALSE;
	if (is_new)
		ostree_mutable_tree_set_metadata_checksum(tree, meta);
	if (!merge_files(merge, tree, files, FALSE, &is_new, error))
		return FALSE;
	directories = g_variant_get_child_value(dirtree, 1);
	count = g_variant_n_children(directories);
	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) contents_bytes = NULL;
		g_autoptr(GVariant) meta_bytes = NULL;
		char child_contents[SW_CHECKSUM_SIZE];
		char child_meta[SW_CHECKSUM_SIZE];
		OstreeMutableTree *child = NULL;
		const char *name = NULL;
		gboolean child_is_new = FALSE;

		g_variant_get_child(directories, i, "(&s@ay@ay)", &name, &contents_bytes,
				    &meta_bytes);
		ostree_checksum_inplace_from_bytes(ostree_checksum_bytes_peek(contents_bytes),
						   child_contents);
		ostree_checksum_inplace_from_bytes(ostree_checksum_bytes_peek(meta_bytes),
						   child_meta);
		if (!sw_mtree_put_directory(tree, name, &child, &child_is_new, error) ||
		    !merge_directory(merge, child, child_is_new, child_contents, child_meta,
				     depth + 1, error))
			return FALSE;
	}
	return TRUE;
}

/* Puts the objects that LINKS (a(ss)) lead to, in the layers below, into LAYER. */
static gboolean resolve(struct sw_merge *merge, OstreeMutableTree *layer, GVariant *links,
			GError **error)
{
	gsize count = g_variant_n_children(links);

	for (gsize i = 0; i < count; i++) {
		OstreeMutableTree *tree = layer;
		const char *slash = NULL;
		const char *target = NULL;
		const char *path = NULL;
		const char *checksum = NULL;

		g_variant_get_child(links, i, "(&s&s)", &path, &target);
		checksum = sw_mtree_find(merge->root, target);
		if (checksum == NULL) {
			g_autofree char *shown = sw_path_show(path);
			g_autofree char *shown_target = sw_path_show(target);

			return sw_fail(
				error, SW_ERROR_IMAGE, "hardlink",
				"'%s' is a hard link to '%s', which neither its layer nor one "
				"below has as a file",
				shown, shown_target);
		}
		for (; (slash = strchr(path, '/')) != NULL; path = slash + 1) {
			g_autofree char *name = g_strndup(path, (size_t)(slash - path));

			if (!sw_mtree_put_directory(tree, name, &tree, NULL, error))
				return FALSE;
		}
		if (!sw_mtree_put_file(tree, path, checksum, error))
			return FALSE;
	}
	return TRUE;
}

/* Removes what a root without an overlay has no place for (contract 1.6). */
static gboolean keep_known(OstreeMutableTree *layer, gboolean *ret_changed, GError **error)
{
	static const char *const known[] = {
		"dev", "proc", "run", "sys", "tmp", "usr", "var", NULL
	};
	GHashTable *tables[] = { ostree_mutable_tree_get_files(layer),
				 ostree_mutable_tree_get_subdirs(layer) };

	for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
		g_autoptr(GPtrArray) names = sw_mtree_names(tables[i]);

		for (guint n = 0; n < names->len; n++) {
			if (g_strv_contains(known, names->pdata[n]))
				continue;
			*ret_changed = TRUE;
			if (!sw_mtree_remove(layer, names->pdata[n], error))
				return FALSE;
		}
	}
	return TRUE;
}

/* The commit that stands for the layer COMMIT here: itself, or one that is what it comes to here. */
static gboolean adapt(struct sw_merge *merge, const char *commit, char **ret_commit,
		      GCancellable *cancellable, GError **error)
{
	g_autoptr(OstreeMutableTree) layer =
		ostree_mutable_tree_new_from_commit(merge->repo, commit, error);
	g_autoptr(GVariant) variant = NULL;
	g_autoptr(GVariant) found = NULL;
	g_autoptr(GVariant) links = NULL;
	g_autoptr(GVariant) metadata = NULL;
	gboolean changed = FALSE;

	if (layer == NULL || !ostree_repo_load_commit(merge->repo, commit, &variant, NULL, error))
		return broken(error);
	found = g_variant_get_child_value(variant, 0);
	links = g_variant_lookup_value(found, SW_KEY_LINKS, G_VARIANT_TYPE("a(ss)"));
	changed = links != NULL;
	if ((links != NULL && !resolve(merge, layer, links, error)) ||
	    (merge->usr_only && !keep_known(layer, &changed, error)))
		return FALSE;
	if (!changed) {
		*ret_commit = g_strdup(commit);
		return TRUE;
	}
	metadata = g_variant_ref_sink(sw_layer_metadata(NULL));
	return sw_mtree_commit(merge->repo, layer, NULL, metadata, 0, ret_commit, cancellable,
			       error);
}

static gboolean merge_commit(struct sw_merge *merge, const char *commit, GError **error)
{
	g_autoptr(OstreeMutableTree) tree =
		ostree_mutable_tree_new_from_commit(merge->repo, commit, error);

	if (tree == NULL)
		return broken(error);
	if (!merge_directory(merge, merge->root, !merge->has_layers,
			     ostree_mutable_tree_get_contents_checksum(tree),
			     ostree_mutable_tree_get_metadata_checksum(tree), 0, error))
		return FALSE;
	merge->has_layers = TRUE;
	return TRUE;
}

gboolean sw_merge_base(struct sw_merge *merge, const char *commit, const char *tree_commit,
		       GCancellable *cancellable, GError **error)
{
	g_autoptr(SwTree) tree = NULL;
	gboolean has_overlay = FALSE;
	gboolean ok = FALSE;

	g_return_val_if_fail(!merge->has_layers, FALSE);
	if (!sw_tree_open(merge->repo, commit, &tree, cancellable, error) ||
	    !sw_prepare_root_has_overlay(tree, &has_overlay, error))
		return FALSE;
	merge->usr_only = !has_overlay;
	merge->is_base = TRUE;
	ok = merge_commit(merge, tree_commit != NULL ? tree_commit : commit, error);
	merge->is_base = FALSE;
	merge->base = g_strdup(commit);
	return ok;
}

gboolean sw_merge_layer(struct sw_merge *merge, const char *commit, char **ret_commit,
			GCancellable *cancellable, GError **error)
{
	g_autofree char *adapted = NULL;

	if (!sw_check_cancelled(cancellable, error) ||
	    !adapt(merge, commit, &adapted, cancellable, error) ||
	    !merge_commit(merge, adapted, error))
		return FALSE;
	*ret_commit = g_steal_pointer(&adapted);
	return TRUE;
}

GVariant *sw_merge_metadata(const struct sw_oci_image *image)
{
	const struct {
		const char *key;
		const char *value;
	} rows[] = {
		{ "ostree.container.image-config", image->config },
		{ "ostree.importer.version", SW_IMPORTER_VERSION },
		{ "ostree.manifest", image->manifest },
		{ "ostree.manifest-digest", image->manifest_digest },
	};
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		g_variant_builder_add(&builder, "{sv}", rows[i].key,
				      g_variant_new_string(rows[i].value));
	return g_variant_builder_end(&builder);
}

/* Removes usr/etc/hostname and usr/etc/resolv.conf where they are empty regular files. */
static gboolean remove_leftovers(struct sw_merge *merge, GError **error)
{
	static const char *const names[] = { "hostname", "resolv.conf" };
	OstreeMutableTree *etc = sw_mtree_directory(merge->root, "usr");

	if (etc != NULL)
		etc = sw_mtree_directory(etc, "etc");
	for (guint i = 0; etc != NULL && i < G_N_ELEMENTS(names); i++) {
		const char *checksum = sw_mtree_find(etc, names[i]);
		gboolean is_regular = FALSE;
		gboolean is_empty = FALSE;

		if (checksum == NULL)
			continue;
		if (!query(merge->repo, checksum, &is_regular, &is_empty, error))
			return FALSE;
		if (is_empty && !sw_mtree_remove(etc, names[i], error))
			return FALSE;
	}
	return TRUE;
}

gboolean sw_merge_finish(struct sw_merge *merge, const struct sw_oci_image *image,
			 char **ret_commit, GCancellable *cancellable, GError **error)
{
	g_autoptr(GVariant) metadata = g_variant_ref_sink(sw_merge_metadata(image));

	return remove_leftovers(merge, error) &&
	       sw_mtree_commit(merge->repo, merge->root, merge->base, metadata, image->created,
			       ret_commit, cancellable, error);
}
