/* SPDX-License-Identifier: MIT */
#pragma once

#include <json-glib/json-glib.h>

/* No line of help is wider. */
#define SW_WIDTH 80

/*
 * Appends the words of TEXT to OUT, breaking lines at SW_WIDTH; the cursor is at COLUMN, further
 * lines begin at INDENT.  Ends with a line break.
 */
void sw_print_wrapped(GString *out, guint column, guint indent, const char *text);

/* Rows of texts, printed in aligned columns. */
struct sw_table;

/* A new table; ALIGNMENT has a letter a column, 'l' or 'r'.  Never NULL. */
struct sw_table *sw_table_new(const char *alignment);

/* Adds a row: a text (copied, made fit for a terminal) a column; NULL leaves the rest empty. */
void sw_table_add(struct sw_table *table, ...);

/* Appends the rows to OUT, each INDENT columns in, and empties TABLE. */
void sw_table_print(struct sw_table *table, guint indent, GString *out);

/* Frees; NULL is fine. */
void sw_table_free(struct sw_table *table);
typedef struct sw_table SwTable;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwTable, sw_table_free)

/* Adds the member NAME: TEXT (made valid UTF-8) or, for NULL, null. */
void sw_json_text(JsonBuilder *json, const char *name, const char *text);

/* Adds the member NAME: NUMBER. */
void sw_json_number(JsonBuilder *json, const char *name, guint64 number);

/* Adds the member NAME: true or false. */
void sw_json_bool(JsonBuilder *json, const char *name, gboolean value);

/* Adds the member NAME: the texts of LIST (NULL: none) as an array. */
void sw_json_texts(JsonBuilder *json, const char *name, const char *const *list);

/* Appends what JSON has built, indented, and a line break to OUT. */
void sw_json_print(JsonBuilder *json, GString *out);
