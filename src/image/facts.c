/* SPDX-License-Identifier: MIT */
#include "image/facts.h"

#include <string.h>

#include "core/size.h"
#include "image/bound-images.h"
#include "image/kargs-d.h"
#include "image/os-release.h"
#include "image/prepare-root.h"
#include "image/requirements.h"
#include "image/tree-size.h"
#include "source/policy.h"

#define POLICY_LIMIT ((size_t)1024 * 1024)
#define OS_RELEASE_LIMIT ((size_t)64 * 1024)

#define COMPOSEFS_KARG "ostree.prepare-root.composefs="

const char *const sw_composefs_names[] = { "no", "maybe", "yes", "verity", "signed" };
const char *const sw_bootloader_names[] = { "none", "bootupd", "grub", "systemd-boot" };

/* What is found on the way and only the requirements need. */
struct findings {
	char **kernels;		  /* directories below usr/lib/modules with a regular vmlinuz */
	const char *prepare_root; /* path; NULL: none */
};

static void findings_clear(struct findings *findings)
{
	g_strfreev(findings->kernels);
}
typedef struct findings Findings;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Findings, findings_clear)

/* The path of the first of NAMES that is a regular file in DIRECTORY; NULL: none. */
static gboolean find_regular(const struct sw_tree *tree, const char *directory,
			     const char *const *names, char **ret_path, guint64 *ret_size,
			     GError **error)
{
	for (; *names != NULL; names++) {
		g_autofree char *path = g_build_filename(directory, *names, NULL);
		struct sw_node node;

		if (!sw_tree_find(tree, path, FALSE, &node, error))
			return FALSE;
		if (node.kind == SW_NODE_FILE) {
			*ret_path = g_steal_pointer(&path);
			*ret_size = node.size;
			return TRUE;
		}
	}
	*ret_path = NULL;
	*ret_size = 0;
	return TRUE;
}

static gboolean find_kernels(const struct sw_tree *tree, char ***ret_kernels, GError **error)
{
	static const char *const names[] = { "vmlinuz", NULL };
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_auto(GStrv) versions = NULL;

	if (!sw_tree_list(tree, "/usr/lib/modules", &versions, error))
		return FALSE;
	for (char **version = versions; *version != NULL; version++) {
		g_autofree char *directory = g_build_filename("/usr/lib/modules", *version, NULL);
		g_autofree char *path = NULL;
		guint64 size;

		if (!find_regular(tree, directory, names, &path, &size, error))
			return FALSE;
		if (path != NULL)
			g_strv_builder_add(builder, *version);
	}
	*ret_kernels = g_strv_builder_end(builder);
	return TRUE;
}

static gboolean read_kernel(struct sw_facts *facts, const struct sw_tree *tree,
			    struct findings *findings, GCancellable *cancellable, GError **error)
{
	static const char *const kernels[] = { "vmlinuz", NULL };
	static const char *const initramfses[] = { "initramfs.img", "initramfs", NULL };
	static const char *const device_tree[] = { "devicetree", NULL };
	static const char *const hmac[] = { ".vmlinuz.hmac", NULL };
	struct sw_tree_size device_trees;
	g_autofree char *directory = NULL;
	g_autofree char *dtb = NULL;
	g_autofree char *single = NULL;
	g_autofree char *sums = NULL;
	guint64 tree_bytes;
	guint64 hmac_bytes;
	guint64 kernel_bytes;
	guint64 initramfs_bytes;

	if (!find_kernels(tree, &findings->kernels, error))
		return FALSE;
	if (g_strv_length(findings->kernels) != 1 || !sw_kernel_version_valid(findings->kernels[0]))
		return TRUE;
	directory = g_build_filename("/usr/lib/modules", findings->kernels[0], NULL);
	dtb = g_build_filename(directory, "dtb", NULL);
	if (!find_regular(tree, directory, kernels, &facts->kernel, &kernel_bytes, error) ||
	    !find_regular(tree, directory, initramfses, &facts->initramfs, &initramfs_bytes,
			  error) ||
	    !find_regular(tree, directory, device_tree, &single, &tree_bytes, error) ||
	    !find_regular(tree, directory, hmac, &sums, &hmac_bytes, error) ||
	    !sw_tree_measure(tree, dtb, &device_trees, cancellable, error))
		return FALSE;
	facts->kernel_version = g_strdup(findings->kernels[0]);
	facts->boot_bytes = kernel_bytes + initramfs_bytes + hmac_bytes +
			    (single != NULL ? tree_bytes : device_trees.copy_bytes);
	return TRUE;
}

