/* SPDX-License-Identifier: MIT */
#include "core/param.h"

#include <string.h>

#include "core/error.h"

struct state {
	char *label;
	gboolean compressed;
	guint64 cluster_size;
	int level;
	char *codec;
	char *password;
	int untouched;
};

static const char *const codecs[] = { "zlib", "zstd", NULL };

static const struct sw_param rows[] = {
	{ "label", SW_PARAM_STRING, NULL, NULL, G_STRUCT_OFFSET(struct state, label), TRUE,
	  "name of the volume" },
	{ "compressed", SW_PARAM_BOOL, "true", NULL, G_STRUCT_OFFSET(struct state, compressed),
	  FALSE, "compress clusters" },
	{ "cluster-size", SW_PARAM_SIZE, "64K", NULL, G_STRUCT_OFFSET(struct state, cluster_size),
	  FALSE, "bytes in a cluster" },
	{ "level", SW_PARAM_INT, NULL, NULL, G_STRUCT_OFFSET(struct state, level), FALSE,
	  "effort" },
	{ "codec", SW_PARAM_CHOICE, "zlib", codecs, G_STRUCT_OFFSET(struct state, codec), FALSE,
	  "how to compress" },
	{ "password", SW_PARAM_SECRET, NULL, NULL, G_STRUCT_OFFSET(struct state, password), FALSE,
	  "to write with" },
	{ 0 },
};

/* A table of the NAME, VALUE... given, NULL at the end. */
G_GNUC_NULL_TERMINATED static GHashTable *given(const char *name, ...)
{
	GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);
	va_list args;

	va_start(args, name);
	for (; name != NULL; name = va_arg(args, const char *))
		g_hash_table_insert(table, (gpointer)name, va_arg(args, char *));
	va_end(args);
	return table;
}

static void assert_zero(const struct state *state)
{
	static const struct state zero;

	g_assert_cmpmem(state, sizeof *state, &zero, sizeof zero);
}

static void test_defaults(void)
{
	g_autoptr(GHashTable) table = given("label", "disk", NULL);
	g_autoptr(GError) error = NULL;
	struct state state = { 0 };

	g_assert_true(sw_params_apply(rows, table, &state, "format x", &error));
	g_assert_no_error(error);
	g_assert_cmpstr(state.label, ==, "disk");
	g_assert_true(state.compressed);
	g_assert_cmpuint(state.cluster_size, ==, 65536);
	g_assert_cmpint(state.level, ==, 0);
	g_assert_cmpstr(state.codec, ==, "zlib");
	g_assert_null(state.password);
	sw_params_clear(rows, &state);
	assert_zero(&state);
}

static void test_given(void)
{
	g_autoptr(GHashTable) table =
		given("label", "", "compressed", "no", "cluster-size", "1 MiB", "level",
		      "-2147483648", "codec", "zstd", "password", "s3cret", NULL);
	g_autoptr(GError) error = NULL;
	struct state state = { 0 };

	g_assert_true(sw_params_apply(rows, table, &state, "format x", &error));
	g_assert_no_error(error);
	g_assert_cmpstr(state.label, ==, "");
	g_assert_false(state.compressed);
	g_assert_cmpuint(state.cluster_size, ==, 1048576);
	g_assert_cmpint(state.level, ==, G_MININT);
	g_assert_cmpstr(state.codec, ==, "zstd");
	g_assert_cmpstr(state.password, ==, "s3cret");
	sw_params_clear(rows, &state);
	assert_zero(&state);
}

/* The password is always given: it may be in no message. */
static void check_refused(const char *name, const char *value, const char *id, const char *message)
{
	g_autoptr(GHashTable) table = given("label", "l", "password", "s3cret", NULL);
	g_autoptr(GError) error = NULL;
	struct state state = { 0 };

	g_hash_table_insert(table, (gpointer)name, (gpointer)value);
	g_assert_false(sw_params_apply(rows, table, &state, "format x", &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_assert_cmpstr(sw_error_id(error), ==, id);
	g_assert_cmpstr(error->message, ==, message);
	g_assert_null(strstr(error->message, "s3cret"));
	assert_zero(&state);
}

static void test_refuses(void)
{
	check_refused("compressed", "maybe", "bad-option",
		      "format x: option compressed: \"maybe\" is neither true nor false");
	check_refused("cluster-size", "-1", "bad-number",
		      "format x: option cluster-size: \"-1\" is not a size: write a number and a "
		      "unit, as in 20G or 512 MiB");
	check_refused(
		"level", "2147483648", "bad-option",
		"format x: option level: \"2147483648\" is not a whole number from -2147483648 "
		"to 2147483647");
	check_refused("level", "--1", "bad-option",
		      "format x: option level: \"--1\" is not a whole number from -2147483648 to "
		      "2147483647");
	check_refused("codec", "lz4", "bad-option",
		      "format x: option codec: \"lz4\" is none of zlib, zstd");
	check_refused("cluster_size", "64K", "unknown-option",
		      "format x: unknown option \"cluster_size\"; did you mean \"cluster-size\"?");
	check_refused("pasword", "s3cret", "unknown-option",
		      "format x: unknown option \"pasword\"; did you mean \"password\"?");
	check_refused(
		"secret", "s3cret", "unknown-option",
		"format x: unknown option \"secret\": it has label, compressed, cluster-size, "
		"level, codec, password");
}

static void test_missing(void)
{
	g_autoptr(GError) error = NULL;
	struct state state = { 0 };

	g_assert_false(sw_params_apply(rows, NULL, &state, "format x", &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_assert_cmpstr(error->message, ==,
			"format x: the option label is required (name of the volume)");
	assert_zero(&state);
}

static void test_none(void)
{
	g_autoptr(GHashTable) empty = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GHashTable) table = given("b", "1", "a", "1", NULL);
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_params_apply(NULL, NULL, NULL, "format raw", &error));
	g_assert_true(sw_params_apply(NULL, empty, NULL, "format raw", &error));
	g_assert_false(sw_params_apply(NULL, table, NULL, "format raw", &error));
	g_assert_cmpstr(error->message, ==, "format raw: unknown option \"a\": it has no options");
	sw_params_clear(NULL, NULL);
}

static void test_nearest(void)
{
	static const char *const words[] = {
		"raw", "qcow2", "vmdk", "vhd", "build", "inspect", NULL
	};
	g_autofree char *endless = g_strnfill(100000, 'a');

	g_assert_cmpstr(sw_nearest("qcow", words), ==, "qcow2");
	g_assert_cmpstr(sw_nearest("QCOW2", words), ==, "qcow2");
	g_assert_cmpstr(sw_nearest("qocw2", words), ==, "qcow2");
	g_assert_cmpstr(sw_nearest("biuld", words), ==, "build");
	g_assert_cmpstr(sw_nearest("insepct", words), ==, "inspect");
	g_assert_cmpstr(sw_nearest("rwa", words), ==, "raw");
	g_assert_cmpstr(sw_nearest("vhdx", words), ==, "vhd");
	g_assert_null(sw_nearest("iso", words));
	g_assert_null(sw_nearest("x", words));
	g_assert_null(sw_nearest("", words));
	g_assert_null(sw_nearest(endless, words));
	g_assert_null(sw_nearest("raw", NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/param/defaults", test_defaults);
	g_test_add_func("/param/given", test_given);
	g_test_add_func("/param/refuses", test_refuses);
	g_test_add_func("/param/missing", test_missing);
	g_test_add_func("/param/none", test_none);
	g_test_add_func("/param/nearest", test_nearest);
	return g_test_run();
}
