/* SPDX-License-Identifier: MIT */
#include "disk/ext4.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "../../program.h"
#include "core/file.h"
#include "core/size.h"
#include "disk/mkfs.h"

#define NOW 1700000000

/* A disk file with one ext4 in its middle, as a disk has it. */
struct fixture {
	char *directory;
	char *disk;
	char *filesystem; /* the name by which e2fsprogs open it */
	struct sw_partition partition;
};

static void set_up(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	g_autoptr(GError) error = NULL;
	int fd;

	fixture->directory = g_dir_make_tmp("slipway-test-XXXXXX", &error);
	g_assert_no_error(error);
	fixture->disk = g_build_filename(fixture->directory, "disk.raw", NULL);
	fixture->filesystem = g_strdup_printf("%s?offset=1048576", fixture->disk);
	fixture->partition = (struct sw_partition){
		.role = SW_ROLE_ROOT,
		.offset = SW_MIB,
		.size = 64 * SW_MIB,
		.filesystem = "ext4",
		.label = "root",
		.uuid = (char *)"11111111-2222-5333-8444-555555555555",
	};
	fd = open(fixture->disk, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	g_assert_cmpint(ftruncate(fd, 66 * SW_MIB), ==, 0);
	close(fd);
	g_assert_true(
		sw_mkfs(&fixture->partition, fixture->disk, fixture->directory, NOW, NULL, &error));
	g_assert_no_error(error);
}

static void tear_down(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	g_unlink(fixture->disk);
	g_rmdir(fixture->directory);
	g_free(fixture->directory);
	g_free(fixture->disk);
	g_free(fixture->filesystem);
}

/* e2fsck is the judge of the whole. */
static void check(const struct fixture *fixture)
{
	const char *argv[] = { "e2fsck", "-fn", fixture->filesystem, NULL };
	g_autofree char *output = run_program(argv, NULL);

	g_assert_nonnull(output);
}

static char *debugfs(const struct fixture *fixture, const char *request)
{
	const char *argv[] = { "debugfs", "-R", request, fixture->filesystem, NULL };

	return run_program(argv, NULL);
}

static void add(struct sw_ext4 *ext4, const struct sw_sink_node *node)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_sink_add(sw_ext4_sink(ext4), node, NULL, &error));
	g_assert_no_error(error);
}

static struct sw_ext4 *open_it(const struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	struct sw_ext4 *ext4 = NULL;

	g_assert_true(sw_ext4_open(fixture->disk, SW_MIB, NOW, &ext4, &error));
	g_assert_no_error(error);
	return ext4;
}

static void close_it(struct sw_ext4 *ext4)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_ext4_close(ext4, &error));
	g_assert_no_error(error);
	sw_ext4_free(ext4);
}

static void test_nodes(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	struct sw_ext4 *ext4 = open_it(fixture);
	g_autoptr(GVariant) xattrs =
		g_variant_ref_sink(g_variant_new_parsed("[(b'user.slipway', [byte 0x61, 0x62])]"));
	g_autofree char *stat = NULL;
	g_autofree char *link = NULL;
	g_autofree char *content = NULL;
	g_autofree char *xattr = NULL;

	add(ext4, &(struct sw_sink_node){ .path = "", .type = SW_SINK_DIRECTORY, .mode = 0755 });
	add(ext4, &(struct sw_sink_node){ .path = "d",
					  .type = SW_SINK_DIRECTORY,
					  .mode = 01777,
					  .uid = 70000,
					  .gid = 7,
					  .immutable = TRUE });
	add(ext4, &(struct sw_sink_node){ .path = "d/file",
					  .type = SW_SINK_FILE,
					  .mode = 04755,
					  .uid = 70000,
					  .gid = 80000,
					  .xattrs = xattrs,
					  .fd = -1,
					  .data = "hello\n",
					  .size = 6 });
	add(ext4,
	    &(struct sw_sink_node){
		    .path = "d/empty", .type = SW_SINK_FILE, .mode = 0600, .fd = -1, .data = "" });
	add(ext4,
	    &(struct sw_sink_node){
		    .path = "link", .type = SW_SINK_SYMLINK, .mode = 0777, .target = "d/file" });
	add(ext4,
	    &(struct sw_sink_node){ .path = "hard", .type = SW_SINK_HARDLINK, .target = "d/file" });
	close_it(ext4);
	check(fixture);
	stat = debugfs(fixture, "stat d/file");
	g_assert_nonnull(strstr(stat, "Mode:  04755"));
	g_assert_nonnull(strstr(stat, "User: 70000   Group: 80000"));
	g_assert_nonnull(strstr(stat, "Links: 2"));
	g_assert_nonnull(strstr(stat, "mtime: 0x00000000"));
	content = debugfs(fixture, "cat hard");
	g_assert_cmpstr(content, ==, "hello\n");
	link = debugfs(fixture, "stat link");
	g_assert_nonnull(strstr(link, "Fast link dest: \"d/file\""));
	xattr = debugfs(fixture, "ea_list d/file");
	g_assert_nonnull(strstr(xattr, "user.slipway (2) = \"ab\""));
}

