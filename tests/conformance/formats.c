/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/stat.h>

#include "../format.h"
#include "core/hash.h"
#include "core/subprocess.h"
#include "fault.h"

/*
 * The suite that every row of sw_formats[] passes, with its defaults and with each choice that its
 * options offer.  qemu-img reads what was written.
 */

/* A format with options. */
struct row {
	const struct sw_format *format;
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
};

/* The disks, made once. */
static struct {
	struct sw_scratch *scratch;
	char *mixed;
	char *holes;
	char *sector;
	char *large;
} disks;

static const struct stretch mixed[] = {
	{ 0, 440, KIND_RANDOM },
	{ SW_MIB, 3 * SW_MIB + 5000, KIND_TEXT },
	{ 5 * SW_MIB, 2 * SW_MIB, KIND_RANDOM },
	{ 7 * SW_MIB, 100000, KIND_TEXT },
	{ 8 * SW_MIB, 4 * SW_MIB, KIND_ZEROS },
	{ 12 * SW_MIB + 512, 4 * SW_MIB, KIND_SPECKS },
	{ 20 * SW_MIB, 70000, KIND_RANDOM },
	{ 20 * SW_MIB + 131072, 70000, KIND_TEXT },
	{ 600 * SW_MIB, 2 * SW_MIB, KIND_TEXT },
	{ 700 * SW_MIB - 33 * 512, 33 * 512, KIND_RANDOM },
	{ 0 },
};

static const struct stretch sector[] = { { 0, 512, KIND_TEXT }, { 0 } };

static const struct stretch large[] = {
	{ 0, 40 * SW_MIB, KIND_TEXT },
	{ 40 * SW_MIB, 16 * SW_MIB, KIND_RANDOM },
	{ 0 },
};

static void make_disks(void)
{
	disks.scratch = make_scratch("slipway-conformance-formats-");
	disks.mixed = scratch_path(disks.scratch, "mixed");
	disks.holes = scratch_path(disks.scratch, "holes");
	disks.sector = scratch_path(disks.scratch, "sector");
	disks.large = scratch_path(disks.scratch, "large");
	make_disk(disks.mixed, 700 * SW_MIB, mixed);
	make_disk(disks.holes, 16 * SW_GIB, NULL);
	make_disk(disks.sector, 512, sector);
	make_disk(disks.large, 64 * SW_MIB, large);
}

static GHashTable *row_options(const struct row *row)
{
	GHashTable *options = g_hash_table_new(g_str_hash, g_str_equal);

	if (row->name != NULL)
		g_hash_table_insert(options, (gpointer)row->name, (gpointer)row->value);
	return options;
}

static gboolean attempt(const struct row *row, struct attempt *a, GError **error)
{
	g_autofree char *option = NULL;
	char *options[] = { NULL, NULL };

	if (row->name != NULL)
		options[0] = option =
			g_strdup_printf("%s.%s=%s", row->format->name, row->name, row->value);
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

static char *qemu_img(const char *const *arguments, GError **error)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	struct sw_command command = { .code = SW_ERROR_FORMAT, .id = "test" };
	char *output = NULL;

	g_ptr_array_add(argv, (gpointer) "qemu-img");
	for (; *arguments != NULL; arguments++)
		g_ptr_array_add(argv, (gpointer)*arguments);
	g_ptr_array_add(argv, NULL);
	command.argv = (const char *const *)argv->pdata;
	return sw_command_run(&command, &output, NULL, error) ? output : NULL;
}

/* Formats that have nothing to check say so. */
static void check_consistent(const char *format, const char *path)
{
	const char *const arguments[] = { "check", "-q", "-f", format, path, NULL };
	g_autoptr(GError) error = NULL;
	G_GNUC_UNUSED g_autofree char *output = qemu_img(arguments, &error);

	if (error == NULL || strstr(error->message, "does not support checks") == NULL)
		g_assert_no_error(error);
}

static void check_info(const char *format, const char *path, guint64 size)
{
	const char *const arguments[] = { "info", "--output=json", "-f", format, path, NULL };
	g_autofree char *wanted = g_strdup_printf("\"virtual-size\": %" G_GUINT64_FORMAT ",", size);
	g_autoptr(GError) error = NULL;
	G_GNUC_UNUSED g_autofree char *output = qemu_img(arguments, &error);

	g_assert_no_error(error);
	g_assert_nonnull(strstr(output, wanted));
}

