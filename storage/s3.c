/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/size.h"
#include "storage/s3/object.h"

#define ID "s3"
#define URL_MAX (7 * 24 * 3600) /* seconds; S3 allows no more */
#define ATTEMPTS 8
#define REGION_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

struct s3 {
	/* The options. */
	char *endpoint;
	char *region;
	char *style;
	char *credentials;
	char *profile;
	char *ca;
	char *acl;
	char *storage_class;
	char *encryption;
	char *kms_key;
	char *tags;
	guint64 part_size;
	int parallel;
	int connect_timeout;
	int timeout;
	guint64 bandwidth;
	gboolean public;
	/* The rest. */
	gboolean open;
	struct sw_s3 s3;
	char *prefix; /* "" or with "/" at its end */
};

static const char *const styles[] = { "auto", "path", "virtual", NULL };
static const char *const acls[] = { "private",
				    "public-read",
				    "authenticated-read",
				    "bucket-owner-read",
				    "bucket-owner-full-control",
				    NULL };
static const char *const encryptions[] = { "AES256", "aws:kms", NULL };

#define ROW(name, type, fallback, choices, field, help)                                       \
	{                                                                                     \
		name, type, fallback, choices, G_STRUCT_OFFSET(struct s3, field), FALSE, help \
	}

static const struct sw_param params[] = {
	ROW("endpoint", SW_PARAM_STRING, NULL, NULL, endpoint,
	    "URL of the server (default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or AWS)"),
	ROW("region", SW_PARAM_STRING, NULL, NULL, region,
	    "of the bucket (default: AWS_REGION, the profile's, or us-east-1)"),
	ROW("style", SW_PARAM_CHOICE, "auto", styles, style,
	    "where the bucket goes in a URL: path, or virtual for the host name (auto: virtual at "
	    "AWS)"),
	ROW("credentials", SW_PARAM_STRING, NULL, NULL, credentials,
	    "file with the keys, as ~/.aws/credentials"),
	ROW("profile", SW_PARAM_STRING, NULL, NULL, profile,
	    "section of the shared files (default: AWS_PROFILE, or default)"),
	ROW("ca", SW_PARAM_STRING, NULL, NULL, ca,
	    "file with the certificates that the server's is signed by"),
	ROW("acl", SW_PARAM_CHOICE, NULL, acls, acl, "canned access control list of the objects"),
	ROW("storage-class", SW_PARAM_STRING, NULL, NULL, storage_class,
	    "of the objects, such as STANDARD_IA"),
	ROW("encryption", SW_PARAM_CHOICE, NULL, encryptions, encryption, "on the server's side"),
	ROW("kms-key", SW_PARAM_STRING, NULL, NULL, kms_key,
	    "id of the key for the encryption aws:kms"),
	ROW("tags", SW_PARAM_STRING, NULL, NULL, tags, "of the objects: NAME=VALUE,NAME=VALUE"),
	ROW("part-size", SW_PARAM_SIZE, "8 MiB", NULL, part_size,
	    "of uploads in parts, at least 5 MiB; grows for large files"),
	ROW("parallel", SW_PARAM_INT, "4", NULL, parallel, "parts at a time, 1 to 32"),
	ROW("connect-timeout", SW_PARAM_INT, "10", NULL, connect_timeout, "in seconds"),
	ROW("timeout", SW_PARAM_INT, "60", NULL, timeout,
	    "seconds without a byte after which a request is tried again"),
	ROW("bandwidth", SW_PARAM_SIZE, NULL, NULL, bandwidth,
	    "most bytes a second in either direction (default: no limit)"),
	ROW("public", SW_PARAM_BOOL, "false", NULL, public,
	    "the objects may be read by everybody: URLs need no signature"),
	{ 0 },
};

static gboolean check_number(const char *name, int value, int min, int max, GError **error)
{
	return (value >= min && value <= max) ||
	       sw_fail(error, SW_ERROR_USAGE, "bad-option",
		       "storage s3: option %s: %d is not from %d to %d", name, value, min, max);
}

