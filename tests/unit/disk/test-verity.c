/* SPDX-License-Identifier: MIT */
#include "disk/verity.h"

#include <glib/gstdio.h>
#include <string.h>

#include "../../program.h"
#include "core/bytes.h"
#include "core/hash.h"

/* One data block, one tree block, more than one, two levels: at and beside each edge. */
static const gsize sizes[] = {
	0, 1, 4095, 4096, 4097, 524288, 524289, 1048576, 67108864, 67108865
};

static char *make_content(gsize size)
{
	char *content = g_malloc(size + 1);

	for (gsize i = 0; i < size; i++)
		content[i] = (char)(i * 7 + i / 4096);
	return content;
}

static GBytes *seal(const char *content, gsize size, gsize step, char *ret_digest)
{
	g_autoptr(SwVerity) verity = sw_verity_new(size);

	for (gsize at = 0; at < size; at += step)
		sw_verity_update(verity, content + at, MIN(step, size - at));
	return sw_verity_finish(verity, ret_digest);
}

/* fsverity-utils' own reader of a file is the judge. */
static void test_digests(void)
{
	g_autofree char *program = find_program("fsverity");
	g_autofree char *directory = g_dir_make_tmp("slipway-test-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "file", NULL);

	for (gsize i = 0; program != NULL && i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *content = make_content(sizes[i]);
		const char *argv[] = { program, "digest", "--compact", path, NULL };
		g_autoptr(GError) error = NULL;
		g_autoptr(GBytes) bytes = NULL;
		g_autofree char *output = NULL;
		char digest[SW_SHA256_SIZE];

		g_assert_true(g_file_set_contents(path, content, (gssize)sizes[i], &error));
		output = run_program(argv, NULL);
		bytes = seal(content, sizes[i], 100000, digest);
		g_assert_cmpstr(g_strchomp(output), ==, digest);
		g_assert_cmpuint(g_bytes_get_size(bytes) % 4096, ==, 0);
	}
	g_unlink(path);
	g_rmdir(directory);
	if (program == NULL)
		g_test_skip("fsverity is not installed");
}

/* The descriptor in the last block, its length at the end of it, the levels of the tree before it. */
static void test_form(void)
{
	static const gsize blocks[] = { 0, 0, 0, 0, 1, 1, 3, 3, 129, 132 };

	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *content = make_content(sizes[i]);
		g_autoptr(GBytes) bytes = seal(content, sizes[i], 4096, NULL);
		g_autoptr(GBytes) other = seal(content, sizes[i], 65537, NULL);
		gsize length = 0;
		const guint8 *data = g_bytes_get_data(bytes, &length);

		g_assert_true(g_bytes_equal(bytes, other));
		g_assert_cmpuint(length, ==, (blocks[i] + 1) * 4096);
		g_assert_cmpuint(sw_get_le32(data + length - 4), ==, 256);
		g_assert_cmpmem(data + length - 4096, 3, "\1\1\14", 3);
		g_assert_cmpuint(sw_get_le64(data + length - 4096 + 8), ==, sizes[i]);
	}
	g_assert_cmpuint(sw_verity_offset(0), ==, 0);
	g_assert_cmpuint(sw_verity_offset(1), ==, 65536);
	g_assert_cmpuint(sw_verity_offset(65536), ==, 65536);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/verity/digests", test_digests);
	g_test_add_func("/verity/form", test_form);
	return g_test_run();
}
