/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "storage/oci/blob.h"
#include "storage/oci/store.h"

#define ID "oci"
#define ATTEMPTS 8
#define CONNECT_TIMEOUT 10 /* seconds */

struct oci {
	/* The options. */
	char *convention;
	char *artifact_type;
	char *layer_type;
	char *subject;
	gboolean containerdisk;
	char *authfile;
	char *ca;
	gboolean tls_verify;
	gboolean plain_http;
	int timeout;
	guint64 bandwidth;
	/* The rest. */
	struct sw_oci oci;
	struct sw_oci_name name;
	struct sw_oci_storing storing;
};

#define ROW(name, type, fallback, choices, field, help)                                        \
	{                                                                                      \
		name, type, fallback, choices, G_STRUCT_OFFSET(struct oci, field), FALSE, help \
	}

static const struct sw_param params[] = {
	ROW("convention", SW_PARAM_CHOICE, "plain", sw_oci_conventions, convention,
	    "media types as FlightCtl's service (flightctl) or its manual (diskimage) has them"),
	ROW("artifact-type", SW_PARAM_STRING, NULL, NULL, artifact_type,
	    "another artifactType, {type} in it is qcow2 and such (default: as the convention)"),
	ROW("layer-type", SW_PARAM_STRING, NULL, NULL, layer_type,
	    "another media type of the layer (default: as the convention)"),
	ROW("subject", SW_PARAM_STRING, NULL, NULL, subject,
	    "image of the repository whose referrer the artifact is: a tag, a digest, or source "
	    "for "
	    "the one built from"),
	ROW("containerdisk", SW_PARAM_BOOL, "false", NULL, containerdisk,
	    "store qcow2 and raw as container disks of KubeVirt"),
	ROW("authfile", SW_PARAM_STRING, NULL, NULL, authfile,
	    "file with logins (default: --authfile, REGISTRY_AUTH_FILE, the places of "
	    "containers-auth.json)"),
	ROW("ca", SW_PARAM_STRING, NULL, NULL, ca,
	    "file with the certificates that the registry's is signed by"),
	ROW("tls-verify", SW_PARAM_BOOL, "true", NULL, tls_verify,
	    "look whose certificate the registry shows"),
	ROW("plain-http", SW_PARAM_BOOL, "false", NULL, plain_http, "use HTTP without TLS"),
	ROW("timeout", SW_PARAM_INT, "60", NULL, timeout,
	    "seconds without a byte after which a request is tried again"),
	ROW("bandwidth", SW_PARAM_SIZE, NULL, NULL, bandwidth,
	    "most bytes a second in either direction (default: no limit)"),
	{ 0 },
};

static gboolean check_type(const char *option, const char *template, GError **error)
{
	g_autofree char *text = template == NULL ? NULL : sw_oci_type_fill(template, "raw");

	return text == NULL || sw_oci_media_type_valid(text) ||
	       sw_fail(error, SW_ERROR_USAGE, "bad-option",
		       "storage oci: option %s: %s is no media type such as "
		       "application/vnd.example",
		       option, template);
}

/* "TAG", "DIGEST", or either behind the name of this repository. */
static gboolean take_subject(struct oci *s, GError **error)
{
	g_autofree char *own = g_strconcat(s->name.registry, "/", s->name.repository, NULL);
	const char *word = s->subject;

	if (word == NULL)
		return TRUE;
	if (g_str_has_prefix(word, own) && strchr(":@", word[strlen(own)]) != NULL &&
	    word[strlen(own)] != '\0')
		word += strlen(own) + 1;
	if (!sw_oci_tag_valid(word) && !sw_digest_valid(word))
		return sw_fail(
			error, SW_ERROR_USAGE, "bad-option",
			"storage oci: option subject: it must be a tag or a digest of %s, as "
			"referrers lie beside their image",
			own);
	memmove(s->subject, word, strlen(word) + 1);
	return TRUE;
}

static gboolean check_options(struct oci *s, GError **error)
{
	if (s->timeout < 1 || s->timeout > 86400)
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "storage oci: option timeout: %d is not from 1 to 86400",
			       s->timeout);
	return check_type("artifact-type", s->artifact_type, error) &&
	       check_type("layer-type", s->layer_type, error) && take_subject(s, error);
}

