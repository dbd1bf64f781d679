/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "../../format.h"
#include "../../program.h"
#include "core/bytes.h"
#include "core/hash.h"
#include "formats/shared/stream.h"

/*
 * Compressed files are read back by the programs that users have.
 */

extern const struct sw_format sw_format_raw;

static const struct stretch mixed[] = {
	{ 0, 440, KIND_RANDOM },
	{ SW_MIB, 3 * SW_MIB + 5000, KIND_TEXT },
	{ 5 * SW_MIB, 2 * SW_MIB, KIND_RANDOM },
	{ 12 * SW_MIB + 512, 4 * SW_MIB, KIND_SPECKS },
	{ 90 * SW_MIB, SW_MIB + 1000, KIND_TEXT },
	{ 0 },
};

static void write_raw(const char *disk, const char *path, const char *compression,
		      const char *level, int threads)
{
	g_autofree char *first = g_strconcat("raw.compression=", compression, NULL);
	g_autofree char *second = g_strconcat("raw.level=", level, NULL);
	char *options[] = { first, second, NULL };
	struct attempt a = { .format = &sw_format_raw,
			     .options = options,
			     .disk = disk,
			     .path = path,
			     .threads = threads };

	write_good(&a);
}

static void check_reads_back(const char *path, const char *program, const char *disk)
{
	g_autofree char *plain = g_strndup(path, strlen(path) - strlen(strrchr(path, '.')));
	const char *const test[] = { program, "-t", "-q", path, NULL };
	const char *const unpack[] = { program, "-d", "-q", "-f", "-k", path, NULL };
	const char *const compare[] = { "cmp", plain, disk, NULL };

	g_free(run_program(test, NULL));
	g_free(run_program(unpack, NULL));
	g_free(run_program(compare, NULL));
	g_assert_cmpint(unlink(plain), ==, 0);
}

static void test_kind(gconstpointer data)
{
	const struct sw_stream_kind *kind = data;
	static const char *const levels[] = { "1", "3", "6" };
	static const guint64 sizes[] = { 512, 2 * SW_MIB, 100 * SW_MIB + 512 };
	g_autofree char *program = find_program(kind->name);
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-stream-");
	g_autofree char *disk = scratch_path(scratch, "disk");
	g_autofree char *name = g_strconcat("image", kind->suffix, NULL);
	g_autofree char *path = scratch_path(scratch, name);

	if (program == NULL) {
		g_test_skip("there is no program to read it");
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		make_disk(disk, sizes[i], i == 2 ? mixed : NULL);
		write_raw(disk, path, kind->name, levels[i], (int)i + 1);
		check_reads_back(path, kind->name, disk);
	}
}

static void hash_of(const char *path, char hex[SW_SHA256_SIZE])
{
	sw_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_sha256_file(fd, path, hex, NULL, &error));
}

static void test_threads(gconstpointer data)
{
	const struct sw_stream_kind *kind = data;
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-stream-");
	g_autofree char *disk = scratch_path(scratch, "disk");
	g_autofree char *path = scratch_path(scratch, "image");
	char one[SW_SHA256_SIZE], many[SW_SHA256_SIZE];

	make_disk(disk, 100 * SW_MIB, mixed);
	write_raw(disk, path, kind->name, "3", 1);
	hash_of(path, one);
	write_raw(disk, path, kind->name, "3", 5);
	hash_of(path, many);
	g_assert_cmpstr(one, ==, many);
}

/* The table at the end leads to any chunk: each frame is where it says, and as long. */
static void test_seek_table(void)
{
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-stream-");
	g_autofree char *disk = scratch_path(scratch, "disk");
	g_autofree char *path = scratch_path(scratch, "image");
	g_autofree guint8 *file = NULL;
	gsize length = 0;
	guint32 frames;
	const guint8 *table;
	guint64 at = 0, content = 0;

	make_disk(disk, 100 * SW_MIB + 512, mixed);
	write_raw(disk, path, "zstd", "3", 2);
	g_assert_true(g_file_get_contents(path, (char **)&file, &length, NULL));
	g_assert_cmphex(sw_get_le32(file + length - 4), ==, 0x8f92eab1);
	frames = sw_get_le32(file + length - 9);
	g_assert_cmpuint(frames, ==, 51);
	table = file + length - 9 - frames * 8;
	for (guint i = 0; i < frames; i++) {
		g_assert_cmphex(sw_get_le32(file + at), ==, 0xfd2fb528);
		at += sw_get_le32(table + i * 8);
		content += sw_get_le32(table + i * 8 + 4);
	}
	g_assert_true(file + at + 8 == table);
	g_assert_cmpuint(content, ==, 100 * SW_MIB + 512);
}

/* A hole costs next to nothing. */
static void test_holes(gconstpointer data)
{
	const struct sw_stream_kind *kind = data;
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-stream-");
	g_autofree char *disk = scratch_path(scratch, "disk");
	g_autofree char *path = scratch_path(scratch, "image");
	struct stat st;

	make_disk(disk, 16 * SW_GIB, NULL);
	write_raw(disk, path, kind->name, "3", 2);
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpint(st.st_size, <=, 20 * SW_MIB);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*test)(gconstpointer data);
	} tests[] = {
		{ "reads-back", test_kind },
		{ "threads", test_threads },
		{ "holes", test_holes },
	};

	g_test_init(&argc, &argv, NULL);
	for (const char *const *name = sw_stream_names + 1; *name != NULL; name++)
		for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
			g_autofree char *path =
				g_strdup_printf("/stream/%s/%s", *name, tests[i].name);

			g_test_add_data_func(path, sw_stream_find(*name), tests[i].test);
		}
	g_test_add_func("/stream/seek-table", test_seek_table);
	return g_test_run();
}
