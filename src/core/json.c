/* SPDX-License-Identifier: MIT */
#include "core/json.h"

#include <string.h>

#define DEPTH_MAX 64
#define VALUES_MAX 100000

/* A pass over the text: json-glib 1.6 recurses without a bound and takes more than JSON. */
struct scan {
	guint depth;
	guint values;
	gboolean in_string;
	gboolean escaped;
	gboolean ended; /* the root has been closed */
};

static gboolean fail_json(const struct sw_json_subject *subject, const char *what, GError **error)
{
	return sw_fail(error, subject->code, subject->id, "%s: %s", subject->name, what);
}

static const char *scan_string(struct scan *scan, const char *p, const char *end)
{
	if (scan->escaped) {
		scan->escaped = FALSE;
		if (*p == 'u' && end - p > 4 && memcmp(p + 1, "0000", 4) == 0)
			return "a text with a NUL in it";
	} else if (*p == '\\') {
		scan->escaped = TRUE;
	} else if (*p == '"') {
		scan->in_string = FALSE;
	} else if ((guchar)*p < ' ') {
		return "not JSON: a control character in a text";
	}
	return NULL;
}

static const char *scan_outside(struct scan *scan, char c)
{
	if (c != '\0' && strchr(" \t\r\n", c) != NULL)
		return NULL;
	if (c == '\0' || scan->ended || strchr("{}[]\":,+-.0123456789eEtrufalsn", c) == NULL)
		return "not JSON";
	if (c == '"') {
		scan->in_string = TRUE;
	} else if (c == '{' || c == '[') {
		if (++scan->depth > DEPTH_MAX)
			return "nested too deeply";
	} else if (c == '}' || c == ']') {
		if (scan->depth == 0)
			return "not JSON";
		scan->ended = --scan->depth == 0;
	}
	if (strchr("{[,", c) != NULL && ++scan->values > VALUES_MAX)
		return "too many values";
	return NULL;
}

/* What is wrong with the text; NULL: it may be parsed. */
static const char *scan_text(const char *data, size_t length)
{
	struct scan scan = { 0 };
	const char *wrong = NULL;

	if (!g_utf8_validate_len(data, length, NULL))
		return "not UTF-8";
	for (const char *p = data; wrong == NULL && p < data + length; p++)
		wrong = scan.in_string ? scan_string(&scan, p, data + length)
				       : scan_outside(&scan, *p);
	if (wrong == NULL && !scan.ended)
		wrong = "not JSON: it ends early";
	return wrong;
}

gboolean sw_json_parse(const char *data, size_t length, const struct sw_json_subject *subject,
		       JsonNode **ret_root, GError **error)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	const char *wrong = scan_text(data, length);
	JsonNode *root = NULL;

	if (wrong != NULL)
		return fail_json(subject, wrong, error);
	if (!json_parser_load_from_data(parser, data, (gssize)length, NULL))
		return fail_json(subject, "not JSON", error);
	root = json_parser_get_root(parser);
	if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root))
		return fail_json(subject, "not a JSON object", error);
	*ret_root = json_parser_steal_root(parser);
	return TRUE;
}

/* RET_NODE gets NULL for a member that is missing or null. */
static gboolean get_member(JsonObject *object, const char *name, gboolean required,
			   const struct sw_json_subject *subject, JsonNode **ret_node,
			   GError **error)
{
	JsonNode *node = json_object_get_member(object, name);

	if (node != NULL && JSON_NODE_HOLDS_NULL(node))
		node = NULL;
	if (node == NULL && required)
		return sw_fail(error, subject->code, subject->id, "%s: %s is missing",
			       subject->name, name);
	*ret_node = node;
	return TRUE;
}

static gboolean fail_type(const struct sw_json_subject *subject, const char *name, const char *type,
			  GError **error)
{
	return sw_fail(error, subject->code, subject->id, "%s: %s is not %s", subject->name, name,
		       type);
}

gboolean sw_json_get_string(JsonObject *object, const char *name, gboolean required,
			    const struct sw_json_subject *subject, const char **ret_text,
			    GError **error)
{
	JsonNode *node = NULL;

	if (!get_member(object, name, required, subject, &node, error))
		return FALSE;
	if (node != NULL && json_node_get_value_type(node) != G_TYPE_STRING)
		return fail_type(subject, name, "a text", error);
	if (node != NULL && !g_utf8_validate(json_node_get_string(node), -1, NULL))
		return fail_type(subject, name, "UTF-8", error);
	*ret_text = node != NULL ? json_node_get_string(node) : NULL;
	return TRUE;
}

gboolean sw_json_get_object(JsonObject *object, const char *name, gboolean required,
			    const struct sw_json_subject *subject, JsonObject **ret_object,
			    GError **error)
{
	JsonNode *node = NULL;

	if (!get_member(object, name, required, subject, &node, error))
		return FALSE;
	if (node != NULL && !JSON_NODE_HOLDS_OBJECT(node))
		return fail_type(subject, name, "an object", error);
	*ret_object = node != NULL ? json_node_get_object(node) : NULL;
	return TRUE;
}

gboolean sw_json_get_array(JsonObject *object, const char *name, gboolean required,
			   const struct sw_json_subject *subject, JsonArray **ret_array,
			   GError **error)
{
	JsonNode *node = NULL;

	if (!get_member(object, name, required, subject, &node, error))
		return FALSE;
	if (node != NULL && !JSON_NODE_HOLDS_ARRAY(node))
		return fail_type(subject, name, "an array", error);
	*ret_array = node != NULL ? json_node_get_array(node) : NULL;
	return TRUE;
}

gboolean sw_json_get_int(JsonObject *object, const char *name, gboolean required,
			 const struct sw_json_subject *subject, gint64 *ret_number, GError **error)
{
	JsonNode *node = NULL;

	if (!get_member(object, name, required, subject, &node, error))
		return FALSE;
	if (node != NULL && json_node_get_value_type(node) != G_TYPE_INT64)
		return fail_type(subject, name, "a whole number", error);
	*ret_number = node != NULL ? json_node_get_int(node) : 0;
	return TRUE;
}
