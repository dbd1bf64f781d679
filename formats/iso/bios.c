/* SPDX-License-Identifier: MIT */
#include "formats/iso/bios.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/copy.h"
#include "core/error.h"
#include "core/file.h"
#include "core/subprocess.h"

#define ID "iso-write"
#define MODULES "/usr/lib/grub/i386-pc/"
#define FILE_MAX (4 * 1024 * 1024)

/* The first sector of a stick, which is also one of an ISO's; an image with BIOS support has it. */
#define HYBRID "boot_hybrid.img"

/* What starts the menu, reads the medium, and does what the menu's entries do. */
static const char *const modules[] = {
	"biosdisk",   "part_gpt", "part_msdos", "iso9660",  "search", "search_fs_file", "normal",
	"configfile", "linux",	  "serial",	"terminal", "test",   "chain",		NULL
};

/* What grub-mkimage makes an image of, beside modules. */
static const char *const parts[] = { "kernel.img", "diskboot.img", "lzma_decompress.img",
				     "moddep.lst", NULL };

static gboolean is_module(const char *name)
{
	return *name != '\0' && strlen(name) < 64 &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789")] == '\0';
}

static void add_name(GPtrArray *names, const char *name)
{
	for (guint i = 0; i < names->len; i++)
		if (g_str_equal(names->pdata[i], name))
			return;
	if (is_module(name))
		g_ptr_array_add(names, g_strdup(name));
}

void sw_iso_add_dependencies(GPtrArray *names, const char *list)
{
	g_auto(GStrv) lines = g_strsplit(list, "\n", -1);

	for (guint i = 0; i < names->len; i++) {
		const char *name = names->pdata[i];

		for (char **line = lines; *line != NULL; line++) {
			if (!g_str_has_prefix(*line, name) || (*line)[strlen(name)] != ':')
				continue;
			g_auto(GStrv) needed = g_strsplit(*line + strlen(name) + 1, " ", -1);

			for (char **word = needed; *word != NULL; word++)
				add_name(names, *word);
		}
	}
}

/* Appends a file of the image's GRUB to FD. */
static gboolean append(const struct sw_format_tree *tree, const char *name, int fd, const char *to,
		       GError **error)
{
	g_autofree char *path = g_strconcat(MODULES, name, NULL);
	sw_autofd int from = -1;
	struct stat st, before;

	if (!tree->open_file(tree->data, path, &from, error))
		return FALSE;
	if (fstat(from, &st) < 0 || fstat(fd, &before) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "%s", path);
	if (st.st_size > FILE_MAX)
		return sw_fail(error, SW_ERROR_IMAGE, ID, "%s of the image is too large", path);
	return sw_copy_range(from, 0, fd, (guint64)before.st_size, (guint64)st.st_size, to,
			     SW_ERROR_FORMAT, ID, error);
}

static gboolean put_file(const struct sw_format_tree *tree, const char *name, const char *directory,
			 GError **error)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);
	sw_autofd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "%s", path);
	return append(tree, name, fd, path, error);
}

/* The files that grub-mkimage needs, in DIRECTORY; RET_NAMES gets those of the modules. */
static gboolean put_files(const struct sw_format_tree *tree, const char *directory,
			  GPtrArray **ret_names, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *list_path = g_build_filename(directory, "moddep.lst", NULL);
	g_autofree char *list = NULL;

	for (guint i = 0; parts[i] != NULL; i++)
		if (!put_file(tree, parts[i], directory, error))
			return FALSE;
	if (!sw_read_file(list_path, FILE_MAX, &list, NULL, SW_ERROR_FORMAT, ID, error))
		return FALSE;
	for (guint i = 0; modules[i] != NULL; i++)
		add_name(names, modules[i]);
	sw_iso_add_dependencies(names, list);
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *name = g_strconcat(names->pdata[i], ".mod", NULL);

		if (!put_file(tree, name, directory, error))
			return FALSE;
	}
	*ret_names = g_steal_pointer(&names);
	return TRUE;
}

/* The program is called otherwise on Fedora. */
static gboolean make_core(const char *directory, const char *config,
			  const struct sw_output_file *file, const GPtrArray *names,
			  GCancellable *cancellable, GError **error)
{
	g_autofree char *found = g_find_program_in_path("grub2-mkimage");
	g_autofree char *early = g_build_filename(directory, "early.cfg", NULL);
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	const char *words[] = { found != NULL ? "grub2-mkimage" : "grub-mkimage",
				"-O",
				"i386-pc",
				"-d",
				directory,
				"-p",
				"/boot/grub",
				"-c",
				early,
				"-o",
				file->path };
	struct sw_command command = { .package = "grub-common", .code = SW_ERROR_FORMAT, .id = ID };

	if (!sw_write_file(early, config, strlen(config), 0600, SW_ERROR_FORMAT, ID, error))
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		g_ptr_array_add(argv, (gpointer)words[i]);
	for (guint i = 0; i < names->len; i++)
		g_ptr_array_add(argv, names->pdata[i]);
	g_ptr_array_add(argv, NULL);
	command.argv = (const char *const *)argv->pdata;
	return sw_command_run(&command, NULL, cancellable, error);
}

static void remove_directory(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *file = g_build_filename(path, name, NULL);

		g_unlink(file);
	}
	g_rmdir(path);
}

static gboolean make_cd(const struct sw_format_tree *tree, const char *directory,
			const char *config, struct sw_output *output,
			const struct sw_output_file *cd, GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) names = NULL;
	const struct sw_output_file *core = NULL;
	struct stat st, boot;

	if (!sw_output_add_scratch(output, &core, error) ||
	    !put_files(tree, directory, &names, error) ||
	    !make_core(directory, config, core, names, cancellable, error) ||
	    !append(tree, "cdboot.img", cd->fd, cd->path, error))
		return FALSE;
	if (fstat(core->fd, &st) < 0 || fstat(cd->fd, &boot) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "%s", core->path);
	return sw_copy_range(core->fd, 0, cd->fd, (guint64)boot.st_size, (guint64)st.st_size,
			     cd->path, SW_ERROR_FORMAT, ID, error);
}

gboolean sw_iso_make_bios(const struct sw_format_tree *tree, const char *config,
			  struct sw_output *output, struct sw_iso_bios *bios,
			  GCancellable *cancellable, GError **error)
{
	const struct sw_output_file *sector = NULL, *cd = NULL;
	g_autofree char *directory = NULL;
	g_autoptr(GError) none = NULL;
	gboolean good;

	if (!sw_output_add_scratch(output, &sector, error) ||
	    !sw_output_add_scratch(output, &cd, error))
		return FALSE;
	if (!append(tree, HYBRID, sector->fd, sector->path, &none)) {
		g_debug("the medium does not start on a BIOS: %s", none->message);
		return sw_check_cancelled(cancellable, error);
	}
	directory = g_strconcat(cd->path, ".grub", NULL);
	if (g_mkdir(directory, 0700) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "%s", directory);
	good = make_cd(tree, directory, config, output, cd, cancellable, error);
	remove_directory(directory);
	bios->sector = sector;
	bios->cd = cd;
	return good;
}
