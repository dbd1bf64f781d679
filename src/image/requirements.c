/* SPDX-License-Identifier: MIT */
#include "image/requirements.h"

#include <string.h>

#include "core/text.h"
#include "image/bootupd.h"
#include "image/fragment.h"

/* Names shown in one detail. */
#define MAX_NAMES 5

static void set_row(struct sw_requirement *row, enum sw_requirement_state state, const char *remedy,
		    char *detail)
{
	row->state = state;
	row->detail = detail;
	row->remedy = g_strdup(remedy);
}

G_GNUC_PRINTF(2, 3)
static gboolean met(struct sw_requirement *row, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_row(row, SW_MET, NULL, g_strdup_vprintf(format, args));
	va_end(args);
	return TRUE;
}

G_GNUC_PRINTF(3, 4)
static gboolean unmet(struct sw_requirement *row, const char *remedy, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_row(row, SW_UNMET, remedy, g_strdup_vprintf(format, args));
	va_end(args);
	return TRUE;
}

G_GNUC_PRINTF(3, 4)
static gboolean warn(struct sw_requirement *row, const char *remedy, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_row(row, SW_WARNING, remedy, g_strdup_vprintf(format, args));
	va_end(args);
	return TRUE;
}

/* "a, b, c and 4 more" of NAMES, fit for one line. */
static char *join_names(const char *const *names)
{
	guint count = g_strv_length((char **)names);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < count && i < MAX_NAMES; i++) {
		g_autofree char *line = sw_text_line(names[i]);

		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", line);
	}
	if (count > MAX_NAMES)
		g_string_append_printf(text, " and %u more", count - MAX_NAMES);
	return g_string_free(text, FALSE);
}

