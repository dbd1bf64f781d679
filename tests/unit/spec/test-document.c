/* SPDX-License-Identifier: MIT */
#include "spec/document.h"

#include <glib/gstdio.h>
#include <string.h>

static GPtrArray *new_given(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)sw_given_free);
}

/* "flag=text flag=text" of all values. */
static char *as_text(GPtrArray *given)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < given->len; i++) {
		const struct sw_given *one = given->pdata[i];

		g_assert_cmpint(one->origin, ==, SW_ORIGIN_DOCUMENT);
		g_string_append_printf(text, "%s%s=%s", i > 0 ? " " : "", one->setting->flag,
				       one->text);
	}
	return g_string_free(text, FALSE);
}

static void accept(const char *text, const char *expected)
{
	g_autoptr(GPtrArray) given = new_given();
	g_autoptr(GError) error = NULL;
	g_autofree char *got = NULL;

	g_assert_true(sw_document_parse(text, strlen(text), "d", NULL, given, &error));
	g_assert_no_error(error);
	got = as_text(given);
	g_assert_cmpstr(got, ==, expected);
}

static char *refusal(const char *text, size_t length)
{
	g_autoptr(GPtrArray) given = new_given();
	g_autoptr(GError) error = NULL;

	g_assert_false(sw_document_parse(text, length, "d", NULL, given, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_DOCUMENT);
	g_assert_cmpstr(sw_error_id(error), ==, "document");
	return g_strdup(error->message);
}

static void refuse(const char *text, const char *expected)
{
	g_autofree char *got = refusal(text, strlen(text));

	g_assert_cmpstr(got, ==, expected);
}

static void refuse_at(const char *text, const char *start)
{
	g_autofree char *got = refusal(text, strlen(text));

	g_assert_true(g_str_has_prefix(got, start));
}

static void test_all_keys(void)
{
	accept("# edge\n"
	       "image: quay.io/a/b:1\n"
	       "types: [raw, 'qcow2']\n"
	       "rootfs: xfs\n"
	       "size: 20G\n"
	       "target-arch: aarch64\n"
	       "kargs:\n"
	       "  - console=ttyS0\n"
	       "  - \"a=\\\"b c\\\"\"\n"
	       "karg-deletes: [quiet]\n"
	       "target-imgref: ostree-unverified-registry:quay.io/a/b:2\n"
	       "root-ssh-authorized-keys: keys\n"
	       "output: out\n"
	       "seed: '42'\n"
	       "authfile: auth.json\n"
	       "tls-verify: false\n",
	       "image=quay.io/a/b:1 type=raw type=qcow2 rootfs=xfs size=20G target-arch=arm64 "
	       "karg=console=ttyS0 karg=a=\"b c\" karg-delete=quiet "
	       "target-imgref=ostree-unverified-registry:quay.io/a/b:2 "
	       "root-ssh-authorized-keys=keys output=out seed=42 authfile=auth.json "
	       "tls-verify=false");
}

static void test_json(void)
{
	accept("{\n\t\"image\": \"quay.io\\/a\\/b\",\n\t\"types\": [\"raw\"],\n"
	       "\t\"size\": 1073741824,\n\t\"tls-verify\": true,\n\t\"kargs\": []\n}\n",
	       "image=quay.io/a/b type=raw size=1073741824 tls-verify=true");
	accept("{}", "");
	accept("---\nsize: 1 GiB\n...\n", "size=1 GiB");
	accept("\357\273\277seed: a\r\nsize: 1G\r\n", "seed=a size=1G");
}

static void test_all_problems(void)
{
	refuse("sizee: 3\n"
	       "size: banana\n"
	       "types: qcow2\n"
	       "kargs: [a b, 3, null, {x: y}]\n"
	       "size: 3G\n"
	       "tls-verify: no\n"
	       "rootfs: [ext4]\n"
	       "seed:\n"
	       "wholly-unknown: [1, {a: b}]\n"
	       "output: true\n",
	       "d:1:1: unknown key \"sizee\"; did you mean size?\n"
	       "d:2:7: size: \"banana\" is not a size: write a number and a unit, as in 20G or "
	       "512 MiB\n"
	       "d:3:8: types must be a list: [a, b], or a line \"- a\" for each\n"
	       "d:4:9: kargs: \"a b\" has a blank: give one kernel argument at a time, or put "
	       "the value in double quotes\n"
	       "d:4:14: kargs must be text: put \"3\" in quotes\n"
	       "d:4:17: kargs has no value: give one, or remove the line\n"
	       "d:4:23: an item of kargs must be text\n"
	       "d:5:1: size is here twice, first in line 2\n"
	       "d:6:13: tls-verify must be true or false, not \"no\"\n"
	       "d:7:9: rootfs must be a single value\n"
	       "d:8:6: seed has no value: give one, or remove the line\n"
	       "d:9:1: unknown key \"wholly-unknown\"\n"
	       "d:10:9: output must be text: put \"true\" in quotes");
}

static void test_yaml_features(void)
{
	refuse("seed: &a x\noutput: *a\n", "d:1:7: anchors are not supported: remove it\n"
					   "d:2:9: aliases are not supported: repeat the value");
	refuse("kargs: &k [*a]\nkarg-deletes: *k\n",
	       "d:1:8: anchors are not supported: remove it\n"
	       "d:1:12: aliases are not supported: repeat the value\n"
	       "d:2:15: aliases are not supported: repeat the value");
	refuse("seed: !!str 5\n", "d:1:7: tags are not supported: remove it");
	refuse("seed: a\n---\nseed: b\n",
	       "d:2:1: a second document begins here: give one at a time");
	refuse("? [a]\n: b\nsizee: 1\n",
	       "d:1:3: a key must be text\nd:3:1: unknown key \"sizee\"; did you mean size?");
	refuse("*x : 1\n", "d:1:1: aliases are not supported: repeat the value");
	refuse("<<: {size: 1G}\n", "d:1:1: unknown key \"<<\"");
}

static void test_shapes(void)
{
	refuse("", "d:1:1: the document is empty");
	refuse("# nothing\n", "d:2:1: the document is empty");
	refuse("hello\n", "d:1:1: the document must be lines \"key: value\"");
	refuse("- a\n", "d:1:1: the document must be lines \"key: value\"");
	refuse("types: []\n", "d:1:8: types must not be empty");
	refuse("seed: \"a\\0b\"\n", "d:1:7: seed: the value has a NUL character");
	refuse("\"a\\0b\": 1\n", "d:1:1: unknown key \"a\"");
	refuse("\"\\e[31m\": 1\n", "d:1:1: unknown key \" [31m\"");
	refuse_at("seed: 'a\n", "d:2:1: not YAML: ");
	refuse_at("seed: a\n\tsize: 3\n", "d:2:");
	refuse_at("sizee: 1\nseed: [a\n",
		  "d:1:1: unknown key \"sizee\"; did you mean size?\nd:2:7: seed must be");
	refuse_at("seed: \377\n", "d:1:");
}

static void test_scalars(void)
{
	accept("seed: no\n", "seed=no");
	accept("seed: 1.2.3\n", "seed=1.2.3");
	accept("seed: '~'\n", "seed=~");
	accept("seed: |-\n  x\n", "seed=x");
	accept("tls-verify: True\n", "tls-verify=true");
	refuse("seed: 0x1F\n", "d:1:7: seed must be text: put \"0x1F\" in quotes");
	refuse("seed: -1.5e3\n", "d:1:7: seed must be text: put \"-1.5e3\" in quotes");
	refuse("seed: .inf\n", "d:1:7: seed must be text: put \".inf\" in quotes");
	refuse("tls-verify: 'true'\n", "d:1:13: tls-verify must be true or false, not \"true\"");
	refuse("seed: |\n  x\n", "d:1:7: seed: the value has a control character");
}

static void test_bounds(void)
{
	g_autofree char *many = NULL;
	g_autofree char *large = g_strnfill(SW_DOCUMENT_LIMIT + 1, '#');
	g_autofree char *deep = g_strnfill(100000, '[');
	g_autofree char *nested = g_strconcat("x: ", deep, NULL);
	g_autofree char *got = NULL;
	g_autofree char *all = NULL;
	g_autofree char *long_list = NULL;
	g_auto(GStrv) lines = NULL;
	g_autoptr(GString) items = g_string_new(NULL);
	GString *text = g_string_new(NULL);

	refuse(large, "d: the document is larger than 1 MiB");
	refuse(nested, "d:1:1: unknown key \"x\"\nd:1:20: nested too deeply");
	got = refusal(deep, strlen(deep));
	g_assert_cmpstr(got, ==, "d:1:1: the document must be lines \"key: value\"");

	for (int i = 0; i <= 1000; i++)
		g_string_append(items, "a, ");
	long_list = g_strdup_printf("kargs: [%s]", items->str);
	refuse(long_list, "d:1:3009: kargs has more than 1000 items");

	for (int i = 0; i < 5000; i++)
		g_string_append_printf(text, "unknown%d: 1\n", i);
	many = g_string_free(text, FALSE);
	all = refusal(many, strlen(many));
	lines = g_strsplit(all, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, 21);
	g_assert_cmpstr(lines[20], ==, "d: and 4980 more");
}

static void test_files(void)
{
	g_autofree char *directory = g_dir_make_tmp("slipway-document-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "build.yaml", NULL);
	g_autofree char *auth = g_build_filename(directory, "auth.json", NULL);
	g_autofree char *expected = g_strdup_printf("output=%s/out authfile=%s", directory, auth);
	g_autoptr(GPtrArray) given = new_given();
	g_autoptr(GError) error = NULL;
	g_autofree char *got = NULL;

	g_assert_false(sw_document_read(path, given, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_DOCUMENT);
	g_clear_error(&error);

	g_assert_true(g_file_set_contents(path, "output: out\nauthfile: auth.json\n", -1, NULL));
	g_assert_false(sw_document_read(path, given, NULL, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_DOCUMENT);
	g_assert_nonnull(strstr(error->message, "build.yaml:2:11: authfile: cannot read "));
	g_clear_error(&error);

	g_ptr_array_set_size(given, 0);
	g_assert_true(g_file_set_contents(auth, "{}", -1, NULL));
	g_assert_true(sw_document_read(path, given, NULL, &error));
	g_assert_no_error(error);
	got = as_text(given);
	g_assert_cmpstr(got, ==, expected);
	g_unlink(path);
	g_unlink(auth);
	g_rmdir(directory);
}

static void test_options(void)
{
	accept("options: {qcow2: {level: 1, compression: none, cluster-size: 4096}, raw: {}}",
	       "option=qcow2.level=1 option=qcow2.compression=none "
	       "option=qcow2.cluster-size=4096");
	accept("options: {}", "");
	refuse("options:\n  qcow2: {level: }", "d:2:18: options has no value: give one, or remove "
					       "the line");
	refuse("options: {qcow2: {level: x}}",
	       "d:1:26: options: format qcow2: option level: \"x\" is not a whole number from "
	       "-2147483648 to 2147483647");
	refuse("options: {qcow2: {\"level\\0\": 1}}",
	       "d:1:19: options: format qcow2: unknown option \"\": it has compression, level, "
	       "cluster-size");
	refuse("options: {[a]: {level: 1}, *a : {}}",
	       "d:1:11: a key must be text\n"
	       "d:1:28: aliases are not supported: repeat the value");
	refuse("options: {qcow2: [level]}",
	       "d:1:18: the options of qcow2 must be lines \"name: value\"");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/document/all-keys", test_all_keys);
	g_test_add_func("/document/json", test_json);
	g_test_add_func("/document/all-problems", test_all_problems);
	g_test_add_func("/document/yaml-features", test_yaml_features);
	g_test_add_func("/document/shapes", test_shapes);
	g_test_add_func("/document/scalars", test_scalars);
	g_test_add_func("/document/bounds", test_bounds);
	g_test_add_func("/document/files", test_files);
	g_test_add_func("/document/options", test_options);
	return g_test_run();
}
