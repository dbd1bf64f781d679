/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/print.h"
#include "cli/verbs.h"
#include "core/size.h"
#include "store/fetch.h"
#include "store/inventory.h"

/* S3 signs nothing for longer. */
#define EXPIRES_MAX (7 * 24 * 3600)

static gboolean open_place(const struct sw_call *call, struct sw_store **ret_store,
			   GCancellable *cancellable, GError **error)
{
	g_autoptr(SwStoreUri) uri = NULL;
	g_auto(GStrv) options = sw_store_options(call->build->options, call->build->authfile);

	return sw_store_uri_parse(call->argument, &uri, error) &&
	       sw_store_open(uri, NULL, options, ret_store, cancellable, error);
}

/* Where a listing goes. */
struct listing {
	struct sw_table *table;
	JsonBuilder *json;
};

static gboolean list_key(const char *key, const struct sw_stored *stored, void *data,
			 G_GNUC_UNUSED GError **error)
{
	struct listing *listing = data;
	g_autofree char *size = sw_size_format(stored->size);
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(stored->modified);
	g_autofree char *text =
		time == NULL ? NULL : g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");

	sw_table_add(listing->table, size, text == NULL ? "" : text, key);
	json_builder_begin_object(listing->json);
	sw_json_text(listing->json, "key", key);
	sw_json_number(listing->json, "size", stored->size);
	sw_json_text(listing->json, "modified", text);
	sw_json_text(listing->json, "sha256", stored->sha256[0] == '\0' ? NULL : stored->sha256);
	json_builder_end_object(listing->json);
	return TRUE;
}

gboolean sw_cmd_ls(const struct sw_call *call, GString *out, GCancellable *cancellable,
		   GError **error)
{
	g_autoptr(SwStore) store = NULL;
	g_autoptr(SwTable) table = sw_table_new("rll");
	g_autoptr(JsonBuilder) json = json_builder_new();
	struct listing listing = { table, json };

	json_builder_begin_array(json);
	if (!open_place(call, &store, cancellable, error) ||
	    !store->storage->list(store->state, "", list_key, &listing, cancellable, error))
		return FALSE;
	json_builder_end_array(json);
	if (call->build->json)
		sw_json_print(json, out);
	else
		sw_table_print(table, 0, out);
	return TRUE;
}

gboolean sw_cmd_fetch(const struct sw_call *call, GString *out, GCancellable *cancellable,
		      GError **error)
{
	g_autoptr(SwProgress) progress = sw_progress_new(call->build->progress);
	gboolean here = g_str_equal(sw_build_origin(call->build, "output"), "default");
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(SwStoreUri) uri = NULL;
	g_autofree char *path = NULL;
	struct sw_fetched fetched = { 0 };
	g_auto(GStrv) options = sw_store_options(call->build->options, call->build->authfile);
	struct sw_fetch fetch = { .options = options,
				  .output = here ? "." : call->build->output,
				  .overwrite = call->build->overwrite,
				  .progress = progress };

	if (!sw_store_uri_parse(call->argument, &uri, error))
		return FALSE;
	fetch.uri = uri;
	sw_progress_stage(progress, "fetch", uri->text);
	if (!sw_store_fetch(&fetch, &fetched, cancellable, error))
		return FALSE;
	path = fetched.path;
	if (!fetched.verified)
		sw_progress_note(progress, "no SHA-256 of %s is known there: it was not compared",
				 uri->text);
	if (!call->build->json) {
		g_string_append_printf(out, "%s  %s\n", fetched.sha256, path);
		return TRUE;
	}
	json_builder_begin_object(json);
	sw_json_text(json, "path", path);
	sw_json_number(json, "size", fetched.size);
	sw_json_number(json, "resumed", fetched.resumed);
	sw_json_text(json, "sha256", fetched.sha256);
	sw_json_bool(json, "verified", fetched.verified);
	json_builder_end_object(json);
	sw_json_print(json, out);
	return TRUE;
}

