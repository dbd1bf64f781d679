/* SPDX-License-Identifier: MIT */
#include "installer/disks.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "../../disk.h"

/* A disk as the kernel's files say it. */
static void make(const char *sys, const char *name, const char *sectors, const char *serial)
{
	g_autofree char *dir = g_build_filename(sys, name, "device", NULL);
	g_autofree char *queue = g_build_filename(sys, name, "queue", NULL);
	g_autofree char *size = g_build_filename(sys, name, "size", NULL);
	g_autofree char *model = g_build_filename(dir, "model", NULL);
	g_autofree char *number = g_build_filename(dir, "serial", NULL);
	g_autofree char *block = g_build_filename(queue, "logical_block_size", NULL);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_assert_cmpint(g_mkdir_with_parents(queue, 0700), ==, 0);
	g_assert_true(g_file_set_contents(size, sectors, -1, NULL));
	g_assert_true(g_file_set_contents(model, "  Fast\x01 Disk   \n", -1, NULL));
	g_assert_true(g_file_set_contents(number, serial, -1, NULL));
	g_assert_true(g_file_set_contents(block, "512\n", -1, NULL));
}

static void list(struct si_disks *disks)
{
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-disks-");
	const char *sys = sw_scratch_path(scratch);
	struct si_failure failure = { 0 };

	make(sys, "testb", "4194304\n", "S2");
	make(sys, "testa", "2097152\n", "S1");
	make(sys, "testc", "4194304\n", "S3");
	make(sys, "sr0", "6000000\n", "");
	make(sys, "loop0", "8000000\n", "");
	make(sys, "dm-0", "8000000\n", "");
	make(sys, "testd", "0\n", "");
	g_assert_true(si_disks_list(disks, sys, &failure));
}

static void test_list(void)
{
	struct si_disks disks;
	char text[256];

	list(&disks);
	g_assert_cmpuint(disks.count, ==, 4);
	g_assert_cmpstr(disks.all[0].name, ==, "sr0");
	g_assert_false(si_disk_is_offered(&disks.all[0]));
	g_assert_cmpstr(disks.all[1].path, ==, "/dev/testa");
	g_assert_cmpuint(disks.all[1].size, ==, SW_GIB);
	g_assert_cmpuint(disks.all[1].sector, ==, 512);
	si_disk_describe(&disks.all[1], text, sizeof(text));
	g_assert_cmpstr(text, ==, "/dev/testa, 1.0 GB, Fast? Disk (serial S1)");
}

/* What DISKS come to for WHICH: a path, or the id of a failure. */
static const char *choice(struct si_disks *disks, const char *which, uint64_t needed)
{
	static struct si_failure failure;
	const struct si_disk *disk = si_disks_choose(disks, which, needed, &failure);

	if (disk != NULL)
		return disk->path;
	g_assert_null(strchr(failure.text, '\n'));
	g_assert_nonnull(strstr(failure.text, "/dev/"));
	return failure.id;
}

static void test_choose(void)
{
	struct si_disks disks;

	list(&disks);
	g_assert_cmpstr(choice(&disks, "/dev/testb", SW_GIB), ==, "/dev/testb");
	g_assert_cmpstr(choice(&disks, "/dev/testa", 2 * SW_GIB), ==, "disk-too-small");
	g_assert_cmpstr(choice(&disks, "/dev/teste", SW_GIB), ==, "no-disk");
	g_assert_cmpstr(choice(&disks, "/dev/sr0", SW_GIB), ==, "no-disk");
	g_assert_cmpstr(choice(&disks, "id:S3", SW_GIB), ==, "/dev/testc");
	g_assert_cmpstr(choice(&disks, "id:S4", SW_GIB), ==, "no-disk");
	g_assert_cmpstr(choice(&disks, "auto", SW_GIB), ==, "which-disk");
	g_assert_cmpstr(choice(&disks, "smallest", SW_MIB), ==, "/dev/testa");
	g_assert_cmpstr(choice(&disks, "smallest", 2 * SW_GIB), ==, "which-disk");
	g_assert_cmpstr(choice(&disks, "largest", SW_GIB), ==, "which-disk");
	g_assert_cmpstr(choice(&disks, "largest", 3 * SW_GIB), ==, "no-disk");
	/* Two of the same model and size, of which one is the medium. */
	disks.all[3].is_medium = true;
	g_assert_cmpstr(choice(&disks, "largest", SW_GIB), ==, "/dev/testb");
	g_assert_cmpstr(choice(&disks, "auto", 2 * SW_GIB), ==, "/dev/testb");
	g_assert_cmpstr(choice(&disks, "/dev/testc", SW_GIB), ==, "no-disk");
	g_assert_cmpstr(choice(&disks, "id:S3", SW_GIB), ==, "no-disk");
	memcpy(disks.all[1].serial, disks.all[2].serial, sizeof(disks.all[1].serial));
	g_assert_cmpstr(choice(&disks, "id:S2", SW_GIB), ==, "no-disk");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/disks/list", test_list);
	g_test_add_func("/disks/choose", test_choose);
	return g_test_run();
}
