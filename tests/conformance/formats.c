/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/stat.h>

#include "../format.h"
#include "../program.h"
#include "core/hash.h"
#include "disks.h"
#include "fault.h"
#include "readers.h"

/*
 * The suite that every row of sw_formats[] passes, with its defaults, and in its main parts with each
 * choice that its options offer.  Programs that are not ours read what was written (readers.h).
 */

/* A format with options. */
struct row {
	const struct sw_format *format;
	const struct reader *reader;
	const char *name; /* of the option; NULL: the defaults */
	const char *value;
};

/* Values that are no choices but worth a row. */
static const struct {
	const char *format, *name, *value;
} more_rows[] = {
	{ "qcow2", "cluster-size", "4K" },
	{ "qcow2", "cluster-size", "2M" },
	{ "qcow2", "level", "9" },
	{ "vhdx", "block-size", "32M" },
};

static GHashTable *row_options(const struct row *row)
{
	GHashTable *options = g_hash_table_new(g_str_hash, g_str_equal);

	if (row->name != NULL)
		g_hash_table_insert(options, (gpointer)row->name, (gpointer)row->value);
	return options;
}

/* "TYPE.NAME=VALUE"; NULL for the defaults. */
static char *option_of(const struct row *row)
{
	if (row->name == NULL)
		return NULL;
	return g_strdup_printf("%s.%s=%s", row->format->name, row->name, row->value);
}

static gboolean attempt(const struct row *row, struct attempt *a, GError **error)
{
	g_autofree char *option = option_of(row);
	char *options[] = { option, NULL };

	a->format = row->format;
	a->options = options;
	return write_format(a, error);
}

static void write_image(const struct row *row, const char *disk, const char *path, int threads)
{
	struct attempt a = { .disk = disk, .path = path, .threads = threads };
	g_autoptr(GError) error = NULL;

	attempt(row, &a, &error);
	g_assert_no_error(error);
}

/* Runs LINE of a reader; DISK may be NULL. */
static void run_line(const char *line, const char *image, const char *disk)
{
	g_auto(GStrv) words = g_strsplit(line, " ", -1);

	for (char **word = words; *word != NULL; word++) {
		GString *text = g_string_new(*word);

		g_string_replace(text, "IMAGE", image, 0);
		g_string_replace(text, "DISK", disk != NULL ? disk : "", 0);
		g_string_replace(text, "DIR", sw_scratch_path(disks.scratch), 0);
		g_free(*word);
		*word = g_string_free(text, FALSE);
	}
	g_free(run_program((const char *const *)words, NULL));
}

static void check_consistent(const struct row *row, const char *image)
{
	if (row->reader->check != NULL)
		run_line(row->reader->check, image, NULL);
}

static void sha256_of(const char *path, char hex[SW_SHA256_SIZE])
{
	sw_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_sha256_file(fd, path, hex, NULL, &error));
	g_assert_no_error(error);
}

/* All data of A is in B as well. */
static void check_contained(struct sw_sparse *a, struct sw_sparse *b)
{
	g_autofree guint8 *one = g_malloc(SW_MIB);
	g_autofree guint8 *other = g_malloc(SW_MIB);
	g_autoptr(GError) error = NULL;
	guint64 start, end = 0;

	for (;;) {
		g_assert_true(sw_sparse_next(a, end, &start, &end, &error));
		if (start >= sw_sparse_size(a))
			return;
		while (start < end) {
			size_t length = MIN(SW_MIB, end - start);

			g_assert_true(sw_sparse_read(a, one, length, start, &error));
			g_assert_true(sw_sparse_read(b, other, length, start, &error));
			g_assert_true(memcmp(one, other, length) == 0);
			start += length;
		}
	}
}

/* The same bytes; the one made of an image may have zeros behind them, up to whole units. */
static void check_same_disk(const struct row *row, const char *disk, const char *back)
{
	guint64 unit = MAX(row->format->disk_unit, row->reader->granule);
	g_autoptr(SwSparse) a = NULL;
	g_autoptr(SwSparse) b = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_sparse_open(disk, &a, &error));
	g_assert_true(sw_sparse_open(back, &b, &error));
	g_assert_cmpuint(sw_sparse_size(b), ==, sw_round_up(sw_sparse_size(a), unit));
	check_contained(a, b);
	check_contained(b, a);
}

static void check_reads_back(const struct row *row, const char *disk)
{
	g_autofree char *image = scratch_path(disks.scratch, "image");
	g_autofree char *back = scratch_path(disks.scratch, "disk.raw");

	write_image(row, disk, image, 2);
	check_consistent(row, image);
	for (const char *const *line = row->reader->read; *line != NULL; line++)
		run_line(*line, image, back);
	check_same_disk(row, disk, back);
	g_assert_cmpint(unlink(back), ==, 0);
	g_assert_cmpint(unlink(image), ==, 0);
}

