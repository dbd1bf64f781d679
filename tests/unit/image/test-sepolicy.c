/* SPDX-License-Identifier: MIT */
#include "image/sepolicy.h"

#include <sys/stat.h>

#include "tree-fixture.h"

#define FILES "usr/etc/selinux/fixture/contexts/files/file_contexts"
#define LABEL(type) "system_u:object_r:" type ":s0"

/* A small policy that uses all that a policy can say about paths. */
static void write_policy(struct fixture *fixture)
{
	fixture_write(fixture, "usr/etc/selinux/config",
		      "# SELINUX=disabled\nSELINUX=permissive\nSELINUXTYPE=fixture\n");
	fixture_write(
		fixture, FILES,
		"/.*\t" LABEL(
			"default_t") "\n"
				     "/\t-d\t" LABEL(
					     "root_t") "\n"
						       "/etc(/.*)?\t" LABEL(
							       "etc_t") "\n"
									"/etc/shadow\t--\t" LABEL(
										"shadow_t") "\n"
											    "/usr/"
											    "bin/"
											    ".*\t--"
											    "\t" LABEL(
												    "bin_t") "\n"
													     "/mnt/.*\t<<none>>\n");
	fixture_write(fixture, FILES ".homedirs", "/home/.+\t" LABEL("home_t") "\n");
	fixture_write(fixture, FILES ".local", "/etc/mine\t" LABEL("local_t") "\n");
	fixture_write(fixture, FILES ".subs_dist", "/var/home /home\n");
	fixture_write(fixture, FILES ".subs", "/opt/bin /usr/bin\n");
}

static gboolean try_read(struct fixture *fixture, struct sw_sepolicy **policy, GError **error)
{
	g_autoptr(SwTree) tree = fixture_open(fixture);

	return sw_sepolicy_read(tree, policy, error);
}

static struct sw_sepolicy *read_policy(struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	struct sw_sepolicy *policy = NULL;

	g_assert_true(try_read(fixture, &policy, &error));
	g_assert_no_error(error);
	return policy;
}

static void assert_label(const struct sw_sepolicy *policy, const char *path, guint32 mode,
			 const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *label = NULL;

	g_assert_true(sw_sepolicy_label(policy, path, mode, &label, &error));
	g_assert_no_error(error);
	if (g_strcmp0(label, expected) != 0)
		g_error("%s: %s, expected %s", path, label, expected);
}

static void test_labels(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwSepolicy) policy = NULL;

	write_policy(fixture);
	policy = read_policy(fixture);
	g_assert_nonnull(policy);
	assert_label(policy, "/", S_IFDIR | 0755, LABEL("root_t"));
	assert_label(policy, "/usr/bin/sh", S_IFREG | 0755, LABEL("bin_t"));
	assert_label(policy, "/usr/bin/sh", S_IFLNK | 0777, LABEL("default_t"));
	assert_label(policy, "/etc/shadow", S_IFREG, LABEL("shadow_t"));
	assert_label(policy, "/usr/etc/shadow", S_IFREG, LABEL("default_t"));
	assert_label(policy, "/mnt/x", S_IFREG, NULL);
	assert_label(policy, "/home/me", S_IFDIR, LABEL("home_t"));
	assert_label(policy, "/var/home/me", S_IFDIR, LABEL("home_t"));
	assert_label(policy, "/opt/bin/x", S_IFREG, LABEL("bin_t"));
	assert_label(policy, "/etc/mine", S_IFREG, LABEL("local_t"));
}

/* What is compiled may be of another libselinux, or of nobody knows whom. */
static void test_texts_only(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwSepolicy) first = NULL;
	g_autoptr(SwSepolicy) second = NULL;
	g_autoptr(SwSepolicy) third = NULL;

	write_policy(fixture);
	first = read_policy(fixture);
	fixture_write(fixture, FILES ".bin", "not a compiled policy");
	second = read_policy(fixture);
	assert_label(second, "/etc/shadow", S_IFREG, LABEL("shadow_t"));
	g_assert_cmpstr(sw_sepolicy_digest(first), ==, sw_sepolicy_digest(second));
	fixture_write(fixture, FILES ".local", "/etc/mine\t" LABEL("other_t") "\n");
	third = read_policy(fixture);
	g_assert_cmpstr(sw_sepolicy_digest(first), !=, sw_sepolicy_digest(third));
}

