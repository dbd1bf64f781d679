/* SPDX-License-Identifier: MIT */
#include "disk/layout.h"

#include "core/error.h"
#include "core/gpt.h"
#include "core/hash.h"
#include "core/size.h"

#define TABLE_BYTES SW_MIB /* for the GPT, at either end */
#define ALIGNMENT SW_MIB
#define BOOT_BYTES SW_GIB
#define VAR_BYTES (256 * SW_MIB)
#define ROOT_UNIT (64 * SW_MIB)

/* Far beyond any image, and so far below 2^64 that no sum here can overflow. */
#define CONTENT_LIMIT (G_GUINT64_CONSTANT(1) << 50)
#define INODE_LIMIT (G_GUINT64_CONSTANT(1) << 32)

/* While libostree writes a new deployment, /boot holds the kernels of three. */
#define BOOT_DEPLOYMENTS 3

/* mke2fs makes an inode for so many bytes; xfs and btrfs make them as they are needed. */
#define EXT4_BYTES_PER_INODE 16384

/*
 * What a kind of partition is (contract 2.1, 2.15).
 */
struct kind {
	guint64 size; /* 0: computed */
	const char *name;
	const char *type_guid;	/* NULL: the architecture's */
	const char *filesystem; /* NULL: none, or root's */
	const char *label;
};

static const struct kind kinds[] = {
	[SW_ROLE_BIOS_BOOT] = { SW_MIB, "BIOS-BOOT", SW_GPT_BIOS_BOOT, NULL, NULL },
	[SW_ROLE_PREP] = { 4 * SW_MIB, "PowerPC-PReP-boot", SW_GPT_PREP, NULL, NULL },
	[SW_ROLE_ESP] = { 512 * SW_MIB, "EFI-SYSTEM", SW_GPT_ESP, "vfat", "EFI-SYSTEM" },
	[SW_ROLE_BOOT] = { 0, "boot", SW_GPT_BOOT, "ext4", "boot" },
	[SW_ROLE_ROOT] = { 0, "root", NULL, NULL, "root" },
};

struct architecture {
	const char *name;
	const char *root_guid;
	enum sw_role roles[4]; /* up to and with root */
};

static const struct architecture architectures[] = {
	{ "amd64",
	  SW_GPT_ROOT_AMD64,
	  { SW_ROLE_BIOS_BOOT, SW_ROLE_ESP, SW_ROLE_BOOT, SW_ROLE_ROOT } },
	{ "arm64", SW_GPT_ROOT_ARM64, { SW_ROLE_ESP, SW_ROLE_BOOT, SW_ROLE_ROOT } },
	{ "riscv64", SW_GPT_ROOT_RISCV64, { SW_ROLE_ESP, SW_ROLE_BOOT, SW_ROLE_ROOT } },
	{ "ppc64le", SW_GPT_ROOT_PPC64LE, { SW_ROLE_PREP, SW_ROLE_BOOT, SW_ROLE_ROOT } },
	{ "s390x", SW_GPT_ROOT_S390X, { SW_ROLE_BOOT, SW_ROLE_ROOT } },
};

/*
 * What a root filesystem takes for itself: a share of its content, a fixed part, and its least
 * size. The fixed part of ext4 is its journal; of xfs its log and what the kernel keeps in reserve;
 * of btrfs its first chunks of metadata, all of them twice.
 */
struct filesystem {
	const char *name;
	guint64 percent;
	guint64 fixed;
	guint64 least;
	gboolean has_fixed_inodes;
};

static const struct filesystem filesystems[] = {
	{ "ext4", 5, 64 * SW_MIB, 128 * SW_MIB, TRUE },
	{ "xfs", 5, 128 * SW_MIB, 512 * SW_MIB, FALSE },
	{ "btrfs", 5, 320 * SW_MIB, 512 * SW_MIB, FALSE },
};

/* The sizes of a plan, bytes. */
struct sizes {
	guint64 content;
	guint64 overhead;
	guint64 boot;
	guint64 fixed;	 /* all but root */
	guint64 minimum; /* of root: the content once */
	guint64 wanted;	 /* of root: with an update and /var */
};

static const struct architecture *find_architecture(const char *name, GError **error)
{
	for (gsize i = 0; i < G_N_ELEMENTS(architectures); i++)
		if (g_str_equal(architectures[i].name, name))
			return &architectures[i];
	sw_fail(error, SW_ERROR_IMAGE, "architecture",
		"there is no disk layout for the architecture %s (there is for amd64, arm64, "
		"ppc64le, riscv64, s390x)",
		name);
	return NULL;
}

