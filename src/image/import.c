/* SPDX-License-Identifier: MIT */
#include "image/image.h"

#include "image/cache.h"
#include "image/layer.h"
#include "image/merge.h"
#include "image/refs.h"

/* Refs of ours in the cache: a layer that is not whole without lower ones, and an image's commits. */
#define LINKED_PREFIX "slipway/layer/"
#define IMAGE_PREFIX "slipway/image/"

/* The label of an image that is an ostree commit in tar form (contract 1.4). */
#define LABEL_ENCAPSULATED "ostree.final-diffid"

/* What is known of the layers, by digest. */
struct layer_state {
	char *commit;
	gboolean has_links; /* to files of lower layers: COMMIT is not the last word */
};

struct work {
	struct sw_cache *cache;
	OstreeRepo *repo;
	const struct sw_oci_image *image;
	GMutex lock;
	GHashTable *layers; /* char * digest to struct layer_state; LOCK */
	guint fetched;	    /* LOCK */
	guint64 bytes;	    /* LOCK */
};

static void layer_state_free(gpointer data)
{
	struct layer_state *state = data;

	g_free(state->commit);
	g_free(state);
}

void sw_import_free(struct sw_import *import)
{
	if (import == NULL)
		return;
	g_free(import->commit);
	g_strfreev(import->layer_commits);
	g_free(import);
}

static char *own_ref(const char *prefix, const char *digest, const char *suffix)
{
	g_autofree char *escaped = sw_ref_escape(digest);

	return g_strconcat(prefix, escaped, suffix, NULL);
}

/*
 * The commit that REF names, if this very importer made it: RET_COMMIT is NULL if not.  Its metadata
 * must equal METADATA where that is given.
 */
static gboolean lookup(struct work *work, const char *ref, GVariant *metadata, char **ret_commit,
		       GError **error)
{
	g_autofree char *commit = NULL;
	g_autoptr(GVariant) variant = NULL;
	g_autoptr(GVariant) found = NULL;
	const char *version = NULL;

	*ret_commit = NULL;
	if (!ostree_repo_resolve_rev(work->repo, ref, TRUE, &commit, error) ||
	    (commit != NULL && !ostree_repo_load_commit(work->repo, commit, &variant, NULL, error)))
		return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache",
				      "cannot read the cache %s (if it is damaged, remove it)",
				      sw_cache_path(work->cache));
	if (commit == NULL)
		return TRUE;
	found = g_variant_get_child_value(variant, 0);
	if (metadata != NULL ? g_variant_equal(found, metadata)
			     : g_variant_lookup(found, "ostree.importer.version", "&s", &version) &&
				       g_str_equal(version, SW_IMPORTER_VERSION))
		*ret_commit = g_steal_pointer(&commit);
	return TRUE;
}

/* Records what became of the layer DIGEST; takes COMMIT over. */
static void record(struct work *work, const char *digest, char *commit, gboolean has_links)
{
	struct layer_state *state = g_new0(struct layer_state, 1);

	state->commit = commit;
	state->has_links = has_links;
	g_hash_table_replace(work->layers, g_strdup(digest), state);
}

/* Looks for the layers in the cache; RET_WANTED gets the indices of those that it lacks. */
static gboolean find_layers(struct work *work, GArray *wanted, GError **error)
{
	for (guint i = 0; i < work->image->layers->len; i++) {
		const struct sw_oci_layer *layer = work->image->layers->pdata[i];
		g_autofree char *whole = sw_ref_for_layer(layer->digest);
		g_autofree char *linked = own_ref(LINKED_PREFIX, layer->digest, "");
		char *commit = NULL;
		gboolean has_links = FALSE;

		if (g_hash_table_contains(work->layers, layer->digest))
			continue;
		if (!lookup(work, whole, NULL, &commit, error))
			return FALSE;
		if (commit == NULL) {
			if (!lookup(work, linked, NULL, &commit, error))
				return FALSE;
			has_links = commit != NULL;
		}
		if (commit == NULL)
			g_array_append_val(wanted, i);
		record(work, layer->digest, commit, has_links);
	}
	return TRUE;
}

