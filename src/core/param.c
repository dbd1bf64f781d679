/* SPDX-License-Identifier: MIT */
#include "core/param.h"

#include <string.h>

#include "core/error.h"
#include "core/size.h"

#define ID "bad-option"
#define WORD_MAX 64 /* longer words are near to nothing: bounds the work */

static guint min3(guint a, guint b, guint c)
{
	return MIN(MIN(a, b), c);
}

/* Optimal string alignment: rows i - 2, i - 1 and i of the table turn round in ROWS. */
static guint edit_distance(const char *a, const char *b)
{
	guint rows[3][WORD_MAX + 1];
	guint a_length = (guint)strlen(a);
	guint b_length = (guint)strlen(b);

	for (guint j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (guint i = 1; i <= a_length; i++) {
		guint *row = rows[i % 3];
		const guint *above = rows[(i + 2) % 3];
		const guint *second = rows[(i + 1) % 3];

		row[0] = i;
		for (guint j = 1; j <= b_length; j++) {
			char x = g_ascii_tolower(a[i - 1]);
			char y = g_ascii_tolower(b[j - 1]);

			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) &&
			    y == g_ascii_tolower(a[i - 2]))
				row[j] = MIN(row[j], second[j - 2] + 1);
		}
	}
	return rows[a_length % 3][b_length];
}

const char *sw_nearest(const char *word, const char *const *words)
{
	size_t length = strlen(word);
	guint limit = (guint)MAX(1, length / 3);
	const char *nearest = NULL;

	if (length == 0 || length > WORD_MAX || words == NULL)
		return NULL;
	for (; *words != NULL; words++) {
		guint distance =
			strlen(*words) > WORD_MAX ? G_MAXUINT : edit_distance(word, *words);

		if (distance > limit || distance >= length ||
		    (nearest != NULL && distance == limit))
			continue;
		nearest = *words;
		limit = distance;
	}
	return nearest;
}

