/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "disk/bootloader.h"
#include "disk/mkfs.h"
#include "image/tree.h"

#define EFI_PROGRAM_MAX (16 * 1024 * 1024)

/*
 * Names of Debian's signed programs for an architecture (packages shim-signed and
 * grub-efi-*-signed).
 */
struct efi_names {
	const char *architecture; /* OCI's word */
	const char *suffix;	  /* of the files: "x64" */
	const char *removable;	  /* what firmware looks for on any disk */
	const char *grub_target;  /* directory of the signed GRUB */
};

static const struct efi_names efi_names[] = {
	{ "amd64", "x64", "BOOTX64.EFI", "x86_64-efi-signed" },
	{ "arm64", "aa64", "BOOTAA64.EFI", "arm64-efi-signed" },
};

static const struct efi_names *find_names(const char *architecture)
{
	for (guint i = 0; i < G_N_ELEMENTS(efi_names); i++)
		if (g_str_equal(efi_names[i].architecture, architecture))
			return &efi_names[i];
	return NULL;
}

static void add_esp(struct sw_bootloader_work *work, const char *directory, const char *name,
		    GBytes *data)
{
	struct sw_esp_file *file = g_new0(struct sw_esp_file, 1);

	file->path = g_strdup_printf("EFI/%s/%s", directory, name);
	file->data = g_bytes_ref(data);
	g_ptr_array_add(work->esp_files, file);
}

static void add_boot(struct sw_bootloader_work *work, const char *path, char *text,
		     const char *target)
{
	struct sw_boot_file *file = g_new0(struct sw_boot_file, 1);

	file->path = g_strdup(path);
	file->text = text;
	file->target = g_strdup(target);
	g_ptr_array_add(work->boot_files, file);
}

static gboolean read_program(const struct sw_tree *tree, const char *path, gboolean needed,
			     GBytes **ret_data, GError **error)
{
	g_autofree char *data = NULL;
	size_t length = 0;

	if (!sw_tree_read(tree, path, EFI_PROGRAM_MAX, &data, &length, error))
		return FALSE;
	if (data == NULL && needed)
		return sw_fail(error, SW_ERROR_IMAGE, "bootloader", "the image has no %s", path);
	*ret_data = data == NULL ? NULL : g_bytes_new_take(g_steal_pointer(&data), length);
	return TRUE;
}

/*
 * The directory on the ESP in which a signed GRUB looks for its configuration is compiled into it
 * ("/EFI/debian"); the signature keeps anyone from changing it.
 */
static char *find_vendor(GBytes *grub, const char *os_id)
{
	static const char prefix[] = "/EFI/";
	gsize length = 0;
	const char *data = g_bytes_get_data(grub, &length);
	const char *end = data + length;

	for (const char *at = data;
	     (at = memmem(at, (size_t)(end - at), prefix, strlen(prefix))) != NULL; at++) {
		const char *name = at + strlen(prefix);
		const char *c = name;

		while (c < end && (g_ascii_isalnum(*c) || *c == '-'))
			c++;
		if (c > name && c < end && *c == '\0' && c - name < 32 &&
		    g_ascii_strncasecmp(name, "BOOT", (gsize)(c - name)) != 0)
			return g_strndup(name, (gsize)(c - name));
	}
	return g_strdup(os_id);
}

/*
 * Does GRUB read TEXT, what follows a keyword on a line, as it stands? Blanks inside double quotes
 * belong to a word; a backslash takes the meaning from what follows it.
 */
static gboolean is_plain(const char *text, char *ret_culprit)
{
	gboolean inside = FALSE;

	for (const char *c = text; *c != '\0'; c++) {
		*ret_culprit = *c;
		if (*c == '\\' && c[1] != '\0')
			c++;
		else if (*c == '"')
			inside = !inside;
		else if (*c == '\\' || *c == '$' || (!inside && strchr("';|&<>{}#\n", *c) != NULL))
			return FALSE;
	}
	*ret_culprit = '"';
	return !inside;
}

static gboolean check_entry(const struct sw_bls *entry, GError **error)
{
	char culprit;

	if (!is_plain(entry->title, &culprit))
		return sw_fail(
			error, SW_ERROR_IMAGE, "bootloader",
			"GRUB's menu cannot show the image's name, %s: it has a %c that GRUB "
			"reads as its own; change PRETTY_NAME in its os-release",
			entry->title, culprit);
	if (!is_plain(entry->options, &culprit))
		return sw_fail(error, SW_ERROR_USAGE, "bootloader",
			       "a kernel argument has a %c that GRUB reads as its own: put it "
			       "into double quotes, or a backslash before it",
			       culprit);
	return TRUE;
}

/*
 * Makes of what libostree writes for syslinux, read as a script, a menu. The rest of the arguments
 * are the kernel's, each one word.
 */
