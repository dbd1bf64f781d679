/* SPDX-License-Identifier: MIT */
#include "storage/oci/auth.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/json.h"
#include "core/text.h"

#define ID "authfile"
#define FILE_MAX (4 * 1024 * 1024)
#define TOKEN_MAX (64 * 1024)
#define TOKEN_SECONDS 60 /* where the answer does not say */

void sw_oci_login_clear(struct sw_oci_login *login)
{
	sw_text_wipe(&login->user);
	sw_text_wipe(&login->password);
	sw_text_wipe(&login->identity);
}

/* Files of Docker have "https://HOST/v1/" for HOST. */
static gboolean is_same_host(const char *key, const char *registry)
{
	static const char *const schemes[] = { "https://", "http://" };
	size_t length;

	for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++)
		if (g_str_has_prefix(key, schemes[i]))
			key += strlen(schemes[i]);
	length = strcspn(key, "/");
	if (g_str_equal(registry, "docker.io") && strncmp(key, "index.docker.io", length) == 0)
		return length == strlen("index.docker.io");
	return length == strlen(registry) && g_ascii_strncasecmp(key, registry, length) == 0;
}

/* The name of the entry for the repository or what it lies in; NULL: none.  To be freed. */
static char *find_entry(JsonObject *auths, const char *registry, const char *repository)
{
	g_autofree char *name = g_strconcat(registry, "/", repository, NULL);
	g_autoptr(GList) members = NULL;

	for (char *end = name; end != NULL; end = strrchr(name, '/')) {
		if (end != name)
			*end = '\0';
		if (json_object_has_member(auths, name))
			return g_steal_pointer(&name);
	}
	members = json_object_get_members(auths);
	for (GList *member = members; member != NULL; member = member->next)
		if (strstr(member->data, "://") != NULL && is_same_host(member->data, registry))
			return g_strdup(member->data);
	return NULL;
}

static gboolean take_entry(JsonObject *entry, const struct sw_json_subject *subject,
			   struct sw_oci_login *login, GError **error)
{
	const char *auth = NULL, *identity = NULL;
	g_autofree char *decoded = NULL;
	gsize length = 0, user;

	if (!sw_json_get_string(entry, "auth", FALSE, subject, &auth, error) ||
	    !sw_json_get_string(entry, "identitytoken", FALSE, subject, &identity, error))
		return FALSE;
	if (auth == NULL || *auth == '\0')
		return TRUE;
	decoded = (char *)g_base64_decode(auth, &length);
	user = decoded == NULL ? 0 : strcspn(decoded, ":");
	if (length == 0 || decoded[user] != ':' || memchr(decoded, '\0', length) != NULL)
		return sw_fail(error, SW_ERROR_STORAGE, ID, "%s: an auth is no login",
			       subject->name);
	login->user = g_strndup(decoded, user);
	login->password = g_strdup(decoded + user + 1);
	explicit_bzero(decoded, length);
	if (identity != NULL && *identity != '\0')
		login->identity = g_strdup(identity);
	return TRUE;
}

gboolean sw_oci_login_parse(const char *text, size_t length, const char *registry,
			    const char *repository, struct sw_oci_login *ret_login, GError **error)
{
	static const struct sw_json_subject subject = { "the file of logins", SW_ERROR_STORAGE,
							ID };
	g_autoptr(JsonNode) root = NULL;
	JsonObject *auths = NULL, *entry = NULL;
	struct sw_oci_login login = { 0 };
	g_autofree char *name = NULL;

	if (!sw_json_parse(text, length, &subject, &root, error) ||
	    !sw_json_get_object(json_node_get_object(root), "auths", FALSE, &subject, &auths,
				error))
		return FALSE;
	name = auths == NULL ? NULL : find_entry(auths, registry, repository);
	if (name != NULL && (!sw_json_get_object(auths, name, FALSE, &subject, &entry, error) ||
			     (entry != NULL && !take_entry(entry, &subject, &login, error))))
		return FALSE;
	*ret_login = login;
	return TRUE;
}

/* The usual places of containers-auth.json(5), in their order. */
static GPtrArray *usual_places(void)
{
	GPtrArray *places = g_ptr_array_new_with_free_func(g_free);
	const char *runtime = g_getenv("XDG_RUNTIME_DIR");

	if (runtime != NULL && *runtime != '\0')
		g_ptr_array_add(places, g_build_filename(runtime, "containers", "auth.json", NULL));
	else
		g_ptr_array_add(places, g_strdup_printf("/run/containers/%u/auth.json", getuid()));
	g_ptr_array_add(places,
			g_build_filename(g_get_user_config_dir(), "containers", "auth.json", NULL));
	g_ptr_array_add(places, g_build_filename(g_get_home_dir(), ".docker", "config.json", NULL));
	return places;
}