static gboolean read_os_release(struct sw_facts *facts, const struct sw_tree *tree, GError **error)
{
	static const char *const paths[] = { "/etc/os-release", "/usr/lib/os-release" };

	for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autoptr(GHashTable) table = NULL;
		g_autofree char *text = NULL;
		const char *name;
		size_t length;

		if (!sw_tree_read(tree, paths[i], OS_RELEASE_LIMIT, &text, &length, error))
			return FALSE;
		if (text == NULL)
			continue;
		table = sw_os_release_parse(text, length);
		facts->os_id = g_strdup(g_hash_table_lookup(table, "ID"));
		facts->os_version_id = g_strdup(g_hash_table_lookup(table, "VERSION_ID"));
		name = g_hash_table_lookup(table, "PRETTY_NAME");
		facts->os_name = g_strdup(name != NULL ? name : facts->os_id);
		return TRUE;
	}
	return TRUE;
}

static char **dup_strings(GPtrArray *strings)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

	for (guint i = 0; i < strings->len; i++)
		g_strv_builder_add(builder, g_ptr_array_index(strings, i));
	return g_strv_builder_end(builder);
}

static gboolean read_configuration(struct sw_facts *facts, const struct sw_tree *tree,
				   const char *architecture, GError **error)
{
	const struct sw_install_config *install;

	if (!sw_install_config_read(tree, architecture, &facts->install, error) ||
	    !sw_kargs_d_read(tree, architecture, &facts->image_kargs, error))
		return FALSE;
	install = facts->install;
	facts->rootfs = g_strdup(sw_install_config_rootfs(install));
	facts->stateroot = g_strdup(install->stateroot != NULL ? install->stateroot : "default");
	facts->install_kargs = dup_strings(install->kargs);
	facts->install_karg_deletes = dup_strings(install->karg_deletes);
	return TRUE;
}

/*
 * The kernel command line overrides prepare-root.conf at boot (contract 5.1); the last one counts.
 */
static gboolean apply_composefs_kargs(struct sw_facts *facts, char *const *kargs, GError **error)
{
	for (; *kargs != NULL; kargs++)
		if (g_str_has_prefix(*kargs, COMPOSEFS_KARG) &&
		    !sw_composefs_override(*kargs + strlen(COMPOSEFS_KARG), &facts->composefs))
			return sw_fail(error, SW_ERROR_IMAGE, "composefs",
				       "the kernel argument %s would stop the boot: ostree takes "
				       "yes, no, maybe or signed there",
				       *kargs);
	return TRUE;
}

gboolean sw_facts_apply_kargs(struct sw_facts *facts, char *const *kargs, const char *rootfs,
			      GError **error)
{
	return apply_composefs_kargs(facts, kargs, error) &&
	       sw_requirements_override(facts, rootfs, error);
}

/* Are all of PATHS (NULL at the end) there, as files or directories? */
static gboolean has_all(const struct sw_tree *tree, const char *const *paths, gboolean *ret_has,
			GError **error)
{
	*ret_has = paths[0] != NULL;
	for (; *paths != NULL && *ret_has; paths++) {
		struct sw_node node;

		if (!sw_tree_find(tree, *paths, TRUE, &node, error))
			return FALSE;
		*ret_has = node.kind == SW_NODE_FILE || node.kind == SW_NODE_DIRECTORY;
	}
	return TRUE;
}

/* What tells that an image of an architecture brings a bootloader. */
struct evidence {
	const char *architecture; /* NULL: of any */
	enum sw_bootloader kind;
	const char *install; /* the install configuration's word for it */
	const char *paths[3];
};

