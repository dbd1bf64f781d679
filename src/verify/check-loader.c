/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "image/install-config.h"
#include "image/kargs-d.h"
#include "verify/check.h"

static void check_loader(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autofree char *loader = sw_examined_boot_path(disk, "loader");
	g_autofree char *boot = sw_examined_boot_path(disk, "boot");
	g_autofree char *efi = sw_examined_boot_path(disk, "efi");
	const struct sw_inode *link = sw_snapshot_find(disk->bootfs, loader);
	const struct sw_inode *self = sw_snapshot_find(disk->bootfs, boot);

	if (link == NULL || link->type != SW_TAR_SYMLINK ||
	    (!g_str_equal(link->target, "loader.0") && !g_str_equal(link->target, "loader.1")))
		sw_found_problem(finding, "/boot/loader is no link to loader.0 or loader.1");
	if (self == NULL || self->type != SW_TAR_SYMLINK || !g_str_equal(self->target, "."))
		sw_found_problem(finding, "/boot/boot is no link to \".\", and entries begin with "
					  "/boot");
	if (disk->entries->len == 0)
		sw_found_problem(finding, "there is no entry in /boot/loader/entries");
	if (disk->esp.partition != NULL &&
	    sw_snapshot_typed(disk->bootfs, efi, SW_TAR_DIRECTORY) == NULL)
		sw_found_warning(finding, "there is no directory /boot/efi");
	sw_found(finding, "%u in loader/entries", disk->entries->len);
}

static const struct sw_loader_entry *default_entry(const struct sw_examined *disk)
{
	return disk->entries->pdata[0];
}

/* The file that an entry's PATH ("/boot/ostree/...") means; NULL: there is none. */
static const struct sw_inode *entry_file(const struct sw_examined *disk, const char *path)
{
	g_autofree char *resolved = sw_snapshot_resolve(disk->bootfs, disk->boot_directory, path);

	return resolved == NULL ? NULL : sw_snapshot_typed(disk->bootfs, resolved, SW_TAR_FILE);
}

static void check_file(const struct sw_examined *disk, const struct sw_loader_entry *entry,
		       const char *key, const char *path, struct sw_finding *finding)
{
	if (path == NULL)
		sw_found_problem(finding, "%s has no %s", entry->name, key);
	else if (!g_str_has_prefix(path, "/boot/"))
		sw_found_problem(finding, "%s: %s %s does not begin with /boot/", entry->name, key,
				 path);
	else if (entry_file(disk, path) == NULL)
		sw_found_problem(finding, "%s: %s %s is no file of /boot", entry->name, key, path);
}

static void check_entry(const struct sw_examined *disk, struct sw_finding *finding)
{
	for (guint i = 0; i < disk->entries->len; i++) {
		const struct sw_loader_entry *entry = disk->entries->pdata[i];

		if (entry->title == NULL)
			sw_found_problem(finding, "%s has no title", entry->name);
		if (entry->version == NULL || *entry->version == '\0' ||
		    strspn(entry->version, "0123456789") != strlen(entry->version))
			sw_found_problem(finding, "%s has no version that is a number",
					 entry->name);
		check_file(disk, entry, "linux", entry->kernel, finding);
		if (entry->initrd != NULL || entry->options == NULL ||
		    strstr(entry->options, "init=/ostree/") == NULL)
			check_file(disk, entry, "initrd", entry->initrd, finding);
	}
	sw_found(finding, "%s: %s", default_entry(disk)->name, default_entry(disk)->title);
}

/* Adds the content of PATH to HASH. */
static gboolean hash_file(const struct sw_examined *disk, const char *path, struct sw_sha256 *hash)
{
	g_autoptr(GBytes) bytes =
		path == NULL ? NULL : sw_snapshot_bytes(disk->bootfs, entry_file(disk, path));
	gsize length = 0;
	const void *data = bytes == NULL ? NULL : g_bytes_get_data(bytes, &length);

	if (bytes == NULL)
		return FALSE;
	sw_sha256_update(hash, data, length);
	return TRUE;
}

/* "default-CHECKSUM", the directory of the entry's kernel; its checksum.  NULL: another form. */
static char *boot_checksum(const struct sw_loader_entry *entry)
{
	g_auto(GStrv) parts = g_strsplit(entry->kernel == NULL ? "" : entry->kernel, "/", -1);
	guint count = g_strv_length(parts);
	const char *dash = count < 2 ? NULL : strrchr(parts[count - 2], '-');

	if (dash == NULL || !ostree_validate_checksum_string(dash + 1, NULL))
		return NULL;
	return g_strdup(dash + 1);
}

