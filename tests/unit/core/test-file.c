/* SPDX-License-Identifier: MIT */
#include "core/file.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "core/scratch.h"

#define CODE SW_ERROR_FORMAT, "test"

static struct sw_scratch *new_scratch(void)
{
	g_autoptr(GError) error = NULL;
	struct sw_scratch *scratch = NULL;

	g_assert_true(sw_scratch_new(g_get_tmp_dir(), "slipway-test-file-", &scratch, &error));
	g_assert_no_error(error);
	return scratch;
}

static char *below(const struct sw_scratch *scratch, const char *name)
{
	return g_build_filename(sw_scratch_path(scratch), name, NULL);
}

static void test_write_and_read_at(void)
{
	g_autoptr(SwScratch) scratch = new_scratch();
	g_autofree char *path = below(scratch, "f");
	g_autoptr(GError) error = NULL;
	sw_autofd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char data[4] = "";

	g_assert_true(sw_write_at(fd, "abcd", 4, 10, path, CODE, &error));
	g_assert_true(sw_write_at(fd, "", 0, 1000, path, CODE, &error));
	g_assert_true(sw_read_at(fd, data, 4, 8, path, CODE, &error));
	g_assert_no_error(error);
	g_assert_cmpmem(data, 4, "\0\0ab", 4);
	g_assert_false(sw_read_at(fd, data, 4, 12, path, CODE, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_FORMAT);
	g_assert_nonnull(strstr(error->message, "ends at byte 14, 2 more were expected"));
}

static void test_offsets_overflow(void)
{
	g_autoptr(SwScratch) scratch = new_scratch();
	g_autofree char *path = below(scratch, "f");
	sw_autofd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	static const guint64 offsets[] = { G_MAXUINT64, G_MAXINT64, G_MAXUINT64 - 3 };

	for (size_t i = 0; i < G_N_ELEMENTS(offsets); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GError) second = NULL;
		char data[4] = "";

		g_assert_false(sw_write_at(fd, "abcd", 4, offsets[i], path, CODE, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_FORMAT);
		g_assert_false(sw_read_at(fd, data, 4, offsets[i], path, CODE, &second));
		g_assert_error(second, SW_ERROR, SW_ERROR_FORMAT);
	}
}

static void test_full_device(void)
{
	g_autoptr(GError) error = NULL;
	sw_autofd int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	g_assert_false(sw_write_at(fd, "a", 1, 0, "/dev/full", CODE, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
	g_assert_cmpstr(sw_error_id(error), ==, "disk-full");
}

static void test_mkdirs(void)
{
	g_autoptr(SwScratch) scratch = new_scratch();
	g_autofree char *path = below(scratch, "a/b/c");
	g_autofree char *file = below(scratch, "a/file");
	g_autofree char *under = below(scratch, "a/file/x");
	g_autoptr(GError) error = NULL;
	struct stat stat_buffer;

	g_assert_true(sw_mkdirs(path, 0700, &error));
	g_assert_true(sw_mkdirs(path, 0700, &error));
	g_assert_no_error(error);
	g_assert_cmpint(stat(path, &stat_buffer), ==, 0);
	g_assert_cmpint(stat_buffer.st_mode, ==, S_IFDIR | 0700);
	g_assert_true(g_file_set_contents(file, "", 0, NULL));
	g_assert_false(sw_mkdirs(under, 0700, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
	g_assert_cmpstr(sw_error_id(error), ==, "directory");
	g_clear_error(&error);
	g_assert_false(sw_mkdirs(file, 0700, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
}

static guint count_entries(const char *path)
{
	g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
	guint count = 0;

	while (g_dir_read_name(directory) != NULL)
		count++;
	return count;
}

static void test_write_file(void)
{
	g_autoptr(SwScratch) scratch = new_scratch();
	g_autofree char *path = below(scratch, "f");
	g_autofree char *missing = below(scratch, "no/f");
	g_autofree char *data = NULL;
	g_autoptr(GError) error = NULL;
	struct stat stat_buffer;
	size_t length = 0;

	g_assert_true(sw_write_file(path, "one\0two", 7, 0640, CODE, &error));
	g_assert_true(sw_read_file(path, 7, &data, &length, CODE, &error));
	g_assert_no_error(error);
	g_assert_cmpmem(data, length + 1, "one\0two\0", 8);
	g_assert_cmpint(stat(path, &stat_buffer), ==, 0);
	g_assert_cmpint(stat_buffer.st_mode, ==, S_IFREG | 0640);
	g_assert_true(sw_write_file(path, "", 0, 0600, CODE, &error));
	g_assert_cmpint(stat(path, &stat_buffer), ==, 0);
	g_assert_cmpint(stat_buffer.st_size, ==, 0);
	g_assert_false(sw_write_file(missing, "x", 1, 0600, CODE, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_FORMAT);
	g_assert_cmpuint(count_entries(sw_scratch_path(scratch)), ==, 1);
}

/* A write that fails half-way leaves the old file and nothing else. */
static void test_write_file_fails(void)
{
	g_autoptr(SwScratch) scratch = new_scratch();
	g_autofree char *path = below(scratch, "f");
	g_autofree char *large = g_malloc0(8192);
	g_autofree char *data = NULL;
	g_autoptr(GError) error = NULL;
	struct rlimit old;
	struct rlimit limit;

	g_assert_true(sw_write_file(path, "old", 3, 0600, CODE, &error));
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
	limit = (struct rlimit){ 4096, old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	g_assert_false(sw_write_file(path, large, 8192, 0600, CODE, &error));
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
	g_assert_error(error, SW_ERROR, SW_ERROR_FORMAT);
	g_clear_error(&error);
	g_assert_true(sw_read_file(path, 100, &data, NULL, CODE, &error));
	g_assert_cmpstr(data, ==, "old");
	g_assert_cmpuint(count_entries(sw_scratch_path(scratch)), ==, 1);
}

/* A link at PATH is replaced, not followed. */
static void test_write_file_over_link(void)
{
	g_autoptr(SwScratch) scratch = new_scratch();
	g_autofree char *path = below(scratch, "link");
	g_autofree char *target = below(scratch, "target");
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(symlink(target, path), ==, 0);
	g_assert_true(sw_write_file(path, "x", 1, 0600, CODE, &error));
	g_assert_false(g_file_test(path, G_FILE_TEST_IS_SYMLINK));
	g_assert_false(g_file_test(target, G_FILE_TEST_EXISTS));
}

static void test_read_file(void)
{
	g_autoptr(SwScratch) scratch = new_scratch();
	g_autofree char *path = below(scratch, "f");
	g_autofree char *large = g_malloc(200000);
	g_autofree char *data = NULL;
	g_autoptr(GError) error = NULL;
	size_t length = 0;

	memset(large, 'x', 200000);
	g_assert_true(sw_write_file(path, large, 200000, 0600, CODE, &error));
	g_assert_true(sw_read_file(path, 200000, &data, &length, CODE, &error));
	g_assert_cmpmem(data, length, large, 200000);
	g_clear_pointer(&data, g_free);
	g_assert_false(sw_read_file(path, 199999, &data, &length, CODE, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_FORMAT);
	g_assert_nonnull(strstr(error->message, "is larger than"));
	g_assert_null(data);
	g_clear_error(&error);
	g_assert_false(sw_read_file(sw_scratch_path(scratch), 10, &data, NULL, CODE, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_FORMAT);
	g_clear_error(&error);
	g_assert_false(sw_read_file("/no/such", 10, &data, NULL, CODE, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_FORMAT);
	g_clear_error(&error);
	g_assert_true(sw_read_file("/dev/null", 0, &data, &length, CODE, &error));
	g_assert_cmpuint(length, ==, 0);
	g_assert_cmpstr(data, ==, "");
}

static void test_free_space(void)
{
	g_autoptr(SwScratch) scratch = new_scratch();
	g_autofree char *path = below(scratch, "not/yet/there");
	g_autofree char *file = below(scratch, "f");
	g_autofree char *under = below(scratch, "f/x");
	g_autoptr(GError) error = NULL;
	guint64 bytes = 0;

	g_assert_true(sw_free_space(path, &bytes, &error));
	g_assert_cmpuint(bytes, >, 0);
	g_assert_true(sw_free_space("no-such-name-here", &bytes, &error));
	g_assert_no_error(error);
	g_assert_true(sw_write_file(file, "", 0, 0600, CODE, &error));
	g_assert_false(sw_free_space(under, &bytes, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
	g_assert_cmpstr(sw_error_id(error), ==, "free-space");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	umask(022);
	g_test_add_func("/file/write-and-read-at", test_write_and_read_at);
	g_test_add_func("/file/offsets-overflow", test_offsets_overflow);
	g_test_add_func("/file/full-device", test_full_device);
	g_test_add_func("/file/mkdirs", test_mkdirs);
	g_test_add_func("/file/write-file", test_write_file);
	g_test_add_func("/file/write-file-fails", test_write_file_fails);
	g_test_add_func("/file/write-file-over-link", test_write_file_over_link);
	g_test_add_func("/file/read-file", test_read_file);
	g_test_add_func("/file/free-space", test_free_space);
	return g_test_run();
}
