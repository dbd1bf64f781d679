/* SPDX-License-Identifier: MIT */
#include "image/install-config.h"

#include "tree-fixture.h"

static void merge(struct sw_install_config *config, const char *text)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(
		sw_install_config_merge(config, text, strlen(text), "f.toml", "amd64", &error));
	g_assert_no_error(error);
}

static void assert_joined(GPtrArray *texts, const char *expected)
{
	GString *joined = g_string_new(NULL);

	for (guint i = 0; i < texts->len; i++)
		g_string_append_printf(joined, "%s%s", i > 0 ? "|" : "",
				       (const char *)g_ptr_array_index(texts, i));
	g_assert_cmpstr(joined->str, ==, expected);
	g_string_free(joined, TRUE);
}

static void test_empty(void)
{
	g_autoptr(SwInstallConfig) config = sw_install_config_new();

	merge(config, "");
	merge(config, "[install]\n");
	g_assert_null(sw_install_config_rootfs(config));
	g_assert_null(config->stateroot);
	g_assert_cmpuint(config->kargs->len, ==, 0);
	g_assert_cmpuint(config->warnings->len, ==, 0);
}

static void test_all_keys(void)
{
	g_autoptr(SwInstallConfig) config = sw_install_config_new();

	merge(config, "[install]\n"
		      "root-fs-type = \"xfs\"\n"
		      "block = [\"tpm2-luks\", \"direct\"]\n"
		      "kargs = [\"quiet\", \"console=ttyS0 x=\\\"a b\\\"\"]\n"
		      "karg-deletes = [\"rhgb\"]\n"
		      "match-architectures = [\"x86_64\"]\n"
		      "stateroot = \"fleet.1_a-b\"\n"
		      "root-mount-spec = \"\"\n"
		      "boot-mount-spec = \"LABEL=boot\"\n"
		      "bootloader = \"systemd\"\n"
		      "discoverable-partitions = true\n"
		      "enforce-container-sigpolicy = true\n"
		      "[install.filesystem.root]\n"
		      "type = \"btrfs\"\n"
		      "[install.ostree]\n"
		      "bls-append-except-default = \"grub_users=\\\"\\\"\"\n"
		      "[install.bootupd]\n"
		      "skip-boot-uuid = true\n");
	g_assert_cmpstr(sw_install_config_rootfs(config), ==, "btrfs");
	g_assert_cmpstr(config->root_fs_type, ==, "xfs");
	g_assert_cmpstr(config->block[0], ==, "tpm2-luks");
	g_assert_cmpstr(config->block[1], ==, "direct");
	assert_joined(config->kargs, "quiet|console=ttyS0|x=\"a b\"");
	assert_joined(config->karg_deletes, "rhgb");
	g_assert_cmpstr(config->stateroot, ==, "fleet.1_a-b");
	g_assert_cmpstr(config->root_mount_spec, ==, "");
	g_assert_cmpstr(config->boot_mount_spec, ==, "LABEL=boot");
	g_assert_cmpstr(config->bootloader, ==, "systemd");
	g_assert_true(config->discoverable_partitions);
	g_assert_true(config->enforce_container_sigpolicy);
	g_assert_true(config->skip_boot_uuid);
	g_assert_cmpstr(config->bls_append_except_default, ==, "grub_users=\"\"");
	g_assert_cmpuint(config->warnings->len, ==, 0);
}

