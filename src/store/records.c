/* SPDX-License-Identifier: MIT */
#include "store/records.h"

#include <string.h>

#include "core/json.h"
#include "core/storage.h"

static const struct sw_json_subject subject = { SW_RECORD_MANIFEST, SW_ERROR_STORAGE,
						"bad-record" };

/* How much of RECORD is its directory. */
static size_t directory_length(const char *record)
{
	const char *slash = strrchr(record, '/');

	return slash == NULL ? 0 : (size_t)(slash + 1 - record);
}

char *sw_sums_text(const char *record, GPtrArray *artifacts, char *const *keys)
{
	size_t skip = directory_length(record);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < artifacts->len; i++) {
		const struct sw_artifact *artifact = artifacts->pdata[i];

		g_string_append_printf(text, "%s  %s\n", artifact->sha256, keys[i] + skip);
	}
	return g_string_free(text, FALSE);
}

static void sum_free(void *data)
{
	struct sw_sum *sum = data;

	g_free(sum->key);
	g_free(sum);
}

static gboolean parse_line(const char *line, const char *directory, GPtrArray *sums)
{
	g_autofree char *digest = g_strdup_printf("sha256:%.64s", line);
	g_autofree char *key = NULL;
	struct sw_sum *sum;

	if (!sw_digest_valid(digest) || line[SW_SHA256_HEX] != ' ' ||
	    strchr(" *", line[SW_SHA256_HEX + 1]) == NULL || line[SW_SHA256_HEX + 1] == '\0')
		return FALSE;
	if (!sw_key_check(line + SW_SHA256_HEX + 2, NULL))
		return FALSE;
	key = g_strconcat(directory, line + SW_SHA256_HEX + 2, NULL);
	if (!sw_key_check(key, NULL))
		return FALSE;
	sum = g_new0(struct sw_sum, 1);
	sum->key = g_steal_pointer(&key);
	memcpy(sum->sha256, line, SW_SHA256_HEX);
	g_ptr_array_add(sums, sum);
	return TRUE;
}

gboolean sw_sums_parse(const char *text, const char *key, GPtrArray **ret_sums, GError **error)
{
	g_autoptr(GPtrArray) sums = g_ptr_array_new_with_free_func(sum_free);
	g_autofree char *directory = g_strndup(key, directory_length(key));
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++)
		if (lines[i][0] != '\0' && !parse_line(lines[i], directory, sums))
			return sw_fail(error, SW_ERROR_STORAGE, "bad-record",
				       "%s: line %u is no checksum and name", key, i + 1);
	*ret_sums = g_steal_pointer(&sums);
	return TRUE;
}

char *sw_record_of(const char *key, const char *name)
{
	size_t length = strlen(key);

	if (!g_str_has_suffix(key, name))
		return NULL;
	length -= strlen(name);
	if (length > 0 && key[length - 1] != '/' && key[length - 1] != '.')
		return NULL;
	return g_strndup(key, length);
}

/* Not ours where a member is missing; a wrong type is an error. */
static gboolean read_published(JsonObject *object, struct sw_published **ret_published,
			       GError **error)
{
	const char *name = NULL, *version = NULL, *arch = NULL, *tag = NULL, *text = NULL;
	g_autoptr(GDateTime) time = NULL;
	struct sw_published *published;

	if (!sw_json_get_string(object, "name", FALSE, &subject, &name, error) ||
	    !sw_json_get_string(object, "version", FALSE, &subject, &version, error) ||
	    !sw_json_get_string(object, "arch", FALSE, &subject, &arch, error) ||
	    !sw_json_get_string(object, "tag", FALSE, &subject, &tag, error) ||
	    !sw_json_get_string(object, "time", FALSE, &subject, &text, error))
		return FALSE;
	time = text == NULL ? NULL : g_date_time_new_from_iso8601(text, NULL);
	if (name == NULL || version == NULL || arch == NULL || time == NULL)
		return TRUE;
	published = g_new0(struct sw_published, 1);
	published->name = g_strdup(name);
	published->version = g_strdup(version);
	published->arch = g_strdup(arch);
	published->tag = g_strdup(tag);
	published->time = g_date_time_to_unix(time);
	*ret_published = published;
	return TRUE;
}

gboolean sw_published_parse(const char *text, struct sw_published **ret_published, GError **error)
{
	JsonObject *tool = NULL, *published = NULL;
	g_autoptr(JsonNode) root = NULL;
	const char *name = NULL;

	*ret_published = NULL;
	if (!sw_json_parse(text, strlen(text), &subject, &root, error) ||
	    !sw_json_get_object(json_node_get_object(root), "tool", FALSE, &subject, &tool,
				error) ||
	    !sw_json_get_object(json_node_get_object(root), "publication", FALSE, &subject,
				&published, error))
		return FALSE;
	if (tool == NULL || published == NULL)
		return TRUE;
	if (!sw_json_get_string(tool, "name", FALSE, &subject, &name, error))
		return FALSE;
	return g_strcmp0(name, "slipway") != 0 || read_published(published, ret_published, error);
}

void sw_published_free(struct sw_published *published)
{
	if (published == NULL)
		return;
	g_free(published->name);
	g_free(published->version);
	g_free(published->arch);
	g_free(published->tag);
	g_free(published);
}
