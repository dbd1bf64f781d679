/* SPDX-License-Identifier: MIT */
#include "storage/oci/name.h"

#include <string.h>

#include "core/hash.h"
#include "core/storage.h"

#define ID "bad-repository"
#define TAG_MAX 128
#define REPOSITORY_MAX 255
#define MEDIA_TYPE_MAX 255
#define HASHED "_k"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define HEX DIGITS "abcdef"
#define ALNUM LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS

static gboolean is_port(const char *text)
{
	size_t length = strlen(text);

	return length >= 1 && length <= 5 && strspn(text, DIGITS) == length;
}

/* A host name or an address, with or without a port. */
static gboolean is_registry(const char *text)
{
	size_t length;

	if (*text == '[') {
		length = 1 + strspn(text + 1, HEX "ABCDEF:.");
		if (length < 4 || text[length++] != ']')
			return FALSE;
	} else {
		length = strspn(text, ALNUM "-.");
		if (length == 0 || !g_ascii_isalnum(*text) || strstr(text, "..") != NULL)
			return FALSE;
	}
	return text[length] == '\0' || (text[length] == ':' && is_port(text + length + 1));
}

/* Lower-case words joined by one of ".", "_", "__" or any number of "-". */
static gboolean is_component(const char *text)
{
	while (TRUE) {
		size_t word = strspn(text, LOWER DIGITS), dashes;

		if (word == 0)
			return FALSE;
		text += word;
		if (*text == '\0')
			return TRUE;
		dashes = strspn(text, "-");
		text += dashes > 0		       ? dashes
			: g_str_has_prefix(text, "__") ? 2
			: *text == '.' || *text == '_' ? 1
						       : strlen(text);
	}
}

static gboolean is_repository(const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, "/", -1);

	if (parts[0] == NULL || strlen(text) > REPOSITORY_MAX)
		return FALSE;
	for (char **part = parts; *part != NULL; part++)
		if (!is_component(*part))
			return FALSE;
	return TRUE;
}

static gboolean take_prefix(struct sw_oci_name *name, const char *text, GError **error)
{
	g_autofree char *prefix = g_strdup(text);

	while (g_str_has_suffix(prefix, "/"))
		prefix[strlen(prefix) - 1] = '\0';
	if (!sw_key_check(prefix, error))
		return sw_fail_prefix(error, SW_ERROR_STORAGE, "bad-key", "oci://%s/%s",
				      name->registry, name->repository);
	name->prefix = g_strconcat(prefix, "/", NULL);
	name->tag = sw_oci_tag_valid(prefix) ? g_steal_pointer(&prefix) : NULL;
	return TRUE;
}

gboolean sw_oci_name_parse(const char *location, struct sw_oci_name *ret, GError **error)
{
	size_t length = strcspn(location, "/");
	const char *rest = location + length + (location[length] == '/');
	size_t end = strcspn(rest, ":");
	struct sw_oci_name name = { g_strndup(location, length), g_strndup(rest, end), NULL, NULL };
	gboolean good = TRUE;

	if (!is_registry(name.registry))
		good = sw_fail(error, SW_ERROR_USAGE, ID,
			       "oci://%s: \"%s\" is no registry: write oci://HOST/REPOSITORY[:TAG]",
			       location, name.registry);
	else if (!is_repository(name.repository))
		good = sw_fail(error, SW_ERROR_USAGE, ID,
			       "oci://%s: no repository can be called \"%s\": lower-case words, "
			       "joined by one of . _ - and /",
			       location, name.repository);
	else if (rest[end] == '\0')
		name.prefix = g_strdup("");
	else
		good = take_prefix(&name, rest + end + 1, error);
	if (good)
		*ret = name;
	else
		sw_oci_name_clear(&name);
	return good;
}

void sw_oci_name_clear(struct sw_oci_name *name)
{
	g_clear_pointer(&name->registry, g_free);
	g_clear_pointer(&name->repository, g_free);
	g_clear_pointer(&name->prefix, g_free);
	g_clear_pointer(&name->tag, g_free);
}

gboolean sw_oci_tag_valid(const char *text)
{
	size_t length = strlen(text);

	return length >= 1 && length <= TAG_MAX && strspn(text, ALNUM "_.-") == length &&
	       *text != '.' && *text != '-';
}

gboolean sw_oci_media_type_valid(const char *text)
{
	static const char restricted[] = ALNUM "!#$&-^_.+";
	size_t type = strspn(text, restricted), length = strlen(text);

	return type > 0 && text[type] == '/' && length <= MEDIA_TYPE_MAX &&
	       text[type + 1] != '\0' && strspn(text + type + 1, restricted) == length - type - 1;
}

char *sw_oci_tag_of(const char *key)
{
	GString *tag = g_string_new(NULL);
	char hex[SW_SHA256_SIZE];

	for (const char *c = key; *c != '\0'; c++) {
		gboolean first = c == key && (*c == '.' || *c == '-');

		if (*c == '/')
			g_string_append(tag, "__");
		else if (!first && (g_ascii_isalnum(*c) || *c == '.' || *c == '-'))
			g_string_append_c(tag, *c);
		else
			g_string_append_printf(tag, "_%02x", (guint8)*c);
	}
	if (tag->len > TAG_MAX) {
		sw_sha256_data(key, strlen(key), hex);
		g_string_printf(tag, HASHED "%s", hex);
	}
	return g_string_free(tag, FALSE);
}

gboolean sw_oci_tag_is_hash(const char *tag)
{
	return g_str_has_prefix(tag, HASHED) && strlen(tag) == strlen(HASHED) + SW_SHA256_HEX &&
	       strspn(tag + strlen(HASHED), HEX) == SW_SHA256_HEX;
}

char *sw_oci_key_of(const char *tag)
{
	g_autoptr(GString) key = g_string_new(NULL);
	g_autofree char *back = NULL;

	for (const char *c = tag; *c != '\0'; c++) {
		if (*c != '_') {
			g_string_append_c(key, *c);
		} else if (c[1] == '_') {
			g_string_append_c(key, '/');
			c++;
		} else if (g_ascii_isxdigit(c[1]) && g_ascii_isxdigit(c[2])) {
			int byte = g_ascii_xdigit_value(c[1]) * 16 + g_ascii_xdigit_value(c[2]);

			g_string_append_c(key, (char)byte);
			c += 2;
		} else {
			return NULL;
		}
	}
	if (strlen(key->str) != key->len || !sw_key_check(key->str, NULL))
		return NULL;
	back = sw_oci_tag_of(key->str);
	return g_str_equal(back, tag) ? g_string_free(g_steal_pointer(&key), FALSE) : NULL;
}
