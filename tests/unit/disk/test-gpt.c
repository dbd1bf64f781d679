/* SPDX-License-Identifier: MIT */
#include "core/gpt.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/bytes.h"
#include "core/file.h"
#include "core/size.h"
#include "disk/gpt.h"

#define HEAD (34 * SW_SECTOR)
#define TAIL (33 * SW_SECTOR)

/* A table that libfdisk wrote. */
struct fixture {
	guint8 head[HEAD];
	guint8 tail[TAIL];
	guint64 size;
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
	fixture->size = fixture->layout->size;
	g_assert_cmpint(ftruncate(fd, (off_t)fixture->size), ==, 0);
	g_assert_true(sw_gpt_write(fixture->layout, path, &error));
	read_bytes(path, fixture->head, HEAD, 0);
	read_bytes(path, fixture->tail, TAIL, fixture->size - TAIL);
	unlink(path);
}

static void tear_down(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	sw_layout_free(fixture->layout);
}

static gboolean read_disk(void *data, void *buffer, size_t length, guint64 offset, GError **error)
{
	const struct fixture *fixture = data;
	guint64 tail = fixture->size - TAIL;

	if (offset + length > HEAD && offset < tail)
		return sw_fail(error, SW_ERROR_DEPLOY, "test", "nothing lies there");
	memcpy(buffer, offset < tail ? fixture->head + offset : fixture->tail + (offset - tail),
	       length);
	return TRUE;
}

static struct sw_gpt *parse(struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	struct sw_gpt *gpt = NULL;

	g_assert_true(sw_gpt_read(read_disk, fixture, fixture->size, &gpt, &error));
	g_assert_no_error(error);
	return gpt;
}

/* Exactly one problem, which has TEXT in it. */
static void assert_problem(const struct sw_gpt *table, const char *text)
{
	g_assert_cmpuint(table->problems->len, ==, 1);
	g_assert_nonnull(strstr(table->problems->pdata[0], text));
}

static void test_good(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	g_autoptr(SwGpt) table = parse(fixture);

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
		g_assert_true(sw_gpt_find(table, NULL, planned->name) == found);
		g_assert_true(sw_gpt_find(table, planned->type_guid, NULL) == found);
	}
	g_assert_null(sw_gpt_find(table, NULL, "other"));
}

static void test_second_is_gone(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	memset(fixture->tail, 0, TAIL);
	g_autoptr(SwGpt) table = parse(fixture);

	assert_problem(table, "no second table");
	g_assert_cmpuint(table->partitions->len, ==, fixture->layout->partitions->len);
}

static void test_first_is_damaged(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	fixture->head[2 * SW_SECTOR + 56]++;
	g_autoptr(SwGpt) table = parse(fixture);

	assert_problem(table, "entries of the first table are damaged");
	g_assert_cmpuint(table->partitions->len, ==, fixture->layout->partitions->len);
}

static void test_no_mbr(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	fixture->head[510] = 0;
	g_autoptr(SwGpt) table = parse(fixture);

	assert_problem(table, "protective MBR");
}

/* The file was cut: the second table is not at its end any more. */
static void test_cut(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	memset(fixture->tail, 0, TAIL);
	fixture->size = fixture->layout->size / 2;
	g_autoptr(SwGpt) table = parse(fixture);

	g_assert_cmpuint(table->problems->len, >=, 3);
	for (guint i = 0; i < table->partitions->len; i++) {
		const struct sw_gpt_partition *found = table->partitions->pdata[i];

		g_assert_cmpuint(found->offset + found->size, <=, fixture->layout->size / 2);
	}
}

static void test_nothing(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	memset(fixture->head, 0, HEAD);
	memset(fixture->tail, 0, TAIL);
	g_autoptr(SwGpt) table = parse(fixture);
	g_autoptr(SwGpt) small = NULL;

	g_assert_cmpuint(table->partitions->len, ==, 0);
	g_assert_cmpuint(table->problems->len, ==, 3);
	fixture->size = 66 * SW_SECTOR;
	small = parse(fixture);
	assert_problem(small, "too small");
}

/* What cannot be read is an error, not a problem of the table. */
static void test_unreadable(struct fixture *fixture, G_GNUC_UNUSED const void *data)
{
	struct sw_gpt *table = NULL;
	g_autoptr(GError) error = NULL;

	fixture->head[SW_SECTOR + 80]++;
	sw_put_le32(fixture->head + SW_SECTOR + SW_GPT_AT_CRC,
		    sw_gpt_header_crc(fixture->head + SW_SECTOR));
	g_assert_false(sw_gpt_read(read_disk, fixture, fixture->size, &table, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_DEPLOY);
	g_assert_null(table);
}

#define ADD(path, test) g_test_add("/disk/gpt/" path, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("good", test_good);
	ADD("second-is-gone", test_second_is_gone);
	ADD("first-is-damaged", test_first_is_damaged);
	ADD("no-mbr", test_no_mbr);
	ADD("cut", test_cut);
	ADD("nothing", test_nothing);
	ADD("unreadable", test_unreadable);
	return g_test_run();
}