static const struct filesystem *find_filesystem(const char *name, GError **error)
{
	for (gsize i = 0; i < G_N_ELEMENTS(filesystems); i++)
		if (g_str_equal(filesystems[i].name, name))
			return &filesystems[i];
	sw_fail(error, SW_ERROR_USAGE, "rootfs", "no root filesystem %s (known: ext4, xfs, btrfs)",
		name);
	return NULL;
}

/* The size of the root filesystem that holds COPIES of the content and EXTRA bytes. */
static guint64 root_size(const struct filesystem *filesystem,
			 const struct sw_layout_request *request, guint64 copies, guint64 extra,
			 guint64 unit)
{
	guint64 content = copies * request->root_bytes;
	guint64 size = content + content * filesystem->percent / 100 + filesystem->fixed + extra;

	if (filesystem->has_fixed_inodes)
		size = MAX(size, copies * request->root_inodes * EXT4_BYTES_PER_INODE);
	return sw_round_up(MAX(size, filesystem->least), unit);
}

static guint64 partition_size(const struct sizes *sizes, enum sw_role role)
{
	return role == SW_ROLE_BOOT ? sizes->boot : kinds[role].size;
}

static void compute_sizes(const struct sw_layout_request *request,
			  const struct architecture *architecture,
			  const struct filesystem *filesystem, struct sizes *sizes)
{
	guint64 kernels = BOOT_DEPLOYMENTS * request->boot_bytes;

	sizes->content = request->root_bytes;
	sizes->boot = MAX(BOOT_BYTES, sw_round_up(kernels + kernels / 20 + 64 * SW_MIB, ROOT_UNIT));
	sizes->minimum = root_size(filesystem, request, 1, request->transient_bytes, ALIGNMENT);
	sizes->wanted = sw_round_up(
		MAX(root_size(filesystem, request, 2, VAR_BYTES, ROOT_UNIT), sizes->minimum),
		ROOT_UNIT);
	sizes->overhead = sizes->wanted - 2 * sizes->content - VAR_BYTES;
	sizes->fixed = 2 * TABLE_BYTES;
	for (const enum sw_role *role = architecture->roles; *role != SW_ROLE_ROOT; role++)
		sizes->fixed += partition_size(sizes, *role);
}

static gboolean check_request(const struct sw_layout_request *request, const struct sizes *sizes,
			      GError **error)
{
	g_autofree char *least = NULL;

	if (request->size == 0)
		return TRUE;
	if (request->size % SW_MIB != 0)
		return sw_fail(error, SW_ERROR_USAGE, "size", "the size must be whole MiB");
	if (request->size >= sizes->fixed + sizes->minimum)
		return TRUE;
	least = sw_size_format(sizes->fixed + sizes->minimum);
	return sw_fail(error, SW_ERROR_USAGE, "size-too-small",
		       "a disk of %" G_GUINT64_FORMAT " MiB does not hold the image: it takes at "
		       "least %" G_GUINT64_FORMAT "M (%s), and twice the content for updates",
		       request->size / SW_MIB, (sizes->fixed + sizes->minimum) / SW_MIB, least);
}

static char *explain(const struct sw_layout_request *request, const struct sizes *sizes,
		     guint64 disk_size)
{
	g_autofree char *disk = sw_size_format(disk_size);
	g_autofree char *root = sw_size_format(disk_size - sizes->fixed);
	g_autofree char *content = sw_size_format(sizes->content);
	g_autofree char *overhead = sw_size_format(sizes->overhead);
	g_autofree char *var = sw_size_format(VAR_BYTES);
	g_autofree char *rest = sw_size_format(sizes->fixed);
	g_autofree char *least = sw_size_format(sizes->fixed + sizes->minimum);
	g_autofree char *unit = sw_size_format(MAX(request->unit, 1));
	g_autofree char *whole = request->unit > ALIGNMENT
					 ? g_strdup_printf(", in whole %s for the types", unit)
					 : g_strdup("");

	if (request->size != 0)
		return g_strdup_printf("%s as asked for%s: root %s for %s of content, %s for the "
				       "other partitions; the least is %s",
				       disk, whole, root, content, rest, least);
	return g_strdup_printf("%s%s: root %s (content %s, again for an update, %s for %s and "
			       "rounding, %s for /var), %s for the other partitions",
			       disk, whole, root, content, overhead, request->rootfs, var, rest);
}