gboolean sw_cmd_url(const struct sw_call *call, GString *out, GCancellable *cancellable,
		    GError **error)
{
	g_autoptr(SwStoreUri) uri = NULL;
	g_autoptr(SwStore) store = NULL;
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autofree char *key = NULL;
	g_autofree char *url = NULL;
	guint64 expires = EXPIRES_MAX;
	GError *problem = NULL;
	g_auto(GStrv) options = sw_store_options(call->build->options, call->build->authfile);

	if ((call->expires != NULL && !sw_duration_parse(call->expires, &expires, error)) ||
	    !sw_store_uri_parse(call->argument, &uri, error) ||
	    !sw_store_open_key(uri, 1, options, &store, &key, cancellable, error))
		return FALSE;
	url = store->storage->url(store->state, key, expires, &problem);
	if (problem != NULL) {
		g_propagate_error(error, problem);
		return FALSE;
	}
	if (url == NULL)
		return sw_fail(error, SW_ERROR_STORAGE, "no-url",
			       "the storage %s has no URLs: use slipway fetch",
			       store->storage->name);
	if (!call->build->json) {
		g_string_append_printf(out, "%s\n", url);
		return TRUE;
	}
	json_builder_begin_object(json);
	sw_json_text(json, "url", url);
	sw_json_number(json, "expires", expires);
	json_builder_end_object(json);
	sw_json_print(json, out);
	return TRUE;
}

static void print_removed(const struct sw_call *call, GPtrArray *records, gboolean done,
			  GString *out)
{
	g_autoptr(JsonBuilder) json = json_builder_new();

	json_builder_begin_object(json);
	json_builder_set_member_name(json, done ? "removed" : "would_remove");
	json_builder_begin_array(json);
	for (guint i = 0; i < records->len; i++) {
		json_builder_add_string_value(json, records->pdata[i]);
		if (!call->build->json)
			g_string_append_printf(out, "%s %s\n", done ? "removed" : "would remove",
					       (const char *)records->pdata[i]);
	}
	json_builder_end_array(json);
	json_builder_end_object(json);
	if (call->build->json)
		sw_json_print(json, out);
}

/* All publications below the place, or FALSE when there is none. */
static gboolean remove_publications(const struct sw_call *call, GPtrArray *removed,
				    GCancellable *cancellable, GError **error)
{
	g_autoptr(SwStore) store = NULL;
	g_autoptr(SwInventory) inventory = NULL;

	if (!open_place(call, &store, cancellable, error) ||
	    !sw_inventory_make(store, &inventory, cancellable, error))
		return FALSE;
	for (guint i = 0; i < inventory->found->len; i++) {
		const struct sw_found *found = inventory->found->pdata[i];

		/* Only the one whose directory was named, not all below it. */
		if (found->published == NULL || found->record[0] != '\0')
			continue;
		if (!sw_inventory_remove(store, inventory, found, cancellable, error))
			return FALSE;
		g_ptr_array_add(removed, g_strdup(call->argument));
		return TRUE;
	}
	return sw_fail(error, SW_ERROR_STORAGE, "no-key",
		       "%s is neither a file nor what slipway published", call->argument);
}

gboolean sw_cmd_rm(const struct sw_call *call, GString *out, GCancellable *cancellable,
		   GError **error)
{
	g_autoptr(GPtrArray) removed = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(SwStoreUri) uri = NULL;
	g_autoptr(SwStore) store = NULL;
	g_autofree char *key = NULL;
	struct sw_stored stored = { 0 };
	gboolean there = FALSE;
	g_auto(GStrv) options = sw_store_options(call->build->options, call->build->authfile);

	if (!sw_store_uri_parse(call->argument, &uri, error) ||
	    !sw_store_open_key(uri, 1, options, &store, &key, cancellable, error) ||
	    !sw_store_has(store, key, &there, &stored, cancellable, error))
		return FALSE;
	if (!there && !remove_publications(call, removed, cancellable, error))
		return FALSE;
	if (there && !store->storage->remove(store->state, key, cancellable, error))
		return FALSE;
	if (there)
		g_ptr_array_add(removed, g_strdup(call->argument));
	print_removed(call, removed, TRUE, out);
	return TRUE;
}

