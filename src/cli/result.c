/* SPDX-License-Identifier: MIT */
#include "cli/result.h"

#include <string.h>

#include "cli/print.h"
#include "core/format.h"
#include "core/size.h"
#include "core/text.h"
#include "store/publish.h"

static void print_files(const struct sw_result *result, GString *out)
{
	g_autoptr(SwTable) table = sw_table_new("lrrl");

	sw_table_add(table, "TYPE", "SIZE", "ON DISK", "FILE");
	for (guint i = 0; i < result->artifacts->len; i++) {
		const struct sw_artifact *artifact = result->artifacts->pdata[i];
		g_autofree char *size = sw_size_format(artifact->size);
		g_autofree char *allocated = sw_size_format(artifact->allocated);

		sw_table_add(table, artifact->format, size, allocated, artifact->path);
	}
	sw_table_add(table, "manifest", "", "", result->manifest);
	sw_table_add(table, "sums", "", "", result->sums);
	sw_table_print(table, 0, out);
}

/* PATH as a word of a shell: in quotes where it needs them. */
static char *shell_word(const char *path)
{
	g_autofree char *line = sw_text_line(path);
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789/._-+,:@%";

	return strspn(line, plain) == strlen(line) ? g_steal_pointer(&line) : g_shell_quote(line);
}

/* For the main file of each format, which is its first. */
static void print_hints(const struct sw_result *result, GString *out)
{
	for (guint i = 0; i < result->artifacts->len; i++) {
		const struct sw_artifact *artifact = result->artifacts->pdata[i];
		const struct sw_artifact *last = i == 0 ? NULL : result->artifacts->pdata[i - 1];
		const struct sw_format *format = sw_format_find(artifact->format, NULL);
		g_autofree char *path = shell_word(artifact->path);
		g_autoptr(GString) command = NULL;

		if (format == NULL || format->hint == NULL ||
		    (last != NULL && last->format == artifact->format))
			continue;
		command = g_string_new(format->hint);
		g_string_replace(command, "FILE", path, 1);
		g_string_append_printf(out, "\n# to use the %s:\n%s\n", format->name, command->str);
	}
}

void sw_result_print_places(GPtrArray *destinations, GString *out)
{
	g_autoptr(SwTable) table = sw_table_new("llll");

	sw_table_add(table, "STORAGE", "STATE", "WHERE", "KEY");
	for (guint i = 0; i < destinations->len; i++) {
		const struct sw_destination *d = destinations->pdata[i];
		const char *state = d->error != NULL ? "failed"
				    : d->all_old     ? "unchanged"
						     : "stored";
		const char *name = d->store->storage->name;

		if (d->error != NULL)
			sw_table_add(table, name, state, d->store->text, d->error->message);
		for (guint k = 0; d->error == NULL && d->keys[k] != NULL; k++)
			sw_table_add(table, name, state, d->store->text, d->keys[k]);
		for (guint k = 0; k < d->tags->len; k++)
			sw_table_add(table, name, "tag", d->store->text, d->tags->pdata[k]);
	}
	sw_table_print(table, 0, out);
}

void sw_result_print(const struct sw_result *result, gboolean json, GString *out)
{
	if (json) {
		g_string_append(out, result->manifest_json);
		return;
	}
	print_files(result, out);
	if (result->destinations != NULL) {
		g_string_append_c(out, '\n');
		sw_result_print_places(result->destinations, out);
	}
	print_hints(result, out);
}
