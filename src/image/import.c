/* SPDX-License-Identifier: MIT */
#include "image/image.h"

#include "image/cache.h"
#include "image/encapsulated.h"
#include "image/layer.h"
#include "image/merge.h"
#include "image/refs.h"
#include "image/relabel.h"

/*
 * Refs of ours in the cache: a layer that is not whole without lower ones, what has the labels of a
 * policy, those of an encapsulated image (the commit and its components), and an image's commits.
 */
#define LINKED_PREFIX "slipway/layer/"
#define LABELLED_PREFIX "slipway/labelled/"
#define BASE_PREFIX "slipway/base/"
#define OBJECTS_PREFIX "slipway/objects/"
#define IMAGE_PREFIX "slipway/image/"

/* What is known of the layers, by the ref under which they are found. */
struct layer_state {
	char *commit;
	gboolean has_links;  /* to files of lower layers: COMMIT is not the last word */
	gboolean is_partial; /* the base is not known to be whole */
};

struct work {
	struct sw_cache *cache;
	OstreeRepo *repo;
	const struct sw_oci_image *image;
	guint base_layers; /* so many, from the first one, are the commit; 0: all are plain */
	GMutex lock;
	GHashTable *layers; /* char * ref to struct layer_state; LOCK */
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

/* The same blob may be a plain layer of one image and a part of the base of another. */
static char *layer_ref(const struct work *work, guint index)
{
	const struct sw_oci_layer *layer = work->image->layers->pdata[index];

	if (index >= work->base_layers)
		return sw_ref_for_layer(layer->digest);
	return own_ref(index == 0 ? BASE_PREFIX : OBJECTS_PREFIX, layer->digest, "");
}

static struct layer_state *layer_state(const struct work *work, guint index)
{
	g_autofree char *ref = layer_ref(work, index);

	return g_hash_table_lookup(work->layers, ref);
}

/* Which of the image's layers LAYER is. */
static guint layer_index(const struct work *work, const struct sw_oci_layer *layer)
{
	guint index = 0;

	(void)g_ptr_array_find(work->image->layers, layer, &index);
	return index;
}

/* The commit that REF names; RET_COMMIT is NULL if there is none. */
static gboolean resolve_ref(struct work *work, const char *ref, char **ret_commit,
			    GVariant **ret_variant, gboolean *ret_is_partial, GError **error)
{
	OstreeRepoCommitState state = OSTREE_REPO_COMMIT_STATE_NORMAL;

	if (!ostree_repo_resolve_rev(work->repo, ref, TRUE, ret_commit, error) ||
	    (*ret_commit != NULL &&
	     !ostree_repo_load_commit(work->repo, *ret_commit, ret_variant, &state, error)))
		return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache",
				      "cannot read the cache %s (if it is damaged, remove it)",
				      sw_cache_path(work->cache));
	*ret_is_partial = (state & OSTREE_REPO_COMMIT_STATE_PARTIAL) != 0;
	return TRUE;
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
	gboolean is_partial = FALSE;

	*ret_commit = NULL;
	if (!resolve_ref(work, ref, &commit, &variant, &is_partial, error))
		return FALSE;
	if (commit == NULL)
		return TRUE;
	found = g_variant_get_child_value(variant, 0);
	if (metadata != NULL ? g_variant_equal(found, metadata)
			     : g_variant_lookup(found, "ostree.importer.version", "&s", &version) &&
				       g_str_equal(version, SW_IMPORTER_VERSION))
		*ret_commit = g_steal_pointer(&commit);
	return TRUE;
}

/* Looks for the layer INDEX, to be found as REF, in the cache. */
static gboolean find_layer(struct work *work, guint index, const char *ref,
			   struct layer_state *state, GError **error)
{
	const struct sw_oci_layer *layer = work->image->layers->pdata[index];
	g_autofree char *linked = own_ref(LINKED_PREFIX, layer->digest, "");
	g_autoptr(GVariant) variant = NULL;

	/* What these hold is not of our making. */
	if (index < work->base_layers)
		return resolve_ref(work, ref, &state->commit, &variant, &state->is_partial, error);
	if (!lookup(work, ref, NULL, &state->commit, error))
		return FALSE;
	if (state->commit != NULL)
		return TRUE;
	if (!lookup(work, linked, NULL, &state->commit, error))
		return FALSE;
	state->has_links = state->commit != NULL;
	return TRUE;
}