static gboolean read_login(const char *path, const char *registry, const char *repository,
			   gboolean required, struct sw_oci_login *login, GError **error)
{
	g_autofree char *text = NULL;
	gsize length = 0;
	gboolean good;

	if (access(path, R_OK) < 0) {
		if (!required && (errno == ENOENT || errno == ENOTDIR))
			return TRUE;
		return sw_fail_errno(error, SW_ERROR_USAGE, ID, "cannot read the auth file %s",
				     path);
	}
	if (!g_file_get_contents(path, &text, &length, error))
		return sw_fail_prefix(error, SW_ERROR_USAGE, ID, "the auth file");
	good = length <= FILE_MAX
		       ? sw_oci_login_parse(text, length, registry, repository, login, error)
		       : sw_fail(error, SW_ERROR_STORAGE, ID, "it is too large");
	explicit_bzero(text, length);
	return good || sw_fail_prefix(error, SW_ERROR_STORAGE, ID, "%s", path);
}

gboolean sw_oci_login_find(const char *file, const char *registry, const char *repository,
			   struct sw_oci_login *ret_login, GError **error)
{
	const char *named = file != NULL ? file : g_getenv("REGISTRY_AUTH_FILE");
	g_autoptr(GPtrArray) places = NULL;

	*ret_login = (struct sw_oci_login){ 0 };
	if (named != NULL && *named != '\0')
		return read_login(named, registry, repository, TRUE, ret_login, error);
	places = usual_places();
	for (guint i = 0; i < places->len && ret_login->user == NULL; i++)
		if (!read_login(places->pdata[i], registry, repository, FALSE, ret_login, error))
			return FALSE;
	return TRUE;
}

void sw_oci_challenge_clear(struct sw_oci_challenge *challenge)
{
	g_clear_pointer(&challenge->realm, g_free);
	g_clear_pointer(&challenge->service, g_free);
}

/* Takes one NAME=VALUE off TEXT, VALUE in quotes or not; NULL: there is none. */
static const char *take_parameter(const char *text, char **ret_name, char **ret_value)
{
	size_t length;
	GString *value;

	text += strspn(text, " ,\t");
	length = strcspn(text, "= ,\t\"");
	if (length == 0 || text[length] != '=')
		return NULL;
	*ret_name = g_ascii_strdown(text, (gssize)length);
	text += length + 1;
	if (*text != '"') {
		length = strcspn(text, " ,\t\"");
		*ret_value = g_strndup(text, length);
		return text + length;
	}
	value = g_string_new(NULL);
	for (text++; *text != '\0' && *text != '"'; text++) {
		text += *text == '\\' && text[1] != '\0';
		g_string_append_c(value, *text);
	}
	*ret_value = g_string_free(value, FALSE);
	return *text == '"' ? text + 1 : text;
}

gboolean sw_oci_challenge_parse(const char *line, struct sw_oci_challenge *ret_challenge)
{
	struct sw_oci_challenge challenge = { 0 };

	if (!g_utf8_validate(line, -1, NULL))
		return FALSE;
	line += strspn(line, " \t");
	if (g_ascii_strncasecmp(line, "basic", 5) == 0 && strchr(" \t,", line[5]) != NULL) {
		challenge.basic = TRUE;
		*ret_challenge = challenge;
		return TRUE;
	}
	if (g_ascii_strncasecmp(line, "bearer ", 7) != 0)
		return FALSE;
	for (line += 7; line != NULL;) {
		g_autofree char *name = NULL;
		g_autofree char *value = NULL;

		line = take_parameter(line, &name, &value);
		if (line != NULL && challenge.realm == NULL && g_str_equal(name, "realm"))
			challenge.realm = g_steal_pointer(&value);
		else if (line != NULL && challenge.service == NULL && g_str_equal(name, "service"))
			challenge.service = g_steal_pointer(&value);
	}
	if (challenge.realm != NULL)
		*ret_challenge = challenge;
	else
		sw_oci_challenge_clear(&challenge);
	return challenge.realm != NULL;
}

static gboolean is_token(const char *text)
{
	size_t length = strlen(text);

	for (const char *c = text; *c != '\0'; c++)
		if (!g_ascii_isgraph(*c))
			return FALSE;
	return length > 0 && length <= TOKEN_MAX;
}

gboolean sw_oci_token_parse(const char *text, size_t length, char **ret_token, guint64 *ret_seconds,
			    GError **error)
{
	static const struct sw_json_subject subject = { "the answer with the token",
							SW_ERROR_STORAGE, "bad-answer" };
	g_autoptr(JsonNode) root = NULL;
	const char *token = NULL, *access = NULL;
	JsonObject *object;
	gint64 seconds = 0;

	if (!sw_json_parse(text, length, &subject, &root, error))
		return FALSE;
	object = json_node_get_object(root);
	if (!sw_json_get_string(object, "token", FALSE, &subject, &token, error) ||
	    !sw_json_get_string(object, "access_token", FALSE, &subject, &access, error) ||
	    !sw_json_get_int(object, "expires_in", FALSE, &subject, &seconds, error))
		return FALSE;
	token = token == NULL ? access : token;
	if (token == NULL || !is_token(token))
		return sw_fail(error, SW_ERROR_STORAGE, "bad-answer", "%s: it has none",
			       subject.name);
	*ret_token = g_strdup(token);
	*ret_seconds = seconds > 0 ? MIN((guint64)seconds, 86400) : TOKEN_SECONDS;
	return TRUE;
}