/* Scalars: the later wins; kernel arguments add up; filesystem.root.type wins over root-fs-type. */
static void test_merge(void)
{
	g_autoptr(SwInstallConfig) config = sw_install_config_new();

	merge(config, "[install]\nroot-fs-type = \"xfs\"\nkargs = [\"a\"]\nblock = [\"direct\"]\n"
		      "discoverable-partitions = true");
	g_assert_cmpstr(sw_install_config_rootfs(config), ==, "xfs");
	merge(config, "[install]\nroot-fs-type = \"ext4\"\nkargs = [\"b\"]\nblock = []\n"
		      "discoverable-partitions = false");
	g_assert_cmpstr(sw_install_config_rootfs(config), ==, "ext4");
	g_assert_null(config->block[0]);
	g_assert_false(config->discoverable_partitions);
	merge(config, "[install.filesystem.root]\ntype = \"btrfs\"");
	merge(config, "[install]\nroot-fs-type = \"xfs\"");
	g_assert_cmpstr(sw_install_config_rootfs(config), ==, "btrfs");
	merge(config, "[install]\nmatch-architectures = [\"aarch64\"]\nkargs = [\"c\"]");
	assert_joined(config->kargs, "a|b");
}

static void assert_json(const struct sw_install_config *config, const char *expected)
{
	g_autoptr(JsonNode) node = sw_install_config_to_json(config);
	g_autoptr(JsonNode) other = json_from_string(expected, NULL);
	g_autofree char *text = json_to_string(node, FALSE);

	g_assert_nonnull(other);
	if (!json_node_equal(node, other))
		g_error("is: %s; should be: %s", text, expected);
}

/* As bootc's print-configuration --all: null for what no file gives, its defaults if there is one. */
static void test_json(void)
{
	g_autoptr(SwInstallConfig) config = sw_install_config_new();

	assert_json(config, "{\"block\":null,\"boot-mount-spec\":null,\"bootloader\":null,"
			    "\"bootupd\":null,\"discoverable-partitions\":null,"
			    "\"enforce-container-sigpolicy\":null,\"filesystem\":null,"
			    "\"match-architectures\":null,\"ostree\":null,\"root-fs-type\":null,"
			    "\"root-mount-spec\":null,\"stateroot\":null}");
	merge(config, "[install]\nmatch-architectures = [\"aarch64\"]\nkargs = [\"c\"]");
	merge(config, "[install]\nroot-fs-type = \"xfs\"\nkargs = [\"a b\"]\n"
		      "match-architectures = [\"x86_64\"]\nroot-mount-spec = \"\"\n"
		      "discoverable-partitions = false\n"
		      "[install.bootupd]\nskip-boot-uuid = true\n");
	merge(config, "[install]\nkargs = [\"c\"]\nmatch-architectures = [\"x86_64\", \"s390x\"]"
		      "\n[install.ostree]\nbls-append-except-default = \"x=1\"\n");
	assert_json(config,
		    "{\"block\":[\"direct\"],\"boot-mount-spec\":null,\"bootloader\":null,"
		    "\"bootupd\":{\"skip-boot-uuid\":true},\"discoverable-partitions\":false,"
		    "\"enforce-container-sigpolicy\":null,"
		    "\"filesystem\":{\"root\":{\"type\":\"xfs\"}},\"kargs\":[\"a b\",\"c\"],"
		    "\"match-architectures\":[\"x86_64\"],"
		    "\"ostree\":{\"bls-append-except-default\":\"x=1\"},"
		    "\"root-fs-type\":\"xfs\",\"root-mount-spec\":\"\",\"stateroot\":null}");
}

static void test_unknown(void)
{
	g_autoptr(SwInstallConfig) config = sw_install_config_new();

	merge(config, "top = 1\n[install]\nroot-fs-typo = \"xfs\"\n\"ostree.bls\" = 1\n"
		      "[install.ostree]\nother = 1\n[install.new.table]\na = 1\n[else]\nb = 1\n");
	assert_joined(config->warnings,
		      "f.toml: unknown key else|f.toml: unknown key top|"
		      "f.toml: unknown key install.new|f.toml: unknown key install.ostree.other|"
		      "f.toml: unknown key install.ostree.bls|"
		      "f.toml: unknown key install.root-fs-typo");
}

