/* SPDX-License-Identifier: MIT */
#include "disk/aleph.h"

#include <json-glib/json-glib.h>

static void add_string(JsonBuilder *builder, const char *name, const char *value)
{
	json_builder_set_member_name(builder, name);
	if (value == NULL)
		json_builder_add_null_value(builder);
	else
		json_builder_add_string_value(builder, value);
}

static void add_labels(JsonBuilder *builder, GHashTable *labels)
{
	g_autoptr(GList) names =
		g_list_sort(g_hash_table_get_keys(labels), (GCompareFunc)g_strcmp0);

	if (names == NULL)
		return;
	json_builder_set_member_name(builder, "labels");
	json_builder_begin_object(builder);
	for (GList *name = names; name != NULL; name = name->next)
		add_string(builder, name->data, g_hash_table_lookup(labels, name->data));
	json_builder_end_object(builder);
}

char *sw_aleph_json(const struct sw_oci_image *oci, const struct sw_facts *facts,
		    const struct sw_target *target, const char *source)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;

	/* Canonical JSON: names in order, no blanks. */
	json_builder_begin_object(builder);
	add_string(builder, "digest", oci->manifest_digest);
	if (source != NULL)
		add_string(builder, "image", source);
	add_string(builder, "kernel", facts->kernel_version);
	add_labels(builder, oci->labels);
	add_string(builder, "selinux", facts->has_selinux ? "enabled" : "disabled");
	add_string(builder, "target-image", target->image->name);
	add_string(builder, "timestamp",
		   g_hash_table_lookup(oci->labels, "org.opencontainers.image.created"));
	add_string(builder, "version", oci->version);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	return json_to_string(root, FALSE);
}
