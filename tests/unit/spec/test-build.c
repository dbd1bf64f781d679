/* SPDX-License-Identifier: MIT */
#include "spec/build.h"

#include "core/size.h"
#include "source/oci.h"

static GPtrArray *new_given(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)sw_given_free);
}

static void give(GPtrArray *given, enum sw_origin origin, const char *name, const char *text)
{
	g_ptr_array_add(given, sw_given_new(sw_setting_find(name), g_strdup(text), origin));
}

static struct sw_build *make(GPtrArray *given)
{
	g_autoptr(GError) error = NULL;
	struct sw_build *build = NULL;

	g_assert_true(sw_build_make(given, &build, &error));
	g_assert_no_error(error);
	return build;
}

static void assert_list(char **list, const char *expected)
{
	g_autofree char *joined = g_strjoinv(" ", list);

	g_assert_cmpstr(joined, ==, expected);
}

static void test_defaults(void)
{
	g_autoptr(GPtrArray) given = new_given();
	g_autoptr(SwBuild) build = make(given);

	g_assert_null(build->image);
	assert_list(build->types, "qcow2");
	g_assert_null(build->rootfs);
	g_assert_cmpuint(build->size, ==, 0);
	g_assert_cmpstr(build->target_arch, ==, sw_oci_host_architecture());
	assert_list(build->kargs, "");
	assert_list(build->karg_deletes, "");
	g_assert_cmpstr(build->output, ==, "output");
	g_assert_true(build->tls_verify);
	g_assert_cmpint(build->progress, ==, SW_PROGRESS_AUTO);
	g_assert_null(build->cache);
	g_assert_false(build->keep);
	g_assert_cmpstr(sw_build_origin(build, "type"), ==, "default");
}

static void test_origins(void)
{
	g_autoptr(GPtrArray) given = new_given();
	g_autoptr(SwBuild) build = NULL;

	give(given, SW_ORIGIN_FLAG, "size", "3G");
	give(given, SW_ORIGIN_FLAG, "type", "raw");
	give(given, SW_ORIGIN_FLAG, "karg", "c");
	give(given, SW_ORIGIN_FLAG, "karg", "d");
	give(given, SW_ORIGIN_FLAG, "cache", "/flag");
	give(given, SW_ORIGIN_ENVIRONMENT, "cache", "/environment");
	give(given, SW_ORIGIN_DOCUMENT, "size", "2G");
	give(given, SW_ORIGIN_DOCUMENT, "type", "qcow2");
	give(given, SW_ORIGIN_DOCUMENT, "karg", "a");
	give(given, SW_ORIGIN_DOCUMENT, "karg", "b");
	give(given, SW_ORIGIN_DOCUMENT, "karg-delete", "e");
	give(given, SW_ORIGIN_DOCUMENT, "tls-verify", "false");
	build = make(given);

	g_assert_cmpuint(build->size, ==, 3 * SW_GIB);
	assert_list(build->types, "raw");
	assert_list(build->kargs, "a b c d");
	assert_list(build->karg_deletes, "e");
	g_assert_cmpstr(build->cache, ==, "/flag");
	g_assert_false(build->tls_verify);
	g_assert_cmpstr(sw_build_origin(build, "size"), ==, "flag");
	g_assert_cmpstr(sw_build_origin(build, "type"), ==, "flag");
	g_assert_cmpstr(sw_build_origin(build, "karg"), ==, "document and flag");
	g_assert_cmpstr(sw_build_origin(build, "karg-delete"), ==, "document");
	g_assert_cmpstr(sw_build_origin(build, "cache"), ==, "flag");
	g_assert_cmpstr(sw_build_origin(build, "output"), ==, "default");
}

