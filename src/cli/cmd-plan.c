/* SPDX-License-Identifier: MIT */
#include "build/plan.h"
#include "cli/deviations.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "core/size.h"
#include "disk/deviations.h"

static const char *const role_names[] = {
	[SW_ROLE_BIOS_BOOT] = "bios-boot", [SW_ROLE_PREP] = "prep", [SW_ROLE_ESP] = "esp",
	[SW_ROLE_BOOT] = "boot",	   [SW_ROLE_ROOT] = "root",
};

/* Is ROW about the build, not about how it is shown? */
static gboolean is_planned(const struct sw_setting *row)
{
	return row->key != NULL || row->kind == SW_KIND_DIRECTORY;
}

/* What was decided for a setting that was left open; NULL: nothing. */
static char *decided(const struct sw_plan *plan, const struct sw_setting *row)
{
	if (g_str_equal(row->flag, "rootfs"))
		return g_strdup(plan->rootfs);
	if (g_str_equal(row->flag, "size"))
		return sw_size_format(plan->layout->size);
	if (g_str_equal(row->flag, "target-imgref"))
		return sw_target_to_origin(plan->target);
	if (g_str_equal(row->flag, "cache"))
		return g_strdup(sw_cache_path(plan->cache));
	return NULL;
}

/* The values of ROW, to be freed with g_strfreev(), and where they come from. */
static char **resolve(const struct sw_plan *plan, const struct sw_setting *row,
		      const char **ret_origin)
{
	char **values = sw_build_values(plan->build, row);

	*ret_origin = sw_build_origin(plan->build, row->flag);
	if (row->type == SW_SETTING_LIST || values[0] != NULL)
		return values;
	values[0] = decided(plan, row);
	if (g_str_equal(row->flag, "rootfs"))
		*ret_origin = plan->rootfs_origin;
	else if (g_str_equal(row->flag, "size"))
		*ret_origin = "image";
	return values;
}

static void settings_to_json(JsonBuilder *json, const struct sw_plan *plan)
{
	json_builder_set_member_name(json, "settings");
	json_builder_begin_object(json);
	for (const struct sw_setting *row = sw_settings; row->flag != NULL; row++) {
		const char *origin = NULL;
		g_auto(GStrv) values = NULL;

		if (!is_planned(row))
			continue;
		values = resolve(plan, row, &origin);
		json_builder_set_member_name(json, row->key != NULL ? row->key : row->flag);
		json_builder_begin_object(json);
		if (row->type == SW_SETTING_LIST)
			sw_json_texts(json, "value", (const char *const *)values);
		else
			sw_json_text(json, "value", values[0]);
		sw_json_text(json, "origin", origin);
		json_builder_end_object(json);
	}
	json_builder_end_object(json);
}

