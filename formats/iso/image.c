/* SPDX-License-Identifier: MIT */
#include "formats/iso/image.h"

#include "core/gpt.h"
#include "core/hash.h"
#include "core/subprocess.h"
#include "formats/iso/menu.h"
#include "installer/payload-format.h"

#define ID "iso-write"

static void add_words(GPtrArray *argv, const char *const *words)
{
	for (; *words != NULL; words++)
		g_ptr_array_add(argv, g_strdup(*words));
}

/* "PLACE=FILE", in which a backslash takes the meaning from what follows it. */
static void add_graft(GPtrArray *argv, const char *place, const char *name, const char *file)
{
	GString *path = g_string_new(file);

	g_string_replace(path, "\\", "\\\\", 0);
	g_string_replace(path, "=", "\\=", 0);
	g_ptr_array_add(argv, g_strconcat(place, name, "=", path->str, NULL));
	g_string_free(path, TRUE);
}

/* El Torito's image is a file of the medium: a table in it is filled in with where it lies. */
static void add_bios(GPtrArray *argv, const struct sw_iso_bios *bios)
{
	const char *const words[] = {
		"--grub2-mbr",	     bios->sector->path,   "-b", &SW_ISO_BIOS[1],
		"-no-emul-boot",     "-boot-load-size",	   "4",	 "-boot-info-table",
		"--grub2-boot-info", "-eltorito-alt-boot", NULL
	};

	add_words(argv, words);
}

static void add_files(GPtrArray *argv, const struct sw_iso_image *image)
{
	const struct sw_iso_boot *boot = image->boot;

	for (guint i = 0; i < boot->vendors->len; i++) {
		g_autofree char *place =
			g_strconcat("/EFI/", (char *)boot->vendors->pdata[i], "/grub.cfg", NULL);

		add_graft(argv, place, "", boot->config->path);
	}
	add_graft(argv, "/EFI/BOOT/grub.cfg", "", boot->config->path);
	add_graft(argv, SW_ISO_KERNEL, "", boot->kernel->path);
	add_graft(argv, SW_ISO_INITRAMFS, "", boot->initramfs->path);
	add_graft(argv, SW_ISO_INSTALLER, "", image->installer->path);
	if (image->bios->sector != NULL)
		add_graft(argv, SW_ISO_BIOS, "", image->bios->cd->path);
	add_graft(argv, SW_ISO_MENU, "", image->menu->path);
	add_graft(argv, SW_ISO_MARK, image->medium, image->mark->path);
}

gboolean sw_iso_assemble(const struct sw_iso_image *image, const struct sw_output_file *file,
			 GCancellable *cancellable, GError **error)
{
	/* Dates are the same for all media: what differs is in the ids. */
	static const char *const env[] = { "SOURCE_DATE_EPOCH=315532800", "TZ=UTC", NULL };
	g_autofree char *guid = sw_uuid_derive(image->seed, "medium-table");
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	struct sw_command command = {
		.env = env, .package = "xorriso", .code = SW_ERROR_FORMAT, .id = ID
	};
	const char *const words[] = { "xorriso",
				      "-as",
				      "mkisofs",
				      "-quiet",
				      "-V",
				      image->volume_id,
				      "-iso-level",
				      "3",
				      "-r",
				      "--set_all_file_dates",
				      "1980010100000000",
				      "--gpt_disk_guid",
				      guid,
				      "-partition_offset",
				      "16",
				      "-appended_part_as_gpt",
				      "-append_partition",
				      "2",
				      SW_GPT_ESP,
				      image->boot->esp->path,
				      "-append_partition",
				      "3",
				      SI_PARTITION_TYPE,
				      image->payload->path,
				      NULL };
	const char *const rest[] = { "-e",
				     "--interval:appended_partition_2:all::",
				     "-no-emul-boot",
				     "-o",
				     file->path,
				     "-graft-points",
				     NULL };

	add_words(argv, words);
	if (image->bios->sector != NULL)
		add_bios(argv, image->bios);
	add_words(argv, rest);
	add_files(argv, image);
	g_ptr_array_add(argv, NULL);
	command.argv = (const char *const *)argv->pdata;
	return sw_command_run(&command, NULL, cancellable, error);
}
