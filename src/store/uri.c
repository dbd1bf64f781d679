/* SPDX-License-Identifier: MIT */
#include "store/uri.h"

#include <string.h>

#define ID "bad-uri"
#define SCHEME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789+-."

static const struct sw_storage *find_scheme(const char *scheme, GError **error)
{
	g_autoptr(GPtrArray) schemes = g_ptr_array_new();
	g_autofree char *all = NULL;
	const char *near = NULL;

	for (const struct sw_storage *const *s = sw_storages; *s != NULL; s++) {
		if (g_str_equal((*s)->scheme, scheme))
			return *s;
		g_ptr_array_add(schemes, (gpointer)(*s)->scheme);
	}
	g_ptr_array_add(schemes, NULL);
	near = sw_nearest(scheme, (const char *const *)schemes->pdata);
	all = g_strjoinv("://, ", (char **)schemes->pdata);
	if (near != NULL)
		sw_fail(error, SW_ERROR_USAGE, ID,
			"no storage has URIs with %s://; did you mean %s://?", scheme, near);
	else
		sw_fail(error, SW_ERROR_USAGE, ID,
			"no storage has URIs with %s://: write a path, or %s://", scheme, all);
	return NULL;
}

const struct sw_storage *sw_store_find(const char *name)
{
	for (const struct sw_storage *const *s = sw_storages; *s != NULL; s++)
		if (g_str_equal((*s)->name, name))
			return *s;
	return NULL;
}

static gboolean is_plain(const char *text)
{
	if (!g_utf8_validate(text, -1, NULL))
		return FALSE;
	for (; *text != '\0'; text = g_utf8_next_char(text))
		if (g_unichar_iscntrl(g_utf8_get_char(text)))
			return FALSE;
	return TRUE;
}

/* LENGTH bytes of TEXT without their percent signs; NULL: not well-formed text. */
static char *decode(const char *text, size_t length)
{
	g_autofree char *plain = g_uri_unescape_segment(text, text + length, NULL);

	return plain == NULL || !is_plain(plain) ? NULL : g_steal_pointer(&plain);
}

static gboolean bad(const char *scheme, const char *why, GError **error)
{
	return sw_fail(error, SW_ERROR_USAGE, ID, "the %s:// URI %s", scheme, why);
}

static gboolean take_option(struct sw_store_uri *uri, const char *pair, GError **error)
{
	const char *scheme = uri->storage->scheme;
	g_autofree char *owner = g_strconcat("storage ", uri->storage->name, NULL);
	size_t length = strcspn(pair, "=");
	g_autofree char *name = decode(pair, length);
	g_autofree char *value =
		pair[length] == '=' ? decode(pair + length + 1, strlen(pair + length + 1)) : NULL;
	const struct sw_param *param;

	if (name == NULL || *name == '\0' || value == NULL)
		return bad(scheme, "has a bad query: write ?NAME=VALUE&NAME=VALUE", error);
	param = sw_param_find(uri->storage->params, name, owner, error);
	if (param == NULL)
		return FALSE;
	if (param->type == SW_PARAM_SECRET)
		return sw_fail(error, SW_ERROR_USAGE, "secret-in-uri",
			       "%s is a secret, which a URI would show to others: give it in a "
			       "file or in the environment",
			       param->name);
	if (g_hash_table_contains(uri->options, name))
		return sw_fail(error, SW_ERROR_USAGE, ID, "the %s:// URI has %s twice", scheme,
			       param->name);
	if (!sw_param_check(param, value, owner, error))
		return FALSE;
	return g_hash_table_insert(uri->options, g_steal_pointer(&name), g_steal_pointer(&value));
}

static gboolean take_query(struct sw_store_uri *uri, const char *query, GError **error)
{
	g_auto(GStrv) pairs = g_strsplit(query, "&", -1);

	if (*query == '\0')
		return bad(uri->storage->scheme, "has a bad query: write ?NAME=VALUE", error);
	for (char **pair = pairs; *pair != NULL; pair++)
		if (!take_option(uri, *pair, error))
			return FALSE;
	return TRUE;
}

/* Only a path may lead up; a claim or a bucket must not be left. */
static gboolean leads_up(const char *location)
{
	g_auto(GStrv) parts = g_strsplit(location, "/", -1);

	return g_strv_contains((const char *const *)parts, "..");
}