static void bound_to_json(JsonBuilder *json, const GPtrArray *images)
{
	json_builder_set_member_name(json, "bound_images");
	json_builder_begin_array(json);
	for (guint i = 0; i < images->len; i++) {
		const struct sw_bound_image *bound = images->pdata[i];

		json_builder_begin_object(json);
		sw_json_text(json, "name", bound->name);
		sw_json_text(json, "digest", bound->digest);
		sw_json_number(json, "bytes", bound->bytes);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void source_to_json(JsonBuilder *json, const struct sw_plan *plan)
{
	const struct sw_oci_image *oci = sw_source_image(plan->source);
	g_autofree char *target = sw_target_to_origin(plan->target);

	json_builder_set_member_name(json, "source");
	json_builder_begin_object(json);
	sw_json_text(json, "image", plan->build->image);
	sw_json_text(json, "digest", oci->manifest_digest);
	sw_json_text(json, "architecture", oci->architecture);
	sw_json_number(json, "layers", oci->layers->len);
	sw_json_text(json, "commit", plan->import->commit);
	sw_json_text(json, "target_imgref", target);
	bound_to_json(json, plan->bound);
	json_builder_end_object(json);
}

static void disk_to_json(JsonBuilder *json, const struct sw_layout *layout)
{
	json_builder_set_member_name(json, "disk");
	json_builder_begin_object(json);
	sw_json_number(json, "size", layout->size);
	sw_json_number(json, "minimum_size", layout->minimum_size);
	sw_json_text(json, "explanation", layout->explanation);
	sw_json_text(json, "guid", layout->disk_guid);
	json_builder_set_member_name(json, "partitions");
	json_builder_begin_array(json);
	for (guint i = 0; i < layout->partitions->len; i++) {
		const struct sw_partition *partition = layout->partitions->pdata[i];

		json_builder_begin_object(json);
		sw_json_number(json, "number", partition->number);
		sw_json_text(json, "role", role_names[partition->role]);
		sw_json_number(json, "offset", partition->offset);
		sw_json_number(json, "size", partition->size);
		sw_json_text(json, "name", partition->name);
		sw_json_text(json, "type_guid", partition->type_guid);
		sw_json_text(json, "guid", partition->guid);
		sw_json_text(json, "filesystem", partition->filesystem);
		sw_json_text(json, "label", partition->label);
		sw_json_text(json, "uuid", partition->uuid);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	json_builder_end_object(json);
}

static void kargs_to_json(JsonBuilder *json, const struct sw_plan *plan)
{
	json_builder_set_member_name(json, "kargs");
	json_builder_begin_array(json);
	for (guint i = 0; i < plan->kargs->len; i++) {
		const struct sw_karg *karg = plan->kargs->pdata[i];

		json_builder_begin_object(json);
		sw_json_text(json, "karg", karg->text);
		sw_json_text(json, "origin", sw_karg_origins[karg->origin]);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void files_to_json(JsonBuilder *json, const struct sw_plan *plan)
{
	json_builder_set_member_name(json, "files");
	json_builder_begin_array(json);
	for (guint i = 0; i < plan->files->len; i++) {
		const struct sw_planned_file *file = plan->files->pdata[i];

		json_builder_begin_object(json);
		sw_json_text(json, "path", file->path);
		sw_json_number(json, "bytes", file->bytes);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	json_builder_set_member_name(json, "space");
	json_builder_begin_array(json);
	for (guint i = 0; i < plan->spaces->len; i++) {
		const struct sw_planned_space *space = plan->spaces->pdata[i];

		json_builder_begin_object(json);
		sw_json_text(json, "purpose", space->purpose);
		sw_json_text(json, "path", space->path);
		sw_json_number(json, "needed", space->needed);
		sw_json_number(json, "available", space->available);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static guint deviations(const struct sw_plan *plan)
{
	return sw_deviations_planned(plan->facts, plan->layout, plan->bound->len > 0);
}

static void print_json(const struct sw_plan *plan, GString *out)
{
	g_autoptr(JsonBuilder) json = json_builder_new();

	json_builder_begin_object(json);
	sw_json_text(json, "build_id", plan->build_id);
	settings_to_json(json, plan);
	source_to_json(json, plan);
	disk_to_json(json, plan->layout);
	kargs_to_json(json, plan);
	files_to_json(json, plan);
	sw_json_deviations(json, deviations(plan));
	json_builder_end_object(json);
	sw_json_print(json, out);
}

static void print_settings(const struct sw_plan *plan, GString *out)
{
	g_autoptr(SwTable) table = sw_table_new("lll");

	g_string_append(out, "Settings, and where they come from:\n");
	for (const struct sw_setting *row = sw_settings; row->flag != NULL; row++) {
		const char *name = row->key != NULL ? row->key : row->flag;
		const char *origin = NULL;
		g_auto(GStrv) values = NULL;

		if (!is_planned(row))
			continue;
		values = resolve(plan, row, &origin);
		sw_table_add(table, name, values[0] != NULL ? values[0] : "-", origin);
		for (guint i = 1; values[0] != NULL && values[i] != NULL; i++)
			sw_table_add(table, "", values[i], NULL);
	}
	sw_table_print(table, 2, out);
}

static void print_source(const struct sw_plan *plan, GString *out)
{
	const struct sw_oci_image *oci = sw_source_image(plan->source);
	g_autoptr(SwTable) table = sw_table_new("ll");
	g_autofree char *layers = g_strdup_printf("%u", oci->layers->len);

	g_string_append(out, "\nSource:\n");
	sw_table_add(table, "digest", oci->manifest_digest);
	sw_table_add(table, "system", plan->facts->os_name);
	sw_table_add(table, "kernel", plan->facts->kernel_version);
	sw_table_add(table, "layers", layers);
	sw_table_add(table, "commit", plan->import->commit);
	for (guint i = 0; i < plan->bound->len; i++) {
		const struct sw_bound_image *bound = plan->bound->pdata[i];
		g_autofree char *size = sw_size_format(bound->bytes);
		g_autofree char *text = g_strdup_printf("%s (%s)", bound->name, size);

		sw_table_add(table, "bound image", text);
	}
	sw_table_print(table, 2, out);
}

static void print_disk(const struct sw_layout *layout, GString *out)
{
	g_autoptr(SwTable) table = sw_table_new("rlrrlll");
	g_autofree char *heading = g_strdup_printf("Disk: %s", layout->explanation);

	g_string_append_c(out, '\n');
	sw_print_wrapped(out, 0, 2, heading);
	sw_table_add(table, "#", "FOR", "START", "SIZE", "FILESYSTEM", "LABEL", "UUID");
	for (guint i = 0; i < layout->partitions->len; i++) {
		const struct sw_partition *partition = layout->partitions->pdata[i];
		g_autofree char *number = g_strdup_printf("%u", partition->number);
		g_autofree char *start = sw_size_format(partition->offset);
		g_autofree char *length = sw_size_format(partition->size);

		sw_table_add(table, number, role_names[partition->role], start, length,
			     partition->filesystem != NULL ? partition->filesystem : "-",
			     partition->label != NULL ? partition->label : "-",
			     partition->uuid != NULL ? partition->uuid : "-");
	}
	sw_table_print(table, 2, out);
}

static void print_kargs(const struct sw_plan *plan, GString *out)
{
	g_autoptr(SwTable) table = sw_table_new("ll");

	g_string_append(out, "\nKernel arguments, in order:\n");
	for (guint i = 0; i < plan->kargs->len; i++) {
		const struct sw_karg *karg = plan->kargs->pdata[i];

		sw_table_add(table, karg->text, sw_karg_origins[karg->origin]);
	}
	sw_table_print(table, 2, out);
}

static void print_files(const struct sw_plan *plan, GString *out)
{
	g_autoptr(SwTable) files = sw_table_new("rl");
	g_autoptr(SwTable) spaces = sw_table_new("lrrll");

	g_string_append(out, "\nFiles, and what they take on the disk at most:\n");
	for (guint i = 0; i < plan->files->len; i++) {
		const struct sw_planned_file *file = plan->files->pdata[i];
		g_autofree char *size = sw_size_format(file->bytes);

		sw_table_add(files, size, file->path);
	}
	sw_table_print(files, 2, out);
	g_string_append(out, "\nSpace:\n");
	sw_table_add(spaces, "FOR", "NEEDED", "FREE", "", "AT");
	for (guint i = 0; i < plan->spaces->len; i++) {
		const struct sw_planned_space *space = plan->spaces->pdata[i];
		g_autofree char *needed = sw_size_format(space->needed);
		g_autofree char *available = sw_size_format(space->available);

		sw_table_add(spaces, space->purpose, needed, available,
			     space->needed > space->available ? "TOO LITTLE" : "enough",
			     space->path);
	}
	sw_table_print(spaces, 2, out);
}

static gboolean check_space(const struct sw_plan *plan, GError **error)
{
	for (guint i = 0; i < plan->spaces->len; i++) {
		const struct sw_planned_space *space = plan->spaces->pdata[i];
		g_autofree char *needed = sw_size_format(space->needed);
		g_autofree char *available = sw_size_format(space->available);

		if (space->needed > space->available)
			return sw_fail(error, SW_ERROR_ENVIRONMENT, "disk-full",
				       "%s: the %s needs %s, but %s are free: make room or choose "
				       "another directory",
				       space->path, space->purpose, needed, available);
	}
	return TRUE;
}

gboolean sw_cmd_plan(const struct sw_call *call, GString *out, GCancellable *cancellable,
		     GError **error)
{
	g_autoptr(SwProgress) progress = NULL;
	g_autoptr(SwPlan) plan = NULL;

	if (!sw_build_check(call->build, error))
		return FALSE;
	progress = sw_progress_new(call->build->progress);
	if (!sw_plan_make(call->build, FALSE, progress, &plan, cancellable, error))
		return FALSE;
	if (call->build->json) {
		print_json(plan, out);
	} else {
		print_settings(plan, out);
		print_source(plan, out);
		print_disk(plan->layout, out);
		print_kargs(plan, out);
		print_files(plan, out);
		sw_print_deviations(deviations(plan), out);
	}
	return check_space(plan, error);
}