static gboolean check_options(const struct s3 *s, GError **error)
{
	if (s->part_size < SW_S3_PART_MIN || s->part_size > SW_S3_PART_MAX)
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "storage s3: option part-size: it must be from 5 MiB to 5 GiB");
	if (s->kms_key != NULL && g_strcmp0(s->encryption, "aws:kms") != 0)
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "storage s3: option kms-key needs the option encryption=aws:kms");
	return check_number("parallel", s->parallel, 1, 32, error) &&
	       check_number("connect-timeout", s->connect_timeout, 1, 3600, error) &&
	       check_number("timeout", s->timeout, 1, 86400, error);
}

/* A name that may stand in a URL and in a host name; older buckets have capitals and "_". */
static gboolean is_bucket(const char *name)
{
	size_t length = strlen(name);

	return length >= 3 && length <= 255 && g_ascii_isalnum(name[0]) &&
	       strspn(name, REGION_CHARACTERS "._") == length && strstr(name, "..") == NULL;
}

static gboolean take_location(struct s3 *s, const char *location, GError **error)
{
	size_t length = strcspn(location, "/");
	const char *rest = location + length + strspn(location + length, "/");
	g_autofree char *prefix = g_strdup(rest);

	s->s3.bucket = g_strndup(location, length);
	if (!is_bucket(s->s3.bucket))
		return sw_fail(error, SW_ERROR_USAGE, "bad-bucket",
			       "s3://%s: no bucket can be called \"%s\"", location, s->s3.bucket);
	while (g_str_has_suffix(prefix, "/"))
		prefix[strlen(prefix) - 1] = '\0';
	if (*prefix != '\0' && !sw_key_check(prefix, error))
		return sw_fail_prefix(error, SW_ERROR_STORAGE, "bad-key", "s3://%s", s->s3.bucket);
	s->prefix = *prefix == '\0' ? g_strdup("") : g_strconcat(prefix, "/", NULL);
	return TRUE;
}

/* The first that is set and not empty; NULL: none. */
static const char *first_of(const char *option, const char *one, const char *two)
{
	const char *value = option != NULL ? option : g_getenv(one);

	if (value == NULL || *value == '\0')
		value = g_getenv(two);
	return value == NULL || *value == '\0' ? NULL : value;
}

static char *find_region(const struct s3 *s)
{
	const char *named = first_of(s->region, "AWS_REGION", "AWS_DEFAULT_REGION");
	char *region =
		named != NULL ? g_strdup(named) : sw_s3_profile_setting(s->profile, "region");

	return region != NULL ? region : g_strdup("us-east-1");
}