static gboolean take_location(struct sw_store_uri *uri, const char *text, size_t length,
			      GError **error)
{
	const char *scheme = uri->storage->scheme;
	gboolean is_file = g_str_equal(scheme, "file");
	const char *slash = memchr(text, '/', length);
	size_t authority = slash == NULL ? length : (size_t)(slash - text);

	if (memchr(text, '@', authority) != NULL)
		return sw_fail(error, SW_ERROR_USAGE, "secret-in-uri",
			       "the %s:// URI names a user or a password: give credentials in a "
			       "file or in the environment",
			       scheme);
	if (is_file && authority == strlen("localhost") &&
	    strncmp(text, "localhost", authority) == 0)
		length -= authority;
	else if (is_file && authority != 0)
		return bad(scheme, "must be file:///PATH, or only a path", error);
	uri->location = decode(is_file ? text + authority : text, length);
	if (uri->location == NULL)
		return bad(scheme, "is not well-formed: percent-encode what is not UTF-8 text",
			   error);
	if (*uri->location == '\0' || (!is_file && *uri->location == '/'))
		return bad(scheme, "names no place", error);
	if (leads_up(uri->location))
		return bad(scheme, "must not contain \"..\"", error);
	return TRUE;
}

/* "s3:/bucket" is hardly meant as a directory "s3:". */
static gboolean check_path(const char *text, GError **error)
{
	const char *colon = strchr(text, ':');
	size_t length = colon == NULL ? 0 : (size_t)(colon - text);

	if (length == 0 || strspn(text, SCHEME_CHARACTERS) != length)
		return TRUE;
	for (const struct sw_storage *const *s = sw_storages; *s != NULL; s++)
		if (strlen((*s)->scheme) == length && strncmp(text, (*s)->scheme, length) == 0)
			return sw_fail(error, SW_ERROR_USAGE, ID,
				       "%s begins like a %s:// URI, but is none: write %s://, or "
				       "./%s for a path",
				       text, (*s)->scheme, (*s)->scheme, text);
	return TRUE;
}

static gboolean parse(struct sw_store_uri *uri, const char *text, GError **error)
{
	const char *end = strstr(text, "://");
	g_autofree char *scheme = end == NULL ? NULL : g_ascii_strdown(text, end - text);
	size_t length;

	if (*text == '\0' || !is_plain(text))
		return sw_fail(error, SW_ERROR_USAGE, ID, "this is neither a path nor a URI");
	if (end == NULL && !check_path(text, error))
		return FALSE;
	/* A path may hold "://" further on. */
	if (scheme == NULL || strspn(scheme, SCHEME_CHARACTERS) != strlen(scheme)) {
		uri->storage = find_scheme("file", error);
		uri->location = g_strdup(text);
		return uri->storage != NULL;
	}
	uri->storage = find_scheme(scheme, error);
	if (uri->storage == NULL)
		return FALSE;
	text = end + strlen("://");
	if (strchr(text, '#') != NULL)
		return bad(scheme, "has a \"#\": write it as %23", error);
	length = strcspn(text, "?");
	return take_location(uri, text, length, error) &&
	       (text[length] == '\0' || take_query(uri, text + length + 1, error));
}

gboolean sw_store_uri_parse(const char *text, struct sw_store_uri **ret_uri, GError **error)
{
	g_autoptr(SwStoreUri) uri = g_new0(struct sw_store_uri, 1);

	uri->options = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (!parse(uri, text, error))
		return FALSE;
	uri->text = g_strdup(text);
	*ret_uri = g_steal_pointer(&uri);
	return TRUE;
}

void sw_store_uri_free(struct sw_store_uri *uri)
{
	if (uri == NULL)
		return;
	g_free(uri->location);
	g_clear_pointer(&uri->options, g_hash_table_unref);
	g_free(uri->text);
	g_free(uri);
}

gboolean sw_store_check_option(const char *text, char **ret_canonical, GError **error)
{
	size_t dot = strcspn(text, ".="), equals = strcspn(text, "=");
	g_autofree char *name = g_strndup(text, dot);
	g_autofree char *key = g_strndup(text + dot + 1, dot < equals ? equals - dot - 1 : 0);
	const struct sw_storage *storage = sw_store_find(name);
	g_autofree char *owner = g_strconcat("storage ", name, NULL);
	const struct sw_param *param;

	if (storage == NULL || *key == '\0' || text[equals] == '\0')
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "this is no option of a storage: write NAME.KEY=VALUE");
	param = sw_param_find(storage->params, key, owner, error);
	if (param == NULL)
		return FALSE;
	if (param->type == SW_PARAM_SECRET)
		return sw_fail(error, SW_ERROR_USAGE, "secret-in-option",
			       "%s.%s is a secret, which a command line would show to others: "
			       "give it in a file or in the environment",
			       name, key);
	if (!sw_param_check(param, text + equals + 1, owner, error))
		return FALSE;
	*ret_canonical = g_strdup(text);
	return TRUE;
}