/* Some formats cannot hold it, and say so before any work. */
static gboolean can_hold(const struct row *row, guint64 size)
{
	g_autofree char *option = option_of(row);
	char *options[] = { option, NULL };
	g_autoptr(GError) error = NULL;
	void *state = NULL;

	if (row->reader->most != 0 && size > row->reader->most)
		return FALSE;
	if (sw_format_configure(row->format, options, size, &state, &error)) {
		sw_format_release(row->format, state);
		return TRUE;
	}
	g_assert_cmpuint(size, >, SW_GIB);
	assert_one_line(error);
	return FALSE;
}

static void test_reads_back(gconstpointer data)
{
	const struct row *row = data;

	for (size_t i = 0; i < DISKS; i++)
		if (i != DISK_LARGE && can_hold(row, contents[i].size))
			check_reads_back(row, disks.all[i]);
}

/* The disk that the environment names. */
static void test_given_disk(gconstpointer data)
{
	check_reads_back(data, g_getenv("SW_TEST_DISK"));
}

static void test_mixed_reads_back(gconstpointer data)
{
	check_reads_back(data, disks.mixed);
	check_reads_back(data, disks.all[DISK_ODD_GRAIN]);
}

static void test_same_at_any_number(gconstpointer data)
{
	static const int threads[] = { 1, 2, 7 };
	g_autofree char *path = scratch_path(disks.scratch, "image");
	char first[SW_SHA256_SIZE] = "", hex[SW_SHA256_SIZE];

	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
		write_image(data, disks.mixed, path, threads[i]);
		sha256_of(path, hex);
		if (i == 0)
			memcpy(first, hex, sizeof(hex));
		g_assert_cmpstr(first, ==, hex);
	}
}

static guint64 allocated(const char *path)
{
	struct stat st;

	g_assert_cmpint(stat(path, &st), ==, 0);
	return (guint64)st.st_blocks * 512;
}

static void test_stays_sparse(gconstpointer data)
{
	const struct row *row = data;
	g_autofree char *path = scratch_path(disks.scratch, "image");

	write_image(row, disks.all[DISK_HOLES], path, 2);
	check_consistent(row, path);
	g_assert_cmpuint(allocated(path), <=, 20 * SW_MIB);
	write_image(row, disks.mixed, path, 2);
	g_assert_cmpuint(allocated(path), <=, allocated(disks.mixed) + 10 * SW_MIB);
}

static void check_options(const struct row *row, const char *name, const char *value,
			  gboolean wanted)
{
	g_autoptr(GHashTable) options = row_options(row);
	g_autofree void *state = g_malloc0(row->format->state_size + 1);
	g_autoptr(GError) error = NULL;
	gboolean good;

	g_hash_table_insert(options, (gpointer)name, (gpointer)value);
	good = sw_params_apply(row->format->params, options, state, row->format->name, &error);
	g_assert_true(good == wanted);
	if (!wanted) {
		g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
		assert_one_line(error);
	} else if (row->format->check != NULL) {
		g_assert_true(row->format->check(state, SW_GIB, &error));
	}
	sw_params_clear(row->format->params, state);
}

static void test_options(gconstpointer data)
{
	const struct row *row = data;
	const struct sw_param *p = row->format->params;

	check_options(row, "no-such-option", "1", FALSE);
	check_options(row, "", "1", FALSE);
	for (; p != NULL && p->name != NULL; p++) {
		g_assert_cmpuint(strlen(p->help), >, 0);
		if (p->fallback != NULL)
			check_options(row, p->name, p->fallback, TRUE);
		for (const char *const *c = p->choices; c != NULL && *c != NULL; c++)
			check_options(row, p->name, *c, TRUE);
		if (p->type != SW_PARAM_STRING && p->type != SW_PARAM_SECRET)
			check_options(row, p->name, "no such value", FALSE);
	}
}

static void check_fails(const struct row *row, enum fault fault, int number, guint64 after)
{
	g_autofree char *path = scratch_path(disks.scratch, "image");
	struct attempt a = { .disk = disks.mixed, .path = path, .threads = 3 };
	g_autoptr(GError) error = NULL;

	fault_set(fault, number, after);
	g_assert_false(attempt(row, &a, &error));
	fault_set(FAULT_NONE, 0, 0);
	assert_one_line(error);
	g_assert_nonnull(strstr(error->message, sw_scratch_path(disks.scratch)));
	if (number == ENOSPC) {
		g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
		g_assert_cmpstr(sw_error_id(error), ==, "disk-full");
	} else {
		g_assert_error(error, SW_ERROR, SW_ERROR_FORMAT);
	}
}