gboolean sw_kernel_version_valid(const char *version)
{
	return g_ascii_isalnum(version[0]) && strlen(version) < 128 &&
	       version[strspn(version, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._+~:-")] == '\0';
}

static gboolean judge_manifest(const struct sw_requirement_input *input, struct sw_requirement *row,
			       G_GNUC_UNUSED GError **error)
{
	return met(row, "%u layers", input->oci->layers->len);
}

static gboolean judge_architecture(const struct sw_requirement_input *input,
				   struct sw_requirement *row, G_GNUC_UNUSED GError **error)
{
	if (sw_fragment_architecture(input->oci->architecture) == NULL)
		return unmet(row, "use an image for amd64, arm64, ppc64le, s390x or riscv64", "%s",
			     input->oci->architecture);
	return met(row, "%s", input->oci->architecture);
}

static gboolean judge_label(const struct sw_requirement_input *input, struct sw_requirement *row,
			    G_GNUC_UNUSED GError **error)
{
	const char *bootc = g_hash_table_lookup(input->oci->labels, "containers.bootc");

	if (g_strcmp0(bootc, "1") == 0)
		return met(row, "containers.bootc=1");
	if (bootc != NULL || g_hash_table_contains(input->oci->labels, "ostree.bootable"))
		return warn(row,
			    "label the image containers.bootc=1, or the machine's updates warn",
			    "%s", bootc != NULL ? "containers.bootc is not 1" : "ostree.bootable");
	return unmet(row,
		     "this is no bootc image: build it from one, or label it containers.bootc=1",
		     "neither containers.bootc nor ostree.bootable");
}

static gboolean judge_final_diffid(const struct sw_requirement_input *input,
				   struct sw_requirement *row, G_GNUC_UNUSED GError **error)
{
	const char *diff_id = g_hash_table_lookup(input->oci->labels, "ostree.final-diffid");

	if (diff_id == NULL)
		return met(row, "no such label");
	for (guint i = 0; i < input->oci->layers->len; i++) {
		const struct sw_oci_layer *layer = g_ptr_array_index(input->oci->layers, i);

		if (g_str_equal(layer->diff_id, diff_id))
			return met(row, "layer %u", i + 1);
	}
	return unmet(row, "squashing loses ostree's layers: rebuild the image without --squash-all",
		     "the label names no layer of the image");
}

static gboolean judge_prepare_root(const struct sw_requirement_input *input,
				   struct sw_requirement *row, G_GNUC_UNUSED GError **error)
{
	if (input->prepare_root == NULL)
		return unmet(row,
			     "add /usr/lib/ostree/prepare-root.conf to the image (and to its "
			     "initramfs)",
			     "none");
	return met(row, "%s", input->prepare_root);
}

/* slipway writes fs-verity's hashes itself, into ext4 only. */
static gboolean judge_verity(const struct sw_requirement_input *input, struct sw_requirement *row)
{
	const char *rootfs = input->rootfs != NULL ? input->rootfs : input->facts->rootfs;

	if (input->facts->composefs == SW_COMPOSEFS_SIGNED)
		return unmet(row,
			     "set [composefs] enabled = verity, or yes, in prepare-root.conf: "
			     "a signature holds for the ostree commit that was signed, and the "
			     "machine runs the commit that comes of the container image",
			     "signed: not with a container image");
	if (g_strcmp0(rootfs, "ext4") != 0)
		return unmet(row,
			     "choose --rootfs ext4, or set [composefs] enabled = yes in "
			     "prepare-root.conf: slipway sets up fs-verity only on ext4",
			     "verity: needs fs-verity on the root filesystem (%s)",
			     rootfs != NULL ? rootfs : "none given");
	return met(row, "verity");
}

static gboolean judge_composefs(const struct sw_requirement_input *input,
				struct sw_requirement *row, G_GNUC_UNUSED GError **error)
{
	static const char no_program[] = "install the program ostree into the image";
	const struct sw_facts *facts = input->facts;
	const char *name = sw_composefs_names[facts->composefs];

	if (facts->composefs == SW_COMPOSEFS_MAYBE && !facts->has_ostree)
		return warn(row, no_program, "%s: without /usr/bin/ostree the machine runs without",
			    name);
	if (facts->composefs != SW_COMPOSEFS_NO && !facts->has_ostree)
		return unmet(row, no_program, "%s: there is no /usr/bin/ostree to make it with",
			     name);
	if (facts->composefs >= SW_COMPOSEFS_VERITY)
		return judge_verity(input, row);
	return met(row, "%s", name);
}

/* Is the kernel of the image only inside unified kernel images? */
static gboolean find_uki(const struct sw_tree *tree, char **ret_path, GError **error)
{
	g_auto(GStrv) modules = NULL;
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_auto(GStrv) directories = NULL;

	if (!sw_tree_list(tree, "/usr/lib/modules", &modules, error))
		return FALSE;
	g_strv_builder_add(builder, "/boot/EFI/Linux");
	for (char **name = modules; *name != NULL; name++) {
		g_autofree char *path = g_build_filename("/usr/lib/modules", *name, NULL);

		g_strv_builder_add(builder, path);
	}
	directories = g_strv_builder_end(builder);
	for (char **directory = directories; *directory != NULL; directory++) {
		g_auto(GStrv) names = NULL;

		if (!sw_tree_list(tree, *directory, &names, error))
			return FALSE;
		for (char **name = names; *name != NULL; name++) {
			if (g_str_has_suffix(*name, ".efi")) {
				g_autofree char *path = g_build_filename(*directory, *name, NULL);

				*ret_path = sw_text_line(path);
				return TRUE;
			}
		}
	}
	*ret_path = NULL;
	return TRUE;
}

static gboolean judge_kernel(const struct sw_requirement_input *input, struct sw_requirement *row,
			     GError **error)
{
	guint count = g_strv_length((char **)input->kernels);
	g_autofree char *names = join_names(input->kernels);
	g_autofree char *uki = NULL;

	if (count == 0) {
		if (!find_uki(input->tree, &uki, error))
			return FALSE;
		if (uki != NULL)
			return unmet(row,
				     "use an image with /usr/lib/modules/VERSION/vmlinuz: unified "
				     "kernels need bootc's composefs backend, which slipway lacks",
				     "only a unified kernel image: %s", uki);
		return unmet(row, "install a kernel as /usr/lib/modules/VERSION/vmlinuz",
			     "no regular file /usr/lib/modules/VERSION/vmlinuz");
	}
	if (count > 1)
		return unmet(row, "remove all kernels but one from /usr/lib/modules", "%u: %s",
			     count, names);
	if (!sw_kernel_version_valid(input->kernels[0]))
		return unmet(row, "name it with letters, digits and \"._+~:-\"",
			     "unfit name of a directory: %s", names);
	if (input->facts->initramfs == NULL)
		return unmet(row,
			     "make one beside the kernel: dracut --no-hostonly --add ostree --kver "
			     "VERSION /usr/lib/modules/VERSION/initramfs.img",
			     "%s has no initramfs.img", names);
	return met(row, "%s", names);
}

/* The directories of contract 5.2; of /tmp, older images make a link. */
static gboolean judge_root_layout(const struct sw_requirement_input *input,
				  struct sw_requirement *row, GError **error)
{
	static const char *const directories[] = { "/sysroot", "/boot", "/dev", "/proc", "/sys",
						   "/run",     "/tmp",	"/var", "/usr" };
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_auto(GStrv) missing = NULL;
	g_autofree char *target = NULL;
	g_autofree char *joined = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(directories); i++) {
		struct sw_node node;

		if (!sw_tree_find(input->tree, directories[i], FALSE, &node, error))
			return FALSE;
		if (node.kind != SW_NODE_DIRECTORY &&
		    !(node.kind == SW_NODE_LINK && g_str_equal(directories[i], "/tmp")))
			g_strv_builder_add(builder, directories[i]);
	}
	if (!sw_tree_read_link(input->tree, "/ostree", &target, error))
		return FALSE;
	if (g_strcmp0(target, "sysroot/ostree") != 0)
		g_strv_builder_add(builder, "/ostree -> sysroot/ostree");
	missing = g_strv_builder_end(builder);
	if (missing[0] == NULL)
		return met(row, "all there");
	joined = g_strjoinv(", ", missing);
	return unmet(row, "create them in the image", "missing: %s", joined);
}

static gboolean judge_etc(const struct sw_requirement_input *input, struct sw_requirement *row,
			  G_GNUC_UNUSED GError **error)
{
	if (sw_tree_has_two_etcs(input->tree))
		return unmet(row, "move all files into /etc", "both /etc and /usr/etc hold files");
	if (!sw_tree_has_usr_etc(input->tree))
		return unmet(row, "use an image with a filled /etc", "there is none");
	return met(row, "/etc");
}

static gboolean judge_os_release(const struct sw_requirement_input *input,
				 struct sw_requirement *row, G_GNUC_UNUSED GError **error)
{
	if (input->facts->os_name == NULL)
		return unmet(row, "add PRETTY_NAME or ID to /usr/lib/os-release", "neither");
	return met(row, "%s", input->facts->os_name);
}

static gboolean judge_bootupd(const struct sw_requirement_input *input, struct sw_requirement *row,
			      GError **error)
{
	g_autofree char *missing = NULL;
	const char *boots;

	if (!sw_bootupd_read(input->tree, input->oci->architecture, &boots, &missing, error))
		return FALSE;
	if (missing != NULL)
		return unmet(row,
			     "complete the image's bootupd (bootupctl backend "
			     "generate-update-metadata makes the metadata)",
			     "bootupd without %s", missing);
	if (g_str_equal(boots, "BIOS") && !g_str_equal(input->oci->architecture, "ppc64le"))
		return warn(row,
			    "for UEFI machines add shim, GRUB and EFI.json to bootupd's updates",
			    "bootupd, BIOS only");
	return met(row, "bootupd, %s", boots);
}

/* The names of what none of the kinds of bootloader can do without. */
static gboolean list_missing(const struct sw_requirement_input *input, char **ret_names,
			     GError **error)
{
	static const struct {
		const char *architecture; /* NULL: any */
		const char *path;
	} files[] = {
		{ NULL, "/usr/bin/bootupctl" },
		{ NULL, "/usr/lib/bootupd/updates" },
		{ "amd64", "/usr/lib/shim/shimx64.efi.signed" },
		{ "amd64", "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" },
		{ "arm64", "/usr/lib/shim/shimaa64.efi.signed" },
		{ "arm64", "/usr/lib/grub/arm64-efi-signed/grubaa64.efi.signed" },
	};
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_auto(GStrv) names = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
		struct sw_node node;

		if (files[i].architecture != NULL &&
		    !g_str_equal(files[i].architecture, input->oci->architecture))
			continue;
		if (!sw_tree_find(input->tree, files[i].path, TRUE, &node, error))
			return FALSE;
		if (node.kind == SW_NODE_NONE)
			g_strv_builder_add(builder, files[i].path);
	}
	names = g_strv_builder_end(builder);
	*ret_names = g_strjoinv(", ", names);
	return TRUE;
}

