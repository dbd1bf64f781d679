/* SPDX-License-Identifier: MIT */
#pragma once

#include "layout.h"

/* tests/fakes/lying-registry.py with a layout; it says what each fault does. */
struct registry {
	GSubprocess *process;
	char *reference;
};

static void registry_stop(struct registry *registry)
{
	g_subprocess_force_exit(registry->process);
	g_subprocess_wait(registry->process, NULL, NULL);
	g_object_unref(registry->process);
	g_free(registry->reference);
}

static struct registry registry_start(const struct layout *layout, const char *fault)
{
	g_autofree char *tests = g_path_get_dirname(g_getenv("SW_TEST_DATA"));
	g_autofree char *program = g_build_filename(tests, "fakes", "lying-registry.py", NULL);
	g_autoptr(GError) error = NULL;
	struct registry registry = { 0 };
	char line[100] = "";
	GInputStream *output = NULL;
	gssize n = 0;

	registry.process = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program,
					    "--fault", fault, layout->path, NULL);
	g_assert_no_error(error);
	output = g_subprocess_get_stdout_pipe(registry.process);
	n = g_input_stream_read(output, line, sizeof line - 1, NULL, &error);
	g_assert_cmpint(n, >, 0);
	g_assert_true(g_str_has_prefix(line, "listening on "));
	g_strchomp(line);
	registry.reference = g_strdup_printf("docker://%s/a/b:1", line + strlen("listening on "));
	return registry;
}

static void assert_error(const GError *error, enum sw_error code, const char *id)
{
	g_assert_error(error, SW_ERROR, (int)code);
	g_assert_cmpstr(sw_error_id(error), ==, id);
	g_assert_null(strchr(error->message, '\n'));
}