/* A FAT volume id has 32 bits. */
static char *derive_fat_id(const char *seed, const char *name)
{
	g_autofree char *uuid = sw_uuid_derive(seed, name);
	g_autofree char *upper = g_ascii_strup(uuid, 8);

	return g_strdup_printf("%.4s-%.4s", upper, upper + 4);
}

static struct sw_partition *make_partition(const struct sw_layout_request *request,
					   const struct architecture *architecture,
					   enum sw_role role, guint number)
{
	const struct kind *kind = &kinds[role];
	struct sw_partition *partition = g_new0(struct sw_partition, 1);
	g_autofree char *guid_name = g_strdup_printf("partition:%s", kind->name);
	g_autofree char *uuid_name = g_strdup_printf("filesystem:%s", kind->name);

	partition->role = role;
	partition->number = number;
	partition->name = kind->name;
	partition->type_guid = role == SW_ROLE_ROOT ? architecture->root_guid : kind->type_guid;
	partition->guid = sw_uuid_derive(request->seed, guid_name);
	partition->filesystem = role == SW_ROLE_ROOT ? find_filesystem(request->rootfs, NULL)->name
						     : kind->filesystem;
	partition->label = kind->label;
	if (role == SW_ROLE_ESP)
		partition->uuid = derive_fat_id(request->seed, uuid_name);
	else if (partition->filesystem != NULL)
		partition->uuid = sw_uuid_derive(request->seed, uuid_name);
	return partition;
}

static void partition_free(void *data)
{
	struct sw_partition *partition = data;

	g_free(partition->guid);
	g_free(partition->uuid);
	g_free(partition);
}

gboolean sw_layout_plan(const struct sw_layout_request *request, struct sw_layout **ret_layout,
			GError **error)
{
	const struct architecture *architecture = find_architecture(request->architecture, error);
	const struct filesystem *filesystem =
		architecture != NULL ? find_filesystem(request->rootfs, error) : NULL;
	struct sw_layout *layout;
	struct sizes sizes;
	guint64 offset = TABLE_BYTES;
	guint number = 0;

	if (filesystem == NULL)
		return FALSE;
	if (request->root_bytes > CONTENT_LIMIT || request->boot_bytes > CONTENT_LIMIT ||
	    request->transient_bytes > CONTENT_LIMIT || request->root_inodes > INODE_LIMIT)
		return sw_fail(error, SW_ERROR_IMAGE, "size", "the image is too large for a disk");
	compute_sizes(request, architecture, filesystem, &sizes);
	if (!check_request(request, &sizes, error))
		return FALSE;
	layout = g_new0(struct sw_layout, 1);
	layout->size = sw_round_up(request->size != 0 ? request->size : sizes.fixed + sizes.wanted,
				   MAX(request->unit, 1));
	layout->minimum_size = sizes.fixed + sizes.minimum;
	layout->disk_guid = sw_uuid_derive(request->seed, "disk");
	layout->partitions = g_ptr_array_new_with_free_func(partition_free);
	layout->explanation = explain(request, &sizes, layout->size);
	for (const enum sw_role *role = architecture->roles;; role++) {
		struct sw_partition *partition =
			make_partition(request, architecture, *role, ++number);

		partition->offset = offset;
		partition->size = *role == SW_ROLE_ROOT ? layout->size - sizes.fixed
							: partition_size(&sizes, *role);
		offset += partition->size;
		g_ptr_array_add(layout->partitions, partition);
		if (*role == SW_ROLE_ROOT)
			break;
	}
	*ret_layout = layout;
	return TRUE;
}

void sw_layout_free(struct sw_layout *layout)
{
	if (layout == NULL)
		return;
	g_free(layout->disk_guid);
	g_ptr_array_unref(layout->partitions);
	g_free(layout->explanation);
	g_free(layout);
}

const struct sw_partition *sw_layout_find(const struct sw_layout *layout, enum sw_role role)
{
	for (guint i = 0; i < layout->partitions->len; i++) {
		const struct sw_partition *partition = g_ptr_array_index(layout->partitions, i);

		if (partition->role == role)
			return partition;
	}
	return NULL;
}
