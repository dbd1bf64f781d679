/* SPDX-License-Identifier: MIT */
#include "storage/oci/manifest.h"

#include <string.h>

#include "core/json.h"
#include "core/size.h"
#include "core/text.h"
#include "storage/oci/name.h"

#define KEY "io.slipway.key"
#define OFFSET "io.slipway.file.offset"
#define SIZE "io.slipway.file.size"
#define SHA256 "io.slipway.file.sha256"
#define METADATA "io.slipway."
#define CREATED "org.opencontainers.image.created"
#define TITLE "org.opencontainers.image.title"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_INDEX "application/vnd.docker.distribution.manifest.list.v2+json"
#define BLOB_MAX (G_GUINT64_CONSTANT(1) << 50)

static const struct sw_json_subject manifest_subject = { "the manifest", SW_ERROR_STORAGE,
							 "bad-manifest" };
static const struct sw_json_subject index_subject = { "the image index", SW_ERROR_STORAGE,
						      "bad-manifest" };
static const struct sw_json_subject tags_subject = { "the list of tags", SW_ERROR_STORAGE,
						     "bad-answer" };

void sw_oci_descriptor_clear(struct sw_oci_descriptor *descriptor)
{
	g_clear_pointer(&descriptor->media_type, g_free);
}

void sw_oci_describe(const char *media_type, const void *bytes, size_t length,
		     struct sw_oci_descriptor *ret)
{
	char hex[SW_SHA256_SIZE];

	sw_sha256_data(bytes, length, hex);
	ret->media_type = g_strdup(media_type);
	g_snprintf(ret->digest, sizeof ret->digest, "sha256:%s", hex);
	ret->size = length;
}

void sw_oci_file_clear(struct sw_oci_file *file)
{
	g_clear_pointer(&file->key, g_free);
	sw_oci_descriptor_clear(&file->blob);
	sw_oci_descriptor_clear(&file->subject);
}

static gboolean take_descriptor(JsonObject *object, const struct sw_json_subject *subject,
				struct sw_oci_descriptor *ret, GError **error)
{
	const char *media_type = NULL, *digest = NULL;
	gint64 size = 0;

	if (!sw_json_get_string(object, "mediaType", TRUE, subject, &media_type, error) ||
	    !sw_json_get_string(object, "digest", TRUE, subject, &digest, error) ||
	    !sw_json_get_int(object, "size", TRUE, subject, &size, error))
		return FALSE;
	if (!sw_oci_media_type_valid(media_type) || !sw_digest_valid(digest) || size < 0 ||
	    (guint64)size > BLOB_MAX)
		return sw_fail(error, SW_ERROR_STORAGE, subject->id,
			       "%s: a descriptor with a bad media type, digest or size",
			       subject->name);
	ret->media_type = g_strdup(media_type);
	g_strlcpy(ret->digest, digest, sizeof ret->digest);
	ret->size = (guint64)size;
	return TRUE;
}

/* The annotation NAME of OBJECT; NULL: none. */
static const char *annotation(JsonObject *object, const char *name)
{
	const struct sw_json_subject *subject = &manifest_subject;
	JsonObject *annotations = NULL;
	const char *text = NULL;

	if (!sw_json_get_object(object, "annotations", FALSE, subject, &annotations, NULL) ||
	    annotations == NULL ||
	    !sw_json_get_string(annotations, name, FALSE, subject, &text, NULL))
		return NULL;
	return text;
}

/* Where in the blob the file lies: it is the whole blob unless the layer says otherwise. */
static gboolean take_place(JsonObject *layer, struct sw_oci_file *file, GError **error)
{
	const char *offset = annotation(layer, OFFSET), *size = annotation(layer, SIZE);
	const char *sha256 = annotation(layer, SHA256);
	g_autofree char *digest = g_strconcat("sha256:", sha256, NULL);

	file->stored.size = file->blob.size;
	g_strlcpy(file->stored.sha256, strchr(file->blob.digest, ':') + 1, SW_SHA256_SIZE);
	if (offset == NULL)
		return TRUE;
	if (size == NULL || sha256 == NULL || !sw_digest_valid(digest) ||
	    !sw_number_parse(offset, 0, file->blob.size, &file->offset, NULL) ||
	    !sw_number_parse(size, 0, file->blob.size - file->offset, &file->stored.size, NULL))
		return sw_fail(error, SW_ERROR_STORAGE, "bad-manifest",
			       "the manifest: the place of the file in its layer is none");
	g_strlcpy(file->stored.sha256, sha256, SW_SHA256_SIZE);
	return TRUE;
}