static void sha256_of(const char *path, char hex[SW_SHA256_SIZE])
{
	sw_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_sha256_file(fd, path, hex, NULL, &error));
	g_assert_no_error(error);
}

/* The disk that qemu-img makes of the image has the same bytes. */
static void check_converts_back(const char *format, const char *path, const char *disk)
{
	g_autofree char *back = scratch_path(disks.scratch, "back");
	const char *const arguments[] = { "convert", "-f", format, "-O", "raw", path, back, NULL };
	char wanted[SW_SHA256_SIZE], found[SW_SHA256_SIZE];
	g_autoptr(GError) error = NULL;
	G_GNUC_UNUSED g_autofree char *output = qemu_img(arguments, &error);

	g_assert_no_error(error);
	sha256_of(disk, wanted);
	sha256_of(back, found);
	g_assert_cmpstr(wanted, ==, found);
	g_assert_cmpint(unlink(back), ==, 0);
}

static void test_reads_back(gconstpointer data)
{
	const struct row *row = data;
	const char *const all[] = { disks.mixed, disks.large, disks.sector };
	g_autofree char *path = scratch_path(disks.scratch, "image");

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		struct stat st;

		g_assert_cmpint(stat(all[i], &st), ==, 0);
		write_image(row, all[i], path, 2);
		check_consistent(row->format->name, path);
		check_info(row->format->name, path, (guint64)st.st_size);
		check_converts_back(row->format->name, path, all[i]);
	}
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

	write_image(row, disks.holes, path, 2);
	check_consistent(row->format->name, path);
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
	gint64 since; /* monotonic, microseconds */
	gboolean at_end;
};

static void cancel_now(guint64 done, void *data)
{
	struct cancelling *c = data;

	if (g_cancellable_is_cancelled(c->cancellable))
		return;
	c->since = g_get_monotonic_time();
	c->at_end = done == 64 * SW_MIB;
	g_cancellable_cancel(c->cancellable);
}

static void test_cancel(gconstpointer data)
{
	g_autofree char *path = scratch_path(disks.scratch, "image");
	gint64 shortest = G_MAXINT64, took;

	/* Three times, as the machine may be busy with something else. */
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

		g_assert_false(attempt(data, &a, &error));
		took = g_get_monotonic_time() - c.since;
		shortest = MIN(shortest, took);
		g_assert_false(c.at_end);
		g_assert_error(error, SW_ERROR, SW_ERROR_CANCELLED);
		assert_one_line(error);
		g_assert_false(attempt(data, &a, &second));
		g_assert_error(second, SW_ERROR, SW_ERROR_CANCELLED);
	}
	g_assert_cmpint(shortest, <=, 200 * 1000);
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

static void add_row(const struct sw_format *format, const char *name, const char *value)
{
	static const struct {
		const char *name;
		void (*test)(gconstpointer data);
	} tests[] = {
		{ "memory", test_memory },
		{ "reads-back", test_reads_back },
		{ "threads", test_same_at_any_number },
		{ "sparse", test_stays_sparse },
		{ "options", test_options },
		{ "faults", test_faults },
		{ "full-disk", test_full_disk },
		{ "cancel", test_cancel },
	};
	struct row *row = g_new0(struct row, 1);

	*row = (struct row){ .format = format, .name = name, .value = value };
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strdup_printf(
			"/formats/%s/%s=%s/%s", format->name, name == NULL ? "all" : name,
			name == NULL ? "default" : value, tests[i].name);

		g_test_add_data_func(path, row, tests[i].test);
	}
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

int main(int argc, char **argv)
{
	g_autofree char *program = g_find_program_in_path("qemu-img");
	int status;

	g_test_init(&argc, &argv, NULL);
	if (program == NULL) {
		g_test_message("qemu-img is not installed");
		return 77;
	}
	make_disks();
	for (const struct sw_format *const *f = sw_formats; *f != NULL; f++)
		add_format(*f);
	status = g_test_run();
	sw_scratch_free(disks.scratch);
	return status;
}