/* A call that fails after nothing, at the end, or at some point between. */
static void test_faults(gconstpointer data)
{
	const struct row *row = data;
	g_autofree char *path = scratch_path(disks.scratch, "image");
	guint64 total;

	fault_set(FAULT_NONE, 0, 0);
	write_image(data, disks.mixed, path, 1);
	total = fault_written();
	g_assert_cmpuint(total, >, 4);
	for (guint64 i = 0; i < 4; i++) {
		check_fails(data, FAULT_WRITE, ENOSPC, (total - 1) * i / 3);
		check_fails(data, FAULT_WRITE, EIO, (total - 1) * i / 3);
	}
	check_fails(data, FAULT_READ, EIO, 0);
	check_fails(data, FAULT_READ, EIO, 5 * SW_MIB);
	if (row->reader->appends)
		return;
	check_fails(data, FAULT_TRUNCATE, EFBIG, 0);
	check_fails(data, FAULT_TRUNCATE, ENOSPC, 0);
}

static void write_to_full_disk(const char *directory, gconstpointer data)
{
	g_autofree char *path = g_build_filename(directory, "image", NULL);
	struct attempt a = { .disk = disks.mixed, .path = path, .threads = 2 };
	g_autoptr(GError) error = NULL;

	g_assert_false(attempt(data, &a, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
	g_assert_cmpstr(sw_error_id(error), ==, "disk-full");
	assert_one_line(error);
}

static void test_full_disk(gconstpointer data)
{
	g_autofree char *directory = scratch_path(disks.scratch, "full");

	g_assert_true(mkdir(directory, 0700) == 0 || errno == EEXIST);
	if (!fault_on_small_disk(directory, SW_MIB, write_to_full_disk, data))
		g_test_skip("no mounts allowed here");
}

struct cancelling {
	GCancellable *cancellable;
	gint64 since;  /* monotonic, microseconds */
	gint64 worked; /* processor time of this process by then, microseconds */
	gboolean at_end;
};

static gint64 processor_time(void)
{
	struct timespec time;

	g_assert_cmpint(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), ==, 0);
	return time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static void cancel_now(guint64 done, void *data)
{
	struct cancelling *c = data;

	if (g_cancellable_is_cancelled(c->cancellable))
		return;
	c->since = g_get_monotonic_time();
	c->worked = processor_time();
	c->at_end = done == contents[DISK_LARGE].size;
	g_cancellable_cancel(c->cancellable);
}

static void test_cancel(gconstpointer data)
{
	g_autofree char *path = scratch_path(disks.scratch, "image");
	gint64 shortest = G_MAXINT64;

	/*
	 * The machine may be busy with something else: what we do not wait for and do not work for is
	 * not ours, and the shortest of three times counts.
	 */
	for (int i = 0; i < 3; i++) {
		g_autoptr(GCancellable) cancellable = g_cancellable_new();
		struct cancelling c = { .cancellable = cancellable };
		struct attempt a = { .disk = disks.large,
				     .path = path,
				     .threads = 2,
				     .progress = cancel_now,
				     .data = &c,
				     .cancellable = cancellable };
		g_autoptr(GError) error = NULL;
		g_autoptr(GError) second = NULL;
		gint64 took, worked;

		g_assert_false(attempt(data, &a, &error));
		took = g_get_monotonic_time() - c.since;
		g_assert_cmpint(took, <=, 5 * G_USEC_PER_SEC);
		worked = processor_time() - c.worked;
		shortest = MIN(shortest, MIN(took, worked));
		g_assert_false(c.at_end);
		g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
		assert_one_line(error);
		g_assert_false(attempt(data, &a, &second));
		g_assert_error(second, SW_ERROR, SW_ERROR_CANCELLED);
	}
	g_assert_cmpint(shortest, <=, 200 * 1000);
}

struct shrinking {
	const char *disk;
	guint64 size;
};

static void shrink(G_GNUC_UNUSED guint64 done, void *data)
{
	const struct shrinking *s = data;

	if (truncate(s->disk, (off_t)s->size) < 0)
		g_debug("not shrunk");
}

/* Somebody truncates the disk while it is read. */
static void test_shrinks(gconstpointer data)
{
	static const guint64 sizes[] = { 0, 100 * SW_MIB };
	g_autofree char *disk = scratch_path(disks.scratch, "shrinking");
	g_autofree char *path = scratch_path(disks.scratch, "image");

	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		struct shrinking s = { .disk = disk, .size = sizes[i] };
		struct attempt a = {
			.disk = disk, .path = path, .threads = 2, .progress = shrink, .data = &s
		};
		g_autoptr(GError) error = NULL;

		make_disk(disk, contents[DISK_LARGE].size, large);
		g_assert_false(attempt(data, &a, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_FORMAT);
		g_assert_nonnull(strstr(error->message, disk));
		assert_one_line(error);
	}
}

static void write_large(gconstpointer data)
{
	g_autofree char *path = scratch_path(disks.scratch, "image");

	write_image(data, disks.large, path, 16);
}

static void test_memory(gconstpointer data)
{
#if defined(__SANITIZE_ADDRESS__)
	g_test_skip("the sanitizer takes memory of its own");
	return;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	g_test_skip("the sanitizer takes memory of its own");
	return;
#endif
#endif
	g_assert_cmpuint(fault_peak_memory(write_large, data), <=, 64 * SW_MIB);
}

static const struct reader *find_reader(const struct sw_format *format, const char *name,
					const char *value)
{
	g_autofree char *option = g_strdup_printf("%s=%s", name, value);
	const struct reader *found = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(readers); i++) {
		if (!g_str_equal(readers[i].format, format->name))
			continue;
		if (g_strcmp0(readers[i].option, option) == 0)
			return &readers[i];
		if (readers[i].option == NULL)
			found = &readers[i];
	}
	return found;
}

static gboolean is_installed(const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", 2);
	g_autofree char *program = find_program(words[0]);

	return program != NULL;
}

static void test_has_no_reader(gconstpointer data)
{
	const struct row *row = data;

	g_assert_nonnull(row->reader); /* a format needs a line in readers.h */
	g_test_skip("its reader is not installed");
}

static gboolean can_read(const struct reader *reader)
{
	gboolean can = reader != NULL && (reader->check == NULL || is_installed(reader->check));

	for (size_t i = 0; can && reader->read[i] != NULL; i++)
		can = is_installed(reader->read[i]);
	return can;
}

/* What a row is put through: the defaults all, other values what depends on them. */
static const struct {
	const char *name;
	void (*test)(gconstpointer data);
	gboolean is_for_all;
} tests[] = {
	{ "memory", test_memory, TRUE },
	{ "reads-back", test_reads_back, FALSE },
	{ "mixed-reads-back", test_mixed_reads_back, TRUE },
	{ "threads", test_same_at_any_number, TRUE },
	{ "sparse", test_stays_sparse, FALSE },
	{ "options", test_options, FALSE },
	{ "faults", test_faults, FALSE },
	{ "full-disk", test_full_disk, FALSE },
	{ "cancel", test_cancel, TRUE },
	{ "shrinks", test_shrinks, FALSE },
};

static void add_test(struct row *row, const char *name, void (*test)(gconstpointer data))
{
	g_autofree char *path = g_strdup_printf("/formats/%s/%s=%s/%s", row->format->name,
						row->name == NULL ? "all" : row->name,
						row->name == NULL ? "default" : row->value, name);

	g_test_add_data_func(path, row, test);
}

static void add_row(const struct sw_format *format, const char *name, const char *value)
{
	struct row *row = g_new0(struct row, 1);

	*row = (struct row){ .format = format,
			     .reader = find_reader(format, name, value),
			     .name = name,
			     .value = value };
	if (format->needs_tree || format->needs_system) {
		add_test(row, "options", test_options);
		return;
	}
	if (!can_read(row->reader)) {
		add_test(row, "reader", test_has_no_reader);
		return;
	}
	if (g_getenv("SW_TEST_DISK") != NULL) {
		add_test(row, "given-disk", test_given_disk);
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		if (name == NULL || tests[i].is_for_all)
			add_test(row, tests[i].name, tests[i].test);
}

static void add_format(const struct sw_format *format)
{
	const struct sw_param *p = format->params;

	add_row(format, NULL, NULL);
	for (; p != NULL && p->name != NULL; p++)
		for (const char *const *c = p->choices; c != NULL && *c != NULL; c++)
			if (g_strcmp0(*c, p->fallback) != 0)
				add_row(format, p->name, *c);
	for (size_t i = 0; i < G_N_ELEMENTS(more_rows); i++)
		if (g_str_equal(more_rows[i].format, format->name))
			add_row(format, more_rows[i].name, more_rows[i].value);
}

/*
 * With the name of a format in SW_TEST_FORMAT only that one is looked at; with the path of a raw disk in
 * SW_TEST_DISK only that disk is read back, through all rows.
 */
int main(int argc, char **argv)
{
	const char *only = g_getenv("SW_TEST_FORMAT");
	int status;

	g_test_init(&argc, &argv, NULL);
	make_disks();
	for (const struct sw_format *const *f = sw_formats; *f != NULL; f++)
		if (only == NULL || g_str_equal((*f)->name, only))
			add_format(*f);
	status = g_test_run();
	sw_scratch_free(disks.scratch);
	return status;
}