/* In the order of bootc's own choice (contract 2.11), Debian's GRUB behind bootupd. */
static const struct evidence evidences[] = {
	{ NULL,
	  SW_BOOTLOADER_BOOTUPD,
	  "grub",
	  { "/usr/bin/bootupctl", "/usr/lib/bootupd/updates", NULL } },
	{ "amd64",
	  SW_BOOTLOADER_GRUB_DEBIAN,
	  "grub",
	  { "/usr/lib/shim/shimx64.efi.signed",
	    "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", NULL } },
	{ "arm64",
	  SW_BOOTLOADER_GRUB_DEBIAN,
	  "grub",
	  { "/usr/lib/shim/shimaa64.efi.signed",
	    "/usr/lib/grub/arm64-efi-signed/grubaa64.efi.signed", NULL } },
	{ "amd64",
	  SW_BOOTLOADER_SYSTEMD,
	  "systemd",
	  { "/usr/lib/systemd/boot/efi/systemd-bootx64.efi", NULL, NULL } },
	{ "arm64",
	  SW_BOOTLOADER_SYSTEMD,
	  "systemd",
	  { "/usr/lib/systemd/boot/efi/systemd-bootaa64.efi", NULL, NULL } },
};

static gboolean read_bootloader(struct sw_facts *facts, const struct sw_tree *tree,
				const char *architecture, GError **error)
{
	const char *wanted = facts->install->bootloader;

	for (gsize i = 0; i < G_N_ELEMENTS(evidences); i++) {
		const struct evidence *evidence = &evidences[i];
		gboolean has;

		if ((evidence->architecture != NULL &&
		     !g_str_equal(evidence->architecture, architecture)) ||
		    (wanted != NULL && !g_str_equal(wanted, evidence->install)))
			continue;
		if (!has_all(tree, evidence->paths, &has, error))
			return FALSE;
		if (has) {
			facts->bootloader = evidence->kind;
			return TRUE;
		}
	}
	facts->bootloader = SW_BOOTLOADER_NONE;
	return TRUE;
}

static gboolean read_bios_grub(struct sw_facts *facts, const struct sw_tree *tree, GError **error)
{
	g_auto(GStrv) names = NULL;
	gboolean has_modules = FALSE;
	gboolean in_sbin;
	gboolean in_bin;

	if (!sw_tree_list(tree, "/usr/lib/grub/i386-pc", &names, error) ||
	    !sw_tree_has(tree, "/usr/sbin/grub-install", SW_NODE_FILE, &in_sbin, error) ||
	    !sw_tree_has(tree, "/usr/bin/grub-install", SW_NODE_FILE, &in_bin, error))
		return FALSE;
	for (char **name = names; *name != NULL && !has_modules; name++)
		has_modules = g_str_has_suffix(*name, ".mod");
	facts->has_bios_grub = has_modules && (in_sbin || in_bin);
	return TRUE;
}

/* Where root's home lies; a link that is no plain path is left to be followed on the machine. */
static gboolean read_root_home(struct sw_facts *facts, const struct sw_tree *tree, GError **error)
{
	static const char fit[] = G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-/";
	g_autofree char *target = NULL;
	g_autofree char *padded = NULL;
	const char *path;

	if (!sw_tree_read_link(tree, "/root", &target, error))
		return FALSE;
	path = target != NULL ? target : "root";
	path += strspn(path, "/");
	padded = g_strdup_printf("/%s/", path);
	if (path[0] == '\0' || path[strspn(path, fit)] != '\0' || strstr(padded, "/../") != NULL)
		path = "root";
	facts->root_home = g_strdup(path);
	return TRUE;
}

/* A machine that is to verify signatures updates only where its policy demands them. */
static gboolean read_policy(struct sw_facts *facts, const struct sw_tree *tree, GError **error)
{
	g_autofree char *text = NULL;
	size_t length;

	if (!sw_tree_read(tree, "/etc/containers/policy.json", POLICY_LIMIT, &text, &length, error))
		return FALSE;
	facts->has_policy = text != NULL && !sw_policy_accepts_anything(text, length);
	return TRUE;
}

