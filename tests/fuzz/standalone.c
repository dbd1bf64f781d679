/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <gio/gio.h>
#include <stdio.h>

/* Feeds each file of the directories in ARGV to the target: the corpus as a plain test. */
static gboolean feed_directory(const char *path, guint *ret_count)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) dir = g_dir_open(path, 0, &error);
	const char *name = NULL;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *file = g_build_filename(path, name, NULL);
		g_autofree char *data = NULL;
		gsize length = 0;

		if (!g_file_get_contents(file, &data, &length, &error))
			break;
		fprintf(stderr, "%s\n", file);
		LLVMFuzzerTestOneInput((const uint8_t *)data, length);
		(*ret_count)++;
	}
	if (error != NULL)
		fprintf(stderr, "%s\n", error->message);
	return error == NULL;
}

int main(int argc, char **argv)
{
	guint count = 0;

	for (int i = 1; i < argc; i++) {
		if (!feed_directory(argv[i], &count))
			return 1;
	}
	fprintf(stderr, "%u files\n", count);
	return count > 0 ? 0 : 1;
}
