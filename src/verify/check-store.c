/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/json.h"
#include "image/bound-images.h"
#include "source/reference.h"
#include "verify/check.h"

#define BOUND "usr/lib/bootc/bound-images.d"
#define STORE "ostree/bootc/storage"
#define LIST STORE "/overlay-images/images.json"

static const struct sw_json_subject subject = { "/" LIST, SW_ERROR_DEPLOY, "image-store" };

/* The name of the image that the entry NAME of the directory leads to, to be freed; NULL: none. */
static char *read_bound(const struct sw_examined *disk, const char *name,
			struct sw_finding *finding)
{
	g_autofree char *path = g_build_filename(BOUND, name, NULL);
	g_autofree char *place = sw_examined_path(disk, path);
	const struct sw_inode *link = sw_snapshot_typed(disk->root.tree, place, SW_TAR_SYMLINK);
	gboolean is_image = link != NULL && g_str_has_suffix(link->target, ".image");
	size_t length = 0;
	g_autofree char *text = sw_examined_text(disk, path, &length);
	g_autofree char *image = NULL;
	g_autoptr(SwReference) reference = NULL;
	g_autoptr(GError) error = NULL;

	if (link == NULL || text == NULL)
		sw_found_problem(finding, "/%s leads to no file", path);
	else if (!sw_bound_image_parse(text, length, is_image ? "Image" : "Container", path, &image,
				       &error) ||
		 !sw_reference_parse(image, &reference, &error))
		sw_found_problem(finding, "%s", error->message);
	else
		return g_steal_pointer(&reference->name);
	return NULL;
}

/* Adds to SET the names that IMAGE of the store has. */
static gboolean add_names(JsonObject *image, GHashTable *set, GError **error)
{
	JsonArray *names = NULL;

	if (!sw_json_get_array(image, "names", FALSE, &subject, &names, error))
		return FALSE;
	for (guint i = 0; names != NULL && i < json_array_get_length(names); i++) {
		JsonNode *node = json_array_get_element(names, i);

		if (json_node_get_value_type(node) == G_TYPE_STRING)
			g_hash_table_add(set, json_node_dup_string(node));
	}
	return TRUE;
}

/* The names of all images in the store; it lists them as an array, which is put into an object. */
static gboolean read_names(const struct sw_examined *disk, GHashTable *set, GError **error)
{
	g_autofree char *text = sw_snapshot_text(disk->root.tree, LIST, NULL);
	g_autofree char *wrapped =
		g_strconcat("{\"images\":", text == NULL ? "[]" : text, "}", NULL);
	g_autoptr(JsonNode) root = NULL;
	JsonArray *images = NULL;

	if (!sw_json_parse(wrapped, strlen(wrapped), &subject, &root, error) ||
	    !sw_json_get_array(json_node_get_object(root), "images", TRUE, &subject, &images,
			       error))
		return FALSE;
	for (guint i = 0; i < json_array_get_length(images); i++) {
		JsonNode *node = json_array_get_element(images, i);

		if (JSON_NODE_HOLDS_OBJECT(node) &&
		    !add_names(json_node_get_object(node), set, error))
			return FALSE;
	}
	return TRUE;
}

/* The store knows short names by those that podman makes of them. */
static gboolean has_name(GHashTable *set, const char *name)
{
	g_autofree char *hub = g_strconcat("docker.io/", name, NULL);
	g_autofree char *library = g_strconcat("docker.io/library/", name, NULL);

	return g_hash_table_contains(set, name) || g_hash_table_contains(set, hub) ||
	       g_hash_table_contains(set, library);
}

static void check_store(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autofree char *directory = sw_examined_path(disk, BOUND);
	g_auto(GStrv) entries = sw_snapshot_list(disk->root.tree, directory);
	g_autoptr(GHashTable) set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	gboolean is_there = sw_snapshot_typed(disk->root.tree, STORE, SW_TAR_DIRECTORY) != NULL;
	g_autoptr(GError) error = NULL;

	if (!read_names(disk, set, &error))
		sw_found_problem(finding, "%s", error->message);
	for (char **entry = entries; *entry != NULL; entry++) {
		g_autofree char *name = read_bound(disk, *entry, finding);

		if (name == NULL || has_name(set, name))
			continue;
		if (is_there)
			sw_found_problem(finding, "/" STORE " has no %s", name);
		else
			sw_found_warning(finding, "there is no image store, and no %s in it", name);
	}
	sw_found(finding, "the image is bound to %u others", g_strv_length(entries));
}

const struct sw_check sw_checks_store[] = {
	{ .id = "image-store",
	  .what = "the images that the image is bound to are on the disk",
	  .remedy = "build the disk anew with --bound-images stored",
	  .needs = SW_NEED_DEPLOYMENT,
	  .run = check_store },
	{ .id = NULL },
};