static gboolean read_retention(const struct sw_call *call, struct sw_retention *retention,
			       GError **error)
{
	guint64 age = 0;

	if (call->keep_last == NULL && call->max_age == NULL && call->max_bytes == NULL)
		return sw_fail(error, SW_ERROR_USAGE, "usage",
			       "prune needs to know what to keep: --keep-last, --max-age or "
			       "--max-bytes");
	if ((call->keep_last != NULL &&
	     !sw_number_parse(call->keep_last, 1, G_MAXUINT, &retention->keep_last, error)) ||
	    (call->max_age != NULL && !sw_duration_parse(call->max_age, &age, error)) ||
	    (call->max_bytes != NULL &&
	     !sw_size_parse(call->max_bytes, &retention->max_bytes, error)))
		return FALSE;
	retention->max_age = (gint64)age;
	retention->pinned = call->pinned;
	retention->now = g_get_real_time() / G_USEC_PER_SEC;
	return TRUE;
}

gboolean sw_cmd_prune(const struct sw_call *call, GString *out, GCancellable *cancellable,
		      GError **error)
{
	struct sw_retention retention = { 0 };
	g_autoptr(GPtrArray) removed = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) doomed = NULL;
	g_autoptr(SwStore) store = NULL;
	g_autoptr(SwInventory) inventory = NULL;

	if (!read_retention(call, &retention, error) ||
	    !open_place(call, &store, cancellable, error) ||
	    !sw_inventory_make(store, &inventory, cancellable, error))
		return FALSE;
	doomed = sw_inventory_prune(inventory, &retention);
	for (guint i = 0; i < doomed->len; i++) {
		const struct sw_found *found = doomed->pdata[i];

		if (!call->dry_run &&
		    !sw_inventory_remove(store, inventory, found, cancellable, error))
			return FALSE;
		g_ptr_array_add(removed, g_strdup(*found->record == '\0' ? "." : found->record));
	}
	print_removed(call, removed, !call->dry_run, out);
	return TRUE;
}

static void problem_free(void *data)
{
	struct sw_problem *problem = data;

	g_free(problem->key);
	g_free(problem->what);
	g_free(problem);
}

static void print_problems(const struct sw_call *call, GPtrArray *problems, guint checked,
			   guint unlisted, GString *out)
{
	g_autoptr(JsonBuilder) json = json_builder_new();

	json_builder_begin_object(json);
	sw_json_bool(json, "ok", problems->len == 0);
	sw_json_number(json, "checked", checked);
	sw_json_number(json, "unlisted", unlisted);
	json_builder_set_member_name(json, "problems");
	json_builder_begin_array(json);
	for (guint i = 0; i < problems->len; i++) {
		const struct sw_problem *problem = problems->pdata[i];

		json_builder_begin_object(json);
		sw_json_text(json, "key", problem->key);
		sw_json_text(json, "what", problem->what);
		json_builder_end_object(json);
		if (!call->build->json)
			g_string_append_printf(out, "%s: %s\n", problem->key, problem->what);
	}
	json_builder_end_array(json);
	json_builder_end_object(json);
	if (call->build->json)
		sw_json_print(json, out);
	else
		g_string_append_printf(out, "%u files checked, %u bad, %u in no record\n", checked,
				       problems->len, unlisted);
}

gboolean sw_cmd_verify_store(const struct sw_call *call, GString *out, GCancellable *cancellable,
			     GError **error)
{
	g_autoptr(SwProgress) progress = sw_progress_new(call->build->progress);
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(problem_free);
	g_autoptr(SwStore) store = NULL;
	g_autoptr(SwInventory) inventory = NULL;
	guint checked = 0, unlisted = 0;

	sw_progress_stage(progress, "verify", "reading what is there");
	if (!open_place(call, &store, cancellable, error) ||
	    !sw_inventory_make(store, &inventory, cancellable, error) ||
	    !sw_inventory_verify(store, inventory, progress, problems, &checked, &unlisted,
				 cancellable, error))
		return FALSE;
	print_problems(call, problems, checked, unlisted, out);
	return problems->len == 0 ||
	       sw_fail(error, SW_ERROR_STORAGE, "verify-store",
		       "%s: %u problems: publish what is concerned again with --overwrite",
		       call->argument, problems->len);
}
