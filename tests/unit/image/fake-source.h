/* SPDX-License-Identifier: MIT */
#pragma once

#include <fcntl.h>

#include "blob.h"
#include "source/source.h"

/*
 * A source out of memory in the place of source/source.h's own: it serves its layers through
 * pipes, all at once, each to a thread, as the real one does.
 */
struct sw_source {
	struct sw_oci_image image;
	GPtrArray *blobs; /* GByteArray *, one a layer */
	guint fetched;	  /* layers asked for so far */
	guint slow_us;	  /* a pause in front of every 64 KiB */
};

/* An image without layers; source_add() and source_seal() make it whole. */
static inline struct sw_source *source_new(void)
{
	struct sw_source *source = g_new0(struct sw_source, 1);

	source->image.architecture = g_strdup("amd64");
	source->image.os = g_strdup("linux");
	source->image.config = g_strdup("{}");
	source->image.created = 1600000000;
	source->image.labels = g_hash_table_new(g_str_hash, g_str_equal);
	source->image.layers = g_ptr_array_new_with_free_func(free_layer);
	source->blobs = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
	return source;
}

void sw_source_free(struct sw_source *source)
{
	if (source == NULL)
		return;
	g_free(source->image.architecture);
	g_free(source->image.os);
	g_free(source->image.config);
	g_free(source->image.manifest);
	g_free(source->image.manifest_digest);
	g_hash_table_unref(source->image.labels);
	g_ptr_array_unref(source->image.layers);
	g_ptr_array_unref(source->blobs);
	g_free(source);
}

/* Adds the layer TAR, compressed; frees it. */
static inline void source_add(struct sw_source *source, GByteArray *tar)
{
	GByteArray *gzip = gzip_of(tar);

	g_ptr_array_add(source->image.layers, make_layer(gzip, tar));
	g_ptr_array_add(source->blobs, gzip);
	g_byte_array_unref(tar);
}

/* Writes the manifest and its digest. */
static inline void source_seal(struct sw_source *source)
{
	g_autoptr(GString) text = g_string_new("{\"layers\":[");
	char hex[SW_SHA256_SIZE];

	for (guint i = 0; i < source->image.layers->len; i++) {
		const struct sw_oci_layer *layer = source->image.layers->pdata[i];

		g_string_append_printf(text, "%s\"%s\"", i > 0 ? "," : "", layer->digest);
	}
	g_string_append(text, "]}");
	g_free(source->image.manifest);
	g_free(source->image.manifest_digest);
	source->image.manifest = g_strdup(text->str);
	sw_sha256_data(text->str, text->len, hex);
	source->image.manifest_digest = g_strconcat("sha256:", hex, NULL);
}

const struct sw_oci_image *sw_source_image(const struct sw_source *source)
{
	return &source->image;
}

/* One layer on its way. */
struct flight {
	struct sw_source *source;
	guint index;
	sw_layer_func take;
	void *data;
	GCancellable *cancellable;
	int out;
	GError *error;
};

static gpointer feed(gpointer data)
{
	struct flight *flight = data;
	const GByteArray *blob = flight->source->blobs->pdata[flight->index];
	gsize offset = 0;

	while (offset < blob->len) {
		ssize_t n = write(flight->out, blob->data + offset, MIN(blob->len - offset, 65536));

		if (n < 0)
			break;
		offset += (gsize)n;
		g_usleep(flight->source->slow_us);
	}
	close(flight->out);
	return NULL;
}

static gpointer fly(gpointer data)
{
	struct flight *flight = data;
	const struct sw_oci_layer *layer = flight->source->image.layers->pdata[flight->index];
	int fds[2] = { -1, -1 };
	GThread *feeder = NULL;

	g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
	flight->out = fds[1];
	feeder = g_thread_new("feed", feed, flight);
	if (flight->take(layer, layer->digest, fds[0], flight->data, flight->cancellable,
			 &flight->error))
		g_assert_no_error(flight->error);
	else
		g_assert_nonnull(flight->error);
	close(fds[0]);
	g_thread_join(feeder);
	return NULL;
}

gboolean sw_source_fetch(struct sw_source *source, const guint *wanted, guint count,
			 sw_layer_func take, void *data, G_GNUC_UNUSED struct sw_progress *progress,
			 GCancellable *cancellable, GError **error)
{
	g_autofree struct flight *flights = g_new0(struct flight, count);
	g_autofree GThread **threads = g_new0(GThread *, count);
	gboolean ok = TRUE;

	for (guint i = 0; i < count; i++) {
		flights[i] = (struct flight){ .source = source,
					      .index = wanted[i],
					      .take = take,
					      .data = data,
					      .cancellable = cancellable };
		threads[i] = g_thread_new("fly", fly, &flights[i]);
	}
	for (guint i = 0; i < count; i++) {
		g_thread_join(threads[i]);
		if (flights[i].error != NULL && ok)
			g_propagate_error(error, g_steal_pointer(&flights[i].error));
		ok = ok && flights[i].error == NULL && (error == NULL || *error == NULL);
		g_clear_error(&flights[i].error);
	}
	source->fetched += count;
	return ok;
}