static gboolean take_endpoint(struct s3 *s, GError **error)
{
	const char *named = first_of(s->endpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
	g_autofree char *aws = g_strdup_printf("https://s3.%s.amazonaws.com%s", s->s3.region,
					       g_str_has_prefix(s->s3.region, "cn-") ? ".cn" : "");

	/* A certificate for *.s3.amazonaws.com does not hold for a bucket with a dot. */
	s->s3.path_style = g_str_equal(s->style, "path") ||
			   (g_str_equal(s->style, "auto") &&
			    (named != NULL || strchr(s->s3.bucket, '.') != NULL));
	return sw_s3_set_endpoint(&s->s3, named != NULL ? named : aws, error) ||
	       sw_fail_prefix(error, SW_ERROR_USAGE, "bad-endpoint", "s3://%s", s->s3.bucket);
}

static gboolean s3_open(void *state, const char *location, GCancellable *cancellable,
			GError **error)
{
	struct s3 *s = state;
	struct sw_s3_origin origin = { s->credentials, s->profile, NULL, &s->s3.http };

	g_mutex_init(&s->s3.lock);
	g_queue_init(&s->s3.idle);
	g_queue_init(&s->s3.slots);
	g_cond_init(&s->s3.returned);
	s->open = TRUE;
	if (!sw_check_cancelled(cancellable, error) || !check_options(s, error) ||
	    !take_location(s, location, error))
		return FALSE;
	s->s3.http = (struct sw_http_settings){
		.ca = s->ca,
		.connect_timeout = s->connect_timeout,
		.stall_timeout = s->timeout,
		.bytes_per_second =
			s->bandwidth == 0 ? 0 : MAX(1, s->bandwidth / (guint)s->parallel),
	};
	s->s3.attempts = ATTEMPTS;
	s->s3.parallel = s->parallel;
	s->s3.region = find_region(s);
	if (strspn(s->s3.region, REGION_CHARACTERS) != strlen(s->s3.region))
		return sw_fail(
			error, SW_ERROR_USAGE, "bad-region",
			"s3://%s: the region has other characters than letters, digits and -",
			s->s3.bucket);
	origin.region = s->s3.region;
	s->s3.identity = sw_s3_identity_new(&origin);
	return take_endpoint(s, error);
}

static void s3_close(void *state)
{
	struct s3 *s = state;

	if (!s->open)
		return;
	sw_s3_clear(&s->s3);
	g_mutex_clear(&s->s3.lock);
	g_cond_clear(&s->s3.returned);
	g_clear_pointer(&s->prefix, g_free);
	s->open = FALSE;
}

static guint s3_at_once(const void *state)
{
	const struct s3 *s = state;

	return (guint)s->parallel;
}

static char *whole_key(const struct s3 *s, const char *key)
{
	return g_strconcat(s->prefix, key, NULL);
}

/* "a=b,c=d" as the query that S3 wants. */
static char *tagging(const char *tags)
{
	g_auto(GStrv) pairs = g_strsplit(tags, ",", -1);
	g_autoptr(GPtrArray) query = sw_s3_query_new();

	for (char **pair = pairs; *pair != NULL; pair++) {
		char *equals = strchr(*pair, '=');

		if (equals != NULL)
			*equals = '\0';
		if (**pair != '\0')
			sw_s3_query_add(query, *pair, equals == NULL ? "" : equals + 1);
	}
	return sw_s3_query_text(query);
}

/* Lines of an object, also of a copy. */
static GPtrArray *object_lines(const struct s3 *s)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	if (s->acl != NULL)
		sw_http_header_add(lines, "X-Amz-Acl", s->acl);
	if (s->storage_class != NULL)
		sw_http_header_add(lines, "X-Amz-Storage-Class", s->storage_class);
	if (s->encryption != NULL)
		sw_http_header_add(lines, "X-Amz-Server-Side-Encryption", s->encryption);
	if (s->kms_key != NULL)
		sw_http_header_add(lines, "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
				   s->kms_key);
	return lines;
}

/* User metadata is ASCII; what is not, is percent-encoded. */
static void add_metadata(GPtrArray *lines, const char *name, const char *value)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	g_autofree char *header = NULL;
	GString *text = g_string_new(NULL);

	g_strcanon(lower, "abcdefghijklmnopqrstuvwxyz0123456789-", '-');
	header = g_strconcat("X-Amz-Meta-", lower, NULL);
	if (g_str_is_ascii(value))
		g_string_append(text, value);
	else
		sw_s3_encode(text, value, TRUE);
	sw_http_header_add(lines, header, text->str);
	g_string_free(text, TRUE);
}

static GPtrArray *upload_lines(const struct s3 *s, const struct sw_artifact *artifact,
			       const struct sw_put *how)
{
	GPtrArray *lines = object_lines(s);
	gpointer name = NULL, value = NULL;
	GHashTableIter iter;

	if (s->tags != NULL) {
		g_autofree char *text = tagging(s->tags);

		sw_http_header_add(lines, "X-Amz-Tagging", text);
	}
	if (artifact->media_type != NULL)
		sw_http_header_add(lines, "Content-Type", artifact->media_type);
	if (how->metadata != NULL) {
		g_hash_table_iter_init(&iter, how->metadata);
		while (g_hash_table_iter_next(&iter, &name, &value))
			if (!g_str_equal(name, "sha256"))
				add_metadata(lines, name, value);
	}
	add_metadata(lines, "sha256", artifact->sha256);
	return lines;
}

static gboolean fail_exists(const struct s3 *s, const char *key, GError **error)
{
	return sw_fail(error, SW_ERROR_STORAGE, "key-exists",
		       "s3://%s/%s exists already: use another key, or overwrite it", s->s3.bucket,
		       key);
}

/* May KEY be written? */
static gboolean check_free(struct s3 *s, const char *key, GCancellable *cancellable, GError **error)
{
	struct sw_s3_object object = { 0 };
	g_autoptr(GError) inner = NULL;

	if (sw_s3_object_head(&s->s3, key, &object, cancellable, &inner)) {
		sw_s3_object_clear(&object);
		return fail_exists(s, key, error);
	}
	/* Who may write but not read is told so for what is not there, too. */
	if (sw_error_is(inner, "no-key") || sw_error_is(inner, "denied"))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&inner));
	return FALSE;
}

