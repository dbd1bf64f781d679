/* SPDX-License-Identifier: MIT */
#include "store/inventory.h"

#include <string.h>

static void found_free(void *data)
{
	struct sw_found *found = data;

	g_free(found->record);
	sw_published_free(found->published);
	g_clear_pointer(&found->sums, g_ptr_array_unref);
	g_free(found);
}

static gboolean add_key(const char *key, const struct sw_stored *stored, void *data,
			G_GNUC_UNUSED GError **error)
{
	g_hash_table_insert(data, g_strdup(key), g_memdup2(stored, sizeof(*stored)));
	return TRUE;
}

static guint64 bytes_of(const struct sw_inventory *inventory, const struct sw_found *found)
{
	guint64 bytes = 0;

	for (guint i = 0; found->sums != NULL && i < found->sums->len; i++) {
		const struct sw_sum *sum = found->sums->pdata[i];
		const struct sw_stored *stored = g_hash_table_lookup(inventory->keys, sum->key);

		bytes += stored == NULL ? 0 : stored->size;
	}
	return bytes;
}

/* A record that cannot be read belongs to nobody. */
static gboolean add_record(struct sw_store *store, struct sw_inventory *inventory, char *record,
			   GCancellable *cancellable, GError **error)
{
	struct sw_found *found = g_new0(struct sw_found, 1);
	g_autofree char *manifest_key = g_strconcat(record, SW_RECORD_MANIFEST, NULL);
	g_autofree char *sums_key = g_strconcat(record, SW_RECORD_SUMS, NULL);
	g_autofree char *text = NULL;
	g_autofree char *sums = NULL;

	found->record = record;
	g_ptr_array_add(inventory->found, found);
	if (g_hash_table_contains(inventory->keys, manifest_key) &&
	    !sw_store_read(store, manifest_key, SW_RECORD_LIMIT, &text, cancellable, error))
		return FALSE;
	if (g_hash_table_contains(inventory->keys, sums_key) &&
	    !sw_store_read(store, sums_key, SW_RECORD_LIMIT, &sums, cancellable, error))
		return FALSE;
	if (text != NULL && !sw_published_parse(text, &found->published, NULL))
		g_debug("%s is no manifest", manifest_key);
	if (sums != NULL && !sw_sums_parse(sums, sums_key, &found->sums, NULL))
		g_debug("%s is no list of checksums", sums_key);
	found->bytes = bytes_of(inventory, found);
	return TRUE;
}

static gint compare_keys(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

static gboolean add_records(struct sw_store *store, struct sw_inventory *inventory,
			    GCancellable *cancellable, GError **error)
{
	g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(inventory->keys), compare_keys);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (GList *at = keys; at != NULL; at = at->next) {
		char *record = sw_record_of(at->data, SW_RECORD_MANIFEST);

		if (record == NULL)
			record = sw_record_of(at->data, SW_RECORD_SUMS);
		if (record == NULL)
			continue;
		if (!g_hash_table_add(seen, g_strdup(record)))
			g_free(record);
		else if (!add_record(store, inventory, record, cancellable, error))
			return FALSE;
	}
	return TRUE;
}

gboolean sw_inventory_make(struct sw_store *store, struct sw_inventory **ret_inventory,
			   GCancellable *cancellable, GError **error)
{
	g_autoptr(SwInventory) inventory = g_new0(struct sw_inventory, 1);

	inventory->keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	inventory->found = g_ptr_array_new_with_free_func(found_free);
	if (!store->storage->list(store->state, "", add_key, inventory->keys, cancellable, error) ||
	    !add_records(store, inventory, cancellable, error))
		return FALSE;
	*ret_inventory = g_steal_pointer(&inventory);
	return TRUE;
}

void sw_inventory_free(struct sw_inventory *inventory)
{
	if (inventory == NULL)
		return;
	g_clear_pointer(&inventory->keys, g_hash_table_unref);
	g_clear_pointer(&inventory->found, g_ptr_array_unref);
	g_free(inventory);
}

static void add_problem(GPtrArray *problems, const char *key, const char *what)
{
	struct sw_problem *problem = g_new0(struct sw_problem, 1);

	problem->key = g_strdup(key);
	problem->what = g_strdup(what);
	g_ptr_array_add(problems, problem);
}

static gboolean verify_sum(struct sw_store *store, const struct sw_sum *sum, GPtrArray *problems,
			   GCancellable *cancellable, GError **error)
{
	g_autoptr(GError) problem = NULL;
	char hex[SW_SHA256_SIZE];
	guint64 size = 0;

	if (!sw_store_hash(store, sum->key, hex, &size, cancellable, &problem)) {
		if (!sw_check_cancelled(cancellable, error))
			return FALSE;
		add_problem(problems, sum->key, problem->message);
	} else if (!g_str_equal(hex, sum->sha256)) {
		add_problem(problems, sum->key, "does not have the SHA-256 of SHA256SUMS");
	}
	return TRUE;
}

static gboolean verify_found(struct sw_store *store, const struct sw_inventory *inventory,
			     const struct sw_found *found, GPtrArray *problems,
			     GCancellable *cancellable, GError **error)
{
	g_autofree char *manifest = g_strconcat(found->record, SW_RECORD_MANIFEST, NULL);
	g_autofree char *sums = g_strconcat(found->record, SW_RECORD_SUMS, NULL);
	g_autofree char *text = NULL;

	if (found->sums == NULL) {
		add_problem(problems, sums, "is missing or no list of checksums");
		return TRUE;
	}
	if (!g_hash_table_contains(inventory->keys, manifest))
		add_problem(problems, manifest, "is missing: the publication is not complete");
	else if (!sw_store_read(store, manifest, SW_RECORD_LIMIT, &text, cancellable, error))
		return FALSE;
	for (guint i = 0; i < found->sums->len; i++) {
		const struct sw_sum *sum = found->sums->pdata[i];

		if (text != NULL && strstr(text, sum->sha256) == NULL)
			add_problem(problems, manifest, "does not agree with SHA256SUMS");
		if (!verify_sum(store, sum, problems, cancellable, error))
			return FALSE;
	}
	return TRUE;
}

