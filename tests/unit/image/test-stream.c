/* SPDX-License-Identifier: MIT */
#include "image/stream.h"

#include <fcntl.h>
#include <string.h>

#include "blob.h"
#include "core/file.h"

static GByteArray *noise(guint length)
{
	GByteArray *data = g_byte_array_new();
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);

	g_byte_array_set_size(data, length);
	for (guint i = 0; i < length; i++)
		data->data[i] = (guint8)g_rand_int_range(rand, 0, 16);
	return data;
}

static gboolean read_all(struct sw_stream *stream, GByteArray *out, GError **error)
{
	const guint8 *chunk = NULL;
	size_t n = 1;

	while (n > 0) {
		if (!sw_stream_next(stream, &chunk, &n, error))
			return FALSE;
		if (n > 0)
			g_byte_array_append(out, chunk, (guint)n);
	}
	return TRUE;
}

/* More than all buffers together, compressed and not. */
static void test_good(void)
{
	g_autoptr(GByteArray) data = noise(5000000);
	g_autoptr(GByteArray) gzip = gzip_of(data);
	const GByteArray *blobs[] = { gzip, data };

	for (guint i = 0; i < G_N_ELEMENTS(blobs); i++) {
		struct sw_oci_layer *layer = make_layer(blobs[i], data);
		sw_autofd int fd = open_blob(blobs[i]);
		g_autoptr(SwStream) stream = sw_stream_new(fd, layer, layer->digest, NULL);
		g_autoptr(GByteArray) out = g_byte_array_new();
		g_autoptr(GError) error = NULL;

		g_assert_true(read_all(stream, out, &error));
		g_assert_true(sw_stream_verify(stream, FALSE, &error));
		g_assert_no_error(error);
		g_assert_cmpmem(out->data, out->len, data->data, data->len);
		g_clear_pointer(&stream, sw_stream_free);
		free_layer(layer);
	}
}

/* A store of uncompressed layers: the blob is not what the manifest lists, its size neither. */
static void test_uncompressed_store(void)
{
	g_autoptr(GByteArray) data = noise(100000);
	g_autoptr(GByteArray) gzip = gzip_of(data);
	struct sw_oci_layer *layer = make_layer(gzip, data);
	sw_autofd int fd = open_blob(data);
	g_autoptr(SwStream) stream = sw_stream_new(fd, layer, layer->diff_id, NULL);
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_stream_verify(stream, FALSE, &error));
	g_assert_no_error(error);
	g_clear_pointer(&stream, sw_stream_free);
	free_layer(layer);
}

/* Serves BLOB as LAYER; the verification must fail with ID and say TEXT. */
static void check_refused(const GByteArray *blob, const struct sw_oci_layer *layer, const char *id,
			  const char *text, gboolean abandoned)
{
	sw_autofd int fd = open_blob(blob);
	g_autoptr(SwStream) stream = sw_stream_new(fd, layer, layer->digest, NULL);
	g_autoptr(GByteArray) out = g_byte_array_new();
	g_autoptr(GError) error = NULL;

	if (!abandoned)
		(void)read_all(stream, out, NULL);
	g_assert_false(sw_stream_verify(stream, abandoned, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_SOURCE);
	g_assert_cmpstr(sw_error_id(error), ==, id);
	g_assert_nonnull(strstr(error->message, text));
}

static void test_refused(void)
{
	g_autoptr(GByteArray) data = noise(3000000);
	g_autoptr(GByteArray) gzip = gzip_of(data);
	g_autoptr(GByteArray) other = noise(10);
	struct sw_oci_layer *layer = make_layer(gzip, data);
	struct sw_oci_layer *lying = make_layer(gzip, other);
	struct sw_oci_layer *broken = NULL;

	check_refused(gzip, lying, "diff-id", "the tar in it has the SHA-256", FALSE);
	for (guint i = 0; i < 2; i++) {
		gzip->data[1000] ^= 1;
		check_refused(gzip, layer, "digest", "its content has the SHA-256", i == 1);
		gzip->data[1000] ^= 1;
		g_byte_array_append(gzip, (const guint8 *)"x", 1);
		check_refused(gzip, layer, "digest", "longer than", i == 1);
		g_byte_array_set_size(gzip, gzip->len - 2);
		check_refused(gzip, layer, "digest", "ends after", i == 1);
		g_byte_array_set_size(gzip, gzip->len + 1);
		gzip->data[gzip->len - 1] = (guint8)(data->len >> 24);
	}
	gzip->data[1000] ^= 1;
	broken = make_layer(gzip, data);
	check_refused(gzip, broken, "compression", "bad compressed data", FALSE);
	free_layer(layer);
	free_layer(lying);
	free_layer(broken);
}

/* Whoever stops in the middle is not held up, not even by a source that gives nothing. */
static void test_given_up(void)
{
	g_autoptr(GByteArray) data = noise(5000000);
	struct sw_oci_layer *layer = make_layer(data, data);
	int fds[2] = { -1, -1 };

	for (guint i = 0; i < 2; i++) {
		sw_autofd int fd = open_blob(data);
		SwStream *stream = sw_stream_new(fd, layer, layer->digest, NULL);
		const guint8 *chunk = NULL;
		size_t n = 0;

		if (i == 1)
			g_assert_true(sw_stream_next(stream, &chunk, &n, NULL));
		sw_stream_free(stream);
	}
	g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
	sw_stream_free(sw_stream_new(fds[0], layer, layer->digest, NULL));
	close(fds[0]);
	close(fds[1]);
	free_layer(layer);
}

static gpointer cancel_soon(gpointer data)
{
	g_usleep(50000);
	g_cancellable_cancel(data);
	return NULL;
}

static void test_cancelled(void)
{
	g_autoptr(GByteArray) data = noise(10);
	struct sw_oci_layer *layer = make_layer(data, data);
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GError) error = NULL;
	const guint8 *chunk = NULL;
	SwStream *stream = NULL;
	GThread *thread = NULL;
	int fds[2] = { -1, -1 };
	size_t n = 0;

	g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
	stream = sw_stream_new(fds[0], layer, layer->digest, cancellable);
	thread = g_thread_new("cancel", cancel_soon, cancellable);
	g_assert_false(sw_stream_next(stream, &chunk, &n, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
	g_clear_error(&error);
	g_assert_false(sw_stream_verify(stream, FALSE, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
	g_thread_join(thread);
	sw_stream_free(stream);
	close(fds[0]);
	close(fds[1]);
	free_layer(layer);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/stream/good", test_good);
	g_test_add_func("/stream/uncompressed-store", test_uncompressed_store);
	g_test_add_func("/stream/refused", test_refused);
	g_test_add_func("/stream/given-up", test_given_up);
	g_test_add_func("/stream/cancelled", test_cancelled);
	return g_test_run();
}
