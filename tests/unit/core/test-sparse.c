/* SPDX-License-Identifier: MIT */
#include "core/sparse.h"

#include <sys/stat.h>

#include "../../disk.h"

static struct sw_sparse *open_disk(const char *path)
{
	g_autoptr(GError) error = NULL;
	struct sw_sparse *sparse = NULL;

	g_assert_true(sw_sparse_open(path, &sparse, &error));
	g_assert_no_error(error);
	return sparse;
}

static void check_refused(const char *path, const char *what)
{
	g_autoptr(GError) error = NULL;
	struct sw_sparse *sparse = (struct sw_sparse *)0x1;

	g_assert_false(sw_sparse_open(path, &sparse, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_FORMAT);
	g_assert_true(sparse == (struct sw_sparse *)0x1);
	g_assert_nonnull(strstr(error->message, what));
	g_assert_nonnull(strstr(error->message, path));
}

static void test_open_refuses(void)
{
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-sparse-");
	g_autofree char *missing = scratch_path(scratch, "missing");
	g_autofree char *empty = scratch_path(scratch, "empty");
	g_autofree char *fifo = scratch_path(scratch, "fifo");

	make_disk(empty, 0, NULL);
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	check_refused(missing, "cannot open");
	check_refused(empty, "is empty");
	check_refused(fifo, "neither a file nor a block device");
	check_refused("/dev/zero", "neither a file nor a block device");
	check_refused(sw_scratch_path(scratch), "neither a file nor a block device");
}

/* All that next() returns together holds every byte that is not zero. */
static void check_stretches(struct sw_sparse *sparse, const guint8 *bytes, guint64 size)
{
	guint64 start, end = 0, before;

	for (before = 0;; before = end) {
		g_autoptr(GError) error = NULL;

		g_assert_true(sw_sparse_next(sparse, before, &start, &end, &error));
		g_assert_no_error(error);
		g_assert_cmpuint(start, >=, before);
		g_assert_cmpuint(end, <=, size);
		g_assert_true(sw_is_zero(bytes + before, start - before));
		if (start == size)
			break;
		g_assert_cmpuint(end, >, start);
	}
	g_assert_cmpuint(end, ==, size);
}

static void test_next_and_read(void)
{
	static const struct stretch stretches[] = {
		{ 0, 512, KIND_TEXT },
		{ SW_MIB, 64 * SW_KIB, KIND_RANDOM },
		{ 2 * SW_MIB, 128 * SW_KIB, KIND_ZEROS },
		{ 4 * SW_MIB - 100, 100, KIND_TEXT },
		{ 0 },
	};
	const guint64 size = 4 * SW_MIB;
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-sparse-");
	g_autofree char *path = scratch_path(scratch, "disk");
	g_autofree guint8 *bytes = g_malloc(size + 1000);
	g_autoptr(GError) error = NULL;
	g_autoptr(SwSparse) sparse = NULL;

	make_disk(path, size, stretches);
	sparse = open_disk(path);
	g_assert_cmpuint(sw_sparse_size(sparse), ==, size);
	memset(bytes, 0xff, size + 1000);
	g_assert_true(sw_sparse_read(sparse, bytes, size + 1000, 0, &error));
	g_assert_no_error(error);
	g_assert_true(sw_is_zero(bytes + size, 1000));
	for (const struct stretch *s = stretches; s->length > 0; s++) {
		g_autofree guint8 *wanted =
			make_bytes(s->kind, s->length, (guint32)(s - stretches));

		g_assert_cmpmem(bytes + s->offset, s->length, wanted, s->length);
	}
	check_stretches(sparse, bytes, size);
}

static void test_behind_the_end(void)
{
	static const guint64 offsets[] = { 1000, 1001, SW_GIB, G_MAXUINT64 };
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-sparse-");
	g_autofree char *path = scratch_path(scratch, "disk");
	g_autoptr(GError) error = NULL;
	g_autoptr(SwSparse) sparse = NULL;

	make_disk(path, 1000, NULL);
	sparse = open_disk(path);
	for (size_t i = 0; i < G_N_ELEMENTS(offsets); i++) {
		guint64 start = 0, end = 0;
		guint8 bytes[8] = "1234567";

		g_assert_true(sw_sparse_next(sparse, offsets[i], &start, &end, &error));
		g_assert_cmpuint(start, ==, 1000);
		g_assert_cmpuint(end, ==, 1000);
		g_assert_true(sw_sparse_read(sparse, bytes, sizeof(bytes), offsets[i], &error));
		g_assert_true(sw_is_zero(bytes, sizeof(bytes)));
	}
	g_assert_no_error(error);
}

static void test_shrunk(void)
{
	static const struct stretch stretches[] = { { 0, SW_MIB, KIND_RANDOM }, { 0 } };
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-sparse-");
	g_autofree char *path = scratch_path(scratch, "disk");
	g_autofree guint8 *bytes = g_malloc(SW_MIB);
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) second = NULL;
	g_autoptr(SwSparse) sparse = NULL;
	guint64 start = 7, end = 7;

	make_disk(path, SW_MIB, stretches);
	sparse = open_disk(path);
	g_assert_cmpint(truncate(path, SW_MIB / 2), ==, 0);
	g_assert_false(sw_sparse_read(sparse, bytes, SW_MIB, 0, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_FORMAT);
	g_assert_false(sw_sparse_next(sparse, SW_MIB / 2, &start, &end, &second));
	g_assert_error(second, SW_ERROR, SW_ERROR_FORMAT);
	g_assert_nonnull(strstr(second->message, "became shorter"));
	g_assert_cmpuint(start, ==, 7);
}

static gpointer read_all(gpointer data)
{
	struct sw_sparse *sparse = data;
	guint64 start, end = 0;

	for (;;) {
		g_autoptr(GError) error = NULL;
		guint8 found[4096], *wanted = make_bytes(KIND_RANDOM, 4096, 0);

		g_assert_true(sw_sparse_next(sparse, end, &start, &end, &error));
		if (start == sw_sparse_size(sparse)) {
			g_free(wanted);
			return NULL;
		}
		g_assert_true(sw_sparse_read(sparse, found, sizeof(found), start, &error));
		g_assert_cmpmem(found, sizeof(found), wanted, 4096);
		g_free(wanted);
	}
}

static void test_threads(void)
{
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-sparse-");
	g_autofree char *path = scratch_path(scratch, "disk");
	g_autofree guint8 *bytes = make_bytes(KIND_RANDOM, 4096, 0);
	g_autoptr(GError) error = NULL;
	g_autoptr(SwSparse) sparse = NULL;
	sw_autofd int fd = -1;
	GThread *threads[4];

	make_disk(path, 64 * SW_MIB, NULL);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	for (guint64 at = 0; at < 64 * SW_MIB; at += SW_MIB)
		g_assert_true(
			sw_write_at(fd, bytes, 4096, at, path, SW_ERROR_FORMAT, "test", &error));
	sparse = open_disk(path);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("reader", read_all, sparse);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		g_thread_join(threads[i]);
}

static void test_is_zero(void)
{
	guint8 bytes[300] = { 0 };

	for (size_t length = 0; length < sizeof(bytes); length++) {
		g_assert_true(sw_is_zero(bytes, length));
		for (size_t at = 0; at < length; at += length < 80 ? 1 : 7) {
			bytes[at] = 1;
			g_assert_false(sw_is_zero(bytes, length));
			g_assert_true(sw_is_zero(bytes, at));
			bytes[at] = 0;
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sparse/open-refuses", test_open_refuses);
	g_test_add_func("/sparse/next-and-read", test_next_and_read);
	g_test_add_func("/sparse/behind-the-end", test_behind_the_end);
	g_test_add_func("/sparse/shrunk", test_shrunk);
	g_test_add_func("/sparse/threads", test_threads);
	g_test_add_func("/sparse/is-zero", test_is_zero);
	return g_test_run();
}