static void test_refused(void)
{
	static const char *const texts[] = {
		"not toml",
		"install = 1",
		"[[install]]",
		"[install]\nroot-fs-type = 1",
		"[install]\nroot-fs-type = \"ext3\"",
		"[install.filesystem.root]\ntype = \"XFS\"",
		"[install]\nfilesystem = \"xfs\"",
		"[install.filesystem]\nroot = \"xfs\"",
		"[install]\nkargs = \"quiet\"",
		"[install]\nkargs = [1]",
		"[install]\nkargs = [\"a=\\\"b\"]",
		"[install]\nkarg-deletes = [[\"a\"]]",
		"[install]\nmatch-architectures = \"x86_64\"",
		"[install]\nblock = [\"luks\"]",
		"[install]\nblock = [\"new\\nline\"]",
		"[install]\nblock = \"direct\"",
		"[install]\nbootloader = \"lilo\"",
		"[install]\ndiscoverable-partitions = 1",
		"[install.bootupd]\nskip-boot-uuid = \"yes\"",
		"[install]\nstateroot = \"\"",
		"[install]\nstateroot = \"..\"",
		"[install]\nstateroot = \"a/b\"",
		"[install]\nstateroot = \"-a\"",
		"[install]\nroot-mount-spec = \"a\\nb\"",
		"[install]\nroot-mount-spec = \"LABEL=a init=/bin/sh\"",
		"[install]\nboot-mount-spec = \"LABEL=\\\"a\"",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(SwInstallConfig) config = sw_install_config_new();
		g_autoptr(GError) error = NULL;

		if (sw_install_config_merge(config, texts[i], strlen(texts[i]), "f.toml", "amd64",
					    &error))
			g_error("taken: %s", texts[i]);
		g_assert_error(error, SW_ERROR, SW_ERROR_IMAGE);
		g_assert_cmpstr(sw_error_id(error), ==, "install-config");
		g_assert_true(g_str_has_prefix(error->message, "f.toml"));
		g_assert_null(strchr(error->message, '\n'));
	}
}

/* The directories in their order; a file of a later one replaces that of the same name. */
static void test_read(void)
{
	g_autoptr(Fixture) fixture = fixture_new();
	g_autoptr(SwInstallConfig) config = NULL;
	g_autoptr(SwTree) tree = NULL;
	g_autoptr(GError) error = NULL;

	fixture_write(fixture, "usr/lib/bootc/install/00-a.toml",
		      "[install]\nroot-fs-type = \"xfs\"\nkargs = [\"a\"]\n");
	fixture_write(fixture, "usr/lib/bootc/install/20-b.toml", "[install]\nkargs = [\"b\"]\n");
	fixture_write(fixture, "usr/lib/bootc/install/30-c.toml", "[install]\nkargs = [\"c\"]\n");
	fixture_write(fixture, "usr/lib/bootc/install/README", "not toml");
	fixture_link(fixture, "usr/local", "../var/usrlocal");
	fixture_write(fixture, "var/usrlocal/lib/bootc/install/10-l.toml",
		      "[install]\nkargs = [\"l\"]\n");
	fixture_write(fixture, "usr/etc/bootc/install/20-b.toml", "[install]\nkargs = [\"e\"]\n");
	fixture_link(fixture, "usr/etc/bootc/install/30-c.toml", "/dev/null");
	tree = fixture_open(fixture);
	g_assert_true(sw_install_config_read(tree, "amd64", &config, &error));
	g_assert_no_error(error);
	assert_joined(config->kargs, "a|l|e");
	g_assert_cmpstr(sw_install_config_rootfs(config), ==, "xfs");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/install-config/empty", test_empty);
	g_test_add_func("/install-config/all-keys", test_all_keys);
	g_test_add_func("/install-config/merge", test_merge);
	g_test_add_func("/install-config/json", test_json);
	g_test_add_func("/install-config/unknown", test_unknown);
	g_test_add_func("/install-config/refused", test_refused);
	g_test_add_func("/install-config/read", test_read);
	return g_test_run();
}
