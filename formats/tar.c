/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "core/error.h"
#include "formats/shared/stream.h"

/* The root filesystem that was deployed, as a tree: for containers, chroots, and to look into. */
#define FILE_NAME "tar/root.tar"

struct options {
	char *compression;
	int level;
};

static const struct sw_param params[] = {
	{ "compression", SW_PARAM_CHOICE, "zstd", sw_stream_names,
	  G_STRUCT_OFFSET(struct options, compression), FALSE, "how the archive is compressed" },
	{ "level", SW_PARAM_INT, "3", NULL, G_STRUCT_OFFSET(struct options, level), FALSE,
	  "effort of the compression, 1 (fast) to 9 (small)" },
	{ 0 },
};

static gboolean tar_check(const void *state, G_GNUC_UNUSED guint64 disk_size, GError **error)
{
	const struct options *options = state;

	return sw_codec_check_level("tar", options->level, error);
}

static void tar_names(const void *state, GPtrArray *names)
{
	const struct options *options = state;
	const struct sw_stream_kind *kind = sw_stream_find(options->compression);

	g_ptr_array_add(names, g_strconcat(FILE_NAME, kind == NULL ? NULL : kind->suffix, NULL));
}

static gboolean compress(const struct options *options, const struct sw_format_input *input,
			 const struct sw_output_file *tar, const struct sw_output_file *file,
			 GCancellable *cancellable, GError **error)
{
	const struct sw_stream_kind *kind = sw_stream_find(options->compression);
	struct sw_format_input quiet = *input;
	g_autoptr(SwSparse) content = NULL;

	/* The progress counts the disk's bytes, not the archive's. */
	quiet.progress = NULL;
	return sw_sparse_open(tar->path, &content, error) &&
	       sw_stream_write(kind, options->level, content, &quiet, file, cancellable, error);
}

static gboolean tar_write(const void *state, const struct sw_format_input *input,
			  struct sw_output *output, GCancellable *cancellable, GError **error)
{
	const struct options *options = state;
	const struct sw_stream_kind *kind = sw_stream_find(options->compression);
	const struct sw_output_file *plain = NULL;
	const struct sw_output_file *file = NULL;

	if (kind == NULL) {
		if (!sw_output_add(output, FILE_NAME, "application/x-tar", 0, &plain, error))
			return FALSE;
	} else {
		g_autofree char *name = g_strconcat(FILE_NAME, kind->suffix, NULL);

		if (!sw_output_add(output, name, kind->media_type, 0, &file, error) ||
		    !sw_output_add_scratch(output, &plain, error))
			return FALSE;
	}
	if (!input->tree->write_tar(input->tree->data, plain->fd, cancellable, error))
		return sw_fail_prefix(error, SW_ERROR_FORMAT, "tar-write", "the root's archive");
	if (kind != NULL && !compress(options, input, plain, file, cancellable, error))
		return FALSE;
	if (input->progress != NULL)
		input->progress(sw_sparse_size(input->disk), input->progress_data);
	return TRUE;
}

const struct sw_format sw_format_tar = {
	.name = "tar",
	.summary = "the root filesystem as a tree, with owners, xattrs and labels",
	.file = FILE_NAME ".zst",
	.media_type = "application/zstd",
	.hint = "sudo tar --xattrs --xattrs-include='*' --numeric-owner -xf FILE -C DIRECTORY",
	.state_size = sizeof(struct options),
	.params = params,
	.needs_tree = TRUE,
	.names = tar_names,
	.check = tar_check,
	.write = tar_write,
};
