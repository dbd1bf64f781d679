/* SPDX-License-Identifier: MIT */
#include "storage/s3/credentials.h"

#include <string.h>

#include "core/file.h"
#include "storage/s3/profile.h"
#include "storage/s3/remote.h"

#define ID "credentials"
#define FILE_MAX (1024 * 1024)
#define RENEW_BEFORE 300 /* seconds */

struct sw_s3_identity {
	struct sw_s3_origin origin;
	GMutex lock;
	struct sw_s3_keys keys; /* ACCESS is NULL: not sought yet */
};

struct sw_s3_identity *sw_s3_identity_new(const struct sw_s3_origin *origin)
{
	struct sw_s3_identity *identity = g_new0(struct sw_s3_identity, 1);

	identity->origin = *origin;
	g_mutex_init(&identity->lock);
	return identity;
}

void sw_s3_identity_free(struct sw_s3_identity *identity)
{
	if (identity == NULL)
		return;
	sw_s3_keys_clear(&identity->keys);
	g_mutex_clear(&identity->lock);
	g_free(identity);
}

/* An environment variable; an empty one counts as none. */
static const char *variable(const char *name)
{
	const char *value = g_getenv(name);

	return value == NULL || *value == '\0' ? NULL : value;
}

static void wipe(char *text)
{
	explicit_bzero(text, strlen(text));
	g_free(text);
}

/* The text of a shared file; NULL: there is none. */
static char *shared_file(const char *name_variable, const char *name)
{
	const char *named = variable(name_variable);
	g_autofree char *path = named != NULL
					? g_strdup(named)
					: g_build_filename(g_get_home_dir(), ".aws", name, NULL);
	char *text = NULL;

	return sw_read_file(path, FILE_MAX, &text, NULL, SW_ERROR_STORAGE, ID, NULL) ? text : NULL;
}

static const char *profile_name(const char *option)
{
	if (option != NULL)
		return option;
	if (variable("AWS_PROFILE") != NULL)
		return variable("AWS_PROFILE");
	return "default";
}

/* The section of the config file: only the default one has no "profile" before its name. */
static char *config_section(const char *profile)
{
	return g_str_equal(profile, "default") ? g_strdup(profile)
					       : g_strconcat("profile ", profile, NULL);
}

char *sw_s3_profile_setting(const char *profile, const char *key)
{
	g_autofree char *text = shared_file("AWS_CONFIG_FILE", "config");
	g_autofree char *section = config_section(profile_name(profile));

	return text == NULL ? NULL : sw_s3_profile_get(text, section, key);
}

static gboolean take_section(const char *text, const char *section, struct sw_s3_keys *keys)
{
	keys->access = sw_s3_profile_get(text, section, "aws_access_key_id");
	if (keys->access == NULL)
		keys->access = sw_s3_profile_get(text, section, "access_key");
	keys->secret = sw_s3_profile_get(text, section, "aws_secret_access_key");
	if (keys->secret == NULL)
		keys->secret = sw_s3_profile_get(text, section, "secret_key");
	keys->token = sw_s3_profile_get(text, section, "aws_session_token");
	if (keys->access != NULL && keys->secret != NULL)
		return TRUE;
	sw_s3_keys_clear(keys);
	return FALSE;
}

static gboolean from_option(const struct sw_s3_origin *origin, struct sw_s3_keys *keys,
			    GError **error)
{
	const char *profile = profile_name(origin->profile);
	char *text = NULL;
	gboolean good;

	if (!sw_read_file(origin->file, FILE_MAX, &text, NULL, SW_ERROR_STORAGE, ID, error))
		return FALSE;
	good = take_section(text, profile, keys);
	wipe(text);
	return good || sw_fail(error, SW_ERROR_STORAGE, ID,
			       "%s has no aws_access_key_id and aws_secret_access_key in [%s]",
			       origin->file, profile);
}

