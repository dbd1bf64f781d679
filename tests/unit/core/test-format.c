/* SPDX-License-Identifier: MIT */
#include "core/format.h"

#include "core/error.h"

/* A table of our own, in place of the generated one. */
static const char *const raw_aliases[] = { "image", "img", NULL };
static const struct sw_format raw = { .name = "raw", .aliases = raw_aliases };
static const struct sw_format qcow2 = { .name = "qcow2" };
const struct sw_format *const sw_formats[] = { &qcow2, &raw, NULL };

static void check_found(const char *name, const struct sw_format *format)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_format_find(name, &error) == format);
	g_assert_no_error(error);
}

static void check_refused(const char *name, const char *message)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(sw_format_find(name, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "unknown-format");
	g_assert_cmpstr(error->message, ==, message);
}

static void test_find(void)
{
	check_found("raw", &raw);
	check_found("image", &raw);
	check_found("img", &raw);
	check_found("qcow2", &qcow2);
}

static void test_find_refuses(void)
{
	check_refused("qcow", "unknown format \"qcow\"; did you mean \"qcow2\"?");
	check_refused("RAW", "unknown format \"RAW\"; did you mean \"raw\"?");
	check_refused("images", "unknown format \"images\"; did you mean \"image\"?");
	check_refused("vmdk", "unknown format \"vmdk\": there is qcow2, raw, image, img");
	check_refused("", "unknown format \"\": there is qcow2, raw, image, img");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/format/find", test_find);
	g_test_add_func("/format/find-refuses", test_find_refuses);
	return g_test_run();
}
