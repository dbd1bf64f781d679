/* SPDX-License-Identifier: MIT */
#include "source/oci.h"

#include <string.h>

#include "core/hash.h"
#include "core/json.h"
#include "core/size.h"
#include "core/text.h"

#define JSON_MAX (4 * SW_MIB)
#define LAYERS_MAX 1000
#define LAYER_SIZE_MAX (SW_GIB * 1024)
#define TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define ANNOTATION_CREATED "org.opencontainers.image.created"
#define LABEL_VERSION "org.opencontainers.image.version"

static const struct sw_json_subject of_manifest = { "the image's manifest", SW_ERROR_SOURCE,
						    "manifest" };
static const struct sw_json_subject of_config = { "the image's configuration", SW_ERROR_SOURCE,
						  "config" };

static const char *const config_types[] = { "application/vnd.oci.image.config.v1+json",
					    "application/vnd.docker.container.image.v1+json",
					    NULL };

/* What bootc's importer takes, and Docker's own words for the same. */
static const char *const layer_types[] = { "application/vnd.oci.image.layer.v1.tar",
					   "application/vnd.oci.image.layer.v1.tar+gzip",
					   "application/vnd.oci.image.layer.v1.tar+zstd",
					   "application/vnd.docker.image.rootfs.diff.tar",
					   "application/vnd.docker.image.rootfs.diff.tar.gzip",
					   NULL };

static gboolean fail_parse(const struct sw_json_subject *subject, GError **error,
			   const char *format, ...) G_GNUC_PRINTF(3, 4);

static gboolean fail_parse(const struct sw_json_subject *subject, GError **error,
			   const char *format, ...)
{
	g_autofree char *what = NULL;
	g_autofree char *line = NULL;
	va_list args;

	va_start(args, format);
	what = g_strdup_vprintf(format, args);
	va_end(args);
	line = sw_text_line(what);
	return sw_fail(error, subject->code, subject->id, "%s: %s", subject->name, line);
}

static void layer_free(gpointer data)
{
	struct sw_oci_layer *layer = data;

	g_free(layer->digest);
	g_free(layer->diff_id);
	g_free(layer->media_type);
	g_free(layer);
}

void sw_oci_image_free(struct sw_oci_image *image)
{
	if (image == NULL)
		return;
	g_free(image->manifest_digest);
	g_free(image->manifest);
	g_free(image->config);
	g_free(image->architecture);
	g_free(image->os);
	g_free(image->version);
	g_clear_pointer(&image->labels, g_hash_table_unref);
	g_clear_pointer(&image->layers, g_ptr_array_unref);
	g_free(image);
}

/* An unsure time is none: it must not stop a build. */
static guint64 parse_time(const char *text)
{
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = text != NULL ? g_date_time_new_from_iso8601(text, utc) : NULL;
	gint64 seconds = time != NULL ? g_date_time_to_unix(time) : 0;

	return seconds > 0 ? (guint64)seconds : 0;
}

static gboolean parse_layer(JsonObject *object, struct sw_oci_layer *layer, GError **error)
{
	const char *digest = NULL;
	const char *type = NULL;
	gint64 size = 0;

	if (!sw_json_get_string(object, "digest", TRUE, &of_manifest, &digest, error) ||
	    !sw_json_get_string(object, "mediaType", TRUE, &of_manifest, &type, error) ||
	    !sw_json_get_int(object, "size", TRUE, &of_manifest, &size, error))
		return FALSE;
	if (!sw_digest_valid(digest))
		return fail_parse(&of_manifest, error, "'%.100s' is no sha256 digest", digest);
	if (!g_strv_contains(layer_types, type))
		return fail_parse(
			&of_manifest, error,
			"a layer is '%.100s' and no tar: give an operating system's image", type);
	if (size < 0 || (guint64)size > LAYER_SIZE_MAX)
		return fail_parse(&of_manifest, error, "layer %s has an impossible size", digest);
	layer->digest = g_strdup(digest);
	layer->media_type = g_strdup(type);
	layer->size = (guint64)size;
	return TRUE;
}