static void check_same(const struct sw_examined *disk, const char *path, const char *const *names,
		       struct sw_finding *finding)
{
	const struct sw_inode *boot = path == NULL ? NULL : entry_file(disk, path);
	g_autofree char *modules = sw_examined_path(disk, "usr/lib/modules");
	g_auto(GStrv) versions = sw_snapshot_list(disk->root.tree, modules);

	for (guint v = 0; boot != NULL && versions[v] != NULL; v++)
		for (guint n = 0; names[n] != NULL; n++) {
			g_autofree char *file =
				g_strdup_printf("%s/%s/%s", modules, versions[v], names[n]);
			const struct sw_inode *own =
				sw_snapshot_typed(disk->root.tree, file, SW_TAR_FILE);

			if (own != NULL && g_str_equal(own->content, boot->content))
				return;
		}
	if (boot != NULL)
		sw_found_problem(finding, "%s is not the deployment's", path);
}

static void check_kernel(const struct sw_examined *disk, struct sw_finding *finding)
{
	static const char *const kernels[] = { "vmlinuz", NULL };
	static const char *const initramfs[] = { "initramfs.img", "initramfs", NULL };
	const struct sw_loader_entry *entry = default_entry(disk);
	g_autofree char *named = boot_checksum(entry);
	g_autoptr(SwSha256) hash = sw_sha256_new();
	char hex[SW_SHA256_SIZE];

	if (named == NULL) {
		sw_found_problem(finding, "%s: the kernel is not in a directory STATEROOT-CHECKSUM",
				 entry->name);
		return;
	}
	if (!hash_file(disk, entry->kernel, hash) ||
	    (entry->initrd != NULL && !hash_file(disk, entry->initrd, hash))) {
		sw_found_problem(finding, "the kernel or the initramfs cannot be read");
		return;
	}
	/* A device tree is covered, too, a directory of them in an order of libostree's own. */
	if (entry->devicetree != NULL && !hash_file(disk, entry->devicetree, hash))
		sw_found_problem(finding, "the device tree cannot be read");
	sw_sha256_hex(hash, hex);
	if (!g_str_equal(hex, named))
		sw_found_problem(finding,
				 "kernel and initramfs have the checksum %.12s, their "
				 "directory is named by %.12s",
				 hex, named);
	check_same(disk, entry->kernel, kernels, finding);
	check_same(disk, entry->initrd, initramfs, finding);
	sw_found(finding, "%.12s, as the directory says", named);
}

/* The arguments of OPTIONS; a blank inside double quotes does not split. */
static GPtrArray *split_options(const char *options)
{
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) word = g_string_new(NULL);
	gboolean inside = FALSE;

	for (const char *c = options == NULL ? "" : options;; c++) {
		if (*c == '"')
			inside = !inside;
		if (*c != '\0' && (*c != ' ' || inside)) {
			g_string_append_c(word, *c);
			continue;
		}
		if (word->len > 0)
			g_ptr_array_add(words, g_strdup(word->str));
		g_string_truncate(word, 0);
		if (*c == '\0')
			return words;
	}
}

static const char *find_karg(GPtrArray *words, const char *key)
{
	for (guint i = 0; i < words->len; i++)
		if (g_str_has_prefix(words->pdata[i], key))
			return (const char *)words->pdata[i] + strlen(key);
	return NULL;
}

static gboolean has_karg(GPtrArray *words, const char *karg)
{
	return g_ptr_array_find_with_equal_func(words, karg, g_str_equal, NULL);
}

/* The files NAME.toml of the deployment's DIRECTORY, sorted; each is given to TAKE. */
static void read_fragments(const struct sw_examined *disk, const char *directory,
			   void (*take)(const char *text, size_t length, const char *path,
					const char *architecture, void *data),
			   void *data)
{
	g_autofree char *full = sw_snapshot_resolve(disk->root.tree, disk->deployment, directory);
	g_auto(GStrv) names = full == NULL ? NULL : sw_snapshot_list(disk->root.tree, full);

	for (guint i = 0; names != NULL && names[i] != NULL; i++) {
		g_autofree char *path = g_strdup_printf("%s/%s", directory, names[i]);
		size_t length = 0;
		g_autofree char *text = NULL;

		if (g_str_has_suffix(names[i], ".toml"))
			text = sw_examined_text(disk, path, &length);
		if (text != NULL)
			take(text, length, path, disk->image->architecture, data);
	}
}

