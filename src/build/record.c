/* SPDX-License-Identifier: MIT */
#include "build/record.h"

#include <json-glib/json-glib.h>

#define SCHEMA 1

static void add_text(JsonBuilder *builder, const char *name, const char *value)
{
	json_builder_set_member_name(builder, name);
	if (value == NULL)
		json_builder_add_null_value(builder);
	else
		json_builder_add_string_value(builder, value);
}

static void add_number(JsonBuilder *builder, const char *name, guint64 value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_int_value(builder, (gint64)value);
}

static void begin_object(JsonBuilder *builder, const char *name)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_object(builder);
}

static void begin_array(JsonBuilder *builder, const char *name)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_array(builder);
}

static void add_source(JsonBuilder *builder, const struct sw_plan *plan)
{
	const struct sw_oci_image *oci = sw_source_image(plan->source);
	g_autofree char *reference = sw_reference_to_string(plan->reference);
	g_autofree char *origin = sw_target_to_origin(plan->target);

	begin_object(builder, "source");
	add_text(builder, "reference", reference);
	add_text(builder, "manifest_digest", oci->manifest_digest);
	add_text(builder, "architecture", oci->architecture);
	add_text(builder, "version", oci->version);
	add_number(builder, "created", oci->created);
	begin_array(builder, "layers");
	for (guint i = 0; i < oci->layers->len; i++) {
		const struct sw_oci_layer *layer = g_ptr_array_index(oci->layers, i);

		json_builder_begin_object(builder);
		add_text(builder, "digest", layer->digest);
		add_text(builder, "diff_id", layer->diff_id);
		add_number(builder, "size", layer->size);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	add_number(builder, "layers_fetched", plan->import->layers_fetched);
	add_number(builder, "bytes_fetched", plan->import->bytes_fetched);
	begin_array(builder, "bound_images");
	for (guint i = 0; i < plan->bound->len; i++) {
		const struct sw_bound_image *bound = g_ptr_array_index(plan->bound, i);

		json_builder_begin_object(builder);
		add_text(builder, "name", bound->name);
		add_text(builder, "digest", bound->digest);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	json_builder_end_object(builder);

	begin_object(builder, "deployment");
	add_text(builder, "commit", plan->import->commit);
	add_text(builder, "stateroot", plan->facts->stateroot);
	add_text(builder, "origin", origin);
	add_text(builder, "kernel", plan->facts->kernel_version);
	begin_array(builder, "kernel_arguments");
	for (guint i = 0; i < plan->kargs->len; i++) {
		const struct sw_karg *karg = g_ptr_array_index(plan->kargs, i);

		json_builder_add_string_value(builder, karg->text);
	}
	json_builder_end_array(builder);
	json_builder_end_object(builder);
}

static void add_layout(JsonBuilder *builder, const struct sw_layout *layout)
{
	begin_object(builder, "disk");
	add_number(builder, "size", layout->size);
	add_text(builder, "guid", layout->disk_guid);
	begin_array(builder, "partitions");
	for (guint i = 0; i < layout->partitions->len; i++) {
		const struct sw_partition *partition = g_ptr_array_index(layout->partitions, i);

		json_builder_begin_object(builder);
		add_number(builder, "number", partition->number);
		add_text(builder, "name", partition->name);
		add_number(builder, "offset", partition->offset);
		add_number(builder, "size", partition->size);
		add_text(builder, "type", partition->type_guid);
		add_text(builder, "guid", partition->guid);
		add_text(builder, "filesystem", partition->filesystem);
		add_text(builder, "label", partition->label);
		add_text(builder, "uuid", partition->uuid);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	json_builder_end_object(builder);
}

static void add_artifacts(JsonBuilder *builder, GPtrArray *artifacts)
{
	begin_array(builder, "artifacts");
	for (guint i = 0; i < artifacts->len; i++) {
		const struct sw_artifact *artifact = g_ptr_array_index(artifacts, i);

		json_builder_begin_object(builder);
		add_text(builder, "type", artifact->format);
		add_text(builder, "path", artifact->name);
		add_text(builder, "media_type", artifact->media_type);
		add_number(builder, "size", artifact->size);
		add_number(builder, "allocated", artifact->allocated);
		add_number(builder, "disk_size", artifact->disk_size);
		add_text(builder, "sha256", artifact->sha256);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_timings(JsonBuilder *builder, GArray *timings)
{
	begin_object(builder, "seconds");
	for (guint i = 0; i < timings->len; i++) {
		const struct sw_timing *timing = &g_array_index(timings, struct sw_timing, i);

		json_builder_set_member_name(builder, timing->stage);
		json_builder_add_double_value(builder, timing->seconds);
	}
	json_builder_end_object(builder);
}

char *sw_record_sums(GPtrArray *artifacts)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < artifacts->len; i++) {
		const struct sw_artifact *artifact = g_ptr_array_index(artifacts, i);

		g_string_append_printf(text, "%s  %s\n", artifact->sha256, artifact->name);
	}
	return g_string_free(text, FALSE);
}

char *sw_record_manifest(const struct sw_run *run)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(builder);
	add_number(builder, "schema", SCHEMA);
	begin_object(builder, "tool");
	add_text(builder, "name", "slipway");
	add_text(builder, "version", SW_VERSION);
	json_builder_end_object(builder);
	if (run->plan != NULL) {
		add_text(builder, "build", run->plan->build_id);
		add_source(builder, run->plan);
		add_layout(builder, run->plan->layout);
	} else {
		begin_object(builder, "source");
		add_text(builder, "disk", run->source);
		json_builder_end_object(builder);
	}
	add_artifacts(builder, run->artifacts);
	add_timings(builder, run->timings);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	text = json_to_string(root, TRUE);
	return g_strconcat(text, "\n", NULL);
}
