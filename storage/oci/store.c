/* SPDX-License-Identifier: MIT */
#include "storage/oci/store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "storage/oci/blob.h"
#include "storage/oci/disk.h"

#define ID "oci"
#define DISK_TYPE "application/vnd.kubevirt.containerdisk"
#define RECORD_TYPE "application/vnd.slipway.record"

/* Media types as others choose them; "{type}" is the artifact's.  NULL: the artifact's own. */
struct convention {
	const char *name;
	const char *artifact_type;
	const char *layer_type;
};

static const struct convention conventions[] = {
	{ "plain", NULL, NULL },
	{ "flightctl", "application/vnd.{type}", SW_OCI_LAYER },
	{ "diskimage", "application/vnd.diskimage.{type}", SW_OCI_LAYER },
};

const char *const sw_oci_conventions[] = { "plain", "flightctl", "diskimage", NULL };

char *sw_oci_type_fill(const char *template, const char *type)
{
	g_auto(GStrv) parts = g_strsplit(template, "{type}", -1);

	return g_strjoinv(type, parts);
}

char *sw_oci_now(void)
{
	g_autoptr(GDateTime) time = g_date_time_new_now_utc();

	return g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
}

gboolean sw_oci_file_get(struct sw_oci *oci, const char *tag, struct sw_oci_file *ret_file,
			 char ret_digest[SW_OCI_DIGEST_SIZE], JsonNode **ret_root,
			 GCancellable *cancellable, GError **error)
{
	struct sw_oci_got got = { 0 };
	gboolean good;

	if (!sw_oci_manifest_get(oci, tag, &got, cancellable, error))
		return FALSE;
	good = sw_oci_file_parse(got.text, got.descriptor.size, ret_file, ret_root, error);
	if (good && ret_digest != NULL)
		g_strlcpy(ret_digest, got.descriptor.digest, SW_OCI_DIGEST_SIZE);
	sw_oci_got_clear(&got);
	return good;
}

/* A file on its way into the repository. */
struct item {
	struct sw_oci_storing *s;
	const char *key; /* whole */
	const struct sw_artifact *artifact;
	const struct sw_put *how;
	gboolean is_record;
	int fd;
	struct sw_oci_disk *disk; /* NULL: it is stored as it is */
	struct sw_oci_file file;
	char *config;
	char *artifact_type;
	char *manifest;
};

static void item_clear(struct item *p)
{
	sw_oci_disk_free(p->disk);
	sw_oci_file_clear(&p->file);
	g_free(p->config);
	g_free(p->artifact_type);
	g_free(p->manifest);
}

static gboolean fail_exists(const char *what, GError **error)
{
	return sw_fail(error, SW_ERROR_STORAGE, "key-exists",
		       "%s exists already: use another one, or overwrite it", what);
}

/* May the tag of the key, and that of the place, be written? */
static gboolean check_free(const struct item *p, const char *tag, gboolean may_be_same,
			   GCancellable *cancellable, GError **error)
{
	g_autoptr(GError) inner = NULL;
	struct sw_oci_file file = { 0 };
	gboolean same;

	if (p->how->overwrite)
		return TRUE;
	if (sw_oci_file_get(p->s->oci, tag, &file, NULL, NULL, cancellable, &inner)) {
		same = may_be_same && g_str_equal(file.blob.digest, p->file.blob.digest);
		sw_oci_file_clear(&file);
		return same || fail_exists(tag, error);
	}
	if (sw_error_is(inner, "no-key"))
		return TRUE;
	if (sw_error_is(inner, "no-file") || sw_error_is(inner, "bad-manifest"))
		return fail_exists(tag, error);
	g_propagate_error(error, g_steal_pointer(&inner));
	return FALSE;
}

static const struct convention *find_convention(const char *name)
{
	const struct convention *found = conventions;

	while (!g_str_equal(found->name, name))
		found++;
	return found;
}

static char *type_for(const struct item *p, const char *option, const char *preset)
{
	const char *own = p->artifact->media_type;
	const char *template = option != NULL ? option : preset;

	if (template != NULL && !p->is_record)
		return sw_oci_type_fill(template,
					p->artifact->format != NULL ? p->artifact->format : "file");
	return g_strdup(own != NULL && sw_oci_media_type_valid(own) ? own
								    : "application/octet-stream");
}

