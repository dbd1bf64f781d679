/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "../../format.h"
#include "../../program.h"

/*
 * The block map, read by bmaptool and by eye.
 */

extern const struct sw_format sw_format_raw;

/* FAT in the second partition, ext4 in the third; nobody knows what is in the others. */
static void make_partitions(const char *disk)
{
	const char *const sfdisk[] = { "/usr/sbin/sfdisk", "-q", disk, NULL };
	const char *const fat[] = {
		"/usr/sbin/mkfs.fat", "-F", "32", "--offset", "4096", disk, "40960", NULL
	};
	const char *const ext4[] = { "/usr/sbin/mke2fs", "-q", "-t",  "ext4", "-E",
				     "offset=44040192",	 disk, "30M", NULL };

	g_free(run_program(sfdisk, "label: gpt\nsize=1MiB\nsize=40MiB\nsize=30MiB\nsize=8MiB\n"));
	g_free(run_program(fat, NULL));
	g_free(run_program(ext4, NULL));
}

/* Writes the raw disk's files into DIRECTORY as they will lie beside each other; the map is returned. */
static char *write_files(const char *disk, const char *directory, const char *option)
{
	char *options[] = { (char *)option, NULL };
	g_autoptr(SwOutput) output = sw_output_new("raw", directory, NULL);
	g_autoptr(GPtrArray) artifacts =
		g_ptr_array_new_with_free_func((GDestroyNotify)sw_artifact_free);
	struct sw_format_input input = { .name = "test", .threads = 3 };
	g_autoptr(SwSparse) sparse = NULL;
	g_autoptr(GError) error = NULL;
	char *map = NULL;
	void *state = NULL;

	g_assert_true(sw_sparse_open(disk, &sparse, &error));
	input.disk = sparse;
	g_assert_true(sw_format_configure(&sw_format_raw, options, 0, &state, &error));
	g_assert_true(sw_format_raw.write(state, &input, output, NULL, &error));
	sw_format_release(&sw_format_raw, state);
	g_assert_true(sw_output_finish(output, artifacts, &error));
	g_assert_cmpuint(artifacts->len, ==, 2);
	for (guint i = 0; i < 2; i++) {
		const struct sw_artifact *artifact = g_ptr_array_index(artifacts, i);
		g_autofree char *name = g_path_get_basename(artifact->name);
		g_autofree char *path = g_build_filename(directory, name, NULL);

		g_assert_cmpint(rename(artifact->path, path), ==, 0);
		if (i == 1)
			g_assert_true(g_file_get_contents(path, &map, NULL, &error));
	}
	return map;
}

/* Is the block NUMBER in a range of MAP? */
static gboolean is_mapped(const char *map, guint64 number)
{
	for (const char *at = map; (at = strstr(at, "<Range chksum=")) != NULL; at++) {
		const char *text = strchr(at, '>') + 1;
		char *end = NULL;
		guint64 first = g_ascii_strtoull(text, &end, 10);
		guint64 last = *end == '-' ? g_ascii_strtoull(end + 1, NULL, 10) : first;

		if (number >= first && number <= last)
			return TRUE;
	}
	return FALSE;
}

static void test_map(void)
{
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-bmap-");
	g_autofree char *disk = scratch_path(scratch, "disk");
	g_autofree char *map = NULL;
	const guint64 mib = SW_MIB / 4096;

	make_disk(disk, 100 * SW_MIB, NULL);
	make_partitions(disk);
	map = write_files(disk, sw_scratch_path(scratch), NULL);
	g_assert_true(is_mapped(map, 0));
	/* All of what nobody knows. */
	g_assert_true(is_mapped(map, mib) && is_mapped(map, 2 * mib - 1));
	g_assert_true(is_mapped(map, 72 * mib) && is_mapped(map, 80 * mib - 1));
	/* The tables of FAT: 32 reserved sectors, two tables of 316 sectors. */
	for (guint64 sector = 0; sector < 32 + 2 * 316; sector++)
		g_assert_true(is_mapped(map, (2 * SW_MIB + sector * 512) / 4096));
	g_assert_false(is_mapped(map, 41 * mib));
	/* ext4 by its data. */
	g_assert_true(is_mapped(map, 42 * mib));
	g_assert_false(is_mapped(map, 60 * mib));
	/* The gap behind the last partition, and the backup of the table. */
	g_assert_false(is_mapped(map, 90 * mib));
	g_assert_true(is_mapped(map, 100 * mib - 1));
}

static void test_bmaptool(void)
{
	static const struct stretch some[] = { { 12345, 40 * SW_MIB, KIND_RANDOM },
					       { 70 * SW_MIB, 100, KIND_TEXT },
					       { 100 * SW_MIB, 512, KIND_TEXT },
					       { 0 } };
	static const char *const options[] = { "raw.compression=none", "raw.compression=zstd",
					       "raw.compression=gzip", "raw.compression=xz" };
	static const char *const names[] = { "disk.raw", "disk.raw.zst", "disk.raw.gz",
					     "disk.raw.xz" };
	g_autofree char *program = find_program("bmaptool");

	if (program == NULL) {
		g_test_skip("there is no bmaptool");
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
		g_autoptr(SwScratch) scratch = make_scratch("slipway-test-bmap-");
		g_autofree char *disk = scratch_path(scratch, "disk");
		g_autofree char *image = scratch_path(scratch, names[i]);
		g_autofree char *copy = scratch_path(scratch, "copy");
		const char *const flash[] = { program, "-q", "copy", image, copy, NULL };
		const char *const compare[] = { "cmp", disk, copy, NULL };

		make_disk(disk, 100 * SW_MIB + 512, some);
		g_free(write_files(disk, sw_scratch_path(scratch), options[i]));
		g_free(run_program(flash, NULL));
		g_free(run_program(compare, NULL));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/bmap/map", test_map);
	g_test_add_func("/bmap/bmaptool", test_bmaptool);
	return g_test_run();
}