/* A layer's blob has come; a sw_layer_func. */
static gboolean take_layer(const struct sw_oci_layer *layer, const char *expected_digest, int fd,
			   void *data, GCancellable *cancellable, GError **error)
{
	struct work *work = data;
	g_autofree char *commit = NULL;
	g_autofree char *ref = NULL;
	gboolean has_links = FALSE;
	g_autoptr(GMutexLocker) locker = NULL;

	if (!sw_layer_import(work->repo, fd, layer, expected_digest, &commit, &has_links,
			     cancellable, error))
		return sw_fail_prefix(error, SW_ERROR_UNFORESEEN, "unforeseen", "layer %s",
				      layer->digest);
	ref = has_links ? own_ref(LINKED_PREFIX, layer->digest, "")
			: sw_ref_for_layer(layer->digest);
	ostree_repo_transaction_set_ref(work->repo, NULL, ref, commit);
	locker = g_mutex_locker_new(&work->lock);
	record(work, layer->digest, g_steal_pointer(&commit), has_links);
	work->fetched++;
	work->bytes += layer->size;
	return TRUE;
}

/* Fills the layers' commits of IMPORT, as far as they do not hang on the merge. */
static gboolean list_layers(struct work *work, struct sw_import *import)
{
	gboolean all_whole = TRUE;

	import->layer_commits = g_new0(char *, work->image->layers->len + 1);
	for (guint i = 0; i < work->image->layers->len; i++) {
		const struct sw_oci_layer *layer = work->image->layers->pdata[i];
		const struct layer_state *state = g_hash_table_lookup(work->layers, layer->digest);

		import->layer_commits[i] = g_strdup(state->commit);
		all_whole = all_whole && !state->has_links;
	}
	return all_whole;
}

/* Merges the layers and sets the image's refs, which keep the commits alive. */
static gboolean merge_layers(struct work *work, struct sw_import *import, GCancellable *cancellable,
			     GError **error)
{
	const char *digest = work->image->manifest_digest;
	g_autofree char *ref = own_ref(IMAGE_PREFIX, digest, "/merge");
	g_autoptr(SwMerge) merge = sw_merge_new(work->repo);

	for (guint i = 0; import->layer_commits[i] != NULL; i++) {
		const struct sw_oci_layer *layer = work->image->layers->pdata[i];
		g_autofree char *commit = g_steal_pointer(&import->layer_commits[i]);
		g_autofree char *suffix = g_strdup_printf("/layer-%u", i);
		g_autofree char *resolved_ref = own_ref(IMAGE_PREFIX, digest, suffix);

		if (!sw_merge_layer(merge, commit, &import->layer_commits[i], cancellable, error))
			return sw_fail_prefix(error, SW_ERROR_UNFORESEEN, "unforeseen", "layer %s",
					      layer->digest);
		if (!g_str_equal(commit, import->layer_commits[i]))
			ostree_repo_transaction_set_ref(work->repo, NULL, resolved_ref,
							import->layer_commits[i]);
	}
	if (!sw_merge_finish(merge, work->image, &import->commit, cancellable, error))
		return FALSE;
	ostree_repo_transaction_set_ref(work->repo, NULL, ref, import->commit);
	return TRUE;
}

/* The transaction's part: fetch, import, merge. */
static gboolean import_image(struct work *work, struct sw_source *source, GArray *wanted,
			     struct sw_import *import, struct sw_progress *progress,
			     GCancellable *cancellable, GError **error)
{
	if (wanted->len > 0 &&
	    !sw_source_fetch(source, (const guint *)(void *)wanted->data, wanted->len, take_layer,
			     work, progress, cancellable, error))
		return FALSE;
	list_layers(work, import);
	return merge_layers(work, import, cancellable, error);
}

