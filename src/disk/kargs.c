/* SPDX-License-Identifier: MIT */
#include "disk/kargs.h"

#include <string.h>

const char *const sw_karg_origins[] = { "root", "install", "image", "user" };

/* The parts of an argument as they are compared. */
struct parts {
	char *key;   /* "-" as "_" */
	char *value; /* without its quotes; NULL: none */
};

static void parts_clear(struct parts *parts)
{
	g_free(parts->key);
	g_free(parts->value);
}
typedef struct parts Parts;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parts, parts_clear)

/* TEXT without one double quote before and one behind it. */
static char *unquote(const char *text)
{
	size_t length;

	if (text[0] == '"')
		text++;
	length = strlen(text);
	if (length > 0 && text[length - 1] == '"')
		length--;
	return g_strndup(text, length);
}

static void split(const char *text, struct parts *ret_parts)
{
	g_autofree char *plain = text[0] == '"' ? unquote(text) : g_strdup(text);
	char *equals = strchr(plain, '=');

	if (equals != NULL)
		*equals = '\0';
	ret_parts->key = g_strdelimit(g_strdup(plain), "-", '_');
	ret_parts->value = equals != NULL ? unquote(equals + 1) : NULL;
}

static void karg_free(void *data)
{
	struct sw_karg *karg = data;

	g_free(karg->text);
	g_free(karg);
}

/* Is the argument at INDEX what PATTERN names?  ANY_VALUE: a pattern without a value names all. */
static gboolean matches(GPtrArray *kargs, guint index, const struct parts *pattern,
			gboolean any_value)
{
	const struct sw_karg *karg = g_ptr_array_index(kargs, index);
	g_auto(Parts) parts = { 0 };

	split(karg->text, &parts);
	return g_str_equal(parts.key, pattern->key) &&
	       ((any_value && pattern->value == NULL) ||
		g_strcmp0(parts.value, pattern->value) == 0);
}

static void add(GPtrArray *kargs, const char *text, enum sw_karg_origin origin)
{
	g_auto(Parts) parts = { 0 };
	struct sw_karg *karg;

	split(text, &parts);
	for (guint i = 0; i < kargs->len; i++)
		if (matches(kargs, i, &parts, FALSE))
			return;
	karg = g_new(struct sw_karg, 1);
	karg->text = g_strdup(text);
	karg->origin = origin;
	g_ptr_array_add(kargs, karg);
}

static void add_all(GPtrArray *kargs, const char *const *texts, enum sw_karg_origin origin)
{
	for (; texts != NULL && *texts != NULL; texts++)
		if (**texts != '\0')
			add(kargs, *texts, origin);
}

static void delete_all(GPtrArray *kargs, const char *const *patterns)
{
	for (; patterns != NULL && *patterns != NULL; patterns++) {
		g_auto(Parts) parts = { 0 };

		split(*patterns, &parts);
		for (guint i = kargs->len; i > 0; i--)
			if (matches(kargs, i - 1, &parts, TRUE))
				g_ptr_array_remove_index(kargs, i - 1);
	}
}

static void add_spec(GPtrArray *kargs, const char *key, const char *spec)
{
	g_autofree char *text = g_strdup_printf("%s=%s", key, spec);

	if (spec != NULL && *spec != '\0')
		add(kargs, text, SW_KARG_ROOT);
}

GPtrArray *sw_kargs_resolve(const struct sw_kargs_request *request)
{
	GPtrArray *kargs = g_ptr_array_new_with_free_func(karg_free);

	add_spec(kargs, "root", request->root_spec);
	add(kargs, "rw", SW_KARG_ROOT);
	add_spec(kargs, "boot", request->boot_spec);
	add_all(kargs, request->install, SW_KARG_INSTALL);
	add_all(kargs, request->image, SW_KARG_IMAGE);
	delete_all(kargs, request->install_deletes);
	delete_all(kargs, request->user_deletes);
	add_all(kargs, request->user, SW_KARG_USER);
	return kargs;
}
