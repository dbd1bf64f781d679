/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "formats/iso/boot.h"
#include "formats/iso/image.h"
#include "formats/iso/initramfs.h"
#include "formats/iso/menu.h"
#include "formats/iso/payload.h"
#include "formats/shared/codec.h"
#include "formats/shared/identity.h"
#include "installer/request.h"

/*
 * An installation medium: boots as a CD and as a stick with the image's own bootloader, kernel and
 * initramfs, and puts the disk on the machine's (installer/).
 */
#define ID "iso-write"
#define VOLUME_ID_MAX 32
#define TIMEOUT_MAX 3600

struct options {
	char *install;
	gboolean wipe;
	char *end;
	char *hostname;
	char *ssh_key;
	char *karg;
	int timeout;
	char *volume_id;
	int level;
};

static const char *const ends[] = { "default", "reboot", "poweroff", "none", NULL };

static const struct sw_param params[] = {
	{ "install", SW_PARAM_STRING, NULL, NULL, G_STRUCT_OFFSET(struct options, install), FALSE,
	  "install without asking on: auto (the only disk), largest, smallest, /dev/NAME or "
	  "id:SERIAL" },
	{ "wipe", SW_PARAM_BOOL, "false", NULL, G_STRUCT_OFFSET(struct options, wipe), FALSE,
	  "also when the disk is not empty" },
	{ "end", SW_PARAM_CHOICE, "default", ends, G_STRUCT_OFFSET(struct options, end), FALSE,
	  "afterwards: reboot, poweroff or none; by default it asks, or reboots where it did not "
	  "ask "
	  "for the disk" },
	{ "hostname", SW_PARAM_STRING, NULL, NULL, G_STRUCT_OFFSET(struct options, hostname), FALSE,
	  "of the installed machine" },
	{ "ssh-key", SW_PARAM_STRING, NULL, NULL, G_STRUCT_OFFSET(struct options, ssh_key), FALSE,
	  "one more that root may log in with" },
	{ "karg", SW_PARAM_STRING, NULL, NULL, G_STRUCT_OFFSET(struct options, karg), FALSE,
	  "kernel arguments of the installed machine, separated by blanks" },
	{ "timeout", SW_PARAM_INT, "10", NULL, G_STRUCT_OFFSET(struct options, timeout), FALSE,
	  "seconds until the menu's first entry starts" },
	{ "volume-id", SW_PARAM_STRING, "SLIPWAY-INSTALL", NULL,
	  G_STRUCT_OFFSET(struct options, volume_id), FALSE, "the medium's name, 1 to 32 letters" },
	{ "level", SW_PARAM_INT, "5", NULL, G_STRUCT_OFFSET(struct options, level), FALSE,
	  "effort of the compression (zstd), 1 (fast) to 9 (small)" },
	{ 0 },
};

/* An argument of the installer, for the menu; what it takes has no quotes. */
static gboolean add_argument(GString *text, const char *name, const char *value, GError **error)
{
	if (!si_request_is_good(name, value))
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "format iso: %s: \"%s\" is not what the installer takes; see "
			       "slipway list formats",
			       name, value);
	g_string_append_printf(text, " 'slipway.%s%s%s'", name, *value == '\0' ? "" : "=", value);
	return TRUE;
}

static gboolean add_kargs(GString *text, const char *kargs, GError **error)
{
	g_auto(GStrv) words = g_strsplit_set(kargs, " \t", -1);

	for (char **word = words; *word != NULL; word++)
		if (**word != '\0' && !add_argument(text, "karg", *word, error))
			return FALSE;
	return TRUE;
}

static gboolean make_arguments(const struct options *options, char **ret_text, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if ((options->install != NULL && !add_argument(text, "install", options->install, error)) ||
	    (options->wipe && !add_argument(text, "wipe", "", error)) ||
	    (!g_str_equal(options->end, "default") &&
	     !add_argument(text, options->end, "", error)) ||
	    (options->hostname != NULL &&
	     !add_argument(text, "hostname", options->hostname, error)) ||
	    (options->ssh_key != NULL && !add_argument(text, "ssh-key", options->ssh_key, error)) ||
	    (options->karg != NULL && !add_kargs(text, options->karg, error)))
		return FALSE;
	*ret_text = g_string_free(g_steal_pointer(&text), FALSE);
	return TRUE;
}