gboolean sw_inventory_verify(struct sw_store *store, const struct sw_inventory *inventory,
			     struct sw_progress *progress, GPtrArray *problems, guint *ret_checked,
			     guint *ret_unlisted, GCancellable *cancellable, GError **error)
{
	guint checked = 0, records = 0;
	guint64 done = 0, total = 0;

	for (guint i = 0; i < inventory->found->len; i++)
		total += ((const struct sw_found *)inventory->found->pdata[i])->bytes;
	for (guint i = 0; i < inventory->found->len; i++) {
		const struct sw_found *found = inventory->found->pdata[i];
		g_autofree char *manifest = g_strconcat(found->record, SW_RECORD_MANIFEST, NULL);

		if (!verify_found(store, inventory, found, problems, cancellable, error))
			return FALSE;
		for (guint k = 0; found->sums != NULL && k < found->sums->len; k++)
			checked += g_hash_table_contains(
				inventory->keys,
				((const struct sw_sum *)found->sums->pdata[k])->key);
		records += (found->sums != NULL) + g_hash_table_contains(inventory->keys, manifest);
		done += found->bytes;
		sw_progress_bytes(progress, "verify", done, total);
	}
	*ret_checked = checked;
	*ret_unlisted = g_hash_table_size(inventory->keys) -
			MIN(checked + records, g_hash_table_size(inventory->keys));
	return TRUE;
}

static gboolean is_pinned(const struct sw_published *published,
			  const struct sw_retention *retention)
{
	char *const *pin = retention->pinned;

	for (; pin != NULL && *pin != NULL; pin++)
		if (g_pattern_match_simple(*pin, published->version))
			return TRUE;
	return FALSE;
}

static gint newest_first(gconstpointer a, gconstpointer b)
{
	const struct sw_found *const *x = a;
	const struct sw_found *const *y = b;
	gint64 s = (*x)->published->time, t = (*y)->published->time;

	return s != t ? (s < t ? 1 : -1) : strcmp((*y)->record, (*x)->record);
}

static gboolean is_kept(const struct sw_retention *retention, guint rank,
			const struct sw_found *found, guint64 bytes)
{
	if (rank == 0 || is_pinned(found->published, retention))
		return TRUE;
	if (retention->keep_last != 0 && rank >= retention->keep_last)
		return FALSE;
	if (retention->max_age != 0 && retention->now - found->published->time > retention->max_age)
		return FALSE;
	return retention->max_bytes == 0 || bytes + found->bytes <= retention->max_bytes;
}

GPtrArray *sw_inventory_prune(const struct sw_inventory *inventory,
			      const struct sw_retention *retention)
{
	g_autoptr(GHashTable) ranks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) ours = g_ptr_array_new();
	GPtrArray *doomed = g_ptr_array_new();
	guint64 bytes = 0;

	for (guint i = 0; i < inventory->found->len; i++) {
		struct sw_found *found = inventory->found->pdata[i];

		if (found->published != NULL && found->published->tag == NULL)
			g_ptr_array_add(ours, found);
	}
	g_ptr_array_sort(ours, newest_first);
	for (guint i = 0; i < ours->len; i++) {
		struct sw_found *found = ours->pdata[i];
		char *group =
			g_strdup_printf("%s\n%s", found->published->name, found->published->arch);
		guint rank = GPOINTER_TO_UINT(g_hash_table_lookup(ranks, group));

		g_hash_table_insert(ranks, group, GUINT_TO_POINTER(rank + 1));
		if (is_kept(retention, rank, found, bytes))
			bytes += found->bytes;
		else
			g_ptr_array_insert(doomed, 0, found);
	}
	return doomed;
}

static gboolean is_shared(const struct sw_inventory *inventory, const struct sw_found *owner,
			  const char *key)
{
	for (guint i = 0; i < inventory->found->len; i++) {
		const struct sw_found *found = inventory->found->pdata[i];

		for (guint k = 0; found != owner && found->sums != NULL && k < found->sums->len;
		     k++)
			if (g_str_equal(((const struct sw_sum *)found->sums->pdata[k])->key, key))
				return TRUE;
	}
	return FALSE;
}

gboolean sw_inventory_remove(struct sw_store *store, const struct sw_inventory *inventory,
			     const struct sw_found *found, GCancellable *cancellable,
			     GError **error)
{
	static const char *const names[] = { SW_RECORD_SUMS, SW_RECORD_MANIFEST };

	/* The record goes last, so that what is interrupted can be repeated. */
	for (guint i = 0; found->sums != NULL && i < found->sums->len; i++) {
		const struct sw_sum *sum = found->sums->pdata[i];

		if (!is_shared(inventory, found, sum->key) &&
		    !store->storage->remove(store->state, sum->key, cancellable, error))
			return FALSE;
	}
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *key = g_strconcat(found->record, names[i], NULL);

		if (!store->storage->remove(store->state, key, cancellable, error))
			return FALSE;
	}
	return TRUE;
}
