/* SPDX-License-Identifier: MIT */
#include "formats/shared/vmdk.h"
#include "core/bytes.h"
#include "core/error.h"
#include "core/format.h"
#include "formats/shared/blocks.h"
#include "formats/shared/table.h"

/*
 * VMware's VMDK: streamOptimized (formats/shared/vmdk-stream.c) for vSphere, monolithicSparse for
 * Workstation. The latter is a header, the descriptor, the grain directory and tables twice, grains.
 */
#define ID "vmdk-write"
#define NAME "disk.vmdk"
#define VERSION 1
#define FLAGS 3 /* text check, redundant tables */

extern const struct sw_format sw_format_vmdk;

struct options {
	char *subformat;
	char *adapter;
};

static const char *const aliases[] = { "vsphere", NULL };

static const char *const subformats[] = { "streamOptimized", "monolithicSparse", NULL };

static const char *const adapters[] = { "lsilogic", "buslogic", "ide", NULL };

static const struct sw_param params[] = {
	{ "subformat", SW_PARAM_CHOICE, "streamOptimized", subformats,
	  G_STRUCT_OFFSET(struct options, subformat), FALSE,
	  "compressed for vSphere, or to be used in place by Workstation" },
	{ "adapter", SW_PARAM_CHOICE, "lsilogic", adapters,
	  G_STRUCT_OFFSET(struct options, adapter), FALSE,
	  "the controller that the descriptor names; pvscsi goes with lsilogic" },
	{ 0 },
};

struct sparse {
	struct sw_blocks blocks;
	struct sw_table tables;
	const struct sw_vmdk *vmdk;
	guint64 size;	   /* of the virtual disk */
	guint64 count;	   /* of grain tables */
	guint64 redundant; /* sector of the redundant directory */
	guint64 directory; /* sector of the directory */
	guint64 tables_at; /* sectors from a directory to its tables */
};

static gboolean vmdk_check(G_GNUC_UNUSED const void *state, guint64 disk_size, GError **error)
{
	return sw_vmdk_check_size(sw_format_vmdk.name, disk_size, error);
}

static gboolean begin_grain(guint64 block, guint64 offset, void *data, GError **error)
{
	struct sparse *s = data;
	guint32 sector = GUINT32_TO_LE((guint32)(offset / SW_VMDK_SECTOR));

	if (offset / SW_VMDK_SECTOR > G_MAXUINT32)
		return sw_vmdk_fail_large(s->blocks.file->path, error);
	return sw_table_put(&s->tables, block, &sector, error);
}

/* All tables are there, as VMware expects; those of zeros are holes. */
static gboolean write_directory(struct sparse *s, guint64 sector, GError **error)
{
	size_t length = (size_t)s->count * 4;
	g_autofree guint32 *directory = g_malloc(length);

	for (guint64 i = 0; i < s->count; i++)
		sw_put_le32(&directory[i],
			    (guint32)(sector + s->tables_at +
				      i * (SW_VMDK_TABLE_ENTRIES * 4 / SW_VMDK_SECTOR)));
	return sw_blocks_write(&s->blocks, directory, length, sector * SW_VMDK_SECTOR, error);
}

/* The header comes last. */
static gboolean write_start(struct sparse *s, GError **error)
{
	const struct sw_vmdk_header header = { .version = VERSION,
					       .flags = FLAGS,
					       .redundant = s->redundant,
					       .directory = s->directory,
					       .overhead = s->blocks.first / SW_VMDK_SECTOR };
	size_t length = SW_VMDK_DESCRIPTOR_SECTORS * SW_VMDK_SECTOR;
	g_autofree guint8 *descriptor = g_malloc0(length);
	guint8 sector[SW_VMDK_SECTOR];

	sw_vmdk_make_header(&header, s->size, sector);
	return sw_vmdk_make_descriptor(s->vmdk, "monolithicSparse", descriptor, error) &&
	       write_directory(s, s->redundant, error) && write_directory(s, s->directory, error) &&
	       sw_blocks_write(&s->blocks, descriptor, length, SW_VMDK_SECTOR, error) &&
	       sw_blocks_write(&s->blocks, sector, sizeof(sector), 0, error);
}

static gboolean write_sparse(const struct sw_vmdk *vmdk, GCancellable *cancellable, GError **error)
{
	struct sparse s = { .vmdk = vmdk, .size = sw_vmdk_size(vmdk->input) };
	guint64 table_size = SW_VMDK_TABLE_ENTRIES * 4;
	guint64 each;
	gboolean good;

	s.count = sw_round_up(s.size, SW_VMDK_TABLE_COVERS) / SW_VMDK_TABLE_COVERS;
	s.tables_at = sw_round_up(s.count * 4, SW_VMDK_SECTOR) / SW_VMDK_SECTOR;
	each = s.tables_at + s.count * table_size / SW_VMDK_SECTOR;
	s.redundant = 1 + SW_VMDK_DESCRIPTOR_SECTORS;
	s.directory = s.redundant + each;
	s.tables = (struct sw_table){
		.file = vmdk->file,
		.id = ID,
		.offset = (s.directory + s.tables_at) * SW_VMDK_SECTOR,
		.second = (s.redundant + s.tables_at) * SW_VMDK_SECTOR,
		.entry_size = 4,
		.count = s.count * SW_VMDK_TABLE_ENTRIES,
		.cancellable = cancellable,
	};
	s.blocks = (struct sw_blocks){
		.input = vmdk->input,
		.file = vmdk->file,
		.id = ID,
		.block_size = SW_VMDK_GRAIN,
		.first = sw_round_up((s.directory + each) * SW_VMDK_SECTOR, SW_VMDK_GRAIN),
		.stride = SW_VMDK_GRAIN,
		.begin = begin_grain,
		.data = &s,
	};
	sw_table_begin(&s.tables);
	good = sw_blocks_run(&s.blocks, cancellable, error) && sw_table_finish(&s.tables, error) &&
	       sw_blocks_set_size(&s.blocks, s.blocks.end, error) && write_start(&s, error);
	sw_table_clear(&s.tables);
	return good;
}

static gboolean vmdk_write(const void *state, const struct sw_format_input *input,
			   struct sw_output *output, GCancellable *cancellable, GError **error)
{
	const struct options *options = state;
	struct sw_vmdk vmdk = { .input = input, .name = NAME, .adapter = options->adapter };
	guint64 size;

	if (!sw_output_add(output, sw_format_vmdk.file, sw_format_vmdk.media_type,
			   sw_vmdk_size(input), &vmdk.file, error))
		return FALSE;
	if (g_str_equal(options->subformat, "monolithicSparse"))
		return write_sparse(&vmdk, cancellable, error);
	return sw_vmdk_write_stream(&vmdk, 0, NULL, &size, cancellable, error);
}

const struct sw_format sw_format_vmdk = {
	.name = "vmdk",
	.aliases = aliases,
	.summary = "VMware's disk format, for vSphere and Workstation",
	.file = "vmdk/" NAME,
	.media_type = SW_VMDK_MEDIA_TYPE,
	.hint = "govc import.vmdk FILE",
	.state_size = sizeof(struct options),
	.params = params,
	.disk_unit = SW_VMDK_GRAIN,
	.check = vmdk_check,
	.write = vmdk_write,
};
