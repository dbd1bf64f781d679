/* SPDX-License-Identifier: MIT */
#include "core/copy.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../disk.h"
#include "core/file.h"
#include "core/size.h"

static int make_file(const struct sw_scratch *scratch, const char *name)
{
	g_autofree char *path = g_build_filename(sw_scratch_path(scratch), name, NULL);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	g_assert_cmpint(fd, >=, 0);
	return fd;
}

/* Data and holes of odd lengths at all places: the copy, its holes, its SHA-256. */
static void check_copy(const guint64 *stretches, size_t count)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-copy-");
	sw_autofd int in = make_file(scratch, "in");
	sw_autofd int out = make_file(scratch, "out");
	g_autoptr(GByteArray) whole = g_byte_array_new();
	char expected[SW_SHA256_SIZE], hex[SW_SHA256_SIZE];
	g_autofree guint8 *copy = NULL;
	struct stat from, to;

	for (size_t i = 0; i < count; i++) {
		g_autofree guint8 *bytes = g_malloc0(stretches[i] + 1);

		for (guint64 k = 0; i % 2 == 0 && k < stretches[i]; k++)
			bytes[k] = (guint8)(k * 31 + k / 251 + i);
		if (i % 2 == 0)
			g_assert_true(sw_write_at(in, bytes, stretches[i], whole->len, "in",
						  SW_ERROR_FORMAT, "test", &error));
		g_byte_array_append(whole, bytes, (guint)stretches[i]);
	}
	g_assert_cmpint(ftruncate(in, whole->len), ==, 0);
	g_assert_cmpint(ftruncate(out, whole->len), ==, 0);
	g_assert_true(sw_copy_hashed(in, out, whole->len, "out", SW_ERROR_FORMAT, "test", hex, NULL,
				     &error));
	g_assert_no_error(error);
	sw_sha256_data(whole->len == 0 ? (const guint8 *)"" : whole->data, whole->len, expected);
	g_assert_cmpstr(hex, ==, expected);
	copy = g_malloc(whole->len + 1);
	g_assert_true(sw_read_at(out, copy, whole->len, 0, "out", SW_ERROR_FORMAT, "test", &error));
	g_assert_true(whole->len == 0 || memcmp(copy, whole->data, whole->len) == 0);
	g_assert_cmpint(fstat(in, &from), ==, 0);
	g_assert_cmpint(fstat(out, &to), ==, 0);
	g_assert_cmpint(to.st_blocks, <=, from.st_blocks + 16);
}

static void test_hashed(void)
{
	static const guint64 all[][4] = {
		{ 0, 0, 0, 0 },
		{ 1, 0, 0, 0 },
		{ 9 * SW_MIB + 5, 0, 0, 0 },
		{ 0, 3 * SW_MIB, 0, 0 },
		{ SW_MIB + 4096, 2 * SW_MIB, 4097, 5 * SW_MIB + 1 },
		{ 0, SW_MIB, 3, SW_MIB },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		check_copy(all[i], G_N_ELEMENTS(all[i]));
}

static void test_cancelled(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-copy-");
	g_autoptr(GCancellable) cancelled = g_cancellable_new();
	sw_autofd int in = make_file(scratch, "in");
	sw_autofd int out = make_file(scratch, "out");
	char hex[SW_SHA256_SIZE];

	g_assert_true(sw_write_at(in, "short", 5, 0, "in", SW_ERROR_FORMAT, "test", &error));
	g_cancellable_cancel(cancelled);
	g_assert_false(
		sw_copy_hashed(in, out, 5, "out", SW_ERROR_FORMAT, "test", hex, cancelled, &error));
	g_assert_cmpstr(sw_error_id(error), ==, "cancelled");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/core/copy/hashed", test_hashed);
	g_test_add_func("/core/copy/cancelled", test_cancelled);
	return g_test_run();
}