static gboolean parse_layers(JsonArray *array, GPtrArray *layers, GError **error)
{
	guint count = json_array_get_length(array);

	if (count == 0)
		return fail_parse(&of_manifest, error,
				  "no layers: not an operating system's image");
	if (count > LAYERS_MAX)
		return fail_parse(&of_manifest, error, "more than %d layers", LAYERS_MAX);
	for (guint i = 0; i < count; i++) {
		JsonNode *node = json_array_get_element(array, i);
		struct sw_oci_layer *layer = g_new0(struct sw_oci_layer, 1);

		g_ptr_array_add(layers, layer);
		if (!JSON_NODE_HOLDS_OBJECT(node))
			return fail_parse(&of_manifest, error, "a layer is not an object");
		if (!parse_layer(json_node_get_object(node), layer, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean check_config_type(JsonObject *root, GError **error)
{
	JsonObject *config = NULL;
	const char *type = NULL;

	if (!sw_json_get_object(root, "config", TRUE, &of_manifest, &config, error) ||
	    !sw_json_get_string(config, "mediaType", TRUE, &of_manifest, &type, error))
		return FALSE;
	if (!g_strv_contains(config_types, type))
		return fail_parse(&of_manifest, error,
				  "it is an artifact ('%.100s') and not an image", type);
	return TRUE;
}

static gboolean parse_manifest(struct sw_oci_image *image, GError **error)
{
	g_autoptr(JsonNode) node = NULL;
	JsonObject *root = NULL;
	JsonObject *annotations = NULL;
	JsonArray *layers = NULL;
	const char *type = NULL;
	const char *created = NULL;
	gint64 version = 0;

	if (!sw_json_parse(image->manifest, strlen(image->manifest), &of_manifest, &node, error))
		return FALSE;
	root = json_node_get_object(node);
	if (!sw_json_get_int(root, "schemaVersion", TRUE, &of_manifest, &version, error) ||
	    !sw_json_get_string(root, "mediaType", FALSE, &of_manifest, &type, error))
		return FALSE;
	if (version != 2 || (type != NULL && strcmp(type, TYPE_MANIFEST) != 0))
		return fail_parse(&of_manifest, error, "not an OCI image manifest");
	if (!check_config_type(root, error) ||
	    !sw_json_get_array(root, "layers", TRUE, &of_manifest, &layers, error) ||
	    !parse_layers(layers, image->layers, error) ||
	    !sw_json_get_object(root, "annotations", FALSE, &of_manifest, &annotations, error))
		return FALSE;
	if (annotations != NULL && !sw_json_get_string(annotations, ANNOTATION_CREATED, FALSE,
						       &of_manifest, &created, error))
		return FALSE;
	image->created = parse_time(created);
	return TRUE;
}

static gboolean parse_labels(JsonObject *object, GHashTable *labels, GError **error)
{
	JsonObjectIter iter;
	const char *name = NULL;

	json_object_iter_init(&iter, object);
	while (json_object_iter_next(&iter, &name, NULL)) {
		const char *value = NULL;

		if (!g_utf8_validate(name, -1, NULL))
			return fail_parse(&of_config, error, "a label's name is not UTF-8");
		if (!sw_json_get_string(object, name, FALSE, &of_config, &value, error))
			return FALSE;
		if (value != NULL)
			g_hash_table_replace(labels, g_strdup(name), g_strdup(value));
	}
	return TRUE;
}

/* Layers that share a digest share their content. */
static gboolean check_twins(const struct sw_oci_image *image, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < image->layers->len; i++) {
		struct sw_oci_layer *layer = g_ptr_array_index(image->layers, i);
		const struct sw_oci_layer *twin = g_hash_table_lookup(seen, layer->digest);

		if (twin == NULL)
			g_hash_table_insert(seen, layer->digest, layer);
		else if (twin->size != layer->size || strcmp(twin->diff_id, layer->diff_id) != 0)
			return fail_parse(&of_manifest, error,
					  "layer %s is listed twice with different contents",
					  layer->digest);
	}
	return TRUE;
}

static gboolean parse_diff_ids(JsonObject *root, const struct sw_oci_image *image, GError **error)
{
	JsonObject *rootfs = NULL;
	JsonArray *ids = NULL;
	guint count = 0;

	if (!sw_json_get_object(root, "rootfs", TRUE, &of_config, &rootfs, error) ||
	    !sw_json_get_array(rootfs, "diff_ids", TRUE, &of_config, &ids, error))
		return FALSE;
	count = json_array_get_length(ids);
	if (count != image->layers->len)
		return fail_parse(&of_config, error, "%u diff_ids for %u layers", count,
				  image->layers->len);
	for (guint i = 0; i < count; i++) {
		struct sw_oci_layer *layer = g_ptr_array_index(image->layers, i);
		JsonNode *node = json_array_get_element(ids, i);

		if (json_node_get_value_type(node) != G_TYPE_STRING ||
		    !sw_digest_valid(json_node_get_string(node)))
			return fail_parse(&of_config, error, "diff_id %u is no sha256 digest", i);
		layer->diff_id = json_node_dup_string(node);
	}
	return check_twins(image, error);
}

/* A word that may stand in a message and be compared: "amd64", "linux". */
static gboolean get_word(JsonObject *root, const char *name, char **ret_word, GError **error)
{
	const char *word = NULL;

	if (!sw_json_get_string(root, name, TRUE, &of_config, &word, error))
		return FALSE;
	if (*word == '\0' || strlen(word) > 64 ||
	    strspn(word, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-.") != strlen(word))
		return fail_parse(&of_config, error, "%s is no word", name);
	*ret_word = g_strdup(word);
	return TRUE;
}

static gboolean parse_config(struct sw_oci_image *image, GError **error)
{
	g_autoptr(JsonNode) node = NULL;
	JsonObject *root = NULL;
	JsonObject *run = NULL;
	JsonObject *labels = NULL;
	const char *created = NULL;
	const char *version = NULL;

	if (!sw_json_parse(image->config, strlen(image->config), &of_config, &node, error))
		return FALSE;
	root = json_node_get_object(node);
	if (!get_word(root, "architecture", &image->architecture, error) ||
	    !get_word(root, "os", &image->os, error) ||
	    !sw_json_get_string(root, "created", FALSE, &of_config, &created, error) ||
	    !sw_json_get_object(root, "config", FALSE, &of_config, &run, error) ||
	    !parse_diff_ids(root, image, error))
		return FALSE;
	if (run != NULL && !sw_json_get_object(run, "Labels", FALSE, &of_config, &labels, error))
		return FALSE;
	if (labels != NULL && !parse_labels(labels, image->labels, error))
		return FALSE;
	if (image->created == 0)
		image->created = parse_time(created);
	version = g_hash_table_lookup(image->labels, LABEL_VERSION);
	if (version == NULL)
		version = g_hash_table_lookup(image->labels, "version");
	image->version = g_strdup(version);
	return TRUE;
}

/* A NUL would end the copy early: what is parsed must be what is kept. */
static gboolean copy_text(const char *data, size_t length, const struct sw_json_subject *subject,
			  char **ret_text, GError **error)
{
	if (length > JSON_MAX)
		return fail_parse(subject, error, "over 4 MiB");
	if (memchr(data, '\0', length) != NULL)
		return fail_parse(subject, error, "not JSON");
	*ret_text = g_strndup(data, length);
	return TRUE;
}

gboolean sw_oci_image_parse(const char *manifest_digest, const char *manifest,
			    size_t manifest_length, const char *config, size_t config_length,
			    struct sw_oci_image **ret_image, GError **error)
{
	g_autoptr(SwOciImage) image = g_new0(struct sw_oci_image, 1);

	image->labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	image->layers = g_ptr_array_new_with_free_func(layer_free);
	if (!sw_digest_valid(manifest_digest))
		return fail_parse(&of_manifest, error, "'%.100s' is no sha256 digest",
				  manifest_digest);
	image->manifest_digest = g_strdup(manifest_digest);
	if (!copy_text(manifest, manifest_length, &of_manifest, &image->manifest, error) ||
	    !copy_text(config, config_length, &of_config, &image->config, error) ||
	    !parse_manifest(image, error) || !parse_config(image, error))
		return FALSE;
	*ret_image = g_steal_pointer(&image);
	return TRUE;
}

const char *sw_oci_host_architecture(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
	return "ppc64le";
#elif defined(__s390x__)
	return "s390x";
#elif defined(__riscv) && __riscv_xlen == 64
	return "riscv64";
#else
#error "an architecture that OCI has a word for, and slipway does not know"
#endif
}
