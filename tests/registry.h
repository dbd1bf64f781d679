/* SPDX-License-Identifier: MIT */
#pragma once

#include <json-glib/json-glib.h>

#include "program.h"

/*
 * What lies in a repository of the registry of "fixtures/registry run", as others see it: read by curl and
 * json-glib, and on the registry's own disk. A LOCATION is "HOST:PORT/REPOSITORY:PREFIX".
 */

/* A repository that nobody has used, and a prefix in it. */
static inline char *registry_new_location(const char *name)
{
	g_autofree char *random = g_uuid_string_random();

	g_assert_nonnull(g_getenv("SW_REGISTRY"));
	return g_strdup_printf("%s/%s/%s:put here/it", g_getenv("SW_REGISTRY"), name, random);
}

static inline char *registry_repository(const char *location)
{
	const char *slash = strchr(location, '/') + 1;

	return g_strndup(slash, strcspn(slash, ":"));
}

/* GET of PATH below the repository of LOCATION; NULL: it failed. */
static inline char *registry_curl(const char *location, const char *path, gsize *ret_length)
{
	static const char accept[] = "Accept: application/vnd.oci.image.manifest.v1+json, "
				     "application/vnd.oci.image.index.v1+json";
	g_autofree char *repository = registry_repository(location);
	g_autofree char *url =
		g_strdup_printf("http://%s/v2/%s/%s", g_getenv("SW_REGISTRY"), repository, path);
	const char *argv[] = { "curl", "--silent", "--fail", "-L", "-H", accept, url, NULL };

	return try_program(argv, ret_length);
}

static inline JsonNode *registry_json(const char *location, const char *path)
{
	gsize length = 0;
	g_autofree char *text = registry_curl(location, path, &length);
	g_autofree char *copy = g_strndup(text, text == NULL ? 0 : length);

	return text == NULL ? NULL : json_from_string(copy, NULL);
}

/* The manifest whose annotation says KEY (whole); NULL: there is none. */
static inline JsonNode *registry_manifest(const char *location, const char *key)
{
	g_autoptr(JsonNode) list = registry_json(location, "tags/list");
	JsonArray *tags = NULL;

	if (list != NULL &&
	    JSON_NODE_HOLDS_ARRAY(json_object_get_member(json_node_get_object(list), "tags")))
		tags = json_object_get_array_member(json_node_get_object(list), "tags");
	for (guint i = 0; tags != NULL && i < json_array_get_length(tags); i++) {
		g_autofree char *path =
			g_strconcat("manifests/", json_array_get_string_element(tags, i), NULL);
		g_autoptr(JsonNode) manifest = registry_json(location, path);
		JsonObject *annotations = json_object_get_object_member(
			json_node_get_object(manifest), "annotations");

		if (g_str_equal(json_object_get_string_member(annotations, "io.slipway.key"), key))
			return g_steal_pointer(&manifest);
	}
	return NULL;
}

/* The bytes of the only layer of the manifest for KEY; NULL: there is none. */
static inline char *registry_read(const char *location, const char *key, gsize *ret_length)
{
	const char *prefix = strchr(strchr(location, '/'), ':') + 1;
	g_autofree char *whole = g_strconcat(prefix, "/", key, NULL);
	g_autoptr(JsonNode) manifest = registry_manifest(location, whole);
	g_autofree char *path = NULL;
	JsonArray *layers;

	if (manifest == NULL)
		return NULL;
	layers = json_object_get_array_member(json_node_get_object(manifest), "layers");
	g_assert_cmpuint(json_array_get_length(layers), ==, 1);
	path = g_strconcat(
		"blobs/",
		json_object_get_string_member(json_array_get_object_element(layers, 0), "digest"),
		NULL);
	return registry_curl(location, path, ret_length);
}

/* How many directories of DIRECTORY, in what the registry keeps of it, hold FILE. */
static inline guint registry_count_files(const char *location, const char *directory,
					 const char *file)
{
	g_autofree char *repository = registry_repository(location);
	g_autofree char *path = g_build_filename(g_getenv("SW_REGISTRY_STATE"),
						 "data/docker/registry/v2/repositories", repository,
						 directory, NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;
	guint count = 0;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *inner = g_build_filename(path, name, file, NULL);

		count += g_file_test(inner, G_FILE_TEST_EXISTS);
	}
	return count;
}

/*
 * Tags.  Of an upload whose stream broke the registry keeps the data for a while, and nobody can reach it, so
 * that does not count.
 */
static inline guint registry_count(const char *location)
{
	return registry_count_files(location, "_manifests/tags", "current/link");
}