static gint64 time_of(const char *text)
{
	g_autoptr(GDateTime) time = text == NULL ? NULL : g_date_time_new_from_iso8601(text, NULL);

	return time == NULL ? 0 : g_date_time_to_unix(time);
}

static gboolean take_layer(JsonObject *object, struct sw_oci_file *file, GError **error)
{
	JsonArray *layers = NULL;
	JsonNode *layer;

	if (!sw_json_get_array(object, "layers", FALSE, &manifest_subject, &layers, error))
		return FALSE;
	if (layers == NULL || json_array_get_length(layers) != 1)
		return sw_fail(error, SW_ERROR_STORAGE, "no-file",
			       "it is an image of %u layers, and no file of one",
			       layers == NULL ? 0 : json_array_get_length(layers));
	layer = json_array_get_element(layers, 0);
	if (!JSON_NODE_HOLDS_OBJECT(layer))
		return sw_fail(error, SW_ERROR_STORAGE, "bad-manifest",
			       "the manifest: its layer is no object");
	return take_descriptor(json_node_get_object(layer), &manifest_subject, &file->blob,
			       error) &&
	       take_place(json_node_get_object(layer), file, error);
}

gboolean sw_oci_file_parse(const char *text, size_t length, struct sw_oci_file *ret_file,
			   JsonNode **ret_root, GError **error)
{
	struct sw_oci_file file = { 0 };
	g_autoptr(JsonNode) root = NULL;
	JsonObject *object, *subject = NULL;
	const char *key;

	if (!sw_json_parse(text, length, &manifest_subject, &root, error))
		return FALSE;
	object = json_node_get_object(root);
	if (!sw_json_get_object(object, "subject", FALSE, &manifest_subject, &subject, error) ||
	    !take_layer(object, &file, error) ||
	    (subject != NULL &&
	     !take_descriptor(subject, &manifest_subject, &file.subject, error))) {
		sw_oci_file_clear(&file);
		return FALSE;
	}
	key = annotation(object, KEY);
	file.key = key != NULL && sw_key_check(key, NULL) ? g_strdup(key) : NULL;
	file.stored.modified = time_of(annotation(object, CREATED));
	*ret_file = file;
	if (ret_root != NULL)
		*ret_root = g_steal_pointer(&root);
	return TRUE;
}

static JsonObject *descriptor_object(const struct sw_oci_descriptor *descriptor)
{
	JsonObject *object = json_object_new();

	json_object_set_string_member(object, "mediaType", descriptor->media_type);
	json_object_set_string_member(object, "digest", descriptor->digest);
	json_object_set_int_member(object, "size", (gint64)descriptor->size);
	return object;
}

static void set_number(JsonObject *object, const char *name, guint64 number)
{
	g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, number);

	json_object_set_string_member(object, name, text);
}

static JsonArray *layers_of(const struct sw_oci_draft *draft)
{
	const struct sw_oci_file *file = draft->file;
	JsonObject *layer = descriptor_object(&file->blob);
	JsonObject *annotations = json_object_new();
	JsonArray *layers = json_array_new();

	json_object_set_string_member(annotations, TITLE, draft->title);
	if (file->offset > 0) {
		set_number(annotations, OFFSET, file->offset);
		set_number(annotations, SIZE, file->stored.size);
		json_object_set_string_member(annotations, SHA256, file->stored.sha256);
	}
	json_object_set_object_member(layer, "annotations", annotations);
	json_array_add_object_element(layers, layer);
	return layers;
}

/* In the order of the names, so that the same is always the same. */
static void add_metadata(JsonObject *annotations, GHashTable *metadata)
{
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(metadata), (GCompareFunc)strcmp);

	for (GList *name = names; name != NULL; name = name->next) {
		g_autofree char *member = g_strconcat(METADATA, name->data, NULL);

		json_object_set_string_member(annotations, member,
					      g_hash_table_lookup(metadata, name->data));
	}
}