static gboolean oci_open(void *state, const char *location, GCancellable *cancellable,
			 GError **error)
{
	struct oci *s = state;
	gboolean hub;

	if (!sw_check_cancelled(cancellable, error) ||
	    !sw_oci_name_parse(location, &s->name, error) || !check_options(s, error))
		return FALSE;
	hub = g_str_equal(s->name.registry, "docker.io");
	s->oci.settings = (struct sw_http_settings){
		.ca = s->ca,
		.insecure = !s->tls_verify,
		.connect_timeout = CONNECT_TIMEOUT,
		.stall_timeout = s->timeout,
		.bytes_per_second = s->bandwidth,
	};
	s->oci.origin = g_strconcat(s->plain_http ? "http://" : "https://",
				    hub ? "registry-1.docker.io" : s->name.registry, NULL);
	s->oci.registry = g_strdup(s->name.registry);
	s->oci.repository = g_strdup(s->name.repository);
	s->oci.authfile = s->authfile;
	s->oci.plain = s->plain_http;
	s->oci.attempts = ATTEMPTS;
	s->storing = (struct sw_oci_storing){
		.oci = &s->oci,
		.name = &s->name,
		.convention = s->convention,
		.artifact_type = s->artifact_type,
		.layer_type = s->layer_type,
		.subject = s->subject,
		.containerdisk = s->containerdisk,
	};
	return TRUE;
}

static void oci_close(void *state)
{
	struct oci *s = state;

	sw_oci_clear(&s->oci);
	sw_oci_name_clear(&s->name);
	g_clear_pointer(&s->storing.tagged, g_free);
}

static gboolean check_registry(struct oci *s, GCancellable *cancellable, GError **error)
{
	struct sw_oci_call call = { .method = "GET", .path = "/v2/" };
	g_autoptr(GError) inner = NULL;

	if (sw_oci_call_plain(&s->oci, &call, cancellable, &inner))
		return TRUE;
	if (sw_error_is(inner, "no-key"))
		return sw_fail(error, SW_ERROR_STORAGE, "not-registry",
			       "%s is no registry: it has no /v2/", s->oci.origin);
	g_propagate_error(error, g_steal_pointer(&inner));
	return FALSE;
}

static gboolean check_subject(struct oci *s, GCancellable *cancellable, GError **error)
{
	struct sw_oci_descriptor subject = { 0 };
	gboolean good =
		sw_oci_subject_find(&s->oci, s->subject, NULL, &subject, cancellable, error);

	sw_oci_descriptor_clear(&subject);
	return good;
}

static gboolean oci_check(void *state, G_GNUC_UNUSED guint64 bytes, sw_storage_report report,
			  void *data, GCancellable *cancellable, GError **error)
{
	static const char *const names[] = { "registry", "write", "subject" };
	struct oci *s = state;
	guint count = s->subject != NULL && !g_str_equal(s->subject, SW_OCI_SOURCE) ? 3 : 2;

	/* Each look needs those before it. */
	for (guint i = 0; i < count; i++) {
		g_autoptr(GError) inner = NULL;
		gboolean good = i == 0	 ? check_registry(s, cancellable, &inner)
				: i == 1 ? sw_oci_blob_probe(&s->oci, cancellable, &inner)
					 : check_subject(s, cancellable, &inner);

		if (report != NULL)
			report(names[i], inner, data);
		if (!good) {
			g_propagate_error(error, g_steal_pointer(&inner));
			return FALSE;
		}
	}
	return TRUE;
}

static char *whole_key(const struct oci *s, const char *key)
{
	return g_strconcat(s->name.prefix, key, NULL);
}

/* What lies under the whole KEY. */
static gboolean get_key(struct oci *s, const char *key, struct sw_oci_file *ret_file,
			JsonNode **ret_root, GCancellable *cancellable, GError **error)
{
	g_autofree char *tag = sw_oci_tag_of(key);

	return sw_oci_file_get(&s->oci, tag, ret_file, NULL, ret_root, cancellable, error) ||
	       sw_oci_prefix(&s->oci, key, error);
}