/* What the manifest will name: the blob, its place in it, the configuration. */
static gboolean prepare(struct item *p, GCancellable *cancellable, GError **error)
{
	const struct convention *convention = find_convention(p->s->convention);
	const char *architecture = p->how->metadata == NULL
					   ? NULL
					   : g_hash_table_lookup(p->how->metadata, "architecture");
	g_autoptr(GDateTime) epoch = g_date_time_new_from_unix_utc(0);
	g_autofree char *created = g_date_time_format_iso8601(epoch);

	if (p->s->containerdisk && !p->is_record) {
		p->disk = sw_oci_disk_new(p->artifact, p->fd, error);
		if (p->disk == NULL || !sw_oci_disk_describe(p->disk, &p->file, cancellable, error))
			return FALSE;
		p->config = sw_oci_config_make(architecture == NULL ? "amd64" : architecture,
					       created, &p->file.blob);
		p->artifact_type = g_strdup(DISK_TYPE);
		return TRUE;
	}
	p->file.blob.media_type = type_for(p, p->s->layer_type, convention->layer_type);
	g_snprintf(p->file.blob.digest, sizeof p->file.blob.digest, "sha256:%s",
		   p->artifact->sha256);
	p->file.blob.size = p->artifact->size;
	p->config = g_strdup("{}");
	p->artifact_type = p->is_record
				   ? g_strdup(RECORD_TYPE)
				   : type_for(p, p->s->artifact_type, convention->artifact_type);
	return TRUE;
}

static gboolean find_subject(struct item *p, GCancellable *cancellable, GError **error)
{
	GHashTable *metadata = p->how->metadata;
	const char *word = p->s->subject, *architecture = NULL;

	if (word == NULL || p->is_record)
		return TRUE;
	if (metadata != NULL)
		architecture = g_hash_table_lookup(metadata, "architecture");
	if (g_str_equal(word, SW_OCI_SOURCE)) {
		word = metadata == NULL ? NULL : g_hash_table_lookup(metadata, "source-digest");
		if (word == NULL || !sw_digest_valid(word))
			return sw_fail(error, SW_ERROR_STORAGE, "subject",
				       "it is not known what %s was built from: name the subject",
				       p->artifact->name);
	}
	return sw_oci_subject_find(p->s->oci, word, architecture, &p->file.subject, cancellable,
				   error);
}

static gboolean send_blobs(struct item *p, struct sw_oci_descriptor *config,
			   GCancellable *cancellable, GError **error)
{
	struct sw_oci_blob blob = {
		.descriptor = p->file.blob,
		.progress = p->how->progress,
		.progress_data = p->how->progress_data,
	};
	struct sw_oci_blob small = { .body = { .data = p->config, .fd = -1 } };

	if (p->disk != NULL)
		blob.body = sw_oci_disk_body(p->disk);
	else
		blob.body = (struct sw_http_body){ .fd = p->fd,
						   .length = p->artifact->size,
						   .path = p->artifact->path };
	sw_oci_describe(p->disk != NULL ? SW_OCI_CONFIG : SW_OCI_EMPTY, p->config,
			strlen(p->config), config);
	small.body.length = config->size;
	small.descriptor = *config;
	return sw_oci_blob_put(p->s->oci, &blob, cancellable, error) &&
	       sw_oci_blob_put(p->s->oci, &small, cancellable, error);
}

static void make_manifest(struct item *p, const struct sw_oci_descriptor *config)
{
	g_autofree char *title = g_path_get_basename(p->key);
	g_autofree char *created = sw_oci_now();
	const struct sw_oci_draft draft = {
		.key = p->key,
		.artifact_type = p->artifact_type,
		.title = title,
		.file = &p->file,
		.config = config,
		.created = created,
		.metadata = p->how->metadata,
	};

	p->manifest = sw_oci_manifest_make(&draft);
}

static gboolean put_manifest(const struct item *p, const char *reference, gboolean *ret_listed,
			     struct sw_oci_descriptor *ret, GCancellable *cancellable,
			     GError **error)
{
	return sw_oci_manifest_put(p->s->oci, reference, SW_OCI_MANIFEST, p->manifest, ret,
				   ret_listed, cancellable, error);
}