static gboolean judge_bootloader(const struct sw_requirement_input *input,
				 struct sw_requirement *row, GError **error)
{
	static const char both[] = "install bootupd with its payload, or Debian's shim-signed and "
				   "grub-efi-amd64-signed (for BIOS also grub-pc-bin and "
				   "grub2-common) into the image";
	const struct sw_facts *facts = input->facts;
	const char *name = sw_bootloader_names[facts->bootloader];
	g_autofree char *missing = NULL;

	if (g_strcmp0(facts->install->bootloader, "none") == 0)
		return unmet(row, "remove bootloader = \"none\" from the install configuration",
			     "the install configuration wants none");
	switch (facts->bootloader) {
	case SW_BOOTLOADER_NONE:
		return list_missing(input, &missing, error) &&
		       unmet(row, both, "%s, there is no %s", name, missing);
	case SW_BOOTLOADER_SYSTEMD:
		return unmet(row, both,
			     "%s reads loader entries only from FAT, where ostree cannot make the "
			     "links that it needs",
			     name);
	case SW_BOOTLOADER_BOOTUPD:
		return judge_bootupd(input, row, error);
	case SW_BOOTLOADER_GRUB_DEBIAN:
		break;
	}
	if (!facts->has_bios_grub && g_str_equal(input->oci->architecture, "amd64"))
		return warn(row, "for BIOS machines install grub-pc-bin and grub2-common",
			    "%s, UEFI only", name);
	return met(row, "%s", name);
}