/* The names of PARAMS, NULL at the end; the caller frees the array only. */
static const char **param_names(const struct sw_param *params)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (; params != NULL && params->name != NULL; params++)
		g_ptr_array_add(names, (gpointer)params->name);
	g_ptr_array_add(names, NULL);
	return (const char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

static gboolean fail_unknown(const char *name, const char *const *names, const char *owner,
			     GError **error)
{
	const char *nearest = sw_nearest(name, names);
	g_autofree char *all = g_strjoinv(", ", (char **)names);

	if (nearest != NULL)
		return sw_fail(error, SW_ERROR_USAGE, "unknown-option",
			       "%s: unknown option \"%s\"; did you mean \"%s\"?", owner, name,
			       nearest);
	if (names[0] == NULL)
		return sw_fail(error, SW_ERROR_USAGE, "unknown-option",
			       "%s: unknown option \"%s\": it has no options", owner, name);
	return sw_fail(error, SW_ERROR_USAGE, "unknown-option",
		       "%s: unknown option \"%s\": it has %s", owner, name, all);
}

const struct sw_param *sw_param_find(const struct sw_param *params, const char *name,
				     const char *owner, GError **error)
{
	g_autofree const char **names = param_names(params);

	for (; params != NULL && params->name != NULL; params++)
		if (g_str_equal(params->name, name))
			return params;
	fail_unknown(name, names, owner, error);
	return NULL;
}

/* The first unknown name in alphabetical order, so that the message is the same each time. */
static gboolean check_names(const struct sw_param *params, GHashTable *given, const char *owner,
			    GError **error)
{
	g_autofree const char **names = param_names(params);
	const char *unknown = NULL;
	GHashTableIter iter;
	gpointer key = NULL;

	g_hash_table_iter_init(&iter, given);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		if (!g_strv_contains(names, key) && (unknown == NULL || strcmp(key, unknown) < 0))
			unknown = key;
	return unknown == NULL || fail_unknown(unknown, names, owner, error);
}

static gboolean parse_bool(const char *text, gboolean *ret_value, GError **error)
{
	static const char *const yes[] = { "true", "yes", "on", NULL };
	static const char *const no[] = { "false", "no", "off", NULL };

	if (!g_strv_contains(yes, text) && !g_strv_contains(no, text))
		return sw_fail(error, SW_ERROR_USAGE, ID, "\"%s\" is neither true nor false", text);
	*ret_value = g_strv_contains(yes, text);
	return TRUE;
}

static gboolean parse_int(const char *text, int *ret_value, GError **error)
{
	gboolean negative = text[0] == '-';
	guint64 limit = (guint64)G_MAXINT + negative;
	guint64 number = 0;

	if (!sw_number_parse(text + negative, 0, limit, &number, NULL))
		return sw_fail(error, SW_ERROR_USAGE, ID,
			       "\"%s\" is not a whole number from %d to %d", text, G_MININT,
			       G_MAXINT);
	*ret_value = (int)(negative ? -(gint64)number : (gint64)number);
	return TRUE;
}

static gboolean parse_choice(const struct sw_param *param, const char *text, char **ret_value,
			     GError **error)
{
	g_autofree char *all = g_strjoinv(", ", (char **)param->choices);
	const char *nearest = sw_nearest(text, param->choices);

	if (!g_strv_contains(param->choices, text))
		return sw_fail(error, SW_ERROR_USAGE, ID, "\"%s\" is none of %s%s%s%s", text, all,
			       nearest != NULL ? "; did you mean " : "",
			       nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
	*ret_value = g_strdup(text);
	return TRUE;
}

static gboolean set_field(const struct sw_param *param, const char *text, void *state,
			  GError **error)
{
	void *field = G_STRUCT_MEMBER_P(state, param->offset);

	switch (param->type) {
	case SW_PARAM_BOOL:
		return parse_bool(text, field, error);
	case SW_PARAM_SIZE:
		return sw_size_parse(text, field, error);
	case SW_PARAM_INT:
		return parse_int(text, field, error);
	case SW_PARAM_CHOICE:
		return parse_choice(param, text, field, error);
	case SW_PARAM_STRING:
	case SW_PARAM_SECRET:
		break;
	}
	*(char **)field = g_strdup(text);
	return TRUE;
}

static gboolean apply_one(const struct sw_param *param, GHashTable *given, void *state,
			  const char *owner, GError **error)
{
	const char *text = given == NULL ? NULL : g_hash_table_lookup(given, param->name);

	if (text == NULL)
		text = param->fallback;
	if (text == NULL && param->required)
		return sw_fail(error, SW_ERROR_USAGE, "missing-option",
			       "%s: the option %s is required (%s)", owner, param->name,
			       param->help);
	if (text == NULL || set_field(param, text, state, error))
		return TRUE;
	return sw_fail_prefix(error, SW_ERROR_USAGE, ID, "%s: option %s", owner, param->name);
}

gboolean sw_param_check(const struct sw_param *param, const char *text, const char *owner,
			GError **error)
{
	struct sw_param alone[] = { *param, { 0 } };
	guint64 field = 0; /* room for every type */

	alone[0].offset = 0;
	if (!set_field(alone, text, &field, error))
		return sw_fail_prefix(error, SW_ERROR_USAGE, ID, "%s: option %s", owner,
				      param->name);
	sw_params_clear(alone, &field);
	return TRUE;
}

gboolean sw_params_apply(const struct sw_param *params, GHashTable *given, void *state,
			 const char *owner, GError **error)
{
	if (given != NULL && !check_names(params, given, owner, error))
		return FALSE;
	for (const struct sw_param *p = params; p != NULL && p->name != NULL; p++) {
		if (!apply_one(p, given, state, owner, error)) {
			sw_params_clear(params, state);
			return FALSE;
		}
	}
	return TRUE;
}

static void clear_string(char **field, gboolean secret)
{
	if (secret && *field != NULL)
		explicit_bzero(*field, strlen(*field));
	g_clear_pointer(field, g_free);
}

void sw_params_clear(const struct sw_param *params, void *state)
{
	for (; params != NULL && params->name != NULL; params++) {
		void *field = G_STRUCT_MEMBER_P(state, params->offset);

		switch (params->type) {
		case SW_PARAM_BOOL:
			*(gboolean *)field = FALSE;
			break;
		case SW_PARAM_SIZE:
			*(guint64 *)field = 0;
			break;
		case SW_PARAM_INT:
			*(int *)field = 0;
			break;
		case SW_PARAM_STRING:
		case SW_PARAM_CHOICE:
		case SW_PARAM_SECRET:
			clear_string(field, params->type == SW_PARAM_SECRET);
			break;
		}
	}
}
