/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "core/format.h"
#include "disk.h"

/*
 * One run of a format, for its tests.
 */
struct attempt {
	const struct sw_format *format;
	char *const *options; /* "TYPE.NAME=VALUE", NULL at the end; NULL: the defaults */
	const char *disk;
	const char *path; /* where the main file is to be; the others are removed */
	int threads;
	void (*progress)(guint64 done, void *data);
	void *data;
	GCancellable *cancellable;
};

static inline void take_main_file(GPtrArray *artifacts, const char *path)
{
	const struct sw_artifact *artifact = g_ptr_array_index(artifacts, 0);

	for (guint i = 1; i < artifacts->len; i++) {
		const struct sw_artifact *other = g_ptr_array_index(artifacts, i);

		g_assert_cmpint(unlink(other->path), ==, 0);
	}
	g_assert_cmpint(rename(artifact->path, path), ==, 0);
}

/* Hashing a large file of holes takes longer than all else: then the main file is just taken. */
static inline void take_unhashed(const struct attempt *a, const char *directory)
{
	g_autofree char *name = g_strdup_printf("%s-0", a->format->name);
	g_autofree char *path = g_build_filename(directory, name, NULL);

	g_assert_cmpint(rename(path, a->path), ==, 0);
}

/* FALSE when the writing failed; everything else that fails, fails the test. */
static inline gboolean write_format(const struct attempt *a, GError **error)
{
	g_autofree char *directory = g_path_get_dirname(a->path);
	g_autoptr(SwOutput) output = sw_output_new(a->format->name, directory, NULL);
	g_autoptr(GPtrArray) artifacts =
		g_ptr_array_new_with_free_func((GDestroyNotify)sw_artifact_free);
	struct sw_format_input input = { .name = "test",
					 .arch = "amd64",
					 .threads = a->threads,
					 .progress = a->progress,
					 .progress_data = a->data };
	g_autoptr(SwSparse) disk = NULL;
	void *state = NULL;
	gboolean good;

	g_assert_true(sw_sparse_open(a->disk, &disk, error));
	input.disk = disk;
	g_assert_true(
		sw_format_configure(a->format, a->options, sw_sparse_size(disk), &state, error));
	good = a->format->write(state, &input, output, a->cancellable, error);
	sw_format_release(a->format, state);
	g_assert_true(good == (error == NULL || *error == NULL));
	if (good && sw_sparse_size(disk) > 100 * SW_MIB) {
		take_unhashed(a, directory);
	} else if (good) {
		g_assert_true(sw_output_finish(output, artifacts, error));
		take_main_file(artifacts, a->path);
	}
	return good;
}

/* Likewise, where it must succeed. */
static inline void write_good(const struct attempt *a)
{
	g_autoptr(GError) error = NULL;

	write_format(a, &error);
	g_assert_no_error(error);
}
