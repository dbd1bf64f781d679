/* SPDX-License-Identifier: MIT */
#include "source/policy.h"

#include <string.h>

#define ANY "[{\"type\":\"insecureAcceptAnything\"}]"
#define KEY "[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/k\"}]"
#define REJECT "[{\"type\":\"reject\"}]"

static gboolean accepts(const char *policy, const char *image)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwReference) reference = NULL;
	gboolean good = FALSE;

	g_assert_true(sw_reference_parse(image, &reference, &error));
	good = sw_policy_check_text(reference, policy, strlen(policy), "/p", &error);
	if (!good) {
		g_assert_error(error, SW_ERROR, SW_ERROR_SOURCE);
		g_assert_cmpstr(sw_error_id(error), ==, "policy");
	}
	return good;
}

static void test_default(void)
{
	g_assert_true(accepts("{\"default\":" ANY "}", "quay.io/a"));
	g_assert_true(accepts("{\"default\":" ANY "}", "oci:/a"));
	g_assert_false(accepts("{\"default\":" REJECT "}", "quay.io/a"));
	g_assert_false(accepts("{\"default\":[]}", "quay.io/a"));
	g_assert_false(accepts("{\"default\":{}}", "quay.io/a"));
	g_assert_false(accepts("{}", "quay.io/a"));
	g_assert_false(accepts("nonsense", "quay.io/a"));
	g_assert_false(accepts("{\"default\":" ANY ",\"transports\":7}", "quay.io/a"));
}

static void test_scopes(void)
{
	static const char policy[] = "{\"default\":" REJECT ",\"transports\":{"
				     "\"docker\":{\"quay.io/me\":" ANY ",\"quay.io/me/signed\":" KEY
				     ",\"*.example.com\":" ANY ",\"host:5000\":" ANY
				     ",\"docker.io/library/x\":" ANY ",\"one.io/a:1\":" ANY "},"
				     "\"oci\":{\"/srv/images\":" ANY "},\"dir\":{\"\":" ANY "}}}";

	g_assert_true(accepts(policy, "quay.io/me/app:1"));
	g_assert_true(accepts(policy, "quay.io/me"));
	g_assert_false(accepts(policy, "quay.io/me/signed:1"));
	g_assert_false(accepts(policy, "quay.io/me/signed/deep"));
	g_assert_true(accepts(policy, "quay.io/me/signed2"));
	g_assert_false(accepts(policy, "quay.io/mean/app"));
	g_assert_false(accepts(policy, "quay.io/other"));
	g_assert_true(accepts(policy, "a.example.com/x"));
	g_assert_false(accepts(policy, "evilexample.com/x"));
	g_assert_true(accepts(policy, "host:5000/x"));
	g_assert_false(accepts(policy, "host:5001/x"));
	g_assert_true(accepts(policy, "x:1"));
	g_assert_false(accepts(policy, "y:1"));
	g_assert_true(accepts(policy, "one.io/a:1"));
	g_assert_false(accepts(policy, "one.io/a:2"));
	g_assert_true(accepts(policy, "oci:/srv/images/a:tag"));
	g_assert_false(accepts(policy, "oci:/srv/images/../a"));
	g_assert_true(accepts(policy, "dir:/anywhere"));
	g_assert_false(accepts(policy, "containers-storage:localhost/a"));
}

/* What a machine's own policy must not be when it is to verify signatures. */
static void test_accepts_anything(void)
{
	static const struct {
		const char *text;
		gboolean accepts;
	} cases[] = {
		{ "{\"default\":" ANY "}", TRUE },
		{ "{\"default\":" KEY "}", FALSE },
		{ "{\"default\":" KEY ",\"transports\":{\"docker\":{\"\":" ANY "}}}", FALSE },
		{ "{\"default\":[]}", FALSE },
		{ "{}", FALSE },
		{ "not json", TRUE },
		{ "[]", TRUE },
		{ "", TRUE },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpint(sw_policy_accepts_anything(cases[i].text, strlen(cases[i].text)),
				==, cases[i].accepts);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/policy/default", test_default);
	g_test_add_func("/policy/scopes", test_scopes);
	g_test_add_func("/policy/accepts-anything", test_accepts_anything);
	return g_test_run();
}
