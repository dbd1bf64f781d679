/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/file.h"
#include "core/size.h"
#include "core/subprocess.h"
#include "formats/iso/boot.h"
#include "formats/shared/identity.h"

#define ID "iso-disk"
/* Room for the tables of FAT. */
#define OVERHEAD SW_MIB
/* mtools' names of places begin so. */
#define PLACE "::/EFI/"
#define VENDORS_MAX 8

/* A program for the medium: where it may lie on the disk, and its name in EFI/BOOT. */
static const struct {
	const char *name;
	const char *vendor_name; /* in the vendor's directory; NULL: only in EFI/BOOT */
	gboolean needed;
} programs[] = {
	{ "BOOTX64.EFI", NULL, TRUE },
	{ "grubx64.efi", "grubx64.efi", TRUE },
	{ "mmx64.efi", "mmx64.efi", FALSE },
};

/* What the new filesystem will hold. */
struct esp {
	const char *from; /* the disk's ESP */
	struct sw_output *output;
	GPtrArray *vendors; /* char *: directories beside BOOT */
	GPtrArray *files;   /* char *: pairs, a file and its place */
	guint64 size;
	GCancellable *cancellable;
};

static gboolean run(const char *const *argv, const char *package, char **ret_output,
		    GCancellable *cancellable, GError **error)
{
	/* The time stamps of FAT begin in 1980. */
	static const char *const env[] = { "SOURCE_DATE_EPOCH=315532800", "TZ=UTC",
					   "MTOOLSRC=/dev/null", NULL };
	const struct sw_command command = {
		.argv = argv, .env = env, .package = package, .code = SW_ERROR_FORMAT, .id = ID
	};

	return sw_command_run(&command, ret_output, cancellable, error);
}

static gboolean is_vendor(const char *name)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return *name != '\0' && strlen(name) < 32 && name[strspn(name, good)] == '\0' &&
	       g_ascii_strcasecmp(name, "BOOT") != 0;
}

/* "::/EFI/debian/" is a line of what mdir prints. */
static gboolean list_vendors(struct esp *esp, GError **error)
{
	const char *argv[] = { "mdir", "-b", "-i", esp->from, "::/EFI", NULL };
	g_autofree char *listing = NULL;
	g_auto(GStrv) lines = NULL;

	if (!run(argv, "mtools", &listing, esp->cancellable, error))
		return FALSE;
	lines = g_strsplit(listing, "\n", -1);
	for (char **line = lines; *line != NULL && esp->vendors->len < VENDORS_MAX; line++) {
		if (!g_str_has_prefix(*line, PLACE) || !g_str_has_suffix(*line, "/"))
			continue;
		(*line)[strlen(*line) - 1] = '\0';
		if (is_vendor(*line + strlen(PLACE)))
			g_ptr_array_add(esp->vendors, g_strdup(*line + strlen(PLACE)));
	}
	return TRUE;
}

static gboolean add_file(struct esp *esp, const struct sw_output_file *file, char *place,
			 GError **error)
{
	struct stat st;

	g_ptr_array_add(esp->files, g_strdup(file->path));
	g_ptr_array_add(esp->files, place);
	if (fstat(file->fd, &st) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "%s", file->path);
	esp->size += sw_round_up((guint64)st.st_size, 64 * SW_KIB);
	return TRUE;
}

static gboolean copy_out(struct esp *esp, const char *directory, const char *name, const char *to,
			 GError **error)
{
	g_autofree char *place = g_strconcat(PLACE, directory, "/", name, NULL);
	const char *argv[] = { "mcopy", "-n", "-o", "-i", esp->from, place, to, NULL };

	return run(argv, "mtools", NULL, esp->cancellable, error);
}

