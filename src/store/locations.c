/* SPDX-License-Identifier: MIT */
#include "store/locations.h"

#include <json-glib/json-glib.h>

static char *print(JsonObject *object)
{
	g_autoptr(JsonNode) root = json_node_init_object(json_node_alloc(), object);
	g_autofree char *text = json_to_string(root, TRUE);

	return g_strconcat(text, "\n", NULL);
}

static JsonObject *parse(const char *text)
{
	g_autoptr(JsonNode) root = json_from_string(text, NULL);

	return root != NULL && JSON_NODE_HOLDS_OBJECT(root)
		       ? json_object_ref(json_node_get_object(root))
		       : json_object_new();
}

static JsonObject *publication_object(const struct sw_publication *publication)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
	JsonObject *object = json_object_new();

	json_object_set_string_member(object, "name", publication->naming.name);
	json_object_set_string_member(object, "version", publication->naming.version);
	json_object_set_string_member(object, "arch", publication->naming.arch);
	json_object_set_string_member(object, "layout", publication->layout);
	json_object_set_string_member(object, "time", time);
	return object;
}

static JsonArray *keys_array(const struct sw_destination *destination, GPtrArray *artifacts)
{
	JsonArray *array = json_array_new();

	for (guint i = 0; i < artifacts->len; i++) {
		const struct sw_artifact *artifact = artifacts->pdata[i];
		JsonObject *object = json_object_new();

		json_object_set_string_member(object, "path", artifact->name);
		json_object_set_string_member(object, "key", destination->keys[i]);
		json_array_add_object_element(array, object);
	}
	return array;
}

static JsonObject *error_object(const GError *error)
{
	JsonObject *object = json_object_new();

	json_object_set_string_member(object, "id", sw_error_id(error));
	json_object_set_string_member(object, "message", error->message);
	return object;
}

static JsonObject *location_object(const struct sw_destination *destination, GPtrArray *artifacts,
				   gboolean done)
{
	JsonObject *object = json_object_new();
	JsonArray *tags = json_array_new();
	gboolean good = destination->error == NULL;

	json_object_set_string_member(object, "storage", destination->store->storage->name);
	json_object_set_string_member(object, "uri", destination->store->text);
	json_object_set_string_member(object, "state",
				      good || (done && destination->stored) ? "stored" : "failed");
	if (!good)
		json_object_set_object_member(object, "error", error_object(destination->error));
	if (destination->keys != NULL && (good || destination->stored))
		json_object_set_array_member(object, "artifacts",
					     keys_array(destination, artifacts));
	for (guint i = 0; i < destination->tags->len; i++)
		json_array_add_string_element(tags, destination->tags->pdata[i]);
	json_object_set_array_member(object, "tags", tags);
	return object;
}

char *sw_locations_add(const struct sw_publication *publication, GPtrArray *destinations,
		       gboolean done)
{
	g_autofree char *manifest = publication->manifest(publication->manifest_data);
	g_autoptr(JsonObject) object = parse(manifest);
	JsonArray *locations = json_array_new();

	for (guint i = 0; i < destinations->len; i++)
		json_array_add_object_element(
			locations,
			location_object(destinations->pdata[i], publication->artifacts, done));
	json_object_set_object_member(object, "publication", publication_object(publication));
	json_object_set_array_member(object, "locations", locations);
	return print(object);
}

char *sw_locations_tagged(const char *manifest, const char *tag)
{
	g_autoptr(JsonObject) object = parse(manifest);
	JsonObject *publication;

	if (tag == NULL)
		return g_strdup(manifest);
	publication = json_object_get_object_member(object, "publication");
	json_object_set_string_member(publication, "tag", tag);
	return print(object);
}
