/* SPDX-License-Identifier: MIT */
#include "verify/examined.h"

#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/size.h"
#include "core/sparse.h"

#define BOOT_CODE_SIZE 440
#define CHUNK_SIZE 65536
/* Content that is kept: of root only what checks read, of /boot and the ESP all. */
#define KEEP_ROOT (4 * SW_MIB)
#define KEEP_BOOT (512 * SW_MIB)

/* The stream of a filesystem's content, from the appliance's thread to the reader's. */
struct stream {
	struct sw_snapshot *tree;
	int fd;
	guint8 buffer[CHUNK_SIZE];
	GError *error;
};

static gboolean next_chunk(void *data, const guint8 **ret_chunk, size_t *ret_length, GError **error)
{
	struct stream *stream = data;
	ssize_t n;

	do {
		n = read(stream->fd, stream->buffer, CHUNK_SIZE);
	} while (n < 0 && errno == EINTR);
	*ret_chunk = stream->buffer;
	*ret_length = (size_t)MAX(n, 0);
	return n >= 0 || sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "pipe", "cannot read a pipe");
}

static void *read_stream(void *data)
{
	struct stream *stream = data;
	const guint8 *rest;
	size_t length = 1;

	if (!sw_snapshot_fill(stream->tree, next_chunk, stream, &stream->error))
		g_debug("the stream is left early");
	/* The writer must come to its end. */
	while (length > 0)
		if (!next_chunk(stream, &rest, &length, NULL))
			break;
	return NULL;
}

/* TRUE when ERROR is about the disk, which is then told in RET_TEXT. */
static gboolean is_about_disk(GError **error, char **ret_text)
{
	if (!g_error_matches(*error, SW_ERROR, SW_ERROR_DEPLOY) &&
	    !g_error_matches(*error, SW_ERROR, SW_ERROR_SOURCE))
		return FALSE;
	*ret_text = g_strdup((*error)->message);
	g_clear_error(error);
	return TRUE;
}

static gboolean stream_tree(struct sw_guest *guest, guint number, struct sw_snapshot *tree,
			    GError **error)
{
	g_autofree struct stream *stream = g_new0(struct stream, 1);
	int ends[2];
	GThread *thread;
	gboolean ok;

	if (!g_unix_open_pipe(ends, FD_CLOEXEC, error))
		return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "pipe", "cannot open a pipe");
	stream->tree = tree;
	stream->fd = ends[0];
	thread = g_thread_new("snapshot", read_stream, stream);
	ok = sw_examine_tree(guest, number, ends[1], error);
	sw_close_fd(&ends[1]);
	g_thread_join(thread);
	sw_close_fd(&ends[0]);
	if (ok && stream->error != NULL) {
		g_propagate_error(error, g_steal_pointer(&stream->error));
		ok = FALSE;
	}
	g_clear_error(&stream->error);
	return ok;
}

/* Reads what the filesystem holds, and the room that is left on it. */
static gboolean read_tree(struct sw_guest *guest, struct sw_examined_filesystem *filesystem,
			  const char *scratch, guint64 keep, GError **error)
{
	g_autoptr(SwSnapshot) tree = NULL;

	if (!sw_snapshot_new(scratch, keep, &tree, error))
		return FALSE;
	if (!stream_tree(guest, filesystem->partition->number, tree, error) ||
	    !sw_examine_room(guest, &filesystem->room, error))
		return is_about_disk(error, &filesystem->unreadable);
	filesystem->tree = g_steal_pointer(&tree);
	return TRUE;
}

static gboolean read_filesystem(struct sw_guest *guest, struct sw_examined_filesystem *filesystem,
				const char *scratch, guint64 keep, GError **error)
{
	guint number;

	if (filesystem->partition == NULL)
		return TRUE;
	number = filesystem->partition->number;
	if (!sw_examine_probe(guest, number, &filesystem->type, &filesystem->label,
			      &filesystem->uuid, error))
		return is_about_disk(error, &filesystem->unreadable);
	if (!sw_examine_check(guest, number, filesystem->type, &filesystem->problem, error) &&
	    !is_about_disk(error, &filesystem->problem))
		return FALSE;
	return read_tree(guest, filesystem, scratch, keep, error);
}

/* A partition is known by its name as well as by its type: either may be what is wrong. */
static const struct sw_gpt_partition *find_partition(const struct sw_gpt *table, const char *name,
						     const char *type)
{
	const struct sw_gpt_partition *found = sw_gpt_find(table, NULL, name);

	return found != NULL || type == NULL ? found : sw_gpt_find(table, type, NULL);
}

/* Without its name, root is the last partition, as every layout has it. */
static const struct sw_gpt_partition *find_root(const struct sw_gpt *table)
{
	const struct sw_gpt_partition *found = find_partition(table, "root", NULL);

	if (found == NULL && table->partitions->len > 0)
		found = table->partitions->pdata[table->partitions->len - 1];
	return found;
}

