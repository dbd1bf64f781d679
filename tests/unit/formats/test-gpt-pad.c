/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "../../disk.h"
#include "../../program.h"
#include "formats/shared/gpt-pad.h"

/*
 * Tables that sfdisk and sgdisk have written, and what they say of ours.
 */

static void partition(const char *disk)
{
	const char *const argv[] = { "/usr/sbin/sfdisk", "-q", disk, NULL };

	g_free(run_program(argv, "label: gpt\nlabel-id: 0FC63DAF-8483-4772-8E79-3D69D8477DE4\n"
				 "size=1MiB, type=21686148-6449-6E6F-744E-656564454649\n"
				 "size=40MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B\n"
				 "type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709\n"));
}

static void test_read(void)
{
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-gpt-");
	g_autofree char *path = scratch_path(scratch, "disk");
	g_autoptr(SwSparse) disk = NULL;
	g_autoptr(SwGpt) gpt = NULL;
	g_autoptr(GError) error = NULL;
	const struct sw_gpt_partition *esp;

	make_disk(path, 100 * SW_MIB, NULL);
	partition(path);
	g_assert_true(sw_sparse_open(path, &disk, &error));
	g_assert_true(sw_gpt_of_disk(disk, &gpt, &error));
	g_assert_nonnull(gpt);
	g_assert_cmpuint(gpt->problems->len, ==, 0);
	g_assert_cmpuint(gpt->partitions->len, ==, 3);
	esp = gpt->partitions->pdata[1];
	g_assert_cmpstr(esp->type_guid, ==, SW_GPT_ESP);
	g_assert_cmpuint(esp->offset, ==, 2 * SW_MIB);
	g_assert_cmpuint(esp->size, ==, 40 * SW_MIB);
	g_assert_nonnull(sw_gpt_find(gpt, SW_GPT_BIOS_BOOT, NULL));
	g_assert_null(sw_gpt_find(gpt, SW_GPT_ROOT_ARM64, NULL));
}

/* A byte that is changed anywhere in the header or the entries makes it no table. */
static void test_damaged(void)
{
	static const guint64 places[] = { 512, 512 + 16, 512 + 32, 512 + 80, 1024, 1024 + 300 };
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-gpt-");
	g_autofree char *path = scratch_path(scratch, "disk");

	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autoptr(SwSparse) disk = NULL;
		g_autoptr(SwGpt) gpt = NULL;
		g_autoptr(GError) error = NULL;
		guint8 byte = 0;
		sw_autofd int fd = -1;

		make_disk(path, 100 * SW_MIB, NULL);
		partition(path);
		fd = open(path, O_RDWR | O_CLOEXEC);
		g_assert_cmpint(pread(fd, &byte, 1, (off_t)places[i]), ==, 1);
		byte ^= 0x10;
		g_assert_cmpint(pwrite(fd, &byte, 1, (off_t)places[i]), ==, 1);
		g_assert_true(sw_sparse_open(path, &disk, &error));
		g_assert_true(sw_gpt_of_disk(disk, &gpt, &error));
		g_assert_null(gpt);
	}
}

static void copy_out(struct sw_sparse *disk, const char *path)
{
	g_autofree guint8 *buffer = g_malloc(SW_MIB);
	g_autoptr(GError) error = NULL;
	sw_autofd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	guint64 start, end = 0, size = sw_sparse_size(disk);

	g_assert_cmpint(ftruncate(fd, (off_t)size), ==, 0);
	for (;;) {
		g_assert_true(sw_sparse_next(disk, end, &start, &end, &error));
		if (start >= size)
			return;
		for (; start < end; start += SW_MIB) {
			size_t length = (size_t)MIN(SW_MIB, end - start);

			g_assert_true(sw_sparse_read(disk, buffer, length, start, &error));
			g_assert_true(sw_write_at(fd, buffer, length, start, path, SW_ERROR_FORMAT,
						  "t", &error));
		}
	}
}

/* A larger disk has its backup at its end, says sgdisk, and the same partitions with the same content. */
static void test_pad(void)
{
	static const struct stretch stretches[] = { { 50 * SW_MIB, SW_MIB, KIND_TEXT }, { 0 } };
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-gpt-");
	g_autofree char *path = scratch_path(scratch, "disk");
	g_autofree char *larger = scratch_path(scratch, "larger");
	const char *const verify[] = { "/usr/sbin/sfdisk", "--verify", "-q", larger, NULL };
	g_autofree guint8 *text = make_bytes(KIND_TEXT, SW_MIB, 0);
	guint8 found[4096], wanted[4096];
	g_autoptr(SwSparse) disk = NULL;
	g_autoptr(SwSparse) padded = NULL;
	g_autoptr(SwSparse) again = NULL;
	g_autoptr(SwGpt) gpt = NULL;
	g_autoptr(GError) error = NULL;

	make_disk(path, 100 * SW_MIB, stretches);
	partition(path);
	g_assert_true(sw_sparse_open(path, &disk, &error));
	g_assert_true(sw_gpt_pad(disk, SW_GIB, &padded, &error));
	g_assert_cmpuint(sw_sparse_size(padded), ==, SW_GIB);
	copy_out(padded, larger);
	g_free(run_program(verify, NULL));
	g_assert_true(sw_sparse_open(larger, &again, &error));
	g_assert_true(sw_gpt_of_disk(again, &gpt, &error));
	g_assert_nonnull(gpt);
	g_assert_cmpuint(gpt->problems->len, ==, 0);
	g_assert_cmpuint(gpt->partitions->len, ==, 3);
	g_assert_true(sw_sparse_read(disk, wanted, sizeof(wanted), 50 * SW_MIB, &error));
	g_assert_true(sw_sparse_read(again, found, sizeof(found), 50 * SW_MIB, &error));
	g_assert_true(memcmp(wanted, found, sizeof(found)) == 0);
	/* The old backup is gone. */
	g_assert_true(sw_sparse_read(again, found, 512, 100 * SW_MIB - 512, &error));
	g_assert_true(sw_is_zero(found, 512));
}

/* Without a table there are just zeros behind. */
static void test_pad_plain(void)
{
	static const struct stretch stretches[] = { { 0, SW_MIB, KIND_TEXT }, { 0 } };
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-gpt-");
	g_autofree char *path = scratch_path(scratch, "disk");
	g_autoptr(SwSparse) disk = NULL;
	g_autoptr(SwSparse) padded = NULL;
	g_autoptr(GError) error = NULL;
	guint64 start, end;

	make_disk(path, 3 * SW_MIB, stretches);
	g_assert_true(sw_sparse_open(path, &disk, &error));
	g_assert_true(sw_gpt_pad(disk, 2 * SW_MIB, &padded, &error));
	g_assert_cmpuint(sw_sparse_size(padded), ==, 4 * SW_MIB);
	g_assert_true(sw_sparse_next(padded, 0, &start, &end, &error));
	g_assert_cmpuint(start, ==, 0);
	g_assert_cmpuint(end, ==, SW_MIB);
	g_assert_true(sw_sparse_next(padded, end, &start, &end, &error));
	g_assert_cmpuint(start, ==, 4 * SW_MIB);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/gpt/read", test_read);
	g_test_add_func("/gpt/damaged", test_damaged);
	g_test_add_func("/gpt/pad", test_pad);
	g_test_add_func("/gpt/pad-plain", test_pad_plain);
	return g_test_run();
}