struct wanted {
	struct sw_finding *finding;
	struct sw_install_config *config;
	GPtrArray *kargs;
};

static void take_install(const char *text, size_t length, const char *path,
			 const char *architecture, void *data)
{
	struct wanted *wanted = data;
	g_autoptr(GError) error = NULL;

	if (!sw_install_config_merge(wanted->config, text, length, path, architecture, &error))
		sw_found_problem(wanted->finding, "%s", error->message);
}

static void take_kargs(const char *text, size_t length, const char *path, const char *architecture,
		       void *data)
{
	struct wanted *wanted = data;
	g_autoptr(GError) error = NULL;

	if (!sw_kargs_d_parse(text, length, path, architecture, wanted->kargs, &error))
		sw_found_problem(wanted->finding, "%s", error->message);
}

static void check_mount(GPtrArray *words, const char *key, const char *uuid, const char *spec,
			struct sw_finding *finding)
{
	g_autofree char *wanted = spec != NULL ? g_strdup(spec) : g_strconcat("UUID=", uuid, NULL);
	const char *found = find_karg(words, key);

	if (*wanted == '\0')
		return;
	if (found == NULL)
		sw_found_problem(finding, "there is no %s%s", key, wanted);
	else if (!g_str_equal(found, wanted))
		sw_found_problem(finding, "%s%s, but the filesystem is %s", key, found, wanted);
}

/* Does ostree= lead to a deployment through a symbolic link? */
static void check_ostree(const struct sw_examined *disk, GPtrArray *words,
			 struct sw_finding *finding)
{
	const char *path = find_karg(words, "ostree=");
	g_autofree char *end = NULL;

	if (path == NULL) {
		sw_found_problem(finding, "there is no ostree=");
		return;
	}
	end = sw_snapshot_resolve(disk->root.tree, "", path);
	if (end == NULL || g_strcmp0(end, disk->deployment) != 0)
		sw_found_problem(finding, "ostree=%s does not lead to the deployment", path);
}

static void check_kargs(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autoptr(GPtrArray) words = split_options(default_entry(disk)->options);
	g_autoptr(GPtrArray) kargs = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(SwInstallConfig) config = sw_install_config_new();
	struct wanted wanted = { finding, config, kargs };

	read_fragments(disk, "usr/lib/bootc/install", take_install, &wanted);
	read_fragments(disk, "usr/local/lib/bootc/install", take_install, &wanted);
	read_fragments(disk, "etc/bootc/install", take_install, &wanted);
	read_fragments(disk, "usr/lib/bootc/kargs.d", take_kargs, &wanted);
	if (disk->root.uuid != NULL && !config->discoverable_partitions)
		check_mount(words, "root=", disk->root.uuid, config->root_mount_spec, finding);
	if (disk->boot.uuid != NULL)
		check_mount(words, "boot=", disk->boot.uuid, config->boot_mount_spec, finding);
	if (!has_karg(words, "rw"))
		sw_found_problem(finding, "there is no rw");
	check_ostree(disk, words, finding);
	/* The user may have deleted one. */
	for (guint i = 0; i < kargs->len; i++)
		if (!has_karg(words, kargs->pdata[i]))
			sw_found_warning(finding, "%s of the image's kargs.d is not there",
					 (const char *)kargs->pdata[i]);
	sw_found(finding, "%s", default_entry(disk)->options);
}

const struct sw_check sw_checks_loader[] = {
	{ .id = "loader",
	  .what = "/boot has its links and an entry",
	  .remedy = "build the disk anew: no boot loader finds a system",
	  .needs = SW_NEED_BOOT,
	  .run = check_loader },
	{ .id = "loader-entry",
	  .what = "the entries are complete and name files that are there",
	  .remedy = "build the disk anew",
	  .needs = SW_NEED_ENTRY,
	  .run = check_entry },
	{ .id = "kernel",
	  .what = "kernel and initramfs in /boot are the deployment's",
	  .remedy = "build the disk anew",
	  .needs = SW_NEED_ENTRY | SW_NEED_DEPLOYMENT,
	  .run = check_kernel },
	{ .id = "kargs",
	  .what = "the kernel arguments lead to this disk's filesystems and deployment",
	  .remedy = "correct the options of the entry, or build the disk anew",
	  .needs = SW_NEED_ENTRY | SW_NEED_IMAGE,
	  .run = check_kargs },
	{ .id = NULL },
};
