/* SPDX-License-Identifier: MIT */
#include "disk/labels.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/error.h"

#define DEPLOYMENT "ostree/deploy/edge/deploy/0123.0"

static const char contexts[] = "/.*\tdefault_t\n"
			       "/\t-d\troot_t\n"
			       "/boot(/.*)?\tboot_t\n"
			       "/etc(/.*)?\tetc_t\n"
			       "/etc/ostree/remotes\\.d/.*\tsystem_conf_t\n"
			       "/etc/shadow\t--\tshadow_t\n"
			       "/usr(/.*)?\tusr_t\n"
			       "/usr/etc/shadow\t--\tother_t\n"
			       "/var(/.*)?\tvar_t\n"
			       "/var/lib/containers/storage/.*\tcontainer_t\n"
			       "/var/link\t-l\tlink_t\n"
			       "/lost\\+found\t-d\tlost_found_t\n";

struct bed {
	char *path;
	struct sw_sepolicy *policy;
	struct sw_labels labels;
};

static void set_up(struct bed *bed, G_GNUC_UNUSED const void *data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *directory = g_dir_make_tmp("slipway-test-XXXXXX", &error);

	g_assert_no_error(error);
	bed->path = g_build_filename(directory, "file_contexts", NULL);
	g_assert_true(g_file_set_contents(bed->path, contexts, -1, NULL));
	g_assert_true(sw_sepolicy_open(bed->path, "test", &bed->policy, &error));
	g_assert_no_error(error);
	bed->labels = (struct sw_labels){ bed->policy, "edge", DEPLOYMENT };
}

static void tear_down(struct bed *bed, G_GNUC_UNUSED const void *data)
{
	g_autofree char *directory = g_path_get_dirname(bed->path);

	sw_sepolicy_free(bed->policy);
	g_unlink(bed->path);
	g_rmdir(directory);
	g_free(bed->path);
}

/* What a path of the disk wears when the commit gave it CURRENT. */
static void test_rules(struct bed *bed, G_GNUC_UNUSED const void *data)
{
	static const struct {
		const char *path;
		guint32 mode;
		const char *current;
		const char *expected;
	} rows[] = {
		{ "", S_IFDIR, NULL, "root_t" },
		{ "boot", S_IFDIR, NULL, "boot_t" },
		{ "boot/ostree/edge-1/vmlinuz-6", S_IFREG, "modules_t", "boot_t" },
		{ "lost+found", S_IFDIR, NULL, "lost_found_t" },
		{ ".bootc-aleph.json", S_IFREG, NULL, "default_t" },
		{ "ostree", S_IFDIR, NULL, "usr_t" },
		{ "ostree/repo", S_IFDIR, NULL, "default_t" },
		{ "ostree/repo/objects/ab/cd.file", S_IFREG, "bin_t", "bin_t" },
		{ "ostree/repo/objects/ab/cd.file", S_IFREG, NULL, NULL },
		{ "ostree/repo/objects/ab/cd.dirtree", S_IFREG, NULL, "default_t" },
		{ "ostree/bootc", S_IFDIR, NULL, "default_t" },
		{ "ostree/bootc/storage/overlay", S_IFDIR, NULL, "container_t" },
		{ "ostree/deploy/edge", S_IFDIR, NULL, "default_t" },
		{ "ostree/deploy/edge/var", S_IFDIR, NULL, "var_t" },
		{ "ostree/deploy/edge/var/link", S_IFLNK, NULL, "link_t" },
		{ "ostree/deploy/edge/var/link", S_IFREG, "old_t", "var_t" },
		{ "ostree/deploy/edge/variant", S_IFDIR, NULL, "default_t" },
		{ "ostree/deploy/other/var", S_IFDIR, NULL, "default_t" },
		{ DEPLOYMENT, S_IFDIR, "commit_t", "commit_t" },
		{ DEPLOYMENT, S_IFDIR, NULL, "root_t" },
		{ DEPLOYMENT "/usr", S_IFDIR, "commit_t", "commit_t" },
		{ DEPLOYMENT "/usr/etc/shadow", S_IFREG, "commit_t", "commit_t" },
		{ DEPLOYMENT "/etc", S_IFDIR, "usr_t", "etc_t" },
		{ DEPLOYMENT "/etc/shadow", S_IFREG, "other_t", "shadow_t" },
		{ DEPLOYMENT "/etcetera", S_IFDIR, "commit_t", "commit_t" },
		{ DEPLOYMENT "/.ostree.cfs", S_IFREG, NULL, "usr_t" },
		{ DEPLOYMENT ".origin", S_IFREG, NULL, "system_conf_t" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *label = NULL;

		g_assert_true(sw_labels_find(&bed->labels, rows[i].path, rows[i].mode,
					     rows[i].current, &label, &error));
		g_assert_no_error(error);
		if (g_strcmp0(label, rows[i].expected) != 0)
			g_error("'%s': %s, not %s", rows[i].path, label, rows[i].expected);
	}
}

/* A sink that writes down what it is given. */
struct notes {
	struct sw_sink sink;
	GString *text;
};

static gboolean note(struct sw_sink *sink, const struct sw_sink_node *node,
		     G_GNUC_UNUSED GError **error)
{
	struct notes *notes = (struct notes *)sink;
	const char *label = sw_sepolicy_get(node->xattrs);
	gsize count = node->xattrs == NULL ? 0 : g_variant_n_children(node->xattrs);

	g_string_append_printf(notes->text, "%s:%s:%u;", node->path, label != NULL ? label : "-",
			       (guint)count);
	return TRUE;
}

static void test_sink(struct bed *bed, G_GNUC_UNUSED const void *data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	struct notes notes = { { note }, text };
	g_autoptr(SwLabeller) root = sw_labeller_new(&bed->labels, "", &notes.sink);
	g_autoptr(SwLabeller) boot = sw_labeller_new(&bed->labels, "boot", &notes.sink);
	g_autoptr(GVariant) xattrs = g_variant_ref_sink(
		g_variant_new_parsed("[(b'security.selinux', b'other_t'), (b'user.x', b'y')]"));
	struct sw_sink_node nodes[] = {
		{ .path = "", .type = SW_SINK_DIRECTORY },
		{ .path = DEPLOYMENT "/etc/shadow", .type = SW_SINK_FILE, .xattrs = xattrs },
		{ .path = DEPLOYMENT "/usr/x", .type = SW_SINK_HARDLINK, .target = "x" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(nodes); i++)
		g_assert_true(sw_sink_add(sw_labeller_sink(root), &nodes[i], NULL, &error));
	nodes[1].path = "efi";
	for (guint i = 0; i < 2; i++)
		g_assert_true(sw_sink_add(sw_labeller_sink(boot), &nodes[i], NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(text->str, ==,
			":root_t:1;" DEPLOYMENT "/etc/shadow:shadow_t:2;" DEPLOYMENT "/usr/x:-:0;"
			":boot_t:1;efi:boot_t:2;");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/labels/rules", struct bed, NULL, set_up, test_rules, tear_down);
	g_test_add("/labels/sink", struct bed, NULL, set_up, test_sink, tear_down);
	return g_test_run();
}