static gboolean judge_ostree(const struct sw_requirement_input *input, struct sw_requirement *row,
			     GError **error)
{
	gboolean has;

	if (!sw_tree_has(input->tree, "/usr/lib/ostree/ostree-prepare-root", SW_NODE_FILE, &has,
			 error))
		return FALSE;
	if (has)
		return met(row, "/usr/lib/ostree/ostree-prepare-root");
	return warn(
		row,
		"install ostree's boot parts (ostree-boot) and make the initramfs with dracut's "
		"module ostree, or the machine may not find its root",
		"no /usr/lib/ostree/ostree-prepare-root");
}

static gboolean judge_rootfs(const struct sw_requirement_input *input, struct sw_requirement *row,
			     G_GNUC_UNUSED GError **error)
{
	if (input->rootfs != NULL)
		return met(row, "%s, as asked for", input->rootfs);
	if (input->facts->rootfs != NULL)
		return met(row, "%s, by the image's install configuration", input->facts->rootfs);
	return unmet(row, "choose one: --rootfs ext4, xfs or btrfs",
		     "the image's install configuration names none");
}

static gboolean judge_block(const struct sw_requirement_input *input, struct sw_requirement *row,
			    G_GNUC_UNUSED GError **error)
{
	char **block = input->facts->install->block;

	if (block == NULL || block[0] == NULL || g_str_equal(block[0], "direct"))
		return met(row, "direct");
	if (g_strv_contains((const char *const *)block, "direct"))
		return warn(row, "encrypt where the disk is stored, or on the machine",
			    "%s is the image's default, the disk is not encrypted", block[0]);
	return unmet(
		row,
		"add \"direct\" to block in the install configuration: slipway does not encrypt",
		"the image allows only %s", block[0]);
}

static gboolean judge_install_config(const struct sw_requirement_input *input,
				     struct sw_requirement *row, G_GNUC_UNUSED GError **error)
{
	GPtrArray *warnings = input->facts->install->warnings;

	if (warnings->len == 0)
		return met(row, "no unknown keys");
	return warn(row, "correct it, or bootc's own installer refuses the image", "%s%s",
		    (const char *)g_ptr_array_index(warnings, 0),
		    warnings->len > 1 ? ", and others" : "");
}

/*
 * Names that are not UTF-8, device nodes and hard links to nothing do not come through the import.
 */
static gboolean judge_content(const struct sw_requirement_input *input, struct sw_requirement *row,
			      G_GNUC_UNUSED GError **error)
{
	return met(row, "%" G_GUINT64_FORMAT " files, links and directories",
		   input->facts->content_files);
}