static const char menu_script[] =
	"set timeout=1\n"
	"if serial --unit=0 --speed=115200; then\n"
	"\tterminal_input --append serial\n"
	"\tterminal_output --append serial\n"
	"fi\n"
	"function DEFAULT {\n"
	"\ttrue\n"
	"}\n"
	"function LABEL {\n"
	"\ttitle=\"$*\"\n"
	"\tinitrd=\n"
	"\tdevicetree=\n"
	"}\n"
	"function KERNEL {\n"
	"\tkernel=\"$1\"\n"
	"}\n"
	"function INITRD {\n"
	"\tinitrd=\"$1\"\n"
	"}\n"
	"function DEVICETREE {\n"
	"\tdevicetree=\"$1\"\n"
	"}\n"
	"function APPEND {\n"
	"\tmenuentry \"$title\" \"$kernel\" \"$initrd\" \"$devicetree\" \"$@\" {\n"
	"\t\tkernel=\"$2\"\n"
	"\t\tinitrd=\"$3\"\n"
	"\t\tdevicetree=\"$4\"\n"
	"\t\tshift; shift; shift; shift\n"
	"\t\tlinux \"$kernel\" \"$@\"\n"
	"\t\tif [ -n \"$initrd\" ]; then initrd \"$initrd\"; fi\n"
	"\t\tif [ -n \"$devicetree\" ]; then devicetree \"$devicetree\"; fi\n"
	"\t}\n"
	"}\n"
	"source /loader/syslinux.cfg\n";

static char *make_menu(const struct sw_bootloader_request *request)
{
	return g_strdup_printf("# The entries are ostree's, which writes loader/syslinux.cfg with "
			       "each deployment.\n"
			       "search --no-floppy --fs-uuid --set=root %s\n"
			       "%s",
			       sw_layout_find(request->layout, SW_ROLE_BOOT)->uuid, menu_script);
}

/* As libostree writes it; the link is where it looks for the one that it replaces. */
static void add_entries(const struct sw_bls *entry, struct sw_bootloader_work *work)
{
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "DEFAULT %s\nLABEL %s\n\tKERNEL %s\n", entry->title,
			       entry->title, entry->kernel);
	if (entry->initrd != NULL)
		g_string_append_printf(text, "\tINITRD %s\n", entry->initrd);
	if (entry->device_tree != NULL)
		g_string_append_printf(text, "\tDEVICETREE %s\n", entry->device_tree);
	g_string_append_printf(text, "\tAPPEND %s\n", entry->options);
	add_boot(work, "loader.1/syslinux.cfg", g_string_free(text, FALSE), NULL);
	add_boot(work, "syslinux/syslinux.cfg", NULL, "../loader/syslinux.cfg");
}

static gboolean add_programs(const struct sw_bootloader_request *request,
			     const struct sw_tree *tree, const struct efi_names *names,
			     struct sw_bootloader_work *work, GError **error)
{
	const char *uuid = sw_layout_find(request->layout, SW_ROLE_BOOT)->uuid;
	g_autofree char *shim_path =
		g_strdup_printf("/usr/lib/shim/shim%s.efi.signed", names->suffix);
	g_autofree char *mok_path = g_strdup_printf("/usr/lib/shim/mm%s.efi.signed", names->suffix);
	g_autofree char *grub_path = g_strdup_printf("/usr/lib/grub/%s/grub%s.efi.signed",
						     names->grub_target, names->suffix);
	g_autofree char *shim_name = g_strdup_printf("shim%s.efi", names->suffix);
	g_autofree char *mok_name = g_strdup_printf("mm%s.efi", names->suffix);
	g_autofree char *grub_name = g_strdup_printf("grub%s.efi", names->suffix);
	g_autofree char *vendor = NULL;
	g_autofree char *stub = NULL;
	g_autoptr(GBytes) shim = NULL;
	g_autoptr(GBytes) mok = NULL;
	g_autoptr(GBytes) grub = NULL;
	g_autoptr(GBytes) config = NULL;

	if (!read_program(tree, shim_path, TRUE, &shim, error) ||
	    !read_program(tree, mok_path, FALSE, &mok, error) ||
	    !read_program(tree, grub_path, TRUE, &grub, error))
		return FALSE;
	vendor = find_vendor(grub, request->facts->os_id);
	stub = g_strdup_printf("search --no-floppy --fs-uuid --set=root %s\n"
			       "set prefix=($root)/grub\n"
			       "configfile $prefix/grub.cfg\n",
			       uuid);
	config = g_bytes_new(stub, strlen(stub));
	add_esp(work, "BOOT", names->removable, shim);
	add_esp(work, "BOOT", grub_name, grub);
	add_esp(work, vendor, shim_name, shim);
	add_esp(work, vendor, grub_name, grub);
	add_esp(work, vendor, "grub.cfg", config);
	if (mok != NULL) {
		add_esp(work, "BOOT", mok_name, mok);
		add_esp(work, vendor, mok_name, mok);
	}
	return TRUE;
}

gboolean sw_grub_prepare(const struct sw_bootloader_request *request,
			 struct sw_bootloader_work *work, GCancellable *cancellable, GError **error)
{
	const struct efi_names *names = find_names(request->architecture);
	g_autoptr(SwTree) tree = NULL;

	if (names == NULL)
		return sw_fail(error, SW_ERROR_IMAGE, "bootloader",
			       "Debian's signed GRUB does not exist for %s", request->architecture);
	if (!check_entry(request->entry, error) ||
	    !sw_tree_open(request->repo, request->commit, &tree, cancellable, error) ||
	    !add_programs(request, tree, names, work, error))
		return FALSE;
	add_boot(work, "grub/grub.cfg", make_menu(request), NULL);
	add_entries(request->entry, work);
	if (request->facts->has_bios_grub &&
	    sw_layout_find(request->layout, SW_ROLE_BIOS_BOOT) != NULL) {
		work->what = "grub-install for BIOS";
		work->script = g_strdup("grub-install --target=i386-pc --boot-directory=/boot "
					"--modules='part_gpt ext2 search_fs_uuid' \"$DISK\"");
	}
	return TRUE;
}