/* What the server holds is what was sent, part by part; this is about which object it is. */
static gboolean verify(struct s3 *s, const char *key, const struct sw_artifact *artifact,
		       GCancellable *cancellable, GError **error)
{
	struct sw_s3_object object = { 0 };
	gboolean same;

	if (!sw_s3_object_head(&s->s3, key, &object, cancellable, error))
		return FALSE;
	same = object.stored.size == artifact->size &&
	       g_str_equal(object.stored.sha256, artifact->sha256);
	sw_s3_object_clear(&object);
	return same || sw_fail(error, SW_ERROR_STORAGE, "changed",
			       "s3://%s/%s is not what was just stored: another has written it",
			       s->s3.bucket, key);
}

static gboolean s3_put(void *state, const char *key, const struct sw_artifact *artifact,
		       const struct sw_put *how, GCancellable *cancellable, GError **error)
{
	struct s3 *s = state;
	g_autofree char *whole = whole_key(s, key);
	g_autoptr(GPtrArray) lines = NULL;
	g_autoptr(GError) inner = NULL;
	struct sw_s3_upload upload = {
		.key = whole,
		.artifact = artifact,
		.part_size = s->part_size,
		.parallel = s->parallel,
		.exclusive = !how->overwrite,
		.progress = how->progress,
		.progress_data = how->progress_data,
	};

	if (!sw_key_check(whole, error) || !sw_check_cancelled(cancellable, error) ||
	    (!how->overwrite && !how->looked && !check_free(s, whole, cancellable, error)))
		return FALSE;
	lines = upload_lines(s, artifact, how);
	upload.headers = lines;
	if (sw_s3_upload(&s->s3, &upload, cancellable, &inner))
		return verify(s, whole, artifact, cancellable, error);
	if (sw_error_is(inner, "key-exists"))
		return fail_exists(s, whole, error);
	g_propagate_error(error, g_steal_pointer(&inner));
	return FALSE;
}

static gboolean s3_link(void *state, const char *from, const char *to, GCancellable *cancellable,
			GError **error)
{
	struct s3 *s = state;
	g_autofree char *source = whole_key(s, from);
	g_autofree char *target = whole_key(s, to);
	g_autoptr(GPtrArray) lines = object_lines(s);

	return sw_key_check(source, error) && sw_key_check(target, error) &&
	       sw_s3_object_copy(&s->s3, source, target, lines, SW_S3_PART_MAX, cancellable, error);
}

static gboolean s3_stat(void *state, const char *key, struct sw_stored *ret,
			GCancellable *cancellable, GError **error)
{
	struct s3 *s = state;
	g_autofree char *whole = whole_key(s, key);
	struct sw_s3_object object = { 0 };

	if (!sw_s3_object_head(&s->s3, whole, &object, cancellable, error))
		return FALSE;
	*ret = object.stored;
	sw_s3_object_clear(&object);
	return TRUE;
}

static gboolean s3_list(void *state, const char *prefix, sw_storage_lister lister, void *data,
			GCancellable *cancellable, GError **error)
{
	struct s3 *s = state;
	g_autofree char *whole = whole_key(s, prefix);

	return sw_s3_object_list(&s->s3, whole, strlen(s->prefix), lister, data, cancellable,
				 error);
}

static gboolean s3_get(void *state, const char *key, guint64 offset, sw_storage_sink sink,
		       void *data, GCancellable *cancellable, GError **error)
{
	struct s3 *s = state;
	g_autofree char *whole = whole_key(s, key);

	return sw_s3_object_get(&s->s3, whole, offset, sink, data, cancellable, error);
}

static gboolean s3_get_file(void *state, const char *key, int fd, const char *path, guint64 offset,
			    guint64 size, void (*reached)(guint64 end, void *data), void *data,
			    GCancellable *cancellable, GError **error)
{
	struct s3 *s = state;
	g_autofree char *whole = whole_key(s, key);

	return sw_s3_object_get_file(&s->s3, whole, fd, path, offset, size, reached, data,
				     cancellable, error);
}

static gboolean s3_remove(void *state, const char *key, GCancellable *cancellable, GError **error)
{
	struct s3 *s = state;
	g_autofree char *whole = whole_key(s, key);

	return sw_s3_object_remove(&s->s3, whole, cancellable, error);
}

