/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "core/hash.h"
#include "source/oci.h"

/*
 * Layers out of tar streams in memory, for the tests of the image folder.
 */

/* "sha256:HEX" of DATA. */
static inline char *digest_of(const GByteArray *data)
{
	char hex[SW_SHA256_SIZE];

	sw_sha256_data(data->data, data->len, hex);
	return g_strconcat("sha256:", hex, NULL);
}

/* A descriptor that gives DATA. */
static inline int open_blob(const GByteArray *data)
{
	int fd = memfd_create("blob", MFD_CLOEXEC);

	g_assert_cmpint(write(fd, data->data, data->len), ==, data->len);
	g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
	return fd;
}

/* DATA as one gzip member. */
static inline GByteArray *gzip_of(const GByteArray *data)
{
	GByteArray *out = g_byte_array_new();
	z_stream gzip = { 0 };

	g_assert_cmpint(deflateInit2(&gzip, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
	g_byte_array_set_size(out, (guint)deflateBound(&gzip, data->len));
	gzip.next_in = data->data;
	gzip.avail_in = data->len;
	gzip.next_out = out->data;
	gzip.avail_out = out->len;
	g_assert_cmpint(deflate(&gzip, Z_FINISH), ==, Z_STREAM_END);
	g_byte_array_set_size(out, out->len - gzip.avail_out);
	deflateEnd(&gzip);
	return out;
}

/* The layer whose blob is BLOB and whose tar is TAR. */
static inline struct sw_oci_layer *make_layer(const GByteArray *blob, const GByteArray *tar)
{
	struct sw_oci_layer *layer = g_new0(struct sw_oci_layer, 1);

	layer->digest = digest_of(blob);
	layer->diff_id = digest_of(tar);
	layer->media_type = g_strdup("application/vnd.oci.image.layer.v1.tar+gzip");
	layer->size = blob->len;
	return layer;
}

static inline void free_layer(gpointer data)
{
	struct sw_oci_layer *layer = data;

	g_free(layer->digest);
	g_free(layer->diff_id);
	g_free(layer->media_type);
	g_free(layer);
}
