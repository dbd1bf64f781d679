/* SPDX-License-Identifier: MIT */
#include "core/hash.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/scratch.h"
#include "core/size.h"

/* FIPS 180-2, appendix B, and the empty message. */
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define MILLION_A "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static void test_vectors(void)
{
	g_autoptr(SwSha256) hash = sw_sha256_new();
	char hex[SW_SHA256_SIZE];
	char a[1000];

	sw_sha256_data("", 0, hex);
	g_assert_cmpstr(hex, ==, EMPTY);
	sw_sha256_data("abc", 3, hex);
	g_assert_cmpstr(hex, ==, ABC);
	memset(a, 'a', sizeof a);
	for (int i = 0; i < 1000; i++)
		sw_sha256_update(hash, a, sizeof a);
	sw_sha256_hex(hash, hex);
	g_assert_cmpstr(hex, ==, MILLION_A);
	sw_sha256_free(NULL);
}

static int make_file(const struct sw_scratch *scratch)
{
	g_autofree char *path = g_build_filename(sw_scratch_path(scratch), "f", NULL);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	g_assert_cmpint(fd, >=, 0);
	return fd;
}

static void check_file(int fd)
{
	g_autoptr(GError) error = NULL;
	off_t size = lseek(fd, 0, SEEK_END);
	g_autofree guint8 *whole = g_malloc0((gsize)size + 1);
	char expected[SW_SHA256_SIZE];
	char hex[SW_SHA256_SIZE];

	g_assert_true(sw_read_at(fd, whole, (size_t)size, 0, "f", SW_ERROR_FORMAT, "test", &error));
	sw_sha256_data(whole, (size_t)size, expected);
	g_assert_true(sw_sha256_file(fd, "f", hex, NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(hex, ==, expected);
}

/* Data and holes in every place, ends on and off the blocks. */
static void test_file(void)
{
	static const struct {
		guint64 size;
		guint64 data[3]; /* where a few bytes lie */
	} rows[] = {
		{ 0, { 0 } },
		{ 1, { 0 } },
		{ 4096, { 0 } },
		{ 3 * SW_MIB, { 0, SW_MIB, 3 * SW_MIB - 8 } },
		{ 5 * SW_MIB + 17, { SW_MIB + 3, 2 * SW_MIB, 4 * SW_MIB } },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(SwScratch) scratch = NULL;
		g_autoptr(GError) error = NULL;
		sw_autofd int fd = -1;

		g_assert_true(
			sw_scratch_new(g_get_tmp_dir(), "slipway-test-hash-", &scratch, &error));
		fd = make_file(scratch);
		g_assert_cmpint(ftruncate(fd, (off_t)rows[i].size), ==, 0);
		check_file(fd);
		for (size_t j = 0; rows[i].size >= 8 && j < 3; j++)
			g_assert_true(sw_write_at(fd, "somedata", 8, rows[i].data[j], "f",
						  SW_ERROR_FORMAT, "test", &error));
		check_file(fd);
	}
}

static void test_file_fails(void)
{
	g_autoptr(SwScratch) scratch = NULL;
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GError) error = NULL;
	sw_autofd int fd = -1;
	char hex[SW_SHA256_SIZE] = "same";
	int pair[2];

	g_assert_true(sw_scratch_new(g_get_tmp_dir(), "slipway-test-hash-", &scratch, &error));
	fd = make_file(scratch);
	g_assert_cmpint(ftruncate(fd, SW_MIB), ==, 0);
	g_cancellable_cancel(cancellable);
	g_assert_false(sw_sha256_file(fd, "f", hex, cancellable, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
	g_clear_error(&error);
	g_assert_cmpint(pipe(pair), ==, 0);
	g_assert_false(sw_sha256_file(pair[0], "f", hex, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_FORMAT);
	g_assert_cmpstr(hex, ==, "same");
	close(pair[0]);
	close(pair[1]);
}

static void test_digest_valid(void)
{
	g_assert_true(sw_digest_valid("sha256:" EMPTY));
	g_assert_false(sw_digest_valid(NULL));
	g_assert_false(sw_digest_valid(""));
	g_assert_false(sw_digest_valid("sha256:"));
	g_assert_false(sw_digest_valid(EMPTY));
	g_assert_false(sw_digest_valid("sha512:" EMPTY));
	g_assert_false(sw_digest_valid("SHA256:" EMPTY));
	g_assert_false(sw_digest_valid("sha256:" EMPTY "0"));
	g_assert_false(sw_digest_valid("sha256:" EMPTY "\n"));
	g_assert_false(
		sw_digest_valid("sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca4959"
				"91b7852b855"));
	g_assert_false(
		sw_digest_valid("sha256:../../../../../../../../../../../../../../../../../../"
				"../../../etc/"));
}

static void test_uuid(void)
{
	g_autofree char *first = sw_uuid_derive("seed", "root");
	g_autofree char *again = sw_uuid_derive("seed", "root");
	g_autofree char *other = sw_uuid_derive("seed", "boot");
	g_autofree char *shifted = sw_uuid_derive("seedr", "oot");
	g_autofree char *lower = g_ascii_strdown(first, -1);

	g_assert_true(g_uuid_string_is_valid(first));
	g_assert_cmpstr(first, ==, again);
	g_assert_cmpstr(first, ==, lower);
	g_assert_cmpstr(first, !=, other);
	g_assert_cmpstr(first, !=, shifted);
	g_assert_cmpint(first[14], ==, '5');
	g_assert_nonnull(strchr("89ab", first[19]));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hash/vectors", test_vectors);
	g_test_add_func("/hash/file", test_file);
	g_test_add_func("/hash/file-fails", test_file_fails);
	g_test_add_func("/hash/digest-valid", test_digest_valid);
	g_test_add_func("/hash/uuid", test_uuid);
	return g_test_run();
}
