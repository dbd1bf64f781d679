/* SPDX-License-Identifier: MIT */
#include "formats/shared/clusters.h"

#include "../../disk.h"
#include "core/hash.h"

/* What comes out of a run. */
struct seen {
	guint64 count;
	guint64 compressed;
	guint64 last;
	guint64 fail_at; /* the number of the cluster that put() refuses; 0: none */
	GCancellable *cancel;
	struct sw_sha256 *hash;
	gint progress; /* the last value, in clusters; may come from any thread */
};

static gboolean put(const struct sw_cluster *cluster, void *data, GError **error)
{
	struct seen *seen = data;

	g_assert_true(seen->count == 0 || cluster->index > seen->last);
	g_assert_false(sw_is_zero(cluster->data, cluster->length));
	seen->last = cluster->index;
	seen->count++;
	seen->compressed += cluster->compressed;
	sw_sha256_update(seen->hash, cluster->data, cluster->length);
	if (seen->count == seen->fail_at)
		return sw_fail(error, SW_ERROR_FORMAT, "test", "refused");
	if (seen->cancel != NULL)
		g_cancellable_cancel(seen->cancel);
	return TRUE;
}

static void progress(guint64 done, void *data)
{
	struct seen *seen = data;

	g_assert_cmpuint(done, >=, (guint64)seen->progress * 4096);
	seen->progress = (gint)(done / 4096);
}

static gboolean run(const char *path, struct sw_clusters clusters, struct seen *seen,
		    GError **error)
{
	g_autoptr(SwSparse) disk = NULL;

	g_assert_true(sw_sparse_open(path, &disk, error));
	clusters.disk = disk;
	clusters.level = 3;
	clusters.put = put;
	clusters.progress = progress;
	clusters.data = clusters.progress_data = seen;
	seen->hash = sw_sha256_new();
	return sw_clusters_run(&clusters, seen->cancel, error);
}

static const struct stretch stretches[] = {
	{ 0, 300000, KIND_TEXT },
	{ 700000, 10, KIND_RANDOM },
	{ SW_MIB, SW_MIB, KIND_RANDOM },
	{ 3 * SW_MIB, SW_MIB, KIND_ZEROS },
	{ 5 * SW_MIB, 3 * SW_MIB, KIND_SPECKS },
	{ 8 * SW_MIB, 2 * SW_MIB, KIND_TEXT },
	{ 11 * SW_MIB - 1000, 1000, KIND_RANDOM },
	{ 0 },
};

static void test_same_at_any_number(void)
{
	static const struct sw_codec *const codecs[] = { NULL, &sw_codec_deflate, &sw_codec_zstd };
	static const int threads[] = { 1, 2, 7, 200 };
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-clusters-");
	g_autofree char *path = scratch_path(scratch, "disk");

	make_disk(path, 11 * SW_MIB, stretches);
	for (size_t size = 4096; size <= SW_CLUSTER_MAX; size *= 8)
		for (size_t c = 0; c < G_N_ELEMENTS(codecs); c++) {
			char first[SW_SHA256_SIZE] = "";

			for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
				struct sw_clusters clusters = { .cluster_size = size,
								.codec = codecs[c],
								.threads = threads[i] };
				g_autoptr(GError) error = NULL;
				char hex[SW_SHA256_SIZE];
				struct seen seen = { 0 };

				g_assert_true(run(path, clusters, &seen, &error));
				g_assert_no_error(error);
				g_assert_cmpint(seen.progress, ==, 11 * SW_MIB / 4096);
				g_assert_true((seen.compressed > 0) == (codecs[c] != NULL));
				sw_sha256_hex(seen.hash, hex);
				sw_sha256_free(seen.hash);
				if (i == 0)
					memcpy(first, hex, sizeof(hex));
				g_assert_cmpstr(first, ==, hex);
			}
		}
}

/* Clusters of zeros and holes are not put, a last one in part is filled up. */
static void test_which(void)
{
	static const struct stretch some[] = {
		{ 65536, 1, KIND_RANDOM },
		{ 3 * 65536 - 1, 2, KIND_TEXT },
		{ 8 * 65536, 65536, KIND_ZEROS },
		{ 10 * 65536 + 99, 1, KIND_TEXT },
		{ 0 },
	};
	struct sw_clusters clusters = { .cluster_size = 65536, .threads = 2 };
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-clusters-");
	g_autofree char *path = scratch_path(scratch, "disk");
	g_autoptr(GError) error = NULL;
	struct seen seen = { 0 };

	make_disk(path, 10 * 65536 + 100, some);
	g_assert_true(run(path, clusters, &seen, &error));
	g_assert_cmpuint(seen.count, ==, 4);
	g_assert_cmpuint(seen.last, ==, 10);
	sw_sha256_free(seen.hash);
}

static void test_put_fails(void)
{
	struct sw_clusters clusters = { .cluster_size = 65536, .codec = &sw_codec_deflate };
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-clusters-");
	g_autofree char *path = scratch_path(scratch, "disk");

	make_disk(path, 11 * SW_MIB, stretches);
	for (clusters.threads = 1; clusters.threads <= 9; clusters.threads += 4)
		for (guint64 at = 1; at < 40; at += 19) {
			struct seen seen = { .fail_at = at };
			g_autoptr(GError) error = NULL;

			g_assert_false(run(path, clusters, &seen, &error));
			g_assert_cmpuint(seen.count, ==, at);
			g_assert_error(error, SW_ERROR, SW_ERROR_FORMAT);
			g_assert_cmpstr(error->message, ==, "refused");
			sw_sha256_free(seen.hash);
		}
}

static void test_disk_shrinks(void)
{
	struct sw_clusters clusters = {
		.cluster_size = 65536, .threads = 3, .put = put, .codec = &sw_codec_deflate
	};
	struct seen seen = { .hash = sw_sha256_new() };
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-clusters-");
	g_autofree char *path = scratch_path(scratch, "disk");
	g_autoptr(GError) error = NULL;
	g_autoptr(SwSparse) disk = NULL;

	make_disk(path, 11 * SW_MIB, stretches);
	g_assert_true(sw_sparse_open(path, &disk, &error));
	g_assert_cmpint(truncate(path, 9 * SW_MIB + 77), ==, 0);
	clusters.disk = disk;
	clusters.data = &seen;
	g_assert_false(sw_clusters_run(&clusters, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_FORMAT);
	sw_sha256_free(seen.hash);
}

static void test_cancelled(void)
{
	struct sw_clusters clusters = { .cluster_size = 65536, .codec = &sw_codec_deflate };
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-clusters-");
	g_autofree char *path = scratch_path(scratch, "disk");

	make_disk(path, 11 * SW_MIB, stretches);
	for (clusters.threads = 1; clusters.threads <= 9; clusters.threads += 4) {
		g_autoptr(GCancellable) cancel = g_cancellable_new();
		struct seen seen = { .cancel = cancel };
		g_autoptr(GError) error = NULL;

		g_assert_false(run(path, clusters, &seen, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
		g_assert_cmpuint(seen.count, >, 0);
		sw_sha256_free(seen.hash);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/clusters/same-at-any-number", test_same_at_any_number);
	g_test_add_func("/clusters/which", test_which);
	g_test_add_func("/clusters/put-fails", test_put_fails);
	g_test_add_func("/clusters/disk-shrinks", test_disk_shrinks);
	g_test_add_func("/clusters/cancelled", test_cancelled);
	return g_test_run();
}
