/* SPDX-License-Identifier: MIT */
#include "disk/tarstream.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"

/* Long enough for a record whose own length has one digit more because of itself, and for pax. */
static char *long_path(void)
{
	g_autofree char *part = g_strnfill(120, 'p');

	return g_strconcat("d/", part, "/\303\244", NULL);
}

static void add(struct sw_tarstream *tar, const struct sw_sink_node *node)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_sink_add(sw_tarstream_sink(tar), node, NULL, &error));
	g_assert_no_error(error);
}

static void write_all(int fd)
{
	g_autoptr(SwTarstream) tar = sw_tarstream_new(fd);
	g_autoptr(GError) error = NULL;
	g_autofree char *path = long_path();
	g_autofree char *target = g_strnfill(150, 't');
	g_autoptr(GVariant) xattrs = g_variant_ref_sink(
		g_variant_new_parsed("[(b'security.capability', [byte 0x01, 0x00, 0x0a, 0x02])]"));

	add(tar, &(struct sw_sink_node){ .path = "", .type = SW_SINK_DIRECTORY, .mode = 0755 });
	add(tar, &(struct sw_sink_node){ .path = "d",
					 .type = SW_SINK_DIRECTORY,
					 .mode = 01777,
					 .uid = 5,
					 .gid = 4000000 });
	add(tar, &(struct sw_sink_node){ .path = path,
					 .type = SW_SINK_FILE,
					 .mode = 04755,
					 .uid = 3000000,
					 .mtime = 1700000000,
					 .xattrs = xattrs,
					 .fd = -1,
					 .data = "hello",
					 .size = 5 });
	add(tar,
	    &(struct sw_sink_node){ .path = "hard", .type = SW_SINK_HARDLINK, .target = path });
	add(tar, &(struct sw_sink_node){
			 .path = "soft", .type = SW_SINK_SYMLINK, .mode = 0777, .target = target });
	g_assert_true(sw_tarstream_close(tar, &error));
	g_assert_no_error(error);
}

static void next(struct archive *archive, struct archive_entry **entry, const char *path)
{
	g_assert_cmpint(archive_read_next_header(archive, entry), ==, ARCHIVE_OK);
	g_assert_cmpstr(archive_entry_pathname(*entry), ==, path);
}

/* libarchive reads it back: an independent reader. */
static void test_read_back(void)
{
	char name[] = "/tmp/slipway-test-XXXXXX";
	int fd = g_mkstemp(name);
	struct archive *archive = archive_read_new();
	struct archive_entry *entry = NULL;
	g_autofree char *path = long_path();
	g_autofree char *target = g_strnfill(150, 't');
	const char *xattr_name;
	const void *value;
	size_t length;
	char data[16] = { 0 };

	write_all(fd);
	g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
	archive_read_support_format_tar(archive);
	g_assert_cmpint(archive_read_open_fd(archive, fd, 10240), ==, ARCHIVE_OK);
	next(archive, &entry, "./");
	next(archive, &entry, "d");
	g_assert_cmpint(archive_entry_perm(entry), ==, 01777);
	g_assert_cmpint(archive_entry_gid(entry), ==, 4000000);
	next(archive, &entry, path);
	g_assert_cmpint(archive_entry_perm(entry), ==, 04755);
	g_assert_cmpint(archive_entry_uid(entry), ==, 3000000);
	g_assert_cmpint(archive_entry_mtime(entry), ==, 1700000000);
	g_assert_cmpint(archive_entry_xattr_reset(entry), ==, 1);
	archive_entry_xattr_next(entry, &xattr_name, &value, &length);
	g_assert_cmpstr(xattr_name, ==, "security.capability");
	g_assert_cmpmem(value, length, "\1\0\n\2", 4);
	g_assert_cmpint(archive_read_data(archive, data, sizeof data), ==, 5);
	g_assert_cmpstr(data, ==, "hello");
	next(archive, &entry, "hard");
	g_assert_cmpstr(archive_entry_hardlink(entry), ==, path);
	next(archive, &entry, "soft");
	g_assert_cmpstr(archive_entry_symlink(entry), ==, target);
	g_assert_cmpint(archive_read_next_header(archive, &entry), ==, ARCHIVE_EOF);
	archive_read_free(archive);
	close(fd);
	g_unlink(name);
}

static void test_broken_pipe(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *data = g_malloc0(1024 * 1024);
	g_autoptr(SwTarstream) tar = NULL;
	int ends[2];

	g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
	close(ends[0]);
	tar = sw_tarstream_new(ends[1]);
	g_assert_false(sw_sink_add(sw_tarstream_sink(tar),
				   &(struct sw_sink_node){ .path = "f",
							   .type = SW_SINK_FILE,
							   .fd = -1,
							   .data = data,
							   .size = 1024 * 1024 },
				   NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_DEPLOY);
	close(ends[1]);
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tarstream/read-back", test_read_back);
	g_test_add_func("/tarstream/broken-pipe", test_broken_pipe);
	return g_test_run();
}