/* Looks for the layers in the cache; RET_WANTED gets the indices of those that it lacks. */
static gboolean find_layers(struct work *work, GArray *wanted, GError **error)
{
	for (guint i = 0; i < work->image->layers->len; i++) {
		char *ref = layer_ref(work, i);
		struct layer_state *state = g_hash_table_lookup(work->layers, ref);

		if (state != NULL) {
			g_free(ref);
			continue;
		}
		state = g_new0(struct layer_state, 1);
		g_hash_table_insert(work->layers, ref, state);
		if (!find_layer(work, i, ref, state, error))
			return FALSE;
		if (state->commit == NULL)
			g_array_append_val(wanted, i);
	}
	return TRUE;
}

/* A layer's blob has come; a sw_layer_func. */
static gboolean take_layer(const struct sw_oci_layer *layer, const char *expected_digest, int fd,
			   void *data, GCancellable *cancellable, GError **error)
{
	struct work *work = data;
	guint index = layer_index(work, layer);
	g_autofree char *ref = layer_ref(work, index);
	g_autofree char *commit = NULL;
	gboolean is_base = index < work->base_layers;
	gboolean has_links = FALSE;
	struct layer_state *state = NULL;
	g_autoptr(GMutexLocker) locker = NULL;

	if (!(is_base ? sw_encapsulated_import(work->repo, fd, layer, expected_digest,
					       index == 0 ? SW_SPLIT_COMMIT : SW_SPLIT_OBJECTS,
					       &commit, cancellable, error)
		      : sw_layer_import(work->repo, fd, layer, expected_digest, &commit, &has_links,
					cancellable, error)))
		return sw_fail_prefix(error, SW_ERROR_UNFORESEEN, "unforeseen", "layer %s",
				      layer->digest);
	if (has_links) {
		g_autofree char *linked = own_ref(LINKED_PREFIX, layer->digest, "");

		ostree_repo_transaction_set_ref(work->repo, NULL, linked, commit);
	} else {
		ostree_repo_transaction_set_ref(work->repo, NULL, ref, commit);
	}
	locker = g_mutex_locker_new(&work->lock);
	state = g_hash_table_lookup(work->layers, ref);
	state->has_links = has_links;
	state->is_partial = is_base && index == 0;
	g_free(state->commit);
	state->commit = g_steal_pointer(&commit);
	work->fetched++;
	work->bytes += layer->size;
	return TRUE;
}

/* The ref of what stands for the layer INDEX in this image, if that is not the layer itself. */
static char *adapted_ref(const struct work *work, guint index)
{
	g_autofree char *suffix = g_strdup_printf("/layer-%u", index);

	return own_ref(IMAGE_PREFIX, work->image->manifest_digest, suffix);
}

/* Fills the layers' commits of IMPORT, as they are without this image. */
static void list_layers(struct work *work, struct sw_import *import)
{
	import->layer_commits = g_new0(char *, work->image->layers->len + 1);
	for (guint i = 0; i < work->image->layers->len; i++)
		import->layer_commits[i] = g_strdup(layer_state(work, i)->commit);
}

/* Fills the layers' commits of IMPORT, whose merge commit the cache has: they came with it. */
static gboolean list_adapted_layers(struct work *work, struct sw_import *import, GError **error)
{
	list_layers(work, import);
	for (guint i = work->base_layers; i < work->image->layers->len; i++) {
		g_autofree char *ref = adapted_ref(work, i);
		g_autofree char *commit = NULL;

		if (!lookup(work, ref, NULL, &commit, error))
			return FALSE;
		if (commit == NULL)
			continue;
		g_free(import->layer_commits[i]);
		import->layer_commits[i] = g_steal_pointer(&commit);
	}
	return TRUE;
}

/* The commit that the image is: checked, if that has not been done, before anything goes on top. */
static gboolean merge_base(struct work *work, struct sw_merge *merge, GCancellable *cancellable,
			   GError **error)
{
	const struct layer_state *base = work->base_layers > 0 ? layer_state(work, 0) : NULL;

	if (base == NULL)
		return TRUE;
	return (!base->is_partial ||
		sw_encapsulated_check(work->repo, base->commit, cancellable, error)) &&
	       sw_merge_base(merge, base->commit, NULL, cancellable, error);
}