static void assert_none(struct fixture *fixture)
{
	g_autoptr(SwSepolicy) policy = read_policy(fixture);

	g_assert_null(policy);
}

static void test_none(void)
{
	g_autoptr(Fixture) fixture = fixture_new();

	fixture_write(fixture, "usr/bin/x", "");
	assert_none(fixture);
	write_policy(fixture);
	fixture_write(fixture, "usr/etc/selinux/config", "SELINUX=disabled\nSELINUXTYPE=fixture\n");
	assert_none(fixture);
	fixture_write(fixture, "usr/etc/selinux/config", "SELINUXTYPE=fixture\n");
	assert_none(fixture);
}

static void assert_refused(struct fixture *fixture, const char *expected)
{
	g_autoptr(GError) error = NULL;
	struct sw_sepolicy *policy = NULL;

	g_assert_false(try_read(fixture, &policy, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "selinux");
	g_assert_nonnull(strstr(error->message, expected));
}

static void test_refused(void)
{
	static const char *const names[] = { "", "..", "a/b", "\xff" };
	g_autoptr(Fixture) fixture = fixture_new();

	fixture_write(fixture, "usr/etc/selinux/config", "SELINUX=enforcing\n");
	assert_refused(fixture, "/etc/selinux/targeted/contexts/files/file_contexts");
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *config =
			g_strdup_printf("SELINUX=enforcing\nSELINUXTYPE=%s\n", names[i]);

		fixture_write(fixture, "usr/etc/selinux/config", config);
		assert_refused(fixture, "SELINUXTYPE");
	}
	write_policy(fixture);
	fixture_write(fixture, FILES, "/etc(\t" LABEL("etc_t") "\n/x y z w\n");
	assert_refused(fixture, "cannot be used");
}

static GVariant *xattrs_of(const char *text)
{
	g_autoptr(GError) error = NULL;
	GVariant *value = g_variant_parse(G_VARIANT_TYPE("a(ayay)"), text, NULL, NULL, &error);

	g_assert_no_error(error);
	return value;
}

static void test_xattrs(void)
{
	static const struct {
		const char *before;
		const char *label;
		const char *after;
	} rows[] = {
		{ "[]", "a:b", "[(b'security.selinux', b'a:b')]" },
		{ "[]", NULL, "[]" },
		{ "[(b'security.selinux', b'old')]", NULL, "[]" },
		{ "[(b'security.selinux', b'old')]", "new", "[(b'security.selinux', b'new')]" },
		{ "[(b'security.capability', b'c'), (b'user.x', b'y')]", "l",
		  "[(b'security.capability', b'c'), (b'security.selinux', b'l'), (b'user.x', "
		  "b'y')]" },
		{ "[(b'security.capability', b'c')]", "l",
		  "[(b'security.capability', b'c'), (b'security.selinux', b'l')]" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GVariant) before = xattrs_of(rows[i].before);
		g_autoptr(GVariant) after = sw_sepolicy_set(before, rows[i].label);
		g_autoptr(GVariant) expected = xattrs_of(rows[i].after);

		g_assert_true(g_variant_equal(after, expected));
		g_assert_cmpstr(sw_sepolicy_get(after), ==, rows[i].label);
	}
	g_assert_null(sw_sepolicy_get(NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sepolicy/labels", test_labels);
	g_test_add_func("/sepolicy/texts-only", test_texts_only);
	g_test_add_func("/sepolicy/none", test_none);
	g_test_add_func("/sepolicy/refused", test_refused);
	g_test_add_func("/sepolicy/xattrs", test_xattrs);
	return g_test_run();
}
