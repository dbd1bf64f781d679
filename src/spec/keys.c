/* SPDX-License-Identifier: MIT */
#include "spec/keys.h"

#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "core/size.h"

#define KEYS_LIMIT (64 * SW_KIB)
#define ID "keys-file"

/* Length of the word at TEXT, which ends at a blank that is not between double quotes. */
static size_t word_length(const char *text)
{
	gboolean quoted = FALSE;
	const char *p = text;

	for (; *p != '\0' && (quoted || (*p != ' ' && *p != '\t')); p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	return (size_t)(p - text);
}

static gboolean is_key_type(const char *word)
{
	static const char *const prefixes[] = { "ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-" };

	for (guint i = 0; i < G_N_ELEMENTS(prefixes); i++)
		if (g_str_has_prefix(word, prefixes[i]))
			return TRUE;
	return FALSE;
}

/* A key in base64 begins with the length of its type's name, a small number of four bytes. */
static gboolean is_key_blob(const char *word)
{
	size_t length = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/");

	length += strspn(word + length, "=");
	return g_str_has_prefix(word, "AAAA") && length >= 40 &&
	       (word[length] == '\0' || word[length] == ' ' || word[length] == '\t');
}

/* LINE is [options] type key [comment]. */
static gboolean is_key(const char *line)
{
	for (int word = 0; word < 2; word++) {
		size_t length = word_length(line);
		const char *next = line + length + strspn(line + length, " \t");

		if (is_key_type(line))
			return is_key_blob(next);
		line = next;
	}
	return FALSE;
}

gboolean sw_keys_parse(const char *text, size_t length, const char *path, GError **error)
{
	g_auto(GStrv) lines = NULL;
	guint keys = 0;

	if (memchr(text, '\0', length) != NULL)
		return sw_fail(error, SW_ERROR_USAGE, ID, "%s is not a text file", path);
	if (strstr(text, "PRIVATE KEY-----") != NULL)
		return sw_fail(error, SW_ERROR_USAGE, ID,
			       "%s holds a private key: give the public one (.pub)", path);
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++) {
		const char *line = g_strstrip(lines[i]);

		if (*line == '\0' || *line == '#')
			continue;
		if (!is_key(line))
			return sw_fail(error, SW_ERROR_USAGE, ID,
				       "%s:%u: not a public ssh key (\"ssh-ed25519 AAAA...\")",
				       path, i + 1);
		keys++;
	}
	if (keys == 0)
		return sw_fail(error, SW_ERROR_USAGE, ID, "%s holds no ssh key", path);
	return TRUE;
}

/* A FIFO or a device could block or never end. */
static gboolean check_regular(const char *path, const char *id, GError **error)
{
	struct stat stat_buffer = { 0 };

	if (stat(path, &stat_buffer) < 0)
		return sw_fail_errno(error, SW_ERROR_USAGE, id, "cannot read %s", path);
	if (!S_ISREG(stat_buffer.st_mode))
		return sw_fail(error, SW_ERROR_USAGE, id, "%s is not a regular file", path);
	return TRUE;
}

gboolean sw_keys_check(const char *path, GError **error)
{
	g_autofree char *text = NULL;
	size_t length = 0;

	if (!check_regular(path, ID, error) ||
	    !sw_read_file(path, KEYS_LIMIT, &text, &length, SW_ERROR_USAGE, ID, error))
		return FALSE;
	return sw_keys_parse(text, length, path, error);
}

gboolean sw_authfile_check(const char *path, GError **error)
{
	if (!check_regular(path, "authfile", error))
		return FALSE;
	if (access(path, R_OK) < 0)
		return sw_fail_errno(error, SW_ERROR_USAGE, "authfile", "cannot read %s", path);
	return TRUE;
}