/* COMMIT with the labels of POLICY: the cache has it, or it is made. */
static gboolean label_commit(struct work *work, const struct sw_sepolicy *policy,
			     const char *commit, char **ret_commit, GCancellable *cancellable,
			     GError **error)
{
	g_autofree char *ref = g_strconcat(LABELLED_PREFIX SW_IMPORTER_VERSION "/",
					   sw_sepolicy_digest(policy), "/", commit, NULL);
	g_autoptr(GVariant) variant = NULL;
	gboolean is_partial = FALSE;

	if (!resolve_ref(work, ref, ret_commit, &variant, &is_partial, error))
		return FALSE;
	if (*ret_commit != NULL)
		return TRUE;
	if (!sw_relabel(work->repo, policy, commit, ret_commit, cancellable, error))
		return FALSE;
	ostree_repo_transaction_set_ref(work->repo, NULL, ref, *ret_commit);
	return TRUE;
}

/*
 * Merges what IMPORT has merged once more, with the labels of POLICY. The layers are labelled, too, so
 * that they share their files with the merge commit; the base stays what it is.
 */
static gboolean merge_labelled(struct work *work, const struct sw_sepolicy *policy,
			       struct sw_import *import, GCancellable *cancellable, GError **error)
{
	g_autoptr(SwMerge) merge = sw_merge_new(work->repo);
	const char *base = work->base_layers > 0 ? import->layer_commits[0] : NULL;
	g_autofree char *labelled_base = NULL;

	if (base != NULL &&
	    (!label_commit(work, policy, base, &labelled_base, cancellable, error) ||
	     !sw_merge_base(merge, base, labelled_base, cancellable, error)))
		return FALSE;
	for (guint i = work->base_layers; import->layer_commits[i] != NULL; i++) {
		g_autofree char *labelled = NULL;
		g_autofree char *ref = adapted_ref(work, i);
		char *merged = NULL;

		if (!label_commit(work, policy, import->layer_commits[i], &labelled, cancellable,
				  error) ||
		    !sw_merge_layer(merge, labelled, &merged, cancellable, error))
			return FALSE;
		g_free(import->layer_commits[i]);
		import->layer_commits[i] = merged;
		ostree_repo_transaction_set_ref(work->repo, NULL, ref, merged);
	}
	g_clear_pointer(&import->commit, g_free);
	return sw_merge_finish(merge, work->image, &import->commit, cancellable, error);
}

/*
 * Puts labels on IMPORT, which is merged without any, if the image has a policy (contract 1.7). What is
 * a base and no more has them already.
 */
static gboolean label_image(struct work *work, struct sw_import *import, GCancellable *cancellable,
			    GError **error)
{
	g_autoptr(SwTree) tree = NULL;
	g_autoptr(SwSepolicy) policy = NULL;

	if (work->base_layers == work->image->layers->len)
		return TRUE;
	if (!sw_tree_open(work->repo, import->commit, &tree, cancellable, error) ||
	    !sw_sepolicy_read(tree, &policy, error))
		return FALSE;
	return policy == NULL || merge_labelled(work, policy, import, cancellable, error);
}