static gboolean oci_put(void *state, const char *key, const struct sw_artifact *artifact,
			const struct sw_put *how, GCancellable *cancellable, GError **error)
{
	struct oci *s = state;
	g_autofree char *whole = whole_key(s, key);

	return sw_oci_store(&s->storing, whole, artifact, how, cancellable, error);
}

static gboolean oci_link(void *state, const char *from, const char *to, GCancellable *cancellable,
			 GError **error)
{
	struct oci *s = state;
	g_autofree char *source = whole_key(s, from);
	g_autofree char *target = whole_key(s, to);
	g_autofree char *tag = sw_oci_tag_of(target);
	g_autofree char *created = sw_oci_now();
	g_autofree char *text = NULL;
	g_autoptr(JsonNode) root = NULL;
	struct sw_oci_descriptor manifest = { 0 };
	struct sw_oci_file file = { 0 };
	gboolean good;

	if (!sw_key_check(source, error) || !sw_key_check(target, error) ||
	    !get_key(s, source, &file, &root, cancellable, error))
		return FALSE;
	sw_oci_file_clear(&file);
	text = sw_oci_manifest_rename(root, target, created);
	good = sw_oci_manifest_put(&s->oci, tag, SW_OCI_MANIFEST, text, &manifest, NULL,
				   cancellable, error) ||
	       sw_oci_prefix(&s->oci, target, error);
	sw_oci_descriptor_clear(&manifest);
	return good;
}

static gboolean oci_stat(void *state, const char *key, struct sw_stored *ret,
			 GCancellable *cancellable, GError **error)
{
	g_autofree char *whole = whole_key(state, key);
	struct sw_oci_file file = { 0 };

	if (!get_key(state, whole, &file, NULL, cancellable, error))
		return FALSE;
	*ret = file.stored;
	sw_oci_file_clear(&file);
	return TRUE;
}

static gboolean oci_get(void *state, const char *key, guint64 offset, sw_storage_sink sink,
			void *data, GCancellable *cancellable, GError **error)
{
	struct oci *s = state;
	g_autofree char *whole = whole_key(s, key);
	struct sw_oci_file file = { 0 };
	g_autoptr(GError) inner = NULL;
	gboolean good;

	if (!get_key(s, whole, &file, NULL, cancellable, error))
		return FALSE;
	good = sw_oci_blob_get(&s->oci, &file, offset, sink, data, cancellable, &inner);
	sw_oci_file_clear(&file);
	if (!good)
		g_propagate_error(error, g_steal_pointer(&inner));
	return good || sw_oci_prefix(&s->oci, whole, error);
}

/* A key that is there. */
struct listed {
	char *key;
	struct sw_stored stored;
};

static void listed_free(void *data)
{
	struct listed *listed = data;

	g_free(listed->key);
	g_free(listed);
}

