/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"
#include "core/subprocess.h"

/*
 * Programs that tests run: judges of what slipway makes, servers that it reads from.
 */

/*
 * The path of the program NAME, to be freed; NULL where it is not installed, and the test is to be
 * skipped.  With SW_TEST_STRICT that is a failure: contrib/test, which sets it, installs all.
 */
static inline char *find_program(const char *name)
{
	char *path = g_find_program_in_path(name);

	if (path == NULL && g_getenv("SW_TEST_STRICT") != NULL)
		g_error("%s is not installed", name);
	return path;
}

/* Runs ARGV, which must succeed, with INPUT (may be NULL); what it prints, to be freed. */
static inline char *run_program(const char *const *argv, const char *input)
{
	const struct sw_command command = {
		.argv = argv, .input = input, .code = SW_ERROR_UNFORESEEN, .id = "test"
	};
	g_autoptr(GError) error = NULL;
	char *output = NULL;

	g_assert_true(sw_command_run(&command, &output, NULL, &error) || error != NULL);
	g_assert_no_error(error);
	return output;
}

/*
 * Runs ARGV, whose stderr is thrown away; the bytes that it prints, RET_LENGTH of them, to be freed.
 * NULL: it has failed.
 */
static inline char *try_program(const char *const *argv, gsize *ret_length)
{
	g_autoptr(GSubprocess) process = g_subprocess_newv(
		argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL);
	g_autoptr(GBytes) out = NULL;

	g_assert_nonnull(process);
	g_assert_true(g_subprocess_communicate(process, NULL, NULL, &out, NULL, NULL));
	*ret_length = g_bytes_get_size(out);
	return g_subprocess_get_successful(process)
		       ? g_memdup2(*ret_length == 0 ? "" : g_bytes_get_data(out, NULL),
				   MAX(*ret_length, 1))
		       : NULL;
}