/*
 * Layers that came whole are kept even when another failed, so that the next try need not fetch them
 * again; not on a full disk, nor when the user wants to go.
 */
static void end_badly(struct work *work, const GError *error)
{
	gboolean keep = work->fetched > 0 &&
			!g_error_matches(error, SW_ERROR, SW_ERROR_CANCELLED) &&
			!g_error_matches(error, SW_ERROR, SW_ERROR_ENVIRONMENT);

	if (!keep || !sw_cache_commit(work->cache, NULL, NULL))
		sw_cache_abort(work->cache);
}

static gboolean write_image(struct work *work, struct sw_source *source, GArray *wanted,
			    struct sw_import *import, struct sw_progress *progress,
			    GCancellable *cancellable, GError **error)
{
	g_autoptr(GError) local_error = NULL;
	guint64 needed = 0;

	for (guint i = 0; i < wanted->len; i++) {
		guint index = g_array_index(wanted, guint, i);

		needed += ((const struct sw_oci_layer *)work->image->layers->pdata[index])->size;
	}
	if (!sw_cache_check_space(work->cache, needed, "the image", error) ||
	    !sw_cache_begin(work->cache, cancellable, error))
		return FALSE;
	if (!import_image(work, source, wanted, import, progress, cancellable, &local_error))
		end_badly(work, local_error);
	else if (sw_cache_commit(work->cache, cancellable, &local_error))
		return TRUE;
	if (g_str_equal(sw_error_id(local_error), "disk-full"))
		sw_fail_prefix(&local_error, SW_ERROR_ENVIRONMENT, "disk-full",
			       "no space left for the cache %s (free some, or set XDG_CACHE_HOME "
			       "to another disk)",
			       sw_cache_path(work->cache));
	g_propagate_error(error, g_steal_pointer(&local_error));
	return FALSE;
}

static gboolean refuse_encapsulated(const struct sw_oci_image *image, GError **error)
{
	if (!g_hash_table_contains(image->labels, LABEL_ENCAPSULATED))
		return TRUE;
	return sw_fail(error, SW_ERROR_IMAGE, "encapsulated",
		       "the image is an ostree commit in tar form (label %s), which is not "
		       "supported yet: use an image of plain layers",
		       LABEL_ENCAPSULATED);
}

gboolean sw_image_import(struct sw_cache *cache, struct sw_source *source,
			 struct sw_progress *progress, struct sw_import **ret_import,
			 GCancellable *cancellable, GError **error)
{
	const struct sw_oci_image *image = sw_source_image(source);
	g_autofree char *ref = own_ref(IMAGE_PREFIX, image->manifest_digest, "/merge");
	g_autoptr(GHashTable) layers =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, layer_state_free);
	g_autoptr(GVariant) metadata = g_variant_ref_sink(sw_merge_metadata(image));
	g_autoptr(GArray) wanted = g_array_new(FALSE, FALSE, sizeof(guint));
	g_autoptr(SwImport) import = g_new0(struct sw_import, 1);
	struct work work = { .cache = cache, .image = image, .layers = layers };
	gboolean is_done = FALSE;

	work.repo = sw_cache_repo(cache);
	if (!refuse_encapsulated(image, error) || !find_layers(&work, wanted, error) ||
	    !lookup(&work, ref, metadata, &import->commit, error))
		return FALSE;
	is_done = wanted->len == 0 && import->commit != NULL && list_layers(&work, import);
	if (!is_done) {
		g_clear_pointer(&import->commit, g_free);
		g_clear_pointer(&import->layer_commits, g_strfreev);
		g_mutex_init(&work.lock);
		is_done = write_image(&work, source, wanted, import, progress, cancellable, error);
		g_mutex_clear(&work.lock);
	}
	if (!is_done)
		return FALSE;
	import->layers_fetched = work.fetched;
	import->bytes_fetched = work.bytes;
	*ret_import = g_steal_pointer(&import);
	return TRUE;
}
