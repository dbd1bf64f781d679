/* SPDX-License-Identifier: MIT */
#include "cli/print.h"
#include "cli/verbs.h"
#include "core/size.h"
#include "image/facts.h"
#include "image/image.h"
#include "source/source.h"

/* What inspect has found out. */
struct view {
	const char *reference; /* with its transport */
	const struct sw_oci_image *oci;
	const struct sw_import *import;
	const struct sw_facts *facts;
};

/* "2026-01-31T12:00:00Z"; NULL when the image does not say. */
static char *time_text(guint64 seconds)
{
	g_autoptr(GDateTime) time = NULL;

	if (seconds == 0 || seconds > G_MAXINT64)
		return NULL;
	time = g_date_time_new_from_unix_utc((gint64)seconds);
	return time == NULL ? NULL : g_date_time_format_iso8601(time);
}

static guint64 layers_size(const struct sw_oci_image *oci)
{
	guint64 sum = 0;

	for (guint i = 0; i < oci->layers->len; i++)
		sum += ((const struct sw_oci_layer *)oci->layers->pdata[i])->size;
	return sum;
}

static gboolean is_installable(const struct sw_facts *facts)
{
	for (guint i = 0; i < facts->requirements->len; i++)
		if (((const struct sw_requirement *)facts->requirements->pdata[i])->state ==
		    SW_UNMET)
			return FALSE;
	return TRUE;
}

static const char *const state_names[] = {
	[SW_MET] = "met", [SW_UNMET] = "unmet", [SW_WARNING] = "warning"
};

static void facts_to_json(JsonBuilder *json, const struct sw_facts *facts)
{
	json_builder_set_member_name(json, "system");
	json_builder_begin_object(json);
	sw_json_text(json, "name", facts->os_name);
	sw_json_text(json, "id", facts->os_id);
	sw_json_text(json, "version_id", facts->os_version_id);
	json_builder_end_object(json);
	sw_json_text(json, "kernel", facts->kernel_version);
	sw_json_text(json, "rootfs", facts->rootfs);
	sw_json_text(json, "stateroot", facts->stateroot);
	sw_json_text(json, "bootloader", sw_bootloader_names[facts->bootloader]);
	sw_json_bool(json, "bios_grub", facts->has_bios_grub);
	sw_json_text(json, "composefs", sw_composefs_names[facts->composefs]);
	sw_json_bool(json, "selinux", facts->has_selinux);
	json_builder_set_member_name(json, "kargs");
	json_builder_begin_object(json);
	sw_json_texts(json, "install", (const char *const *)facts->install_kargs);
	sw_json_texts(json, "image", (const char *const *)facts->image_kargs);
	sw_json_texts(json, "deletes", (const char *const *)facts->install_karg_deletes);
	json_builder_end_object(json);
	json_builder_set_member_name(json, "install_configuration");
	json_builder_add_value(json, sw_install_config_to_json(facts->install));
	sw_json_texts(json, "bound_images", (const char *const *)facts->bound_images);
	json_builder_set_member_name(json, "content");
	json_builder_begin_object(json);
	sw_json_number(json, "bytes", facts->content_bytes);
	sw_json_number(json, "files", facts->content_files);
	json_builder_end_object(json);
}

