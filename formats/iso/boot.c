/* SPDX-License-Identifier: MIT */
#include "formats/iso/boot.h"

#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/file.h"
#include "core/size.h"
#include "formats/shared/gpt-pad.h"

#define ID "iso-disk"

/* A partition's data as a file, with its holes. */
static gboolean take_partition(struct sw_sparse *disk, const struct sw_gpt_partition *partition,
			       const struct sw_output_file *file, GCancellable *cancellable,
			       GError **error)
{
	g_autofree guint8 *buffer = g_malloc(SW_MIB);
	guint64 end = partition->offset, limit = partition->offset + partition->size, start;

	if (ftruncate(file->fd, (off_t)partition->size) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "%s", file->path);
	while (end < limit) {
		if (!sw_sparse_next(disk, end, &start, &end, error))
			return FALSE;
		for (guint64 at = start; at < MIN(end, limit); at += SW_MIB) {
			size_t length = (size_t)MIN(SW_MIB, MIN(end, limit) - at);

			if (!sw_check_cancelled(cancellable, error) ||
			    !sw_sparse_read(disk, buffer, length, at, error) ||
			    !sw_write_at(file->fd, buffer, length, at - partition->offset,
					 file->path, SW_ERROR_FORMAT, ID, error))
				return FALSE;
		}
	}
	return TRUE;
}

/* The partition of TYPE in a file; freed in the end by OUTPUT. */
static gboolean take_type(struct sw_sparse *disk, const struct sw_gpt *gpt, const char *type,
			  const char *what, struct sw_output *output,
			  const struct sw_output_file **ret_file, GCancellable *cancellable,
			  GError **error)
{
	const struct sw_gpt_partition *partition = sw_gpt_find(gpt, type, NULL);

	if (partition == NULL)
		return sw_fail(error, SW_ERROR_FORMAT, ID,
			       "format iso: the disk has no %s partition to boot the medium with",
			       what);
	return sw_output_add_scratch(output, ret_file, error) &&
	       take_partition(disk, partition, *ret_file, cancellable, error);
}

/* What was needed once takes no more space. */
static gboolean drop(const struct sw_output_file *file, GError **error)
{
	return ftruncate(file->fd, 0) == 0 ||
	       sw_fail_errno(error, SW_ERROR_FORMAT, ID, "%s", file->path);
}

gboolean sw_iso_take_boot(struct sw_sparse *disk, const char *seed, const char *config,
			  struct sw_output *output, struct sw_iso_boot *boot,
			  GCancellable *cancellable, GError **error)
{
	const struct sw_output_file *esp = NULL, *files = NULL;
	g_autoptr(SwGpt) gpt = NULL;

	if (!sw_gpt_of_disk(disk, &gpt, error))
		return FALSE;
	if (gpt == NULL)
		return sw_fail(error, SW_ERROR_FORMAT, ID,
			       "format iso: the disk has no partition table to boot with");
	return take_type(disk, gpt, SW_GPT_ESP, "EFI system", output, &esp, cancellable, error) &&
	       take_type(disk, gpt, SW_GPT_BOOT, "/boot", output, &files, cancellable, error) &&
	       sw_output_add_scratch(output, &boot->kernel, error) &&
	       sw_output_add_scratch(output, &boot->initramfs, error) &&
	       sw_output_add_scratch(output, &boot->esp, error) &&
	       sw_iso_read_boot(files->path, boot, cancellable, error) &&
	       sw_iso_make_esp(esp->path, seed, config, output, boot, cancellable, error) &&
	       drop(esp, error) && drop(files, error);
}

void sw_iso_boot_clear(struct sw_iso_boot *boot)
{
	g_clear_pointer(&boot->vendors, g_ptr_array_unref);
	g_clear_pointer(&boot->title, g_free);
	g_clear_pointer(&boot->options, g_free);
}
