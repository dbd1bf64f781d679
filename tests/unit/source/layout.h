/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib/gstdio.h>
#include <string.h>

#include "../../program.h"
#include "core/hash.h"
#include "source/source.h"

/*
 * A small image in an OCI layout.  Its layers are noise, listed as plain tars: nothing here looks
 * into them.  Programs are run for it: skopeo, cp, rm.
 */
struct layout {
	char *path;
	guint count;
};

static char *put_blob(const char *path, const void *data, size_t length)
{
	char hex[SW_SHA256_SIZE];
	g_autofree char *name = NULL;

	sw_sha256_data(data, length, hex);
	name = g_build_filename(path, "blobs", "sha256", hex, NULL);
	g_assert_true(g_file_set_contents(name, data, (gssize)length, NULL));
	return g_strconcat("sha256:", hex, NULL);
}

static char *put_noise(const char *path, guint seed, size_t length)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(seed);
	g_autofree char *data = g_malloc(length + 4);

	for (size_t i = 0; i < length; i += 4) {
		guint32 value = g_rand_int(random);

		memcpy(data + i, &value, sizeof value);
	}
	return put_blob(path, data, length);
}

static void put_index(const char *path, const char *digest, size_t length)
{
	g_autofree char *index = g_build_filename(path, "index.json", NULL);
	g_autofree char *marker = g_build_filename(path, "oci-layout", NULL);
	g_autofree char *text = g_strdup_printf(
		"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
		"\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu}]}",
		digest, length);

	g_assert_true(g_file_set_contents(index, text, -1, NULL));
	g_assert_true(g_file_set_contents(marker, "{\"imageLayoutVersion\":\"1.0.0\"}", -1, NULL));
}

/* An image of COUNT layers of the SIZES. */
static struct layout *layout_new(const size_t *sizes, guint count)
{
	struct layout *layout = g_new0(struct layout, 1);
	g_autoptr(GString) layers = g_string_new(NULL);
	g_autoptr(GString) ids = g_string_new(NULL);
	g_autofree char *blobs = NULL;
	g_autofree char *config = NULL;
	g_autofree char *config_digest = NULL;
	g_autofree char *manifest = NULL;
	g_autofree char *digest = NULL;

	layout->path = g_dir_make_tmp("sw-layout-XXXXXX", NULL);
	layout->count = count;
	blobs = g_build_filename(layout->path, "blobs", "sha256", NULL);
	g_assert_cmpint(g_mkdir_with_parents(blobs, 0700), ==, 0);
	for (guint i = 0; i < count; i++) {
		g_autofree char *layer = put_noise(layout->path, i + 1, sizes[i]);

		g_string_append_printf(
			layers,
			"%s{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
			"\"digest\":\"%s\",\"size\":%zu}",
			i > 0 ? "," : "", layer, sizes[i]);
		g_string_append_printf(ids, "%s\"%s\"", i > 0 ? "," : "", layer);
	}
	config = g_strdup_printf("{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":"
				 "\"2024-05-06T07:08:09Z\",\"config\":{\"Labels\":{\"a\":\"b\"}},"
				 "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[%s]}}",
				 ids->str);
	config_digest = put_blob(layout->path, config, strlen(config));
	manifest = g_strdup_printf(
		"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
		"\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
		"\"digest\":\"%s\",\"size\":%zu},\"layers\":[%s]}",
		config_digest, strlen(config), layers->str);
	digest = put_blob(layout->path, manifest, strlen(manifest));
	put_index(layout->path, digest, strlen(manifest));
	return layout;
}

static void layout_free(struct layout *layout)
{
	g_free(run_program((const char *const[]){ "rm", "-rf", layout->path, NULL }, NULL));
	g_free(layout->path);
	g_free(layout);
}

/*
 * Opens TEXT for amd64 without TLS; pauses are short, so that retries cost little.  An IDLE_MS that
 * is short strikes now and then on a busy machine, too.
 */
static gboolean open_source(const char *text, guint idle_ms, struct sw_source **ret_source,
			    GCancellable *cancellable, GError **error)
{
	g_autoptr(SwReference) reference = NULL;
	struct sw_source_options options = { .architecture = "amd64",
					     .retry_delay_ms = 20,
					     .idle_limit_ms = idle_ms };

	g_assert_true(sw_reference_parse(text, &reference, error));
	options.reference = reference;
	return sw_source_open(&options, NULL, ret_source, cancellable, error);
}

/* What a worker saw: counted under the lock. */
struct taken {
	GMutex lock;
	guint good;
	guint bad;
	guint64 bytes;
	GString *order; /* the first hexadecimal digits of the layers, as they were finished */
};

/* A sw_layer_func that verifies what it reads; DATA is a struct taken. */
static inline gboolean take_and_verify(const struct sw_oci_layer *layer,
				       const char *expected_digest, int fd, void *data,
				       G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
	struct taken *taken = data;
	g_autoptr(SwSha256) hash = sw_sha256_new();
	char hex[SW_SHA256_SIZE];
	char buffer[8192];
	ssize_t n = 0;
	guint64 bytes = 0;
	gboolean good = FALSE;

	while ((n = read(fd, buffer, sizeof buffer)) > 0) {
		sw_sha256_update(hash, buffer, (size_t)n);
		bytes += (guint64)n;
	}
	sw_sha256_hex(hash, hex);
	good = n == 0 && strcmp(expected_digest + strlen("sha256:"), hex) == 0;
	g_mutex_lock(&taken->lock);
	taken->good += good ? 1 : 0;
	taken->bad += good ? 0 : 1;
	taken->bytes += good ? bytes : 0;
	if (good && taken->order != NULL)
		g_string_append_len(taken->order, hex, 4);
	g_mutex_unlock(&taken->lock);
	return good || sw_fail(error, SW_ERROR_SOURCE, "taker", "layer %s: bad", layer->digest);
}

static inline gboolean fetch_all(struct sw_source *source, sw_layer_func take, void *data,
				 GCancellable *cancellable, GError **error)
{
	guint count = sw_source_image(source)->layers->len;
	g_autofree guint *wanted = g_new(guint, count);

	for (guint i = 0; i < count; i++)
		wanted[i] = i;
	return sw_source_fetch(source, wanted, count, take, data, NULL, cancellable, error);
}
