/* SPDX-License-Identifier: MIT */
/* The build document: foreign YAML.  Opens nothing, as no directory is given. */
#include "fuzz.h"
#include "spec/build.h"
#include "spec/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GPtrArray) given = g_ptr_array_new_with_free_func((GDestroyNotify)sw_given_free);
	g_autoptr(SwBuild) build = NULL;
	g_autoptr(GError) error = NULL;

	if (!sw_document_parse((const char *)data, size, "document", NULL, given, &error)) {
		g_assert_error(error, SW_ERROR, SW_ERROR_DOCUMENT);
		g_assert_true(g_utf8_validate(error->message, -1, NULL));
		return 0;
	}
	g_assert_no_error(error);
	g_assert_true(sw_build_make(given, &build, &error));
	for (const struct sw_setting *row = sw_settings; row->flag != NULL; row++) {
		g_auto(GStrv) values = sw_build_values(build, row);

		g_assert_nonnull(values);
		g_assert_nonnull(sw_build_origin(build, row->flag));
	}
	return 0;
}
