/* SPDX-License-Identifier: MIT */
#include "disk/mkfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/copy.h"
#include "core/file.h"
#include "core/subprocess.h"

static gboolean run(const char *const *argv, const char *const *env, const char *package,
		    GCancellable *cancellable, GError **error)
{
	struct sw_command command = {
		.argv = argv,
		.env = env,
		.code = SW_ERROR_DEPLOY,
		.id = "mkfs",
		.package = package,
	};

	return sw_command_run(&command, NULL, cancellable, error);
}

/*
 * Makes an empty sparse file of the size of PARTITION: the programs below cannot write at an offset
 * of a larger file.
 */
static gboolean make_blank(const struct sw_partition *partition, const char *path, GError **error)
{
	sw_autofd int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)partition->size) < 0)
		return sw_fail_errno(error, SW_ERROR_DEPLOY, "mkfs", "%s", path);
	return TRUE;
}

/* Moves the filesystem in the file BLANK to its place in DISK. */
static gboolean put_in_place(const struct sw_partition *partition, const char *blank,
			     const char *disk, GCancellable *cancellable, GError **error)
{
	sw_autofd int in = open(blank, O_RDONLY | O_CLOEXEC);
	sw_autofd int out = open(disk, O_WRONLY | O_CLOEXEC);

	if (in < 0 || out < 0)
		return sw_fail_errno(error, SW_ERROR_DEPLOY, "mkfs", "%s", in < 0 ? blank : disk);
	if (!sw_copy_sparse(in, out, partition->offset, disk, SW_ERROR_DEPLOY, "mkfs", cancellable,
			    error))
		return FALSE;
	unlink(blank);
	return TRUE;
}

/*
 * The features that older kernels and GRUB cannot read stay off whatever the host's mke2fs.conf
 * says; verity is what bootc's own install asks for on a root.
 */
static gboolean mkfs_ext4(const struct sw_partition *partition, const char *disk, gint64 now,
			  GCancellable *cancellable, GError **error)
{
	g_autofree char *extended = g_strdup_printf(
		"offset=%" G_GUINT64_FORMAT ",hash_seed=%s,nodiscard,assume_storage_prezeroed=1",
		partition->offset, partition->uuid);
	g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT "k", partition->size / 1024);
	g_autofree char *epoch = g_strdup_printf("SOURCE_DATE_EPOCH=%" G_GINT64_FORMAT, now);
	g_autofree char *fake = g_strdup_printf("E2FSPROGS_FAKE_TIME=%" G_GINT64_FORMAT, now);
	const char *features = partition->role == SW_ROLE_ROOT
				       ? "verity,^orphan_file,^metadata_csum_seed"
				       : "^orphan_file,^metadata_csum_seed";
	const char *argv[] = {
		"mke2fs", "-q", "-F",	  "-t", "ext4",		 "-b", "4096",		 "-I",
		"256",	  "-O", features, "-U", partition->uuid, "-L", partition->label, "-E",
		extended, disk, size,	  NULL
	};
	const char *env[] = { epoch, fake, NULL };

	return run(argv, env, "e2fsprogs", cancellable, error);
}

static gboolean mkfs_xfs(const struct sw_partition *partition, const char *blank,
			 GCancellable *cancellable, GError **error)
{
	g_autofree char *uuid = g_strdup_printf("uuid=%s", partition->uuid);
	const char *argv[] = { "mkfs.xfs", "-q", "-m", uuid, "-L", partition->label, blank, NULL };

	return run(argv, NULL, "xfsprogs", cancellable, error);
}

static gboolean mkfs_btrfs(const struct sw_partition *partition, const char *blank,
			   GCancellable *cancellable, GError **error)
{
	const char *argv[] = { "mkfs.btrfs",	 "-q",	"-U", partition->uuid, "-L",
			       partition->label, blank, NULL };

	return run(argv, NULL, "btrfs-progs", cancellable, error);
}

gboolean sw_mkfs(const struct sw_partition *partition, const char *disk, const char *scratch,
		 gint64 now, GCancellable *cancellable, GError **error)
{
	g_autofree char *blank = g_build_filename(scratch, "blank.fs", NULL);

	if (g_str_equal(partition->filesystem, "ext4"))
		return mkfs_ext4(partition, disk, now, cancellable, error);
	if (!make_blank(partition, blank, error))
		return FALSE;
	if (g_str_equal(partition->filesystem, "xfs")) {
		if (!mkfs_xfs(partition, blank, cancellable, error))
			return FALSE;
	} else if (!mkfs_btrfs(partition, blank, cancellable, error)) {
		return FALSE;
	}
	return put_in_place(partition, blank, disk, cancellable, error);
}

void sw_esp_file_free(struct sw_esp_file *file)
{
	if (file == NULL)
		return;
	g_free(file->path);
	g_bytes_unref(file->data);
	g_free(file);
}

/* The files below DIRECTORY as they will lie on the ESP. */
static gboolean lay_out(GPtrArray *files, const char *directory, GError **error)
{
	for (guint i = 0; i < files->len; i++) {
		const struct sw_esp_file *file = g_ptr_array_index(files, i);
		g_autofree char *path = g_build_filename(directory, file->path, NULL);
		g_autofree char *parent = g_path_get_dirname(path);
		gsize length = 0;
		const void *data = g_bytes_get_data(file->data, &length);

		if (!sw_mkdirs(parent, 0755, error) ||
		    !sw_write_file(path, data, length, 0644, SW_ERROR_DEPLOY, "esp", error))
			return FALSE;
	}
	return TRUE;
}

gboolean sw_mkfs_esp(const struct sw_partition *partition, const char *disk, const char *scratch,
		     gint64 now, GPtrArray *files, GCancellable *cancellable, GError **error)
{
	g_autofree char *blank = g_build_filename(scratch, "blank.fs", NULL);
	g_autofree char *tree = g_build_filename(scratch, "esp", NULL);
	g_autofree char *efi = g_build_filename(tree, "EFI", NULL);
	g_autofree char *epoch = g_strdup_printf("SOURCE_DATE_EPOCH=%" G_GINT64_FORMAT, now);
	g_autofree char *id = g_strndup(partition->uuid, 4);
	g_autofree char *volume = g_strconcat(id, partition->uuid + 5, NULL);
	/* Without --invariant the volume id is the time; behind it, -i sets ours. */
	const char *mkfs[] = { "mkfs.fat", "--invariant",    "-F",  "32", "-i", volume,
			       "-n",	   partition->label, blank, NULL };
	const char *mcopy[] = { "mcopy", "-i", blank, "-s", efi, "::", NULL };
	const char *env[] = { epoch, "TZ=UTC", "MTOOLSRC=/dev/null", NULL };

	return make_blank(partition, blank, error) && lay_out(files, tree, error) &&
	       run(mkfs, env, "dosfstools", cancellable, error) &&
	       (files->len == 0 || run(mcopy, env, "mtools", cancellable, error)) &&
	       put_in_place(partition, blank, disk, cancellable, error);
}