/* What only counts by being there. */
static gboolean read_presence(struct sw_facts *facts, const struct sw_tree *tree, GError **error)
{
	const struct {
		const char *path;
		gboolean *has;
	} files[] = {
		{ "/etc/selinux/config", &facts->has_selinux },
		{ "/usr/bin/ostree", &facts->has_ostree },
		{ "/usr/bin/podman", &facts->has_podman },
		{ "/usr/bin/skopeo", &facts->has_skopeo },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
		if (!sw_tree_has(tree, files[i].path, SW_NODE_FILE, files[i].has, error))
			return FALSE;
	return sw_bound_images_read(tree, &facts->bound_images, error) &&
	       read_policy(facts, tree, error);
}

static gboolean read_composefs(struct sw_facts *facts, const struct sw_tree *tree,
			       const char **ret_path, GError **error)
{
	return sw_prepare_root_read(tree, &facts->composefs, ret_path, error) &&
	       apply_composefs_kargs(facts, facts->install_kargs, error) &&
	       apply_composefs_kargs(facts, facts->image_kargs, error);
}

static gboolean read_sizes(struct sw_facts *facts, const struct sw_tree *tree,
			   GCancellable *cancellable, GError **error)
{
	struct sw_tree_size etc;
	struct sw_tree_size var;
	struct sw_tree_size size;

	if (!sw_tree_measure(tree, "/etc", &etc, cancellable, error) ||
	    !sw_tree_measure(tree, "/var", &var, cancellable, error) ||
	    !sw_tree_measure(tree, "/", &size, cancellable, error))
		return FALSE;
	facts->content_bytes = size.bytes;
	facts->content_files = size.entries;
	facts->etc_bytes = etc.copy_bytes;
	facts->var_bytes = var.copy_bytes;
	return TRUE;
}

gboolean sw_facts_read(OstreeRepo *repo, const char *commit, const struct sw_oci_image *oci,
		       const char *rootfs, struct sw_facts **ret_facts, GCancellable *cancellable,
		       GError **error)
{
	g_autoptr(SwFacts) facts = g_new0(struct sw_facts, 1);
	g_auto(Findings) findings = { 0 };
	g_autoptr(SwTree) tree = NULL;
	struct sw_requirement_input input;

	if (!sw_tree_open(repo, commit, &tree, cancellable, error) ||
	    !read_configuration(facts, tree, oci->architecture, error) ||
	    !read_kernel(facts, tree, &findings, cancellable, error) ||
	    !read_os_release(facts, tree, error) ||
	    !read_composefs(facts, tree, &findings.prepare_root, error) ||
	    !read_bootloader(facts, tree, oci->architecture, error) ||
	    !read_bios_grub(facts, tree, error) || !read_root_home(facts, tree, error) ||
	    !read_presence(facts, tree, error) || !read_sizes(facts, tree, cancellable, error))
		return FALSE;
	input = (struct sw_requirement_input){
		.tree = tree,
		.oci = oci,
		.facts = facts,
		.rootfs = rootfs,
		.kernels = (const char *const *)findings.kernels,
		.prepare_root = findings.prepare_root,
	};
	if (!sw_requirements_judge(&input, &facts->requirements, error))
		return FALSE;
	*ret_facts = g_steal_pointer(&facts);
	return TRUE;
}

void sw_facts_free(struct sw_facts *facts)
{
	if (facts == NULL)
		return;
	g_free(facts->kernel_version);
	g_free(facts->kernel);
	g_free(facts->initramfs);
	g_free(facts->os_id);
	g_free(facts->os_version_id);
	g_free(facts->os_name);
	sw_install_config_free(facts->install);
	g_free(facts->rootfs);
	g_free(facts->stateroot);
	g_strfreev(facts->install_kargs);
	g_strfreev(facts->install_karg_deletes);
	g_strfreev(facts->image_kargs);
	g_free(facts->root_home);
	g_strfreev(facts->bound_images);
	g_clear_pointer(&facts->requirements, g_ptr_array_unref);
	g_free(facts);
}

gboolean sw_facts_check(const struct sw_facts *facts, GError **error)
{
	const struct sw_requirement *first = NULL;
	g_autofree char *others = NULL;
	guint unmet = 0;

	for (guint i = 0; i < facts->requirements->len; i++) {
		const struct sw_requirement *row = g_ptr_array_index(facts->requirements, i);

		if (row->state != SW_UNMET)
			continue;
		if (first == NULL)
			first = row;
		unmet++;
	}
	if (first == NULL)
		return TRUE;
	others = unmet > 1 ? g_strdup_printf(" (and %u more: see slipway inspect)", unmet - 1)
			   : g_strdup("");
	return sw_fail(error, SW_ERROR_IMAGE, first->id, "the image lacks %s: %s; %s%s",
		       first->what, first->detail, first->remedy, others);
}