/* Merges the layers and sets the image's refs, which keep the commits alive. */
static gboolean merge_layers(struct work *work, struct sw_import *import, GCancellable *cancellable,
			     GError **error)
{
	g_autofree char *ref = own_ref(IMAGE_PREFIX, work->image->manifest_digest, "/merge");
	g_autoptr(SwMerge) merge = sw_merge_new(work->repo);

	if (!merge_base(work, merge, cancellable, error))
		return FALSE;
	for (guint i = work->base_layers; import->layer_commits[i] != NULL; i++) {
		const struct sw_oci_layer *layer = work->image->layers->pdata[i];
		g_autofree char *commit = g_steal_pointer(&import->layer_commits[i]);
		g_autofree char *own = adapted_ref(work, i);

		if (!sw_merge_layer(merge, commit, &import->layer_commits[i], cancellable, error))
			return sw_fail_prefix(error, SW_ERROR_UNFORESEEN, "unforeseen", "layer %s",
					      layer->digest);
		if (!g_str_equal(commit, import->layer_commits[i]))
			ostree_repo_transaction_set_ref(work->repo, NULL, own,
							import->layer_commits[i]);
	}
	if (!sw_merge_finish(merge, work->image, &import->commit, cancellable, error) ||
	    !label_image(work, import, cancellable, error))
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

/* The base is whole, and all of it is on the disk. */
static gboolean mark_whole(struct work *work, GError **error)
{
	const struct layer_state *base = work->base_layers > 0 ? layer_state(work, 0) : NULL;

	return base == NULL || !base->is_partial ||
	       ostree_repo_mark_commit_partial(work->repo, base->commit, FALSE, error) ||
	       sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache", "cannot write to the cache");
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

static guint64 wanted_bytes(const struct work *work, const GArray *wanted)
{
	guint64 bytes = 0;

	for (guint i = 0; i < wanted->len; i++) {
		guint index = g_array_index(wanted, guint, i);

		bytes += ((const struct sw_oci_layer *)work->image->layers->pdata[index])->size;
	}
	return bytes;
}

static gboolean write_image(struct work *work, struct sw_source *source, GArray *wanted,
			    struct sw_import *import, struct sw_progress *progress,
			    GCancellable *cancellable, GError **error)
{
	g_autoptr(GError) local_error = NULL;
	guint64 needed = wanted_bytes(work, wanted);

	if (!sw_cache_check_space(work->cache, needed, "the image", error) ||
	    !sw_cache_begin(work->cache, cancellable, error))
		return FALSE;
	if (!import_image(work, source, wanted, import, progress, cancellable, &local_error))
		end_badly(work, local_error);
	else if (sw_cache_commit(work->cache, cancellable, &local_error) &&
		 mark_whole(work, &local_error))
		return TRUE;
	if (g_str_equal(sw_error_id(local_error), "disk-full"))
		sw_fail_prefix(&local_error, SW_ERROR_ENVIRONMENT, "disk-full",
			       "no space left for the cache %s (free some, or set XDG_CACHE_HOME "
			       "to another disk)",
			       sw_cache_path(work->cache));
	g_propagate_error(error, g_steal_pointer(&local_error));
	return FALSE;
}

/* Begins WORK: what of IMAGE is in CACHE?  RET_WANTED are the layers that are not. */
static gboolean look(struct work *work, struct sw_cache *cache, const struct sw_oci_image *image,
		     GArray **ret_wanted, GError **error)
{
	work->cache = cache;
	work->repo = sw_cache_repo(cache);
	work->image = image;
	work->layers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, layer_state_free);
	*ret_wanted = g_array_new(FALSE, FALSE, sizeof(guint));
	return sw_encapsulated_layers(image, &work->base_layers, error) &&
	       find_layers(work, *ret_wanted, error);
}

gboolean sw_image_missing(struct sw_cache *cache, const struct sw_oci_image *image,
			  guint64 *ret_bytes, GError **error)
{
	g_autoptr(GArray) wanted = NULL;
	struct work work = { 0 };
	gboolean ok = look(&work, cache, image, &wanted, error);

	if (ok)
		*ret_bytes = wanted_bytes(&work, wanted);
	g_hash_table_unref(work.layers);
	return ok;
}

/* Has the cache all of the image, merged?  IMPORT is filled if so. */
static gboolean find_image(struct work *work, const GArray *wanted, struct sw_import *import,
			   gboolean *ret_found, GError **error)
{
	g_autofree char *ref = own_ref(IMAGE_PREFIX, work->image->manifest_digest, "/merge");
	g_autoptr(GVariant) metadata = g_variant_ref_sink(sw_merge_metadata(work->image));
	g_autofree char *commit = NULL;

	*ret_found = FALSE;
	if (wanted->len > 0 || (work->base_layers > 0 && layer_state(work, 0)->is_partial))
		return TRUE;
	if (!lookup(work, ref, metadata, &commit, error))
		return FALSE;
	*ret_found = commit != NULL;
	if (commit == NULL)
		return TRUE;
	import->commit = g_steal_pointer(&commit);
	return list_adapted_layers(work, import, error);
}

gboolean sw_image_import(struct sw_cache *cache, struct sw_source *source,
			 struct sw_progress *progress, struct sw_import **ret_import,
			 GCancellable *cancellable, GError **error)
{
	g_autoptr(SwImport) import = g_new0(struct sw_import, 1);
	g_autoptr(GArray) wanted = NULL;
	struct work work = { 0 };
	gboolean found = FALSE;
	gboolean ok = FALSE;

	g_mutex_init(&work.lock);
	ok = look(&work, cache, sw_source_image(source), &wanted, error) &&
	     find_image(&work, wanted, import, &found, error) &&
	     (found || write_image(&work, source, wanted, import, progress, cancellable, error));
	g_mutex_clear(&work.lock);
	g_hash_table_unref(work.layers);
	if (!ok)
		return FALSE;
	import->layers_fetched = work.fetched;
	import->bytes_fetched = work.bytes;
	*ret_import = g_steal_pointer(&import);
	return TRUE;
}
