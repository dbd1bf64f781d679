/* SPDX-License-Identifier: MIT */
#include "disk/kargs.h"

#include <string.h>

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void assert_kargs(const struct sw_kargs_request *request, const char *expected)
{
	g_autoptr(GPtrArray) kargs = sw_kargs_resolve(request);
	g_autoptr(GString) joined = g_string_new(NULL);

	for (guint i = 0; i < kargs->len; i++) {
		const struct sw_karg *karg = g_ptr_array_index(kargs, i);

		g_string_append_printf(joined, "%s%s:%c", i > 0 ? "|" : "", karg->text,
				       sw_karg_origins[karg->origin][0]);
	}
	g_assert_cmpstr(joined->str, ==, expected);
}

static void test_order(void)
{
	struct sw_kargs_request request = { .root_spec = "UUID=R", .boot_spec = "UUID=B" };

	assert_kargs(&request, "root=UUID=R:r|rw:r|boot=UUID=B:r");
	request.boot_spec = NULL;
	request.install = LIST("i1", "i2=x");
	request.image = LIST("m1", "");
	request.user = LIST("u1", "u2");
	assert_kargs(&request, "root=UUID=R:r|rw:r|i1:i|i2=x:i|m1:i|u1:u|u2:u");
	request.root_spec = "";
	request.boot_spec = "LABEL=boot";
	assert_kargs(&request, "rw:r|boot=LABEL=boot:r|i1:i|i2=x:i|m1:i|u1:u|u2:u");
}

static void test_doubles(void)
{
	struct sw_kargs_request request = { .root_spec = "UUID=R" };

	request.install = LIST("console=tty0", "a-b=1", "quiet");
	request.image =
		LIST("console=ttyS0", "console=tty0", "a_b=1", "a_b=2", "quiet=", "c=\"d\"");
	request.user = LIST("rw", "c=d", "\"c=d\"", "c=d-e", "c=d_e", "quiet");
	assert_kargs(&request, "root=UUID=R:r|rw:r|console=tty0:i|a-b=1:i|quiet:i|"
			       "console=ttyS0:i|a_b=2:i|quiet=:i|c=\"d\":i|c=d-e:u|c=d_e:u");
}

static void test_deletes(void)
{
	struct sw_kargs_request request = { .root_spec = "UUID=R" };

	request.install = LIST("a=1", "a=2", "b", "c=x y");
	request.image = LIST("d_e=1", "f=\"g h\"", "i");
	request.install_deletes = LIST("a", "d-e=1");
	request.user_deletes = LIST("b=", "rw", "f=g h", "none", "i=1");
	assert_kargs(&request, "root=UUID=R:r|b:i|c=x y:i|i:i");
	request.user = LIST("a=3", "rw", "b=");
	request.user_deletes = LIST("b", "root");
	assert_kargs(&request, "rw:r|c=x y:i|f=\"g h\":i|i:i|a=3:u|b=:u");
}

static void test_odd(void)
{
	struct sw_kargs_request request = { .root_spec = "UUID=R" };

	request.user = LIST("\"", "=", "=x", "\"\"", "a=\"", "a==b", "ä=ö");
	assert_kargs(&request, "root=UUID=R:r|rw:r|\":u|=:u|=x:u|a=\":u|a==b:u|ä=ö:u");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/kargs/order", test_order);
	g_test_add_func("/kargs/doubles", test_doubles);
	g_test_add_func("/kargs/deletes", test_deletes);
	g_test_add_func("/kargs/odd", test_odd);
	return g_test_run();
}