static void requirements_to_json(JsonBuilder *json, const struct sw_facts *facts)
{
	sw_json_bool(json, "installable", is_installable(facts));
	json_builder_set_member_name(json, "requirements");
	json_builder_begin_array(json);
	for (guint i = 0; i < facts->requirements->len; i++) {
		const struct sw_requirement *requirement = facts->requirements->pdata[i];

		json_builder_begin_object(json);
		sw_json_text(json, "id", requirement->id);
		sw_json_text(json, "what", requirement->what);
		sw_json_text(json, "state", state_names[requirement->state]);
		sw_json_text(json, "detail", requirement->detail);
		sw_json_text(json, "remedy", requirement->remedy);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void layers_to_json(JsonBuilder *json, const struct sw_oci_image *oci)
{
	json_builder_set_member_name(json, "layers");
	json_builder_begin_array(json);
	for (guint i = 0; i < oci->layers->len; i++) {
		const struct sw_oci_layer *layer = oci->layers->pdata[i];

		json_builder_begin_object(json);
		sw_json_text(json, "digest", layer->digest);
		sw_json_text(json, "diff_id", layer->diff_id);
		sw_json_text(json, "media_type", layer->media_type);
		sw_json_number(json, "size", layer->size);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

/* The names of the labels in alphabetical order, NULL at the end.  g_free() it. */
static const char **label_names(const struct sw_oci_image *oci)
{
	g_autoptr(GList) keys =
		g_list_sort(g_hash_table_get_keys(oci->labels), (GCompareFunc)g_strcmp0);
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (GList *key = keys; key != NULL; key = key->next)
		g_ptr_array_add(names, key->data);
	g_ptr_array_add(names, NULL);
	return (const char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

static void print_json(const struct view *view, GString *out)
{
	const struct sw_oci_image *oci = view->oci;
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autofree char *created = time_text(oci->created);
	g_autofree const char **names = label_names(oci);

	json_builder_begin_object(json);
	sw_json_text(json, "image", view->reference);
	sw_json_text(json, "digest", oci->manifest_digest);
	sw_json_text(json, "version", oci->version);
	sw_json_text(json, "created", created);
	sw_json_text(json, "architecture", oci->architecture);
	facts_to_json(json, view->facts);
	layers_to_json(json, oci);
	sw_json_text(json, "commit", view->import->commit);
	json_builder_set_member_name(json, "labels");
	json_builder_begin_object(json);
	for (guint i = 0; names[i] != NULL; i++)
		sw_json_text(json, names[i], g_hash_table_lookup(oci->labels, names[i]));
	json_builder_end_object(json);
	requirements_to_json(json, view->facts);
	json_builder_end_object(json);
	sw_json_print(json, out);
}

static void add_list(struct sw_table *table, const char *what, char **list)
{
	g_autofree char *all = list == NULL ? g_strdup("") : g_strjoinv(" ", list);

	sw_table_add(table, what, *all == '\0' ? "none" : all);
}

static void print_image(const struct view *view, GString *out)
{
	const struct sw_oci_image *oci = view->oci;
	const struct sw_facts *facts = view->facts;
	g_autoptr(SwTable) table = sw_table_new("ll");
	g_autofree char *created = time_text(oci->created);
	g_autofree char *bytes = sw_size_format(facts->content_bytes);
	g_autofree char *content =
		g_strdup_printf("%s in %" G_GUINT64_FORMAT " files", bytes, facts->content_files);
	g_autofree char *bootloader =
		g_strdup_printf("%s%s", sw_bootloader_names[facts->bootloader],
				facts->has_bios_grub ? ", with GRUB for BIOS" : "");

	sw_table_add(table, "image", view->reference);
	sw_table_add(table, "digest", oci->manifest_digest);
	sw_table_add(table, "system", facts->os_name != NULL ? facts->os_name : "unknown");
	sw_table_add(table, "version", oci->version != NULL ? oci->version : "none");
	sw_table_add(table, "created", created != NULL ? created : "unknown");
	sw_table_add(table, "architecture", oci->architecture);
	sw_table_add(table, "kernel",
		     facts->kernel_version != NULL ? facts->kernel_version : "none");
	sw_table_add(table, "root filesystem",
		     facts->rootfs != NULL ? facts->rootfs : "the image names none");
	sw_table_add(table, "bootloader", bootloader);
	sw_table_add(table, "composefs", sw_composefs_names[facts->composefs]);
	sw_table_add(table, "SELinux", facts->has_selinux ? "yes" : "no");
	add_list(table, "install kargs", facts->install_kargs);
	add_list(table, "image kargs", facts->image_kargs);
	sw_table_add(table, "content", content);
	sw_table_print(table, 0, out);
}

/* In bootc's own form: the result of `bootc install print-configuration --all` in the image. */
static void print_install_config(const struct view *view, GString *out)
{
	g_autoptr(JsonNode) node = sw_install_config_to_json(view->facts->install);
	g_autofree char *text = json_to_string(node, TRUE);

	g_string_append_printf(out, "\nInstall configuration:\n%s\n", text);
}

static void print_layers(const struct view *view, GString *out)
{
	const struct sw_oci_image *oci = view->oci;
	g_autoptr(SwTable) table = sw_table_new("rlr");
	g_autofree char *total = sw_size_format(layers_size(oci));

	for (guint i = 0; i < oci->layers->len; i++) {
		const struct sw_oci_layer *layer = oci->layers->pdata[i];
		g_autofree char *number = g_strdup_printf("%u", i + 1);
		g_autofree char *size = sw_size_format(layer->size);

		sw_table_add(table, number, layer->digest, size);
	}
	g_string_append_printf(out, "\nLayers (%u, %s):\n", oci->layers->len, total);
	sw_table_print(table, 2, out);
}

static void print_labels(const struct view *view, GString *out)
{
	g_autofree const char **names = label_names(view->oci);
	g_autoptr(SwTable) table = sw_table_new("ll");

	if (names[0] == NULL)
		return;
	for (guint i = 0; names[i] != NULL; i++)
		sw_table_add(table, names[i], g_hash_table_lookup(view->oci->labels, names[i]));
	g_string_append(out, "\nLabels:\n");
	sw_table_print(table, 2, out);
}

static void print_requirements(const struct view *view, GString *out)
{
	static const char *const words[] = {
		[SW_MET] = "yes", [SW_UNMET] = "NO", [SW_WARNING] = "warning"
	};
	g_autoptr(SwTable) table = sw_table_new("lll");

	for (guint i = 0; i < view->facts->requirements->len; i++) {
		const struct sw_requirement *requirement = view->facts->requirements->pdata[i];

		sw_table_add(table, words[requirement->state], requirement->what,
			     requirement->detail);
		if (requirement->state != SW_MET && requirement->remedy != NULL)
			sw_table_add(table, "", "  to do:", requirement->remedy);
	}
	g_string_append(out, "\nRequirements:\n");
	sw_table_print(table, 2, out);
	g_string_append_printf(out, "\n%s\n",
			       is_installable(view->facts) ? "The image can be installed."
							   : "The image cannot be installed.");
}

static gboolean open_source(const struct sw_build *build, const struct sw_reference *reference,
			    struct sw_progress *progress, struct sw_source **ret_source,
			    GCancellable *cancellable, GError **error)
{
	struct sw_source_options options = { .reference = reference,
					     .architecture = build->target_arch,
					     .authfile = build->authfile,
					     .tls_verify = build->tls_verify };

	return sw_source_open(&options, progress, ret_source, cancellable, error);
}

gboolean sw_cmd_inspect(const struct sw_call *call, GString *out, GCancellable *cancellable,
			GError **error)
{
	const struct sw_build *build = call->build;
	g_autoptr(SwProgress) progress = sw_progress_new(build->progress);
	g_autoptr(SwReference) reference = NULL;
	g_autoptr(SwCache) cache = NULL;
	g_autoptr(SwSource) source = NULL;
	g_autoptr(SwImport) import = NULL;
	g_autoptr(SwFacts) facts = NULL;
	g_autofree char *name = NULL;
	struct view view = { 0 };

	if (!sw_reference_parse(build->image, &reference, error) ||
	    !sw_cache_open(build->cache, &cache, cancellable, error) ||
	    !open_source(build, reference, progress, &source, cancellable, error) ||
	    !sw_image_import(cache, source, progress, &import, cancellable, error) ||
	    !sw_facts_read(sw_cache_repo(cache), import->commit, sw_source_image(source),
			   build->rootfs, &facts, cancellable, error))
		return FALSE;
	name = sw_reference_to_string(reference);
	view = (struct view){ name, sw_source_image(source), import, facts };
	if (build->json) {
		print_json(&view, out);
	} else {
		print_image(&view, out);
		print_layers(&view, out);
		print_install_config(&view, out);
		print_labels(&view, out);
		print_requirements(&view, out);
	}
	return sw_facts_check(facts, error);
}
