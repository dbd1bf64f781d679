/* SPDX-License-Identifier: MIT */
#include "core/error.h"
#include "formats/shared/bmap.h"
#include "formats/shared/copy.h"
#include "formats/shared/stream.h"

#define FILE_NAME "image/disk.raw"
#define BMAP_NAME FILE_NAME ".bmap"

struct options {
	char *compression;
	int level;
	gboolean bmap;
};

static const struct sw_param params[] = {
	{ "compression", SW_PARAM_CHOICE, "none", sw_stream_names,
	  G_STRUCT_OFFSET(struct options, compression), FALSE,
	  "how the file is compressed: disk.raw.zst (with a seek table), .gz or .xz" },
	{ "level", SW_PARAM_INT, "3", NULL, G_STRUCT_OFFSET(struct options, level), FALSE,
	  "effort of the compression, 1 (fast) to 9 (small)" },
	{ "bmap", SW_PARAM_BOOL, "true", NULL, G_STRUCT_OFFSET(struct options, bmap), FALSE,
	  "write disk.raw.bmap, so that bmaptool flashes only what is used" },
	{ 0 },
};

static gboolean raw_is_disk(const void *state)
{
	const struct options *options = state;

	return sw_stream_find(options->compression) == NULL;
}

static gboolean raw_check(const void *state, G_GNUC_UNUSED guint64 disk_size, GError **error)
{
	const struct options *options = state;

	return sw_codec_check_level("raw", options->level, error);
}

static char *main_name(const struct options *options)
{
	const struct sw_stream_kind *kind = sw_stream_find(options->compression);

	return g_strconcat(FILE_NAME, kind == NULL ? NULL : kind->suffix, NULL);
}

static void raw_names(const void *state, GPtrArray *names)
{
	const struct options *options = state;

	g_ptr_array_add(names, main_name(options));
	if (options->bmap)
		g_ptr_array_add(names, g_strdup(BMAP_NAME));
}

static gboolean write_disk(const struct options *options, const struct sw_format_input *input,
			   struct sw_output *output, GCancellable *cancellable, GError **error)
{
	const struct sw_stream_kind *kind = sw_stream_find(options->compression);
	const char *media_type = kind == NULL ? "application/octet-stream" : kind->media_type;
	g_autofree char *name = main_name(options);
	guint64 size = sw_sparse_size(input->disk);
	const struct sw_output_file *file = NULL;

	if (kind == NULL && sw_output_take_disk(output, name, media_type, size))
		return TRUE;
	if (!sw_output_add(output, name, media_type, size, &file, error))
		return FALSE;
	if (kind == NULL)
		return sw_copy_disk(input, file, cancellable, error);
	return sw_stream_write(kind, options->level, input->disk, input, file, cancellable, error);
}

static gboolean raw_write(const void *state, const struct sw_format_input *input,
			  struct sw_output *output, GCancellable *cancellable, GError **error)
{
	const struct options *options = state;
	const struct sw_output_file *file = NULL;

	if (!sw_check_cancelled(cancellable, error) ||
	    !write_disk(options, input, output, cancellable, error))
		return FALSE;
	if (options->bmap &&
	    (!sw_output_add(output, BMAP_NAME, "application/xml", 0, &file, error) ||
	     !sw_bmap_write(input, file, cancellable, error)))
		return FALSE;
	if (input->progress != NULL)
		input->progress(sw_sparse_size(input->disk), input->progress_data);
	return TRUE;
}

const struct sw_format sw_format_raw = {
	.name = "raw",
	.summary = "the plain disk, sparse or compressed: for dd, bmaptool and clouds",
	.file = FILE_NAME,
	.media_type = "application/octet-stream",
	.hint = "sudo bmaptool copy FILE /dev/sdX",
	.state_size = sizeof(struct options),
	.params = params,
	.names = raw_names,
	.is_disk = raw_is_disk,
	.check = raw_check,
	.write = raw_write,
};
