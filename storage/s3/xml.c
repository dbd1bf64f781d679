/* SPDX-License-Identifier: MIT */
#include "storage/s3/xml.h"

#include <string.h>

#include "core/text.h"

#define ID "bad-answer"
#define DEPTH_MAX 16
#define ELEMENTS_MAX 100000

void sw_xml_free(struct sw_xml *element)
{
	if (element == NULL)
		return;
	g_ptr_array_unref(element->children);
	g_free(element->name);
	g_free(element->text);
	g_free(element);
}

struct builder {
	struct sw_xml *root;
	GPtrArray *open;  /* struct sw_xml, borrowed, outermost first */
	GPtrArray *texts; /* GString of each */
	guint count;
};

static void start_element(G_GNUC_UNUSED GMarkupParseContext *context, const char *name,
			  G_GNUC_UNUSED const char **names, G_GNUC_UNUSED const char **values,
			  gpointer data, GError **error)
{
	struct builder *b = data;
	struct sw_xml *element;

	if (b->open->len >= DEPTH_MAX || ++b->count > ELEMENTS_MAX ||
	    (b->open->len == 0 && b->root != NULL)) {
		g_set_error_literal(error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT,
				    "too many elements");
		return;
	}
	element = g_new0(struct sw_xml, 1);
	element->name = g_strdup(name);
	element->text = g_strdup("");
	element->children = g_ptr_array_new_with_free_func((GDestroyNotify)sw_xml_free);
	if (b->open->len == 0) {
		b->root = element;
	} else {
		struct sw_xml *parent = b->open->pdata[b->open->len - 1];

		g_ptr_array_add(parent->children, element);
	}
	g_ptr_array_add(b->open, element);
	g_ptr_array_add(b->texts, g_string_new(NULL));
}

static void end_element(G_GNUC_UNUSED GMarkupParseContext *context, G_GNUC_UNUSED const char *name,
			gpointer data, G_GNUC_UNUSED GError **error)
{
	struct builder *b = data;
	struct sw_xml *element = b->open->pdata[b->open->len - 1];
	GString *text = b->texts->pdata[b->texts->len - 1];

	g_free(element->text);
	element->text = g_strdup(text->str);
	g_ptr_array_set_size(b->open, (int)b->open->len - 1);
	g_ptr_array_set_size(b->texts, (int)b->texts->len - 1);
}

static void add_text(G_GNUC_UNUSED GMarkupParseContext *context, const char *text, gsize length,
		     gpointer data, G_GNUC_UNUSED GError **error)
{
	struct builder *b = data;

	if (b->texts->len > 0)
		g_string_append_len(b->texts->pdata[b->texts->len - 1], text, (gssize)length);
}

static void free_string(gpointer string)
{
	g_string_free(string, TRUE);
}

gboolean sw_xml_parse(const char *data, size_t length, struct sw_xml **ret_root, GError **error)
{
	static const GMarkupParser parser = { start_element, end_element, add_text, NULL, NULL };
	g_autoptr(GPtrArray) open = g_ptr_array_new();
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(free_string);
	struct builder builder = { NULL, open, texts, 0 };
	g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(
		&parser, G_MARKUP_TREAT_CDATA_AS_TEXT | G_MARKUP_PREFIX_ERROR_POSITION, &builder,
		NULL);
	g_autoptr(GError) inner = NULL;
	g_autofree char *line = NULL;
	g_autofree char *shown = NULL;

	if (length > 0 && memchr(data, '\0', length) == NULL &&
	    g_markup_parse_context_parse(context, data, (gssize)length, &inner) &&
	    g_markup_parse_context_end_parse(context, &inner)) {
		*ret_root = builder.root;
		return TRUE;
	}
	sw_xml_free(builder.root);
	line = sw_text_line(inner == NULL ? "it is empty" : inner->message);
	shown = g_utf8_substring(line, 0, MIN(g_utf8_strlen(line, -1), 200));
	return sw_fail(error, SW_ERROR_STORAGE, ID, "the server's answer is not XML: %s", shown);
}

const struct sw_xml *sw_xml_child(const struct sw_xml *element, const char *name)
{
	for (guint i = 0; i < element->children->len; i++) {
		const struct sw_xml *child = element->children->pdata[i];

		if (g_str_equal(child->name, name))
			return child;
	}
	return NULL;
}

const char *sw_xml_text(const struct sw_xml *element, const char *name)
{
	const struct sw_xml *child = sw_xml_child(element, name);

	return child == NULL ? NULL : child->text;
}