static char *print(JsonObject *object)
{
	g_autoptr(JsonNode) root = json_node_init_object(json_node_alloc(), object);

	return json_to_string(root, FALSE);
}

char *sw_oci_manifest_make(const struct sw_oci_draft *draft)
{
	g_autoptr(JsonObject) object = json_object_new();
	JsonObject *annotations = json_object_new();

	json_object_set_int_member(object, "schemaVersion", 2);
	json_object_set_string_member(object, "mediaType", SW_OCI_MANIFEST);
	if (draft->artifact_type != NULL)
		json_object_set_string_member(object, "artifactType", draft->artifact_type);
	json_object_set_object_member(object, "config", descriptor_object(draft->config));
	json_object_set_array_member(object, "layers", layers_of(draft));
	if (draft->file->subject.digest[0] != '\0')
		json_object_set_object_member(object, "subject",
					      descriptor_object(&draft->file->subject));
	json_object_set_string_member(annotations, KEY, draft->key);
	json_object_set_string_member(annotations, CREATED, draft->created);
	if (draft->metadata != NULL)
		add_metadata(annotations, draft->metadata);
	json_object_set_object_member(object, "annotations", annotations);
	return print(object);
}

/* The object NAME of OBJECT, made where there is none. */
static JsonObject *make_member(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
		json_object_set_object_member(object, name, json_object_new());
	return json_object_get_object_member(object, name);
}

char *sw_oci_manifest_rename(JsonNode *root, const char *key, const char *created)
{
	JsonObject *object = json_node_get_object(root);
	JsonObject *layer =
		json_array_get_object_element(json_object_get_array_member(object, "layers"), 0);
	JsonObject *annotations = make_member(object, "annotations");
	g_autofree char *title = g_path_get_basename(key);

	json_object_remove_member(object, "subject");
	json_object_set_string_member(annotations, KEY, key);
	json_object_set_string_member(annotations, CREATED, created);
	json_object_set_string_member(make_member(layer, "annotations"), TITLE, title);
	return json_to_string(root, FALSE);
}

char *sw_oci_config_make(const char *architecture, const char *created,
			 const struct sw_oci_descriptor *layer)
{
	g_autoptr(JsonObject) object = json_object_new();
	JsonObject *rootfs = json_object_new();
	JsonArray *diffs = json_array_new();

	json_object_set_string_member(object, "created", created);
	json_object_set_string_member(object, "architecture", architecture);
	json_object_set_string_member(object, "os", "linux");
	json_object_set_object_member(object, "config", json_object_new());
	json_array_add_string_element(diffs, layer->digest);
	json_object_set_string_member(rootfs, "type", "layers");
	json_object_set_array_member(rootfs, "diff_ids", diffs);
	json_object_set_object_member(object, "rootfs", rootfs);
	return print(object);
}

gboolean sw_oci_tags_parse(const char *text, size_t length, GPtrArray *tags, GError **error)
{
	g_autoptr(JsonNode) root = NULL;
	JsonArray *array = NULL;

	if (!sw_json_parse(text, length, &tags_subject, &root, error) ||
	    !sw_json_get_array(json_node_get_object(root), "tags", FALSE, &tags_subject, &array,
			       error))
		return FALSE;
	for (guint i = 0; array != NULL && i < json_array_get_length(array); i++) {
		JsonNode *node = json_array_get_element(array, i);
		const char *tag = json_node_get_value_type(node) == G_TYPE_STRING
					  ? json_node_get_string(node)
					  : NULL;

		if (tag == NULL || !sw_oci_tag_valid(tag))
			return sw_fail(error, SW_ERROR_STORAGE, tags_subject.id,
				       "%s has something that is no tag", tags_subject.name);
		g_ptr_array_add(tags, g_strdup(tag));
	}
	return TRUE;
}

static gboolean get_manifests(const char *text, size_t length, JsonNode **ret_root,
			      JsonArray **ret_manifests, GError **error)
{
	JsonArray *array = NULL;

	if (!sw_json_parse(text, length, &index_subject, ret_root, error) ||
	    !sw_json_get_array(json_node_get_object(*ret_root), "manifests", TRUE, &index_subject,
			       &array, error))
		return FALSE;
	for (guint i = 0; i < json_array_get_length(array); i++)
		if (!JSON_NODE_HOLDS_OBJECT(json_array_get_element(array, i)))
			return sw_fail(error, SW_ERROR_STORAGE, index_subject.id,
				       "%s lists something that is no object", index_subject.name);
	*ret_manifests = array;
	return TRUE;
}

