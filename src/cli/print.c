/* SPDX-License-Identifier: MIT */
#include "cli/print.h"

#include <stdarg.h>
#include <string.h>

#include "core/text.h"

/* Between two columns. */
#define GAP 2

struct sw_table {
	char *alignment;
	guint columns;
	GPtrArray *rows; /* of char **, COLUMNS texts each, some NULL */
};

static void append_blanks(GString *out, glong count)
{
	for (; count > 0; count--)
		g_string_append_c(out, ' ');
}

void sw_print_wrapped(GString *out, guint column, guint indent, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	gboolean first = TRUE;

	for (guint i = 0; words[i] != NULL; i++) {
		guint width = (guint)g_utf8_strlen(words[i], -1);

		if (width == 0)
			continue;
		if (!first && column + 1 + width > SW_WIDTH) {
			g_string_append_c(out, '\n');
			append_blanks(out, indent);
			column = indent;
			first = TRUE;
		}
		g_string_append_printf(out, "%s%s", first ? "" : " ", words[i]);
		column += width + !first;
		first = FALSE;
	}
	g_string_append_c(out, '\n');
}

struct sw_table *sw_table_new(const char *alignment)
{
	struct sw_table *table = g_new0(struct sw_table, 1);

	table->alignment = g_strdup(alignment);
	table->columns = (guint)strlen(alignment);
	table->rows = g_ptr_array_new();
	return table;
}

void sw_table_add(struct sw_table *table, ...)
{
	char **row = g_new0(char *, table->columns);
	va_list args;

	va_start(args, table);
	for (guint i = 0; i < table->columns; i++) {
		const char *text = va_arg(args, const char *);

		if (text == NULL)
			break;
		row[i] = sw_text_line(text);
	}
	va_end(args);
	g_ptr_array_add(table->rows, row);
}

static void free_row(const struct sw_table *table, char **row)
{
	for (guint i = 0; i < table->columns; i++)
		g_free(row[i]);
	g_free(row);
}

static glong column_width(const struct sw_table *table, guint column)
{
	glong width = 0;

	for (guint i = 0; i < table->rows->len; i++) {
		char **row = table->rows->pdata[i];

		if (row[column] != NULL)
			width = MAX(width, g_utf8_strlen(row[column], -1));
	}
	return width;
}

/* Blanks are put before a text only, so that no line ends in them. */
static void print_row(const struct sw_table *table, char **row, const glong *widths, glong indent,
		      GString *out)
{
	glong blanks = indent;

	for (guint i = 0; i < table->columns; i++) {
		const char *text = row[i] != NULL ? row[i] : "";
		glong rest = widths[i] - g_utf8_strlen(text, -1);
		gboolean right = table->alignment[i] == 'r';

		if (*text != '\0') {
			append_blanks(out, right ? blanks + rest : blanks);
			g_string_append(out, text);
			blanks = (right ? 0 : rest) + GAP;
		} else {
			blanks += widths[i] + GAP;
		}
	}
	g_string_append_c(out, '\n');
}

void sw_table_print(struct sw_table *table, guint indent, GString *out)
{
	g_autofree glong *widths = g_new0(glong, table->columns);

	for (guint i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	for (guint i = 0; i < table->rows->len; i++) {
		print_row(table, table->rows->pdata[i], widths, indent, out);
		free_row(table, table->rows->pdata[i]);
	}
	g_ptr_array_set_size(table->rows, 0);
}

void sw_table_free(struct sw_table *table)
{
	if (table == NULL)
		return;
	for (guint i = 0; i < table->rows->len; i++)
		free_row(table, table->rows->pdata[i]);
	g_ptr_array_unref(table->rows);
	g_free(table->alignment);
	g_free(table);
}

static void add_text(JsonBuilder *json, const char *text)
{
	g_autofree char *valid = NULL;

	if (text == NULL) {
		json_builder_add_null_value(json);
		return;
	}
	valid = g_utf8_make_valid(text, -1);
	json_builder_add_string_value(json, valid);
}

void sw_json_text(JsonBuilder *json, const char *name, const char *text)
{
	json_builder_set_member_name(json, name);
	add_text(json, text);
}

void sw_json_number(JsonBuilder *json, const char *name, guint64 number)
{
	json_builder_set_member_name(json, name);
	json_builder_add_int_value(json, (gint64)MIN(number, G_MAXINT64));
}

void sw_json_bool(JsonBuilder *json, const char *name, gboolean value)
{
	json_builder_set_member_name(json, name);
	json_builder_add_boolean_value(json, value);
}

void sw_json_texts(JsonBuilder *json, const char *name, const char *const *list)
{
	json_builder_set_member_name(json, name);
	json_builder_begin_array(json);
	for (; list != NULL && *list != NULL; list++)
		add_text(json, *list);
	json_builder_end_array(json);
}

void sw_json_print(JsonBuilder *json, GString *out)
{
	g_autoptr(JsonNode) root = json_builder_get_root(json);
	g_autofree char *text = json_to_string(root, TRUE);

	g_string_append_printf(out, "%s\n", text);
}
