/* SPDX-License-Identifier: MIT */
#include "image/bootupd.h"

#include "core/error.h"

#define UPDATES "/usr/lib/bootupd/updates"
#define STATIC "/usr/lib/bootupd/grub2-static"

/* usr/lib/efi/PACKAGE/VERSION/EFI/VENDOR/shimx64.efi */
#define SHIM_DEPTH 5

/* What bootupd installs for an architecture. */
struct platform {
	const char *architecture;
	const char *shim;    /* NULL: no component EFI */
	const char *modules; /* of GRUB for the component BIOS; NULL: no such component */
};

static const struct platform platforms[] = {
	{ "amd64", "shimx64.efi", "/usr/lib/grub/i386-pc" },
	{ "arm64", "shimaa64.efi", NULL },
	{ "riscv64", "shimriscv64.efi", NULL },
	{ "ppc64le", NULL, "/usr/lib/grub/powerpc-ieee1275" },
};

static const struct platform *find_platform(const char *architecture)
{
	for (gsize i = 0; i < G_N_ELEMENTS(platforms); i++)
		if (g_str_equal(platforms[i].architecture, architecture))
			return &platforms[i];
	return NULL;
}

static gboolean count_files(const struct sw_tree *tree, const char *directory, const char *name,
			    guint depth, guint *count, GError **error)
{
	g_auto(GStrv) names = NULL;

	if (!sw_tree_list(tree, directory, &names, error))
		return FALSE;
	for (char **at = names; *at != NULL; at++) {
		g_autofree char *path = g_build_filename(directory, *at, NULL);
		struct sw_node node;

		if (!sw_tree_find(tree, path, FALSE, &node, error))
			return FALSE;
		if (node.kind == SW_NODE_FILE && g_str_equal(*at, name))
			(*count)++;
		else if (node.kind == SW_NODE_DIRECTORY && depth > 0 &&
			 !count_files(tree, path, name, depth - 1, count, error))
			return FALSE;
	}
	return TRUE;
}

/*
 * bootupd names the ESP's directory of the vendor after the one shim: in the new layout of the
 * payload when there is one, else in the old.
 */
static gboolean check_shim(const struct sw_tree *tree, const char *name, char **ret_missing,
			   GError **error)
{
	guint count = 0;

	if (!count_files(tree, "/usr/lib/efi", name, SHIM_DEPTH, &count, error) ||
	    (count == 0 && !count_files(tree, UPDATES "/EFI", name, SHIM_DEPTH, &count, error)))
		return FALSE;
	if (count == 0)
		*ret_missing = g_strdup_printf("%s below /usr/lib/efi or " UPDATES "/EFI", name);
	else if (count > 1)
		*ret_missing = g_strdup_printf("one %s alone (there are %u)", name, count);
	return TRUE;
}

/* The first of PATHS (NULL at the end) that is neither a file nor a directory. */
static gboolean check_paths(const struct sw_tree *tree, const char *const *paths,
			    char **ret_missing, GError **error)
{
	for (; *paths != NULL && *ret_missing == NULL; paths++) {
		struct sw_node node;

		if (!sw_tree_find(tree, *paths, TRUE, &node, error))
			return FALSE;
		if (node.kind != SW_NODE_FILE && node.kind != SW_NODE_DIRECTORY)
			*ret_missing = g_strdup(*paths);
	}
	return TRUE;
}

static gboolean check_programs(const struct sw_tree *tree, const struct platform *platform,
			       gboolean has_efi, gboolean has_bios, char **ret_missing,
			       GError **error)
{
	static const char *const always[] = { STATIC "/grub-static-pre.cfg", STATIC "/configs.d",
					      "/usr/bin/grub2-editenv", NULL };
	static const char *const efi[] = { STATIC "/grub-static-efi.cfg", NULL };
	const char *const bios[] = { "/usr/sbin/grub2-install", platform->modules, NULL };

	return check_paths(tree, always, ret_missing, error) &&
	       (!has_bios || check_paths(tree, bios, ret_missing, error)) &&
	       (!has_efi ||
		(check_paths(tree, efi, ret_missing, error) &&
		 (*ret_missing != NULL || check_shim(tree, platform->shim, ret_missing, error))));
}

gboolean sw_bootupd_read(const struct sw_tree *tree, const char *architecture,
			 const char **ret_boots, char **ret_missing, GError **error)
{
	const struct platform *platform = find_platform(architecture);
	gboolean has_efi = FALSE;
	gboolean has_bios = FALSE;

	*ret_boots = NULL;
	*ret_missing = NULL;
	if (platform == NULL) {
		*ret_missing =
			g_strdup_printf("anything that bootupd installs for %s", architecture);
		return TRUE;
	}
	if (!sw_tree_has(tree, UPDATES "/EFI.json", SW_NODE_FILE, &has_efi, error) ||
	    !sw_tree_has(tree, UPDATES "/BIOS.json", SW_NODE_FILE, &has_bios, error))
		return FALSE;
	has_efi = has_efi && platform->shim != NULL;
	has_bios = has_bios && platform->modules != NULL;
	if (!has_efi && !has_bios) {
		*ret_missing = g_strdup(platform->shim != NULL ? UPDATES "/EFI.json"
							       : UPDATES "/BIOS.json");
		return TRUE;
	}
	if (!check_programs(tree, platform, has_efi, has_bios, ret_missing, error))
		return FALSE;
	if (*ret_missing == NULL)
		*ret_boots = has_efi && has_bios ? "UEFI and BIOS" : has_efi ? "UEFI" : "BIOS";
	return TRUE;
}