/* First as a referrer, then under the place's tag; the key's own tag says that all is done. */
static gboolean put_manifests(const struct item *p, const char *tag, GCancellable *cancellable,
			      GError **error)
{
	struct sw_oci_descriptor manifest = { 0 };
	const char *place_tag = p->is_record ? NULL : p->s->name->tag;
	gboolean good = TRUE, listed = FALSE;

	if (p->file.subject.digest[0] != '\0') {
		sw_oci_describe(SW_OCI_MANIFEST, p->manifest, strlen(p->manifest), &manifest);
		g_free(manifest.media_type);
		good = put_manifest(p, manifest.digest, &listed, &manifest, cancellable, error) &&
		       (listed ||
			sw_oci_referrers_tag(p->s->oci, p->file.subject.digest, manifest.digest,
					     &manifest, p->artifact_type, cancellable, error));
		sw_oci_descriptor_clear(&manifest);
	}
	if (good && place_tag != NULL)
		good = put_manifest(p, place_tag, NULL, &manifest, cancellable, error);
	sw_oci_descriptor_clear(&manifest);
	good = good && put_manifest(p, tag, NULL, &manifest, cancellable, error);
	sw_oci_descriptor_clear(&manifest);
	return good;
}

static gboolean check_tags(const struct item *p, const char *tag, GCancellable *cancellable,
			   GError **error)
{
	const struct sw_oci_storing *s = p->s;
	g_autofree char *single = g_strndup(s->name->prefix, strcspn(s->name->prefix, "/"));

	if (!check_free(p, tag, FALSE, cancellable, error))
		return FALSE;
	if (p->is_record || *single == '\0' || strlen(single) + 1 < strlen(s->name->prefix))
		return TRUE;
	if (s->name->tag == NULL)
		return sw_fail(error, SW_ERROR_USAGE, "bad-tag", "no tag can be called \"%s\"",
			       single);
	if (s->tagged != NULL && !g_str_equal(s->tagged, p->key))
		return sw_fail(
			error, SW_ERROR_STORAGE, "key-exists",
			"the tag %s names one file: leave it out of the URI to store several",
			s->name->tag);
	return check_free(p, s->name->tag, TRUE, cancellable, error);
}

static gboolean store(struct item *p, GCancellable *cancellable, GError **error)
{
	g_autofree char *tag = sw_oci_tag_of(p->key);
	struct sw_oci_descriptor config = { 0 };
	gboolean good;

	good = prepare(p, cancellable, error) && check_tags(p, tag, cancellable, error) &&
	       find_subject(p, cancellable, error) && send_blobs(p, &config, cancellable, error);
	if (good) {
		make_manifest(p, &config);
		good = put_manifests(p, tag, cancellable, error);
	}
	sw_oci_descriptor_clear(&config);
	if (!good)
		return sw_error_is(*error, "cancelled") ? FALSE
							: sw_oci_prefix(p->s->oci, p->key, error);
	if (!p->is_record) {
		g_free(p->s->tagged);
		p->s->tagged = g_strdup(p->key);
	}
	return TRUE;
}

gboolean sw_oci_store(struct sw_oci_storing *storing, const char *key,
		      const struct sw_artifact *artifact, const struct sw_put *how,
		      GCancellable *cancellable, GError **error)
{
	sw_autofd int fd = -1;
	struct item p = {
		.s = storing,
		.key = key,
		.artifact = artifact,
		.how = how,
		.is_record = g_strcmp0(artifact->format, "record") == 0,
	};
	GError *inner = NULL;
	struct stat st;
	gboolean good;

	if (!sw_key_check(key, error) || !sw_check_cancelled(cancellable, error))
		return FALSE;
	fd = open(artifact->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return sw_fail_errno(error, SW_ERROR_STORAGE, ID, "cannot open %s", artifact->path);
	if (!S_ISREG(st.st_mode) || (guint64)st.st_size != artifact->size)
		return sw_fail(error, SW_ERROR_STORAGE, "changed",
			       "%s is no longer the file that was written", artifact->path);
	p.fd = fd;
	good = store(&p, cancellable, &inner);
	item_clear(&p);
	if (!good)
		g_propagate_error(error, inner);
	return good;
}
