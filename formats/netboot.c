/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>

#include "core/copy.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/subprocess.h"
#include "formats/shared/codec.h"

/*
 * What a machine boots from the network: the image's kernel and initramfs, its root filesystem as a squashfs
 * (dracut's livenet module fetches it) and a script for iPXE.  The names are those that OpenCHAMI's image
 * import looks for.
 */
#define ID "netboot-write"
#define DIRECTORY "netboot/"
#define SCRIPT_NAME DIRECTORY "boot.ipxe"

struct options {
	char *compression;
	int level;
};

static const char *const compressions[] = { "zstd", "xz", "gzip", NULL };

static const struct sw_param params[] = {
	{ "compression", SW_PARAM_CHOICE, "zstd", compressions,
	  G_STRUCT_OFFSET(struct options, compression), FALSE,
	  "of the squashfs; the image's kernel must know it" },
	{ "level", SW_PARAM_INT, "6", NULL, G_STRUCT_OFFSET(struct options, level), FALSE,
	  "effort of the compression, 1 (fast) to 9 (small); xz has but one" },
	{ 0 },
};

static gboolean netboot_check(const void *state, G_GNUC_UNUSED guint64 disk_size, GError **error)
{
	const struct options *options = state;

	return sw_codec_check_level("netboot", options->level, error);
}

static void netboot_names(G_GNUC_UNUSED const void *state, GPtrArray *names)
{
	g_ptr_array_add(names, g_strdup(SCRIPT_NAME));
}

/* It becomes a name and a word of the script. */
static gboolean check_version(const char *version, GError **error)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._+~-";

	if (version == NULL || *version == '\0' || strspn(version, good) != strlen(version))
		return sw_fail(error, SW_ERROR_IMAGE, "kernel-version",
			       "format netboot: the image's kernel has no version that can name a "
			       "file");
	return TRUE;
}

/* A file of the tree as an artifact. */
static gboolean add_file(const struct sw_format_input *input, struct sw_output *output,
			 const char *from, const char *to, GCancellable *cancellable,
			 GError **error)
{
	const struct sw_format_tree *tree = input->tree;
	g_autofree char *path =
		g_strdup_printf("/usr/lib/modules/%s/%s", tree->kernel_version, from);
	const struct sw_output_file *file = NULL;
	sw_autofd int fd = -1;
	struct stat st;

	if (!sw_check_cancelled(cancellable, error) ||
	    !tree->open_file(tree->data, path, &fd, error) ||
	    !sw_output_add(output, to, "application/octet-stream", 0, &file, error))
		return FALSE;
	if (fstat(fd, &st) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "cannot read %s", path);
	return sw_copy_range(fd, 0, file->fd, 0, (guint64)st.st_size, file->path, SW_ERROR_FORMAT,
			     ID, error);
}

/* tar2sqfs makes the squashfs of the archive, whose root is its root. */
static gboolean add_squashfs(const struct options *options, const struct sw_format_input *input,
			     struct sw_output *output, const char *name, GCancellable *cancellable,
			     GError **error)
{
	const struct sw_format_tree *tree = input->tree;
	gboolean has_level = !g_str_equal(options->compression, "xz");
	g_autofree char *threads = g_strdup_printf("%d", input->threads);
	g_autofree char *level = g_strdup_printf("level=%d", options->level);
	const struct sw_output_file *tar = NULL;
	const struct sw_output_file *file = NULL;
	const char *argv[] = { "tar2sqfs",
			       "--quiet",
			       "--force",
			       "--no-skip",
			       "-j",
			       threads,
			       "-c",
			       options->compression,
			       NULL /* the file */,
			       has_level ? "-X" : NULL,
			       has_level ? level : NULL,
			       NULL };
	struct sw_command command = {
		.argv = argv, .package = "squashfs-tools-ng", .code = SW_ERROR_FORMAT, .id = ID
	};

	if (!sw_output_add_scratch(output, &tar, error) ||
	    !sw_output_add(output, name, "application/vnd.squashfs", 0, &file, error) ||
	    !tree->write_tar(tree->data, tar->fd, cancellable, error))
		return FALSE;
	argv[8] = file->path;
	command.input_file = tar->path;
	return sw_command_run(&command, NULL, cancellable, error);
}

static gboolean add_script(const struct sw_format_input *input, struct sw_output *output,
			   GError **error)
{
	const char *version = input->tree->kernel_version;
	const struct sw_output_file *file = NULL;
	g_autofree char *text = g_strdup_printf(
		"#!ipxe\n"
		"# %s; the files lie where this script does\n"
		"kernel vmlinuz-%s initrd=initramfs-%s.img root=live:${cwduri}rootfs-%s.squashfs "
		"rd.neednet=1 ip=dhcp rd.live.overlay.overlayfs=1%s%s\n"
		"initrd initramfs-%s.img\n"
		"boot\n",
		input->name, version, version, version, *input->tree->kargs == '\0' ? "" : " ",
		input->tree->kargs, version);

	return sw_output_add(output, SCRIPT_NAME, "text/plain", 0, &file, error) &&
	       sw_write_at(file->fd, text, strlen(text), 0, file->path, SW_ERROR_FORMAT, ID, error);
}

static gboolean netboot_write(const void *state, const struct sw_format_input *input,
			      struct sw_output *output, GCancellable *cancellable, GError **error)
{
	const char *version = input->tree->kernel_version;
	g_autofree char *kernel = g_strconcat(DIRECTORY "vmlinuz-", version, NULL);
	g_autofree char *initramfs = g_strconcat(DIRECTORY "initramfs-", version, ".img", NULL);
	g_autofree char *rootfs = g_strconcat(DIRECTORY "rootfs-", version, ".squashfs", NULL);

	if (!check_version(version, error) || !add_script(input, output, error) ||
	    !add_file(input, output, "vmlinuz", kernel, cancellable, error) ||
	    !add_file(input, output, "initramfs.img", initramfs, cancellable, error) ||
	    !add_squashfs(state, input, output, rootfs, cancellable, error))
		return FALSE;
	if (input->progress != NULL)
		input->progress(sw_sparse_size(input->disk), input->progress_data);
	return TRUE;
}

static const char *const aliases[] = { "pxe", NULL };

const struct sw_format sw_format_netboot = {
	.name = "netboot",
	.aliases = aliases,
	.summary = "kernel, initramfs, squashfs and an iPXE script, to boot from the network",
	.file = SCRIPT_NAME,
	.media_type = "text/plain",
	.hint = "ipxe> chain http://SERVER/boot.ipxe",
	.state_size = sizeof(struct options),
	.params = params,
	.needs_tree = TRUE,
	.names = netboot_names,
	.check = netboot_check,
	.write = netboot_write,
};
