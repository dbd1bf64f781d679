/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>

#include "image/install-config.h"
#include "image/kargs-d.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An error of a parser is about the image, one printable line that names the file. */
static void check_error(const GError *error)
{
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_true(g_str_has_prefix(error->message, "f.toml"));
	g_assert_true(g_utf8_validate(error->message, -1, NULL));
	g_assert_null(strpbrk(error->message, "\r\n"));
}

/* A kernel argument never ends the line that it stands in, nor swallows what stands behind it. */
static void check_kargs(GPtrArray *kargs)
{
	for (guint i = 0; i < kargs->len; i++) {
		const char *karg = g_ptr_array_index(kargs, i);
		gboolean quoted = FALSE;

		g_assert_cmpint(karg[0], !=, '\0');
		for (; *karg != '\0'; karg++) {
			g_assert_false(g_ascii_iscntrl(*karg));
			g_assert_true(quoted || *karg != ' ');
			quoted ^= *karg == '"';
		}
		g_assert_false(quoted);
	}
}

/* The texts of usr/lib/bootc/install and usr/lib/bootc/kargs.d. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(SwInstallConfig) config = sw_install_config_new();
	g_autoptr(GPtrArray) kargs = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) install_error = NULL;
	g_autoptr(GError) kargs_error = NULL;
	const char *text = (const char *)data;

	if (sw_install_config_merge(config, text, size, "f.toml", "amd64", &install_error)) {
		check_kargs(config->kargs);
		check_kargs(config->karg_deletes);
		g_assert_true(config->stateroot == NULL || strchr(config->stateroot, '/') == NULL);
	} else {
		check_error(install_error);
	}
	if (sw_kargs_d_parse(text, size, "f.toml", "amd64", kargs, &kargs_error))
		check_kargs(kargs);
	else
		check_error(kargs_error);
	return 0;
}