/* The program is in EFI/BOOT, or else where a vendor has it. */
static gboolean add_program(struct esp *esp, guint number, GError **error)
{
	const char *name = programs[number].name, *other = programs[number].vendor_name;
	const struct sw_output_file *file = NULL;
	g_autoptr(GError) why = NULL;
	gboolean found;

	if (!sw_output_add_scratch(esp->output, &file, error))
		return FALSE;
	found = copy_out(esp, "BOOT", name, file->path, &why);
	for (guint i = 0; !found && other != NULL && i < esp->vendors->len; i++)
		found = copy_out(esp, esp->vendors->pdata[i], other, file->path, NULL);
	if (!sw_check_cancelled(esp->cancellable, error))
		return FALSE;
	if (found)
		return add_file(esp, file, g_strconcat(PLACE "BOOT/", name, NULL), error);
	if (!programs[number].needed)
		return TRUE;
	if (g_error_matches(why, SW_ERROR, SW_ERROR_ENVIRONMENT)) {
		g_propagate_error(error, g_steal_pointer(&why));
		return FALSE;
	}
	return sw_fail(error, SW_ERROR_FORMAT, ID,
		       "format iso: the disk's EFI system partition has no EFI/BOOT/%s, with which "
		       "the medium is to boot",
		       name);
}

/* GRUB looks for its configuration beside itself, or in the directory that was compiled into it. */
static gboolean add_config(struct esp *esp, const struct sw_output_file *file, const char *config,
			   GError **error)
{
	if (!sw_write_at(file->fd, config, strlen(config), 0, file->path, SW_ERROR_FORMAT, ID,
			 error) ||
	    !add_file(esp, file, g_strdup(PLACE "BOOT/grub.cfg"), error))
		return FALSE;
	for (guint i = 0; i < esp->vendors->len; i++) {
		const char *vendor = esp->vendors->pdata[i];

		if (!add_file(esp, file, g_strconcat(PLACE, vendor, "/grub.cfg", NULL), error))
			return FALSE;
	}
	return TRUE;
}

static gboolean make_directories(const struct esp *esp, const char *path, GError **error)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);

	for (const char *const *word =
		     (const char *const[]){ "mmd", "-i", path, "::/EFI", PLACE "BOOT", NULL };
	     *word != NULL; word++)
		g_ptr_array_add(argv, g_strdup(*word));
	for (guint i = 0; i < esp->vendors->len; i++)
		g_ptr_array_add(argv, g_strconcat(PLACE, (char *)esp->vendors->pdata[i], NULL));
	g_ptr_array_add(argv, NULL);
	return run((const char *const *)argv->pdata, "mtools", NULL, esp->cancellable, error);
}

static gboolean write_esp(const struct esp *esp, const char *seed,
			  const struct sw_output_file *file, GError **error)
{
	guint64 size = MAX(sw_round_up(esp->size + OVERHEAD, SW_MIB), 4 * SW_MIB);
	guint8 uuid[16];
	g_autofree char *volume = NULL;

	sw_identity_uuid(seed, "medium-esp", uuid);
	volume = g_strdup_printf("%02x%02x%02x%02x", uuid[0], uuid[1], uuid[2], uuid[3]);
	const char *mkfs[] = { "mkfs.fat", "--invariant", "-i",	      volume,
			       "-n",	   "SLIPWAY-EFI", file->path, NULL };

	if (ftruncate(file->fd, (off_t)size) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "%s", file->path);
	if (!run(mkfs, "dosfstools", NULL, esp->cancellable, error) ||
	    !make_directories(esp, file->path, error))
		return FALSE;
	for (guint i = 0; i < esp->files->len; i += 2) {
		const char *argv[] = {
			"mcopy", "-i", file->path, esp->files->pdata[i], esp->files->pdata[i + 1],
			NULL
		};

		if (!run(argv, "mtools", NULL, esp->cancellable, error))
			return FALSE;
	}
	return TRUE;
}

gboolean sw_iso_make_esp(const char *path, const char *seed, const char *config,
			 struct sw_output *output, struct sw_iso_boot *boot,
			 GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
	struct esp esp = { .from = path,
			   .output = output,
			   .vendors = g_ptr_array_new_with_free_func(g_free),
			   .files = files,
			   .cancellable = cancellable };

	boot->vendors = esp.vendors;
	if (!list_vendors(&esp, error))
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(programs); i++)
		if (!add_program(&esp, i, error))
			return FALSE;
	return sw_output_add_scratch(output, &boot->config, error) &&
	       add_config(&esp, boot->config, config, error) &&
	       write_esp(&esp, seed, boot->esp, error);
}