static gint compare_listed(gconstpointer a, gconstpointer b)
{
	const struct listed *const *x = a;
	const struct listed *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

/* Adds the key of TAG, if it is one that slipway wrote and begins with PREFIX. */
static gboolean look_at_tag(struct oci *s, const char *tag, const char *prefix, GPtrArray *keys,
			    GCancellable *cancellable, GError **error)
{
	g_autofree char *key = sw_oci_key_of(tag);
	g_autofree char *its_tag = NULL;
	g_autoptr(GError) inner = NULL;
	struct sw_oci_file file = { 0 };
	struct listed *listed;

	if (key == NULL ? !sw_oci_tag_is_hash(tag) : !g_str_has_prefix(key, prefix))
		return TRUE;
	if (!sw_oci_file_get(&s->oci, tag, &file, NULL, NULL, cancellable, &inner)) {
		if (sw_error_is(inner, "no-key") || sw_error_is(inner, "no-file") ||
		    sw_error_is(inner, "bad-manifest"))
			return TRUE;
		g_propagate_error(error, g_steal_pointer(&inner));
		return FALSE;
	}
	its_tag = file.key == NULL ? NULL : sw_oci_tag_of(file.key);
	if (its_tag != NULL && g_str_equal(its_tag, tag) && g_str_has_prefix(file.key, prefix) &&
	    sw_key_check(file.key + strlen(s->name.prefix), NULL)) {
		listed = g_new0(struct listed, 1);
		listed->key = g_strdup(file.key + strlen(s->name.prefix));
		listed->stored = file.stored;
		g_ptr_array_add(keys, listed);
	}
	sw_oci_file_clear(&file);
	return TRUE;
}

static gboolean oci_list(void *state, const char *prefix, sw_storage_lister lister, void *data,
			 GCancellable *cancellable, GError **error)
{
	struct oci *s = state;
	g_autofree char *whole = whole_key(s, prefix);
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(listed_free);
	g_autoptr(GPtrArray) tags = NULL;

	if (!sw_oci_tags(&s->oci, &tags, cancellable, error))
		return sw_oci_prefix(&s->oci, NULL, error);
	for (guint i = 0; i < tags->len; i++)
		if (!look_at_tag(s, tags->pdata[i], whole, keys, cancellable, error))
			return sw_oci_prefix(&s->oci, tags->pdata[i], error);
	g_ptr_array_sort(keys, compare_listed);
	for (guint i = 0; i < keys->len; i++) {
		const struct listed *listed = keys->pdata[i];

		if (!lister(listed->key, &listed->stored, data, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean remove_file(struct oci *s, const struct sw_oci_file *file, const char *digest,
			    GCancellable *cancellable, GError **error)
{
	return sw_oci_manifest_delete(&s->oci, digest, cancellable, error) &&
	       (file->subject.digest[0] == '\0' ||
		sw_oci_referrers_tag(&s->oci, file->subject.digest, digest, NULL, NULL, cancellable,
				     error));
}

static gboolean oci_remove(void *state, const char *key, GCancellable *cancellable, GError **error)
{
	struct oci *s = state;
	g_autofree char *whole = whole_key(s, key);
	g_autofree char *tag = sw_oci_tag_of(whole);
	char digest[SW_OCI_DIGEST_SIZE] = "";
	struct sw_oci_file file = { 0 };
	g_autoptr(GError) inner = NULL;
	gboolean good;

	good = sw_oci_file_get(&s->oci, tag, &file, digest, NULL, cancellable, &inner) &&
	       remove_file(s, &file, digest, cancellable, &inner);
	sw_oci_file_clear(&file);
	if (good || sw_error_is(inner, "no-key"))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&inner));
	return sw_oci_prefix(&s->oci, whole, error);
}

static char *oci_url(void *state, const char *key, G_GNUC_UNUSED guint64 expires, GError **error)
{
	struct oci *s = state;
	g_autofree char *whole = whole_key(s, key);
	struct sw_oci_file file = { 0 };
	char *url = NULL;

	if (!get_key(s, whole, &file, NULL, NULL, error))
		return NULL;
	if (s->oci.authorization != NULL)
		sw_fail(error, SW_ERROR_STORAGE, "no-url",
			"oci://%s/%s: the registry wants a login, which no URL can have: use "
			"slipway fetch",
			s->name.registry, s->name.repository);
	else if (file.offset > 0)
		sw_fail(error, SW_ERROR_STORAGE, "no-url",
			"%s lies in a container disk, so it has no URL: use slipway fetch", whole);
	else
		url = g_strconcat(s->oci.origin, "/v2/", s->name.repository, "/blobs/",
				  file.blob.digest, NULL);
	sw_oci_file_clear(&file);
	return url;
}

const struct sw_storage sw_storage_oci = {
	.name = "oci",
	.scheme = "oci",
	.summary = "a repository of an OCI registry",
	.mark = ':',
	.state_size = sizeof(struct oci),
	.params = params,
	.open = oci_open,
	.check = oci_check,
	.put = oci_put,
	.link = oci_link,
	.stat = oci_stat,
	.list = oci_list,
	.get = oci_get,
	.remove = oci_remove,
	.url = oci_url,
	.close = oci_close,
};