static char *s3_url(void *state, const char *key, guint64 expires, GError **error)
{
	struct s3 *s = state;
	g_autofree char *whole = whole_key(s, key);

	if (s->public)
		return sw_s3_get_url(&s->s3, whole, 0, error);
	if (expires == 0 || expires > URL_MAX) {
		sw_fail(error, SW_ERROR_USAGE, "bad-expiry",
			"s3://%s/%s: a URL is valid for at most 7 days", s->s3.bucket, whole);
		return NULL;
	}
	return sw_s3_get_url(&s->s3, whole, expires, error);
}

static gboolean look_at_bucket(struct s3 *s, GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) query = sw_s3_query_new();
	struct sw_s3_call call = { .method = "GET", .query = query };
	g_autoptr(GError) inner = NULL;
	g_autoptr(SwXml) root = NULL;

	sw_s3_query_add(query, "list-type", "2");
	sw_s3_query_add(query, "max-keys", "1");
	sw_s3_query_add(query, "prefix", s->prefix);
	/* Who may only write may not list: the next look tells whether that is so. */
	if (sw_s3_call_xml(&s->s3, &call, "ListBucketResult", &root, cancellable, &inner) ||
	    sw_error_is(inner, "denied"))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&inner));
	return FALSE;
}

static gboolean write_probe(struct s3 *s, const char *probe, GCancellable *cancellable,
			    GError **error)
{
	g_autoptr(GPtrArray) lines = object_lines(s);
	struct sw_http_body body = { .data = "probe", .fd = -1, .length = 5 };
	struct sw_s3_call call = { .method = "PUT", .key = probe, .headers = lines, .body = &body };

	if (!sw_s3_call_plain(&s->s3, &call, cancellable, error))
		return FALSE;
	return sw_s3_object_remove(&s->s3, probe, NULL, error) ||
	       sw_fail_prefix(error, SW_ERROR_STORAGE, ID, "the probe cannot be removed");
}

static gboolean multipart_probe(struct s3 *s, const char *probe, GCancellable *cancellable,
				GError **error)
{
	g_autoptr(GPtrArray) lines = object_lines(s);
	g_autofree char *id = NULL;
	gboolean checksums = FALSE;

	return sw_s3_multipart_create(&s->s3, probe, lines, &id, &checksums, cancellable, error) &&
	       sw_s3_multipart_abort(&s->s3, probe, id, FALSE, error);
}

static gboolean s3_check(void *state, guint64 bytes, sw_storage_report report, void *data,
			 GCancellable *cancellable, GError **error)
{
	static const char *const names[] = { "credentials", "bucket", "write", "multipart" };
	struct s3 *s = state;
	g_autofree char *probe = g_strdup_printf("%s.slipway-probe-%08x%08x", s->prefix,
						 g_random_int(), g_random_int());
	guint count = bytes > s->part_size ? G_N_ELEMENTS(names) : G_N_ELEMENTS(names) - 1;

	/* Each look needs those before it. */
	for (guint i = 0; i < count; i++) {
		struct sw_s3_keys keys = { 0 };
		g_autoptr(GError) inner = NULL;
		gboolean good;

		if (i == 0)
			good = sw_s3_identity_get(s->s3.identity, FALSE, &keys, cancellable,
						  &inner);
		else if (i == 1)
			good = look_at_bucket(s, cancellable, &inner);
		else if (i == 2)
			good = write_probe(s, probe, cancellable, &inner);
		else
			good = multipart_probe(s, probe, cancellable, &inner);
		sw_s3_keys_clear(&keys);
		report(names[i], inner, data);
		if (!good) {
			g_propagate_error(error, g_steal_pointer(&inner));
			return FALSE;
		}
	}
	return TRUE;
}

const struct sw_storage sw_storage_s3 = {
	.name = "s3",
	.scheme = "s3",
	.summary = "a bucket of an S3 server",
	.state_size = sizeof(struct s3),
	.params = params,
	.open = s3_open,
	.check = s3_check,
	.at_once = s3_at_once,
	.put = s3_put,
	.link = s3_link,
	.stat = s3_stat,
	.list = s3_list,
	.get = s3_get,
	.get_file = s3_get_file,
	.remove = s3_remove,
	.url = s3_url,
	.close = s3_close,
};