/* More names than one block holds, a long link target, a file of many blocks from a descriptor. */
static void test_large(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	struct sw_ext4 *ext4 = open_it(fixture);
	g_autofree char *source = g_build_filename(fixture->directory, "source", NULL);
	g_autofree char *bytes = g_malloc(5 * SW_MIB + 17);
	g_autofree char *target = g_strnfill(200, 't');
	g_autofree char *dumped = g_build_filename(fixture->directory, "dumped", NULL);
	g_autofree char *request = g_strdup_printf("dump big %s", dumped);
	g_autofree char *output = NULL;
	g_autofree char *read_back = NULL;
	gsize length = 0;
	int fd;

	for (gsize i = 0; i < 5 * SW_MIB + 17; i++)
		bytes[i] = (char)(i * 31 >> 3);
	g_assert_true(g_file_set_contents(source, bytes, 5 * SW_MIB + 17, NULL));
	fd = open(source, O_RDONLY | O_CLOEXEC);
	add(ext4, &(struct sw_sink_node){ .path = "big",
					  .type = SW_SINK_FILE,
					  .mode = 0644,
					  .fd = fd,
					  .size = 5 * SW_MIB + 17 });
	close(fd);
	add(ext4,
	    &(struct sw_sink_node){
		    .path = "long", .type = SW_SINK_SYMLINK, .mode = 0777, .target = target });
	add(ext4,
	    &(struct sw_sink_node){ .path = "many", .type = SW_SINK_DIRECTORY, .mode = 0755 });
	for (guint i = 0; i < 600; i++) {
		g_autofree char *name = g_strdup_printf("many/a-rather-long-name-%04u", i);

		add(ext4, &(struct sw_sink_node){
				  .path = name, .type = SW_SINK_DIRECTORY, .mode = 0700 });
	}
	close_it(ext4);
	check(fixture);
	output = debugfs(fixture, request);
	g_assert_true(g_file_get_contents(dumped, &read_back, &length, NULL));
	g_assert_cmpmem(read_back, length, bytes, 5 * SW_MIB + 17);
	g_unlink(source);
	g_unlink(dumped);
}

static void test_full(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	struct sw_ext4 *ext4 = open_it(fixture);
	g_autoptr(GError) error = NULL;
	g_autofree char *bytes = g_malloc0(70 * SW_MIB);

	g_assert_false(sw_sink_add(sw_ext4_sink(ext4),
				   &(struct sw_sink_node){ .path = "big",
							   .type = SW_SINK_FILE,
							   .fd = -1,
							   .data = bytes,
							   .size = 70 * SW_MIB },
				   NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_DEPLOY);
	g_assert_cmpstr(sw_error_id(error), ==, "filesystem-full");
	sw_ext4_free(ext4);
}

static void test_lost_parent(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	struct sw_ext4 *ext4 = open_it(fixture);
	g_autoptr(GError) error = NULL;

	g_assert_false(
		sw_sink_add(sw_ext4_sink(ext4),
			    &(struct sw_sink_node){
				    .path = "no/file", .type = SW_SINK_FILE, .fd = -1, .data = "" },
			    NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_DEPLOY);
	sw_ext4_free(ext4);
}

/* The same nodes give the same bytes. */
static void test_same_bytes(struct fixture *fixture, const void *data)
{
	char *digests[2];

	for (int i = 0; i < 2; i++) {
		const char *argv[] = { "sha256sum", "-b", NULL, NULL };
		struct sw_ext4 *ext4 = open_it(fixture);

		add(ext4, &(struct sw_sink_node){ .path = "file",
						  .type = SW_SINK_FILE,
						  .fd = -1,
						  .data = "x",
						  .size = 1 });
		close_it(ext4);
		argv[2] = fixture->disk;
		digests[i] = run_program(argv, NULL);
		digests[i][64] = '\0'; /* the name of the file differs */
		tear_down(fixture, data);
		set_up(fixture, data);
		if (i == 0)
			g_usleep(1100000); /* a time stamp that is not ours would differ now */
	}
	g_assert_cmpstr(digests[0], ==, digests[1]);
	g_free(digests[0]);
	g_free(digests[1]);
}

/* A sealed file reads as before; what is behind its end does not trouble e2fsck. */
static void test_sealed(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	static const gsize sizes[] = { 0, 1, 5000, 65536, 700000 };
	g_autofree char *content = g_strnfill(700000, 'v');
	struct sw_ext4 *ext4 = open_it(fixture);

	add(ext4, &(struct sw_sink_node){ .path = "", .type = SW_SINK_DIRECTORY, .mode = 0755 });
	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *name = g_strdup_printf("file%u", i);

		add(ext4, &(struct sw_sink_node){ .path = name,
						  .type = SW_SINK_FILE,
						  .mode = 0644,
						  .fd = -1,
						  .data = content,
						  .size = sizes[i],
						  .is_sealed = TRUE });
	}
	close_it(ext4);
	check(fixture);
	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *stat = g_strdup_printf("stat file%u", i);
		g_autofree char *cat = g_strdup_printf("cat file%u", i);
		g_autofree char *size = g_strdup_printf("Size: %zu\n", sizes[i]);
		g_autofree char *status = debugfs(fixture, stat);
		g_autofree char *read = debugfs(fixture, cat);

		g_assert_nonnull(strstr(status, "Flags: 0x180000"));
		g_assert_nonnull(strstr(status, size));
		g_assert_cmpuint(strlen(read), ==, sizes[i]);
		g_assert_cmpint(strncmp(read, content, sizes[i]), ==, 0);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/ext4/nodes", struct fixture, NULL, set_up, test_nodes, tear_down);
	g_test_add("/ext4/large", struct fixture, NULL, set_up, test_large, tear_down);
	g_test_add("/ext4/full", struct fixture, NULL, set_up, test_full, tear_down);
	g_test_add("/ext4/lost-parent", struct fixture, NULL, set_up, test_lost_parent, tear_down);
	g_test_add("/ext4/same-bytes", struct fixture, NULL, set_up, test_same_bytes, tear_down);
	g_test_add("/ext4/sealed", struct fixture, NULL, set_up, test_sealed, tear_down);
	return g_test_run();
}