static gboolean is_for(JsonObject *entry, const char *architecture)
{
	JsonObject *platform = NULL;
	const char *machine = NULL, *os = NULL;

	return sw_json_get_object(entry, "platform", FALSE, &index_subject, &platform, NULL) &&
	       platform != NULL &&
	       sw_json_get_string(platform, "architecture", FALSE, &index_subject, &machine,
				  NULL) &&
	       sw_json_get_string(platform, "os", FALSE, &index_subject, &os, NULL) &&
	       g_strcmp0(machine, architecture) == 0 && g_strcmp0(os, "linux") == 0;
}

gboolean sw_oci_index_find(const char *text, size_t length, const char *architecture,
			   struct sw_oci_descriptor *ret_found, GError **error)
{
	g_autoptr(JsonNode) root = NULL;
	JsonArray *manifests = NULL;

	*ret_found = (struct sw_oci_descriptor){ 0 };
	if (!get_manifests(text, length, &root, &manifests, error))
		return FALSE;
	for (guint i = 0; i < json_array_get_length(manifests); i++) {
		JsonObject *entry = json_array_get_object_element(manifests, i);

		if (is_for(entry, architecture))
			return take_descriptor(entry, &index_subject, ret_found, error);
	}
	return TRUE;
}

static char *new_index(const struct sw_oci_descriptor *added)
{
	return added == NULL ? g_strdup("{\"manifests\": []}")
			     : g_strdup("{\"schemaVersion\": 2, \"mediaType\": \"" SW_OCI_INDEX
					"\", \"manifests\": []}");
}

char *sw_oci_referrers_change(const char *text, size_t length, const char *digest,
			      const struct sw_oci_descriptor *added, const char *artifact_type,
			      guint *ret_count, GError **error)
{
	g_autofree char *empty = text == NULL ? new_index(added) : NULL;
	g_autoptr(JsonNode) root = NULL;
	JsonArray *old = NULL, *manifests = json_array_new();
	JsonObject *object;

	if (!get_manifests(empty == NULL ? text : empty, empty == NULL ? length : strlen(empty),
			   &root, &old, error)) {
		json_array_unref(manifests);
		return NULL;
	}
	for (guint i = 0; i < json_array_get_length(old); i++) {
		JsonObject *entry = json_array_get_object_element(old, i);
		const char *its = NULL;

		if (!sw_json_get_string(entry, "digest", FALSE, &index_subject, &its, NULL) ||
		    g_strcmp0(its, digest) != 0)
			json_array_add_object_element(manifests, json_object_ref(entry));
	}
	if (added != NULL) {
		object = descriptor_object(added);
		json_object_set_string_member(object, "artifactType", artifact_type);
		json_array_add_object_element(manifests, object);
	}
	*ret_count = json_array_get_length(manifests);
	json_object_set_array_member(json_node_get_object(root), "manifests", manifests);
	return json_to_string(root, FALSE);
}

void sw_oci_error_parse(const char *text, size_t length, char **ret_code, char **ret_message)
{
	static const struct sw_json_subject subject = { "the error", SW_ERROR_STORAGE,
							"bad-answer" };
	g_autoptr(JsonNode) root = NULL;
	JsonArray *errors = NULL;
	const char *code = NULL, *message = NULL;
	JsonNode *first;

	if (sw_json_parse(text, length, &subject, &root, NULL) &&
	    sw_json_get_array(json_node_get_object(root), "errors", FALSE, &subject, &errors,
			      NULL) &&
	    errors != NULL && json_array_get_length(errors) > 0) {
		first = json_array_get_element(errors, 0);
		if (JSON_NODE_HOLDS_OBJECT(first) &&
		    (!sw_json_get_string(json_node_get_object(first), "code", FALSE, &subject,
					 &code, NULL) ||
		     !sw_json_get_string(json_node_get_object(first), "message", FALSE, &subject,
					 &message, NULL)))
			message = NULL;
	}
	*ret_code = sw_text_excerpt(code);
	*ret_message = sw_text_excerpt(message);
}