static gboolean iso_check(const void *state, G_GNUC_UNUSED guint64 disk_size, GError **error)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	const struct options *options = state;
	const char *volume_id = options->volume_id;
	g_autofree char *arguments = NULL;

	if (*volume_id == '\0' || strlen(volume_id) > VOLUME_ID_MAX ||
	    volume_id[strspn(volume_id, good)] != '\0')
		return sw_fail(
			error, SW_ERROR_USAGE, "bad-option",
			"format iso: volume-id is not of 1 to 32 letters, digits, and . _ -");
	if (options->timeout < 0 || options->timeout > TIMEOUT_MAX)
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "format iso: timeout is not from 0 to %d", TIMEOUT_MAX);
	return sw_codec_check_level("iso", options->level, error) &&
	       make_arguments(options, &arguments, error);
}

static gboolean check_arch(const struct sw_format_input *input, GError **error)
{
	if (input->arch == NULL || g_str_equal(input->arch, sw_installer_arch))
		return TRUE;
	return sw_fail(error, SW_ERROR_FORMAT, "iso-arch",
		       "format iso: this slipway has the installer for %s, and the image is for %s",
		       sw_installer_arch, input->arch);
}

static gboolean write_menu(const struct options *options, const struct sw_iso_boot *boot,
			   const char *medium, const struct sw_output_file *file, GError **error)
{
	g_autofree char *arguments = NULL;
	g_autofree char *text = NULL;

	if (!make_arguments(options, &arguments, error))
		return FALSE;
	text = sw_iso_print_menu(&(struct sw_iso_menu){ .medium = medium,
							.title = boot->title,
							.options = boot->options,
							.arguments = arguments,
							.timeout = options->timeout });
	return sw_write_at(file->fd, text, strlen(text), 0, file->path, SW_ERROR_FORMAT, ID, error);
}

static gboolean write_parts(const struct options *options, const struct sw_format_input *input,
			    struct sw_output *output, struct sw_iso_image *image,
			    const guint8 id[SI_ID_SIZE], struct sw_iso_boot *boot,
			    struct sw_iso_bios *bios, GCancellable *cancellable, GError **error)
{
	g_autofree char *stub = sw_iso_print_stub(image->medium);
	const struct sw_output_file *installer = NULL, *menu = NULL, *mark = NULL, *payload = NULL;

	if (!sw_iso_take_boot(input->disk, image->seed, stub, output, boot, cancellable, error) ||
	    (input->tree != NULL &&
	     !sw_iso_make_bios(input->tree, stub, output, bios, cancellable, error)) ||
	    !sw_output_add_scratch(output, &installer, error) ||
	    !sw_output_add_scratch(output, &menu, error) ||
	    !sw_output_add_scratch(output, &mark, error) ||
	    !sw_output_add_scratch(output, &payload, error) ||
	    !sw_iso_write_initramfs(installer, error) ||
	    !write_menu(options, boot, image->medium, menu, error) ||
	    !sw_iso_write_payload(input, id, options->level, payload, cancellable, error))
		return FALSE;
	image->boot = boot;
	image->bios = bios;
	image->installer = installer;
	image->menu = menu;
	image->mark = mark;
	image->payload = payload;
	return TRUE;
}

static gboolean iso_write(const void *state, const struct sw_format_input *input,
			  struct sw_output *output, GCancellable *cancellable, GError **error)
{
	const struct options *options = state;
	struct sw_iso_boot boot = { 0 };
	struct sw_iso_bios bios = { 0 };
	const struct sw_output_file *file = NULL;
	char medium[2 * SI_ID_SIZE + 1];
	g_autofree char *seed = NULL;
	guint8 id[SI_ID_SIZE];
	gboolean good;

	if (!check_arch(input, error) || !sw_identity_seed(input->disk, &seed, error) ||
	    !sw_output_add(output, "bootiso/install.iso", "application/vnd.efi.iso", 0, &file,
			   error))
		return FALSE;
	sw_identity_uuid(seed, "medium", id);
	si_print_hex(id, sizeof(id), medium);
	struct sw_iso_image image = { .volume_id = options->volume_id,
				      .seed = seed,
				      .medium = medium };

	good = write_parts(options, input, output, &image, id, &boot, &bios, cancellable, error) &&
	       sw_iso_assemble(&image, file, cancellable, error);
	sw_iso_boot_clear(&boot);
	return good;
}

static const char *const aliases[] = { "image-installer", "bootc-installer",
				       "bootable-container-iso", NULL };

const struct sw_format sw_format_iso = {
	.name = "iso",
	.aliases = aliases,
	.summary = "a medium (CD, USB stick) that installs the image without a network",
	.file = "bootiso/install.iso",
	.media_type = "application/vnd.efi.iso",
	.hint = "dd if=FILE of=/dev/STICK bs=4M oflag=direct status=progress",
	.state_size = sizeof(struct options),
	.params = params,
	.needs_system = TRUE,
	.check = iso_check,
	.write = iso_write,
};