static gboolean judge_discovery(const struct sw_requirement_input *input,
				struct sw_requirement *row, G_GNUC_UNUSED GError **error)
{
	const struct sw_install_config *install = input->facts->install;

	if (install->root_mount_spec != NULL)
		return met(row, "%s, by the install configuration",
			   *install->root_mount_spec != '\0' ? install->root_mount_spec : "none");
	if (!install->discoverable_partitions)
		return met(row, "by its UUID");
	if (input->facts->bootloader == SW_BOOTLOADER_SYSTEMD)
		return met(row, "by its partition's type");
	return warn(row,
		    "without GRUB's module bli, and over BIOS, the machine does not find its root: "
		    "remove discoverable-partitions from the install configuration",
		    "by its partition's type, with no root=");
}

static gboolean judge_bound_images(const struct sw_requirement_input *input,
				   struct sw_requirement *row, G_GNUC_UNUSED GError **error)
{
	const char *const *names = (const char *const *)input->facts->bound_images;
	g_autofree char *joined = NULL;

	if (names == NULL || names[0] == NULL)
		return met(row, "none");
	joined = join_names(names);
	return warn(
		row,
		"choose: --bound-images stored (they are put onto the disk) or skip (the machine "
		"begins without them)",
		"%u: %s", g_strv_length(input->facts->bound_images), joined);
}

static const struct {
	const char *id;
	const char *what;
	gboolean (*judge)(const struct sw_requirement_input *input, struct sw_requirement *row,
			  GError **error);
} judges[] = {
	{ "manifest", "a manifest with layers", judge_manifest },
	{ "architecture", "an architecture with a disk layout", judge_architecture },
	{ "bootc-label", "the label of a bootc image", judge_label },
	{ "final-diffid", "the layer that ostree.final-diffid names", judge_final_diffid },
	{ "prepare-root", "a prepare-root.conf", judge_prepare_root },
	{ "composefs", "a composefs mode that can be set up", judge_composefs },
	{ "kernel", "exactly one kernel with an initramfs", judge_kernel },
	{ "root-layout", "the directories of a bootc root", judge_root_layout },
	{ "etc", "one /etc", judge_etc },
	{ "os-release", "a name in os-release", judge_os_release },
	{ "bootloader", "a bootloader that slipway installs", judge_bootloader },
	{ "ostree", "ostree's boot parts", judge_ostree },
	{ "root-filesystem", "a root filesystem", judge_rootfs },
	{ "block-setup", "a root without encryption", judge_block },
	{ "install-config", "an install configuration without unknown keys", judge_install_config },
	{ "root-discovery", "a way to find the root", judge_discovery },
	{ "content", "content that ostree can hold", judge_content },
	{ "bound-images", "no images bound to it", judge_bound_images },
};

static void requirement_free(void *data)
{
	struct sw_requirement *row = data;

	g_free(row->detail);
	g_free(row->remedy);
	g_free(row);
}

gboolean sw_requirements_judge(const struct sw_requirement_input *input,
			       GPtrArray **ret_requirements, GError **error)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(requirement_free);

	for (gsize i = 0; i < G_N_ELEMENTS(judges); i++) {
		struct sw_requirement *row = g_new0(struct sw_requirement, 1);

		row->id = judges[i].id;
		row->what = judges[i].what;
		g_ptr_array_add(rows, row);
		if (!judges[i].judge(input, row, error))
			return FALSE;
	}
	*ret_requirements = g_steal_pointer(&rows);
	return TRUE;
}

gboolean sw_requirements_override(const struct sw_facts *facts, const char *rootfs, GError **error)
{
	const struct sw_requirement_input input = { .facts = facts, .rootfs = rootfs };

	for (gsize i = 0; i < G_N_ELEMENTS(judges); i++) {
		struct sw_requirement *row = g_ptr_array_index(facts->requirements, i);

		if (judges[i].judge != judge_composefs)
			continue;
		g_clear_pointer(&row->detail, g_free);
		g_clear_pointer(&row->remedy, g_free);
		if (!judges[i].judge(&input, row, error))
			return FALSE;
	}
	return TRUE;
}
