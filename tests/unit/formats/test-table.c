/* SPDX-License-Identifier: MIT */
#include "formats/shared/table.h"

#include <sys/stat.h>

#include "../../disk.h"

/* A page is 64 KiB: the tables here have several. */
#define ENTRIES 40000

struct fixture {
	struct sw_scratch *scratch;
	char *path;
	struct sw_output_file file;
};

static void set_up(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	f->scratch = make_scratch("slipway-test-table-");
	f->path = scratch_path(f->scratch, "table");
	f->file.path = f->path;
	f->file.fd = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	g_assert_cmpint(f->file.fd, >=, 0);
}

static void tear_down(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	close(f->file.fd);
	g_free(f->path);
	sw_scratch_free(f->scratch);
}

/* Puts the square of each index of INDICES, 0 at the end. */
static void write_table(struct sw_table *table, const guint64 *indices)
{
	g_autoptr(GError) error = NULL;

	sw_table_begin(table);
	for (; *indices != 0; indices++) {
		guint64 value = *indices * *indices;

		g_assert_true(sw_table_put(table, *indices, &value, &error));
	}
	g_assert_true(sw_table_finish(table, &error));
	g_assert_no_error(error);
	sw_table_clear(table);
}

static void check_table(const struct sw_table *table, guint64 offset, const guint64 *indices)
{
	g_autofree guint64 *found = g_new(guint64, table->count);
	g_autoptr(GError) error = NULL;
	guint64 unset = 0;

	if (table->unset != NULL)
		memcpy(&unset, table->unset, table->entry_size);
	g_assert_true(sw_read_at(table->file->fd, found, table->count * 8, offset,
				 table->file->path, SW_ERROR_FORMAT, "test", &error));
	g_assert_no_error(error);
	for (guint64 i = 0; i < table->count; i++) {
		gboolean skipped = table->period != 0 && (i + 1) % table->period == 0;
		guint64 wanted = skipped ? 0 : unset;

		if (i != 0 && i == *indices) {
			indices++;
			wanted = i * i;
		}
		g_assert_cmpuint(found[i], ==, wanted);
	}
}

static void test_entries(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	static const guint64 indices[] = { 1, 2, 8191, 8192, 30000, ENTRIES - 1, 0 };
	static const guint64 unset = 2;
	struct sw_table table = { .file = &f->file,
				  .id = "test",
				  .offset = 1000,
				  .second = SW_MIB,
				  .entry_size = 8,
				  .count = ENTRIES,
				  .unset = &unset,
				  .period = 4097 };

	write_table(&table, indices);
	check_table(&table, table.offset, indices);
	check_table(&table, table.second, indices);
}

/* Entries at the end that were never put are there, too. */
static void test_nothing_put(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	static const guint64 none[] = { 0 };
	static const guint64 unset = G_MAXUINT64;
	struct sw_table table = {
		.file = &f->file, .id = "test", .entry_size = 8, .count = ENTRIES, .unset = &unset
	};
	struct stat st;

	write_table(&table, none);
	check_table(&table, 0, none);
	g_assert_cmpint(fstat(f->file.fd, &st), ==, 0);
	g_assert_cmpint(st.st_size, ==, ENTRIES * 8);
}

/* A table of zeros is a hole, but for the pages that hold something. */
static void test_holes(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	static const guint64 indices[] = { G_GUINT64_CONSTANT(1) << 29, 0 };
	struct sw_table table = {
		.file = &f->file, .id = "test", .entry_size = 8, .count = indices[0] + 1
	};
	struct stat st;

	write_table(&table, indices);
	g_assert_cmpint(fstat(f->file.fd, &st), ==, 0);
	g_assert_cmpint(st.st_size, ==, (gint64)table.count * 8);
	g_assert_cmpint(st.st_blocks * 512, <=, 128 * SW_KIB);
}

static void test_cancel(struct fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	static const guint64 unset = 1;
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GError) error = NULL;
	struct sw_table table = { .file = &f->file,
				  .id = "test",
				  .entry_size = 8,
				  .count = ENTRIES,
				  .unset = &unset,
				  .cancellable = cancellable };

	g_cancellable_cancel(cancellable);
	sw_table_begin(&table);
	g_assert_false(sw_table_finish(&table, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
	sw_table_clear(&table);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*test)(struct fixture *f, gconstpointer data);
	} tests[] = {
		{ "/table/entries", test_entries },
		{ "/table/nothing-put", test_nothing_put },
		{ "/table/holes", test_holes },
		{ "/table/cancel", test_cancel },
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, struct fixture, NULL, set_up, tests[i].test, tear_down);
	return g_test_run();
}