static gboolean read_disk(void *data, void *buffer, size_t length, guint64 offset, GError **error)
{
	return sw_examine_read(data, offset, buffer, length, error);
}

static gboolean read_table(struct sw_guest *guest, struct sw_examined *disk, GError **error)
{
	const struct sw_gpt_partition *bios;
	guint8 core[SW_SECTOR] = { 0 };

	if (!sw_examine_size(guest, &disk->size, error) ||
	    !sw_gpt_read(read_disk, guest, disk->size, &disk->table, error))
		return FALSE;
	disk->has_boot_code = !sw_is_zero(disk->table->mbr, BOOT_CODE_SIZE);
	disk->root.partition = find_root(disk->table);
	disk->boot.partition = find_partition(disk->table, "boot", SW_GPT_BOOT);
	disk->esp.partition = find_partition(disk->table, "EFI-SYSTEM", SW_GPT_ESP);
	bios = find_partition(disk->table, "BIOS-BOOT", SW_GPT_BIOS_BOOT);
	if (bios == NULL)
		return TRUE;
	if (!sw_examine_read(guest, bios->offset, core, sizeof core, error))
		return FALSE;
	disk->has_bios_core = !sw_is_zero(core, sizeof core);
	return TRUE;
}

/* The attributes of PATH; NULL where there is no such file, or none of its filesystem. */
static gboolean read_attribute(struct sw_guest *guest, const struct sw_examined *disk,
			       const char *path, char **ret_attributes, GError **error)
{
	g_autofree char *absolute = g_strconcat("/", path, NULL);
	g_autofree char *ignored = NULL;

	if (sw_snapshot_find(disk->root.tree, path) == NULL)
		return TRUE;
	return sw_examine_attributes(guest, absolute, ret_attributes, error) ||
	       is_about_disk(error, &ignored);
}

static gboolean read_attributes(struct sw_guest *guest, struct sw_examined *disk, GError **error)
{
	g_autofree char *composefs = NULL;

	if (disk->deployment == NULL)
		return TRUE;
	composefs = sw_examined_path(disk, ".ostree.cfs");
	return read_attribute(guest, disk, disk->deployment, &disk->attributes, error) &&
	       read_attribute(guest, disk, "ostree/repo/config", &disk->config_attributes, error) &&
	       read_attribute(guest, disk, composefs, &disk->composefs_attributes, error);
}

static gboolean read_all(struct sw_guest *guest, struct sw_examined *disk, const char *scratch,
			 struct sw_progress *progress, GCancellable *cancellable, GError **error)
{
	struct {
		struct sw_examined_filesystem *filesystem;
		guint64 keep;
	} filesystems[] = {
		{ &disk->esp, KEEP_BOOT },
		{ &disk->boot, KEEP_BOOT },
		/* The last one stays mounted, for the attributes. */
		{ &disk->root, disk->boot.partition != NULL ? KEEP_ROOT : KEEP_BOOT },
	};

	for (guint i = 0; i < G_N_ELEMENTS(filesystems); i++) {
		if (!sw_check_cancelled(cancellable, error) ||
		    !read_filesystem(guest, filesystems[i].filesystem, scratch, filesystems[i].keep,
				     error))
			return FALSE;
		sw_progress_bytes(progress, "examine", 0, 0);
	}
	sw_examined_derive(disk);
	return read_attributes(guest, disk, error);
}

gboolean sw_examined_read(struct sw_guest *guest, const char *scratch, struct sw_progress *progress,
			  struct sw_examined **ret_disk, GCancellable *cancellable, GError **error)
{
	g_autoptr(SwExamined) disk = g_new0(struct sw_examined, 1);

	if (!read_table(guest, disk, error) ||
	    !read_all(guest, disk, scratch, progress, cancellable, error))
		return FALSE;
	*ret_disk = g_steal_pointer(&disk);
	return TRUE;
}

static void clear_filesystem(struct sw_examined_filesystem *filesystem)
{
	g_free(filesystem->type);
	g_free(filesystem->label);
	g_free(filesystem->uuid);
	g_free(filesystem->problem);
	g_free(filesystem->unreadable);
	sw_snapshot_free(filesystem->tree);
}

void sw_examined_free(struct sw_examined *disk)
{
	if (disk == NULL)
		return;
	clear_filesystem(&disk->root);
	clear_filesystem(&disk->boot);
	clear_filesystem(&disk->esp);
	sw_gpt_free(disk->table);
	g_free(disk->stateroot);
	g_free(disk->commit);
	g_free(disk->deployment);
	g_free(disk->attributes);
	g_free(disk->config_attributes);
	g_free(disk->composefs_attributes);
	g_clear_pointer(&disk->metadata, g_variant_unref);
	sw_oci_image_free(disk->image);
	g_clear_pointer(&disk->entries, g_ptr_array_unref);
	g_free(disk);
}
