/* SPDX-License-Identifier: MIT */
#include "formats/shared/vmdk.h"

#include <string.h>

#include "core/bytes.h"
#include "core/error.h"
#include "formats/shared/identity.h"

guint64 sw_vmdk_size(const struct sw_format_input *input)
{
	return sw_round_up(sw_sparse_size(input->disk), SW_VMDK_GRAIN);
}

gboolean sw_vmdk_check_size(const char *format, guint64 disk_size, GError **error)
{
	if (disk_size > SW_VMDK_DISK_MAX)
		return sw_fail(error, SW_ERROR_USAGE, "disk-too-large",
			       "format %s: a disk has at most 2 TiB", format);
	return TRUE;
}

gboolean sw_vmdk_fail_large(const char *path, GError **error)
{
	return sw_fail(error, SW_ERROR_FORMAT, "disk-too-large",
		       "%s: a vmdk file has at most 2 TiB, and the disk's data need more", path);
}

void sw_vmdk_make_header(const struct sw_vmdk_header *header, guint64 size,
			 guint8 ret_sector[SW_VMDK_SECTOR])
{
	memset(ret_sector, 0, SW_VMDK_SECTOR);
	memcpy(ret_sector, "KDMV", 4);
	sw_put_le32(ret_sector + 4, header->version);
	sw_put_le32(ret_sector + 8, header->flags);
	sw_put_le64(ret_sector + 12, size / SW_VMDK_SECTOR);
	sw_put_le64(ret_sector + 20, SW_VMDK_GRAIN / SW_VMDK_SECTOR);
	sw_put_le64(ret_sector + 28, 1);
	sw_put_le64(ret_sector + 36, SW_VMDK_DESCRIPTOR_SECTORS);
	sw_put_le32(ret_sector + 44, SW_VMDK_TABLE_ENTRIES);
	sw_put_le64(ret_sector + 48, header->redundant);
	sw_put_le64(ret_sector + 56, header->directory);
	sw_put_le64(ret_sector + 64, header->overhead);
	/* Bytes that a transfer as text would change. */
	memcpy(ret_sector + 73, "\n \r\n", 4);
	sw_put_le16(ret_sector + 77, header->compressed ? 1 : 0);
}

/* As controllers of that kind show a disk; nothing that boots by LBA looks at it. */
static void add_geometry(GString *text, const char *adapter, guint64 size)
{
	guint64 heads = g_str_equal(adapter, "ide") ? 16 : 255;
	guint64 sectors = 63;
	guint64 cylinders =
		CLAMP(size / (heads * sectors * SW_VMDK_SECTOR), 1, heads == 16 ? 16383 : 65535);

	g_string_append_printf(text, "ddb.geometry.cylinders = \"%" G_GUINT64_FORMAT "\"\n",
			       cylinders);
	g_string_append_printf(text, "ddb.geometry.heads = \"%" G_GUINT64_FORMAT "\"\n", heads);
	g_string_append_printf(text, "ddb.geometry.sectors = \"%" G_GUINT64_FORMAT "\"\n", sectors);
}

gboolean sw_vmdk_make_descriptor(const struct sw_vmdk *vmdk, const char *type, guint8 *ret_sectors,
				 GError **error)
{
	g_autoptr(GString) text = g_string_new("# Disk DescriptorFile\nversion=1\n");
	g_autofree char *seed = NULL;
	guint8 id[16];

	if (!sw_identity_seed(vmdk->input->disk, &seed, error))
		return FALSE;
	sw_identity_uuid(seed, "vmdk", id);
	/* All ones would say that there is no content. */
	g_string_append_printf(text, "CID=%02x%02x%02x%02x\nparentCID=ffffffff\n", id[0] & 0x7f,
			       id[1], id[2], id[3]);
	g_string_append_printf(text, "createType=\"%s\"\n\n# Extent description\n", type);
	g_string_append_printf(text, "RW %" G_GUINT64_FORMAT " SPARSE \"%s\"\n",
			       sw_vmdk_size(vmdk->input) / SW_VMDK_SECTOR, vmdk->name);
	g_string_append(text, "\n# The Disk Data Base\n#DDB\n\n");
	g_string_append_printf(text, "ddb.adapterType = \"%s\"\n", vmdk->adapter);
	add_geometry(text, vmdk->adapter, sw_vmdk_size(vmdk->input));
	g_string_append(text, "ddb.longContentID = \"");
	for (size_t i = 0; i < sizeof(id); i++)
		g_string_append_printf(text, "%02x",
				       i == 12	? id[0] & 0x7f
				       : i > 12 ? id[i - 12]
						: id[i]);
	g_string_append(text, "\"\nddb.virtualHWVersion = \"" SW_VMDK_HARDWARE "\"\n");
	memcpy(ret_sectors, text->str, text->len);
	return TRUE;
}
