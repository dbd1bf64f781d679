/* SPDX-License-Identifier: MIT */
#include "verify/gpt-table.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/size.h"
#include "disk/gpt.h"

/* A table that libfdisk wrote. */
struct fixture {
	guint8 head[SW_GPT_HEAD];
	guint8 tail[SW_GPT_TAIL];
	struct sw_layout *layout;
};

static void read_bytes(const char *path, void *data, size_t length, guint64 offset)
{
	g_autoptr(GError) error = NULL;
	sw_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);

	g_assert_true(sw_read_at(fd, data, length, offset, path, SW_ERROR_DEPLOY, "test", &error));
}

static void set_up(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	const struct sw_layout_request request = { .architecture = "amd64",
						   .rootfs = "xfs",
						   .seed = "test" };
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), "gpt-XXXXXX", NULL);
	g_autoptr(GError) error = NULL;
	sw_autofd int fd = g_mkstemp(path);

	g_assert_true(sw_layout_plan(&request, &fixture->layout, &error));
	g_assert_cmpint(ftruncate(fd, (off_t)fixture->layout->size), ==, 0);
	g_assert_true(sw_gpt_write(fixture->layout, path, &error));
	read_bytes(path, fixture->head, SW_GPT_HEAD, 0);
	read_bytes(path, fixture->tail, SW_GPT_TAIL, fixture->layout->size - SW_GPT_TAIL);
	unlink(path);
}

static void tear_down(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	sw_layout_free(fixture->layout);
}

static struct sw_gpt_table *parse(const struct fixture *fixture)
{
	return sw_gpt_table_parse(fixture->head, fixture->tail, fixture->layout->size);
}

/* Exactly one problem, which has TEXT in it. */
static void assert_problem(const struct sw_gpt_table *table, const char *text)
{
	g_assert_cmpuint(table->problems->len, ==, 1);
	g_assert_nonnull(strstr(table->problems->pdata[0], text));
}

static void test_good(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	g_autoptr(SwGptTable) table = parse(fixture);

	g_assert_cmpuint(table->problems->len, ==, 0);
	g_assert_cmpuint(table->partitions->len, ==, fixture->layout->partitions->len);
	for (guint i = 0; i < table->partitions->len; i++) {
		const struct sw_gpt_partition *found = table->partitions->pdata[i];
		const struct sw_partition *planned = fixture->layout->partitions->pdata[i];

		g_assert_cmpuint(found->number, ==, planned->number);
		g_assert_cmpstr(found->name, ==, planned->name);
		g_assert_cmpstr(found->type_guid, ==, planned->type_guid);
		g_assert_cmpstr(found->guid, ==, planned->guid);
		g_assert_cmpuint(found->offset, ==, planned->offset);
		g_assert_cmpuint(found->size, ==, planned->size);
		g_assert_true(sw_gpt_table_find(table, NULL, planned->name) == found);
		g_assert_true(sw_gpt_table_find(table, planned->type_guid, NULL) == found);
	}
	g_assert_null(sw_gpt_table_find(table, NULL, "other"));
}

static void test_second_is_gone(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	memset(fixture->tail, 0, SW_GPT_TAIL);
	g_autoptr(SwGptTable) table = parse(fixture);

	assert_problem(table, "no second table");
	g_assert_cmpuint(table->partitions->len, ==, fixture->layout->partitions->len);
}

static void test_first_is_damaged(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	fixture->head[2 * SW_SECTOR + 56]++;
	g_autoptr(SwGptTable) table = parse(fixture);

	assert_problem(table, "entries of the first table are damaged");
	g_assert_cmpuint(table->partitions->len, ==, fixture->layout->partitions->len);
}

static void test_no_mbr(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	fixture->head[510] = 0;
	g_autoptr(SwGptTable) table = parse(fixture);

	assert_problem(table, "protective MBR");
}

/* The file was cut: the second table is not at its end any more. */
static void test_cut(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	memset(fixture->tail, 0, SW_GPT_TAIL);
	g_autoptr(SwGptTable) table =
		sw_gpt_table_parse(fixture->head, fixture->tail, fixture->layout->size / 2);

	g_assert_cmpuint(table->problems->len, >=, 3);
	for (guint i = 0; i < table->partitions->len; i++) {
		const struct sw_gpt_partition *found = table->partitions->pdata[i];

		g_assert_cmpuint(found->offset + found->size, <=, fixture->layout->size / 2);
	}
}

static void test_nothing(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	memset(fixture->head, 0, SW_GPT_HEAD);
	memset(fixture->tail, 0, SW_GPT_TAIL);
	g_autoptr(SwGptTable) table = parse(fixture);
	g_autoptr(SwGptTable) small = sw_gpt_table_parse(fixture->head, fixture->tail, 0);

	g_assert_cmpuint(table->partitions->len, ==, 0);
	g_assert_cmpuint(table->problems->len, ==, 3);
	assert_problem(small, "too small");
}

#define ADD(path, test) \
	g_test_add("/verify/gpt-table/" path, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("good", test_good);
	ADD("second-is-gone", test_second_is_gone);
	ADD("first-is-damaged", test_first_is_damaged);
	ADD("no-mbr", test_no_mbr);
	ADD("cut", test_cut);
	ADD("nothing", test_nothing);
	return g_test_run();
}
