/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "../../format.h"

extern const struct sw_format sw_format_raw;

static void check_same(const char *a, const char *b)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwSparse) one = NULL;
	g_autoptr(SwSparse) two = NULL;
	g_autofree guint8 *x = g_malloc(SW_MIB);
	g_autofree guint8 *y = g_malloc(SW_MIB);

	g_assert_true(sw_sparse_open(a, &one, &error));
	g_assert_true(sw_sparse_open(b, &two, &error));
	g_assert_cmpuint(sw_sparse_size(one), ==, sw_sparse_size(two));
	for (guint64 at = 0; at < sw_sparse_size(one); at += SW_MIB) {
		g_assert_true(sw_sparse_read(one, x, SW_MIB, at, &error));
		g_assert_true(sw_sparse_read(two, y, SW_MIB, at, &error));
		g_assert_true(memcmp(x, y, SW_MIB) == 0);
	}
}

static guint64 allocated(const char *path)
{
	struct stat st;

	g_assert_cmpint(stat(path, &st), ==, 0);
	return (guint64)st.st_blocks * 512;
}

static void write_raw(const char *from, const char *to)
{
	struct attempt a = { .format = &sw_format_raw, .disk = from, .path = to, .threads = 2 };
	g_autoptr(GError) error = NULL;

	write_format(&a, &error);
	g_assert_no_error(error);
}

/* Holes stay, and written zeros become some (unless the blocks are shared). */
static void test_sparse(void)
{
	static const struct stretch stretches[] = {
		{ 0, 446, KIND_RANDOM },
		{ 1000 * SW_KIB - 1, 2, KIND_TEXT },
		{ 2 * SW_MIB, SW_MIB, KIND_TEXT },
		{ 10 * SW_MIB, 20 * SW_MIB, KIND_ZEROS },
		{ 50 * SW_MIB - 6, 4 * SW_MIB, KIND_SPECKS },
		{ 199 * SW_MIB, 300, KIND_RANDOM },
		{ 0 },
	};
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-raw-");
	g_autofree char *disk = scratch_path(scratch, "disk");
	g_autofree char *path = scratch_path(scratch, "image");

	make_disk(disk, 199 * SW_MIB + 300, stretches);
	write_raw(disk, path);
	check_same(disk, path);
	g_assert_cmpuint(allocated(path), <=, allocated(disk));
}

static void test_empty(void)
{
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-raw-");
	g_autofree char *disk = scratch_path(scratch, "disk");
	g_autofree char *path = scratch_path(scratch, "image");

	make_disk(disk, 3 * SW_GIB + 1, NULL);
	write_raw(disk, path);
	g_assert_cmpuint(allocated(path), <=, 64 * SW_KIB);
	g_assert_true(truncate(path, 0) == 0 && truncate(disk, 1) == 0);
	write_raw(disk, path);
	check_same(disk, path);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/raw/sparse", test_sparse);
	g_test_add_func("/raw/empty", test_empty);
	return g_test_run();
}
