/* SPDX-License-Identifier: MIT */
#include "formats/shared/stream.h"

#include "core/error.h"
#include "core/file.h"
#include "core/size.h"
#include "formats/shared/clusters.h"

#define ID "stream-write"
#define BUFFER_SIZE (256 * SW_KIB)

const char *const sw_stream_names[] = { "none", "zstd", "gzip", "xz", NULL };

/* What the pass over the content needs. */
struct pass {
	struct sw_stream *stream;
	guint64 size;  /* of the content */
	guint8 *zeros; /* a chunk of zeros, compressed; NULL: none was met */
	size_t zeros_length;
	GCancellable *cancellable;
};

const struct sw_stream_kind *sw_stream_find(const char *name)
{
	static const struct sw_stream_kind *const kinds[] = { &sw_stream_zstd, &sw_stream_gzip,
							      &sw_stream_xz };

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (g_str_equal(kinds[i]->name, name))
			return kinds[i];
	return NULL;
}

static gboolean flush(struct sw_stream *stream, GError **error)
{
	GByteArray *buffer = stream->buffer;

	if (!sw_write_at(stream->file->fd, buffer->data, buffer->len, stream->offset,
			 stream->file->path, SW_ERROR_FORMAT, ID, error))
		return FALSE;
	stream->offset += buffer->len;
	g_byte_array_set_size(buffer, 0);
	return TRUE;
}

gboolean sw_stream_append(struct sw_stream *stream, const void *data, size_t length, GError **error)
{
	g_byte_array_append(stream->buffer, data, (guint)length);
	return stream->buffer->len < BUFFER_SIZE || flush(stream, error);
}

/* A chunk of LENGTH bytes of content, as the codec made it. */
static gboolean add_chunk(struct sw_stream *stream, const guint8 *data, size_t data_length,
			  size_t length, GError **error)
{
	const struct sw_stream_kind *kind = stream->kind;

	if (kind->added != NULL)
		kind->added(stream, data, length, data_length - kind->prefix);
	stream->content += length;
	return sw_stream_append(stream, data + kind->prefix, data_length - kind->prefix, error);
}

static guint8 *compress_zeros(const struct pass *pass, size_t length, size_t *ret_length)
{
	const struct sw_codec *codec = pass->stream->kind->codec;
	g_autofree guint8 *plain = g_malloc0(length);
	guint8 *out = g_malloc(codec->bound(length));
	void *context = codec->open(SW_CODEC_LEVEL_MAX);

	*ret_length = codec->compress(context, plain, length, out, codec->bound(length));
	codec->close(context);
	return out;
}

/* Zeros up to END, which is a whole chunk or the end of the content. */
static gboolean add_zeros(struct pass *pass, guint64 end, GError **error)
{
	struct sw_stream *stream = pass->stream;
	size_t chunk = stream->kind->chunk_size;
	g_autofree guint8 *last = NULL;
	size_t last_length = 0;

	if (end - stream->content >= chunk && pass->zeros == NULL)
		pass->zeros = compress_zeros(pass, chunk, &pass->zeros_length);
	while (end - stream->content >= chunk)
		if (!add_chunk(stream, pass->zeros, pass->zeros_length, chunk, error) ||
		    !sw_check_cancelled(pass->cancellable, error))
			return FALSE;
	if (end == stream->content)
		return TRUE;
	last = compress_zeros(pass, end - stream->content, &last_length);
	return add_chunk(stream, last, last_length, end - stream->content, error);
}

static gboolean put_chunk(const struct sw_cluster *cluster, void *data, GError **error)
{
	struct pass *pass = data;
	struct sw_stream *stream = pass->stream;

	return add_zeros(pass, cluster->index * stream->kind->chunk_size, error) &&
	       add_chunk(stream, cluster->data, cluster->length, cluster->size, error);
}

static gboolean run(struct pass *pass, const struct sw_clusters *clusters, GError **error)
{
	struct sw_stream *stream = pass->stream;
	const struct sw_stream_kind *kind = stream->kind;

	return (kind->begin == NULL || kind->begin(stream, error)) &&
	       sw_clusters_run(clusters, pass->cancellable, error) &&
	       add_zeros(pass, pass->size, error) &&
	       (kind->end == NULL || kind->end(stream, error)) && flush(stream, error);
}

gboolean sw_stream_write(const struct sw_stream_kind *kind, int level, struct sw_sparse *content,
			 const struct sw_format_input *input, const struct sw_output_file *file,
			 GCancellable *cancellable, GError **error)
{
	struct sw_stream stream = { .kind = kind, .file = file };
	struct pass pass = { .stream = &stream,
			     .size = sw_sparse_size(content),
			     .cancellable = cancellable };
	struct sw_clusters clusters = {
		.disk = content,
		.cluster_size = kind->chunk_size,
		.codec = kind->codec,
		.level = level,
		.threads = input->threads,
		.cut_end = TRUE,
		.put = put_chunk,
		.data = &pass,
		.progress = input->progress,
		.progress_data = input->progress_data,
	};
	gboolean good;

	stream.buffer = g_byte_array_sized_new(BUFFER_SIZE + (guint)kind->chunk_size);
	stream.frames = g_array_new(FALSE, FALSE, sizeof(guint32));
	good = run(&pass, &clusters, error);
	g_byte_array_unref(stream.buffer);
	g_array_unref(stream.frames);
	g_free(pass.zeros);
	return good;
}