static gboolean from_environment(struct sw_s3_keys *keys)
{
	const char *access = variable("AWS_ACCESS_KEY_ID");
	const char *secret = variable("AWS_SECRET_ACCESS_KEY");
	const char *token = variable("AWS_SESSION_TOKEN");

	if (access == NULL || secret == NULL) {
		access = variable("S3_ACCESS");
		secret = variable("S3_SECRET");
		token = NULL;
	}
	if (access == NULL || secret == NULL)
		return FALSE;
	*keys = (struct sw_s3_keys){ g_strdup(access), g_strdup(secret), g_strdup(token), 0 };
	return TRUE;
}

static gboolean from_file(const char *name_variable, const char *name, const char *section,
			  struct sw_s3_keys *keys)
{
	char *text = shared_file(name_variable, name);
	gboolean found = text != NULL && take_section(text, section, keys);

	if (text != NULL)
		wipe(text);
	return found;
}

static gboolean from_shared_files(const struct sw_s3_origin *origin, struct sw_s3_keys *keys)
{
	const char *profile = profile_name(origin->profile);
	g_autofree char *section = config_section(profile);

	return from_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", profile, keys) ||
	       from_file("AWS_CONFIG_FILE", "config", section, keys);
}

/* Of the profile, else of the environment. */
static gboolean web_identity(const struct sw_s3_origin *origin, char **ret_role, char **ret_file)
{
	*ret_role = sw_s3_profile_setting(origin->profile, "role_arn");
	*ret_file = sw_s3_profile_setting(origin->profile, "web_identity_token_file");
	if (*ret_role != NULL && *ret_file != NULL)
		return TRUE;
	g_free(*ret_role);
	g_free(*ret_file);
	*ret_role = g_strdup(variable("AWS_ROLE_ARN"));
	*ret_file = g_strdup(variable("AWS_WEB_IDENTITY_TOKEN_FILE"));
	return *ret_role != NULL && *ret_file != NULL;
}

static gboolean fail_nowhere(const struct sw_s3_origin *origin, const GError *last, GError **error)
{
	return sw_fail(error, SW_ERROR_STORAGE, ID,
		       "no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
		       "write them to [%s] of ~/.aws/credentials%s%s%s",
		       profile_name(origin->profile),
		       last == NULL ? "" : " (this machine's own endpoint: ",
		       last == NULL ? "" : last->message, last == NULL ? "" : ")");
}

/* A profile that was asked for by name must not silently be another one. */
static gboolean is_named(const struct sw_s3_origin *origin)
{
	return origin->profile != NULL || variable("AWS_PROFILE") != NULL;
}

static gboolean seek(const struct sw_s3_origin *origin, struct sw_s3_keys *keys,
		     GCancellable *cancellable, GError **error)
{
	g_autofree char *role = NULL;
	g_autofree char *file = NULL;
	g_autoptr(GError) last = NULL;

	if (origin->file != NULL)
		return from_option(origin, keys, error);
	if (origin->profile == NULL && from_environment(keys))
		return TRUE;
	if (from_shared_files(origin, keys))
		return TRUE;
	if (web_identity(origin, &role, &file))
		return sw_s3_remote_web_identity(origin, role, file, keys, cancellable, error);
	if (is_named(origin))
		return fail_nowhere(origin, NULL, error);
	if (variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") != NULL ||
	    variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != NULL)
		return sw_s3_remote_container(origin, keys, cancellable, error);
	if (g_strcmp0(variable("AWS_EC2_METADATA_DISABLED"), "true") == 0)
		return fail_nowhere(origin, NULL, error);
	if (sw_s3_remote_instance(origin, keys, cancellable, &last))
		return TRUE;
	return sw_check_cancelled(cancellable, error) && fail_nowhere(origin, last, error);
}

gboolean sw_s3_identity_get(struct sw_s3_identity *identity, gboolean renew,
			    struct sw_s3_keys *ret_keys, GCancellable *cancellable, GError **error)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&identity->lock);
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	gint64 expires = identity->keys.expires;

	if (identity->keys.access == NULL || renew ||
	    (expires != 0 && expires < now + RENEW_BEFORE)) {
		struct sw_s3_keys keys = { 0 };

		if (!seek(&identity->origin, &keys, cancellable, error))
			return FALSE;
		sw_s3_keys_clear(&identity->keys);
		identity->keys = keys;
	}
	sw_s3_keys_copy(&identity->keys, ret_keys);
	return TRUE;
}