static void test_values(void)
{
	g_autoptr(GPtrArray) given = new_given();
	g_autoptr(SwBuild) build = NULL;
	g_auto(GStrv) size = NULL;
	g_auto(GStrv) kargs = NULL;
	g_auto(GStrv) progress = NULL;
	g_auto(GStrv) seed = NULL;
	g_auto(GStrv) tls = NULL;

	give(given, SW_ORIGIN_FLAG, "size", "2048M");
	give(given, SW_ORIGIN_FLAG, "karg", "a");
	give(given, SW_ORIGIN_FLAG, "karg", "b");
	build = make(given);
	size = sw_build_values(build, sw_setting_find("size"));
	kargs = sw_build_values(build, sw_setting_find("karg"));
	progress = sw_build_values(build, sw_setting_find("progress"));
	seed = sw_build_values(build, sw_setting_find("seed"));
	tls = sw_build_values(build, sw_setting_find("tls-verify"));
	assert_list(size, "2 GiB");
	assert_list(kargs, "a b");
	assert_list(progress, "auto");
	assert_list(seed, "");
	assert_list(tls, "true");
}

static void check(const char *image, const char *target, const char *id)
{
	g_autoptr(GPtrArray) given = new_given();
	g_autoptr(SwBuild) build = NULL;
	g_autoptr(GError) error = NULL;

	if (image != NULL)
		give(given, SW_ORIGIN_FLAG, "image", image);
	if (target != NULL)
		give(given, SW_ORIGIN_FLAG, "target-imgref", target);
	build = make(given);
	if (id == NULL) {
		g_assert_true(sw_build_check(build, &error));
		g_assert_no_error(error);
		return;
	}
	g_assert_false(sw_build_check(build, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_assert_cmpstr(sw_error_id(error), ==, id);
}

static void test_check(void)
{
	check(NULL, NULL, "no-image");
	check("quay.io/a/b", NULL, NULL);
	check("docker://quay.io/a/b:1", NULL, NULL);
	check("oci:/x", NULL, "target-imgref");
	check("dir:/x", NULL, "target-imgref");
	check("containers-storage:localhost/x", NULL, "target-imgref");
	check("oci:/x", "quay.io/a/b:1", NULL);
}

/* The last value of an option wins; flags come behind the document. */
static void test_options(void)
{
	g_autoptr(GPtrArray) given = new_given();
	g_autoptr(SwBuild) build = NULL;
	g_autoptr(GError) error = NULL;

	give(given, SW_ORIGIN_FLAG, "option", "qcow2.level=1");
	give(given, SW_ORIGIN_DOCUMENT, "option", "qcow2.level=9");
	give(given, SW_ORIGIN_DOCUMENT, "option", "qcow2.compression=zstd");
	give(given, SW_ORIGIN_FLAG, "option", "qcow2.level=2");
	give(given, SW_ORIGIN_DOCUMENT, "option", "raw.x=1");
	build = make(given);
	assert_list(build->options, "qcow2.level=2 qcow2.compression=zstd raw.x=1");
	g_assert_cmpstr(sw_build_origin(build, "option"), ==, "document and flag");
	g_assert_true(sw_build_check_types(build, &error));
	g_assert_no_error(error);
}

static void test_options_refused(void)
{
	g_autoptr(GPtrArray) given = new_given();
	g_autoptr(GPtrArray) unused = new_given();
	g_autoptr(SwBuild) build = NULL;
	g_autoptr(GError) error = NULL;
	struct sw_build *none = NULL;

	give(given, SW_ORIGIN_FLAG, "option", "qcow2.level=10");
	build = make(given);
	g_assert_false(sw_build_check_types(build, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_clear_error(&error);
	give(unused, SW_ORIGIN_FLAG, "type", "raw");
	give(unused, SW_ORIGIN_FLAG, "option", "qcow2.level=1");
	g_assert_false(sw_build_make(unused, &none, &error));
	g_assert_cmpstr(sw_error_id(error), ==, "option-unused");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/build/defaults", test_defaults);
	g_test_add_func("/build/origins", test_origins);
	g_test_add_func("/build/values", test_values);
	g_test_add_func("/build/check", test_check);
	g_test_add_func("/build/options", test_options);
	g_test_add_func("/build/options-refused", test_options_refused);
	return g_test_run();
}
