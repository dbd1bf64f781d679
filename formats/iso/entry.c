/* SPDX-License-Identifier: MIT */
#include <et/com_err.h>
#include <ext2fs/ext2fs.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/size.h"
#include "formats/iso/boot.h"
#include "installer/request.h"

#define ID "iso-disk"
#define ENTRIES "loader/entries"
#define ENTRY_MAX (64 * 1024)
#define PIECE ((guint)SW_MIB)

/* The filesystem of /boot. */
struct files {
	ext2_filsys fs;
	GPtrArray *names; /* char *: the entries */
};

static gboolean fail(GError **error, const char *path, errcode_t code)
{
	return sw_fail(error, SW_ERROR_FORMAT, ID,
		       "format iso: /boot of the disk: cannot read %s: %s", path,
		       error_message(code));
}

static int add_name(struct ext2_dir_entry *entry, G_GNUC_UNUSED int offset,
		    G_GNUC_UNUSED int block_size, G_GNUC_UNUSED char *buffer, void *data)
{
	struct files *files = data;
	char *name = g_strndup(entry->name, (gsize)ext2fs_dirent_name_len(entry));

	if (g_str_has_suffix(name, ".conf") && strchr(name, '/') == NULL)
		g_ptr_array_add(files->names, name);
	else
		g_free(name);
	return 0;
}

static gint compare(gconstpointer a, gconstpointer b)
{
	return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

static gboolean list_entries(struct files *files, GError **error)
{
	ext2_ino_t directory;
	errcode_t code =
		ext2fs_namei_follow(files->fs, EXT2_ROOT_INO, EXT2_ROOT_INO, ENTRIES, &directory);

	if (code == 0)
		code = ext2fs_dir_iterate(files->fs, directory, 0, NULL, add_name, files);
	if (code != 0)
		return fail(error, ENTRIES, code);
	if (files->names->len == 0)
		return sw_fail(error, SW_ERROR_FORMAT, ID,
			       "format iso: /boot of the disk has no boot entry in " ENTRIES);
	g_ptr_array_sort(files->names, compare);
	return TRUE;
}

/* Copies a file of the filesystem, at most LIMIT bytes, to FILE or to the end of TEXT. */
static gboolean read_file(const struct files *files, const char *path, guint64 limit,
			  const struct sw_output_file *file, GByteArray *text,
			  GCancellable *cancellable, GError **error)
{
	g_autofree guint8 *buffer = g_malloc(PIECE);
	ext2_file_t handle = NULL;
	ext2_ino_t inode;
	guint64 at = 0;
	guint n = 0;
	gboolean good = TRUE;
	errcode_t code = ext2fs_namei_follow(files->fs, EXT2_ROOT_INO, EXT2_ROOT_INO, path, &inode);

	if (code == 0)
		code = ext2fs_file_open(files->fs, inode, 0, &handle);
	if (code != 0)
		return fail(error, path, code);
	while (good && code == 0) {
		code = ext2fs_file_read(handle, buffer, PIECE, &n);
		if (code != 0 || n == 0)
			break;
		if (at + n > limit)
			code = EXT2_ET_FILE_TOO_BIG;
		else if (file != NULL)
			good = sw_check_cancelled(cancellable, error) &&
			       sw_write_at(file->fd, buffer, n, at, file->path, SW_ERROR_FORMAT, ID,
					   error);
		else
			g_byte_array_append(text, buffer, n);
		at += n;
	}
	ext2fs_file_close(handle);
	return good && (code == 0 || fail(error, path, code));
}

/* The value of KEY in a boot entry (the Boot Loader Specification); NULL: it has none. */
static char *find_value(char *const *lines, const char *key)
{
	for (; *lines != NULL; lines++)
		if (g_str_has_prefix(*lines, key) && g_ascii_isspace((*lines)[strlen(key)]))
			return g_strstrip(g_strdup(*lines + strlen(key)));
	return NULL;
}

/* Paths are the bootloader's: /boot may be a filesystem of its own, or not. */
static const char *in_boot(const char *path)
{
	return path + (g_str_has_prefix(path, "/boot/") ? strlen("/boot") : 0);
}

char *sw_iso_clean_title(const char *title)
{
	g_autofree char *text = g_strdup(title);
	char *ostree = strstr(text, " (ostree:");

	if (ostree != NULL)
		*ostree = '\0';
	return g_strcanon(g_steal_pointer(&text),
			  G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS " ()./,:+_-", '_');
}

char *sw_iso_clean_options(const char *options)
{
	static const char *const not_ours[] = { "root=",   "rootflags=", "rootfstype=",	 "boot=",
						"ostree=", "slipway.",	 "systemd.unit=" };
	g_auto(GStrv) words = g_strsplit_set(options, " \t", -1);
	g_autoptr(GPtrArray) kept = g_ptr_array_new();

	for (char **word = words; *word != NULL; word++) {
		gboolean keep = si_request_is_good("karg", *word) && !g_str_equal(*word, "rw") &&
				!g_str_equal(*word, "ro");

		for (guint i = 0; i < G_N_ELEMENTS(not_ours); i++)
			keep = keep && !g_str_has_prefix(*word, not_ours[i]);
		if (keep)
			g_ptr_array_add(kept, *word);
	}
	g_ptr_array_add(kept, NULL);
	return g_strjoinv(" ", (char **)kept->pdata);
}

static gboolean take(const struct files *files, struct sw_iso_boot *boot, GCancellable *cancellable,
		     GError **error)
{
	const char *name = files->names->pdata[files->names->len - 1];
	g_autofree char *path = g_strconcat(ENTRIES "/", name, NULL);
	g_autoptr(GByteArray) text = g_byte_array_new();
	g_auto(GStrv) lines = NULL;
	g_autofree char *title = NULL, *kernel = NULL, *initrd = NULL, *options = NULL;

	if (!read_file(files, path, ENTRY_MAX, NULL, text, cancellable, error))
		return FALSE;
	g_byte_array_append(text, (const guint8 *)"", 1);
	lines = g_strsplit((const char *)text->data, "\n", -1);
	title = find_value(lines, "title");
	kernel = find_value(lines, "linux");
	initrd = find_value(lines, "initrd");
	options = find_value(lines, "options");
	if (kernel == NULL || initrd == NULL)
		return sw_fail(error, SW_ERROR_FORMAT, ID,
			       "format iso: the boot entry %s of the disk names no %s", name,
			       kernel == NULL ? "kernel" : "initramfs");
	boot->title = sw_iso_clean_title(title == NULL ? name : title);
	boot->options = sw_iso_clean_options(options == NULL ? "" : options);
	return read_file(files, in_boot(kernel), SW_GIB, boot->kernel, NULL, cancellable, error) &&
	       read_file(files, in_boot(initrd), SW_GIB, boot->initramfs, NULL, cancellable, error);
}

gboolean sw_iso_read_boot(const char *path, struct sw_iso_boot *boot, GCancellable *cancellable,
			  GError **error)
{
	struct files files = { 0 };
	errcode_t code = ext2fs_open(path, 0, 0, 0, unix_io_manager, &files.fs);
	gboolean good;

	if (code != 0)
		return fail(error, "its filesystem (ext4 is known)", code);
	files.names = g_ptr_array_new_with_free_func(g_free);
	good = list_entries(&files, error) && take(&files, boot, cancellable, error);
	g_ptr_array_unref(files.names);
	ext2fs_close_free(&files.fs);
	return good;
}
