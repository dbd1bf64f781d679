/* SPDX-License-Identifier: MIT */
#include "core/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/file.h"

/* A file, and what its artifact will say. */
struct entry {
	struct sw_output_file file; /* fd -1: the disk, which is not ours to remove */
	char *name;		    /* NULL: scratch */
	const char *media_type;
	guint64 disk_size;
};

struct sw_output {
	const char *format;
	char *directory;
	char *disk;
	GPtrArray *entries;
	gboolean finished;
};

static void entry_free(struct entry *entry)
{
	sw_close_fd(&entry->file.fd);
	g_free(entry->file.path);
	g_free(entry->name);
	g_free(entry);
}

struct sw_output *sw_output_new(const char *format, const char *directory, const char *disk)
{
	struct sw_output *output = g_new0(struct sw_output, 1);

	output->format = format;
	output->directory = g_strdup(directory);
	output->disk = g_strdup(disk);
	output->entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
	return output;
}

void sw_output_free(struct sw_output *output)
{
	if (output == NULL)
		return;
	for (guint i = 0; i < output->entries->len; i++) {
		const struct entry *entry = g_ptr_array_index(output->entries, i);
		gboolean keep = entry->file.fd < 0 || (output->finished && entry->name != NULL);

		if (!keep && unlink(entry->file.path) < 0)
			g_debug("%s stays: %s", entry->file.path, g_strerror(errno));
	}
	g_ptr_array_unref(output->entries);
	g_free(output->directory);
	g_free(output->disk);
	g_free(output);
}

static struct entry *add_entry(struct sw_output *output, char *path, int fd, const char *name,
			       const char *media_type, guint64 disk_size)
{
	struct entry *entry = g_new0(struct entry, 1);

	entry->file = (struct sw_output_file){ .fd = fd, .path = path };
	entry->name = g_strdup(name);
	entry->media_type = media_type;
	entry->disk_size = disk_size;
	g_ptr_array_add(output->entries, entry);
	return entry;
}

gboolean sw_output_add(struct sw_output *output, const char *name, const char *media_type,
		       guint64 disk_size, const struct sw_output_file **ret_file, GError **error)
{
	g_autofree char *base = g_strdup_printf("%s-%u", output->format, output->entries->len);
	g_autofree char *path = g_build_filename(output->directory, base, NULL);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, "artifact", "%s", path);
	*ret_file =
		&add_entry(output, g_steal_pointer(&path), fd, name, media_type, disk_size)->file;
	return TRUE;
}

gboolean sw_output_add_scratch(struct sw_output *output, const struct sw_output_file **ret_file,
			       GError **error)
{
	return sw_output_add(output, NULL, NULL, 0, ret_file, error);
}

gboolean sw_output_take_disk(struct sw_output *output, const char *name, const char *media_type,
			     guint64 disk_size)
{
	if (output->disk == NULL)
		return FALSE;
	add_entry(output, g_strdup(output->disk), -1, name, media_type, disk_size);
	return TRUE;
}

static gboolean describe(const struct sw_output *output, const struct entry *entry,
			 struct sw_artifact *artifact, GError **error)
{
	struct stat st;

	if (stat(entry->file.path, &st) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, "artifact", "%s", entry->file.path);
	artifact->path = g_strdup(entry->file.path);
	artifact->name = g_strdup(entry->name);
	artifact->format = output->format;
	artifact->media_type = entry->media_type;
	artifact->disk_size = entry->disk_size;
	artifact->size = (guint64)st.st_size;
	artifact->allocated = (guint64)st.st_blocks * 512;
	return TRUE;
}

gboolean sw_output_finish(struct sw_output *output, GPtrArray *artifacts, GError **error)
{
	for (guint i = 0; i < output->entries->len; i++) {
		const struct entry *entry = g_ptr_array_index(output->entries, i);
		struct sw_artifact *artifact = NULL;

		if (entry->name == NULL)
			continue;
		artifact = g_new0(struct sw_artifact, 1);
		g_ptr_array_add(artifacts, artifact);
		if (!describe(output, entry, artifact, error))
			return FALSE;
	}
	output->finished = TRUE;
	return TRUE;
}
