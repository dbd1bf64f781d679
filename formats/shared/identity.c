/* SPDX-License-Identifier: MIT */
#include "formats/shared/identity.h"

#include "core/hash.h"
#include "core/size.h"

gboolean sw_identity_seed(struct sw_sparse *disk, char **ret_seed, GError **error)
{
	g_autofree guint8 *start = g_malloc(SW_MIB);
	char hex[SW_SHA256_SIZE];

	if (!sw_sparse_read(disk, start, SW_MIB, 0, error))
		return FALSE;
	sw_sha256_data(start, SW_MIB, hex);
	*ret_seed = g_strdup_printf("disk %" G_GUINT64_FORMAT " %s", sw_sparse_size(disk), hex);
	return TRUE;
}

static void parse_uuid(const char *text, guint8 ret_uuid[16])
{
	for (int i = 0; i < 16; text += 2) {
		text += *text == '-';
		ret_uuid[i++] = (guint8)(g_ascii_xdigit_value(text[0]) << 4 |
					 g_ascii_xdigit_value(text[1]));
	}
}

static void swap(guint8 *bytes, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		guint8 byte = bytes[i];

		bytes[i] = bytes[count - 1 - i];
		bytes[count - 1 - i] = byte;
	}
}

void sw_identity_parse_guid(const char *text, guint8 ret_guid[16])
{
	parse_uuid(text, ret_guid);
	swap(ret_guid, 4);
	swap(ret_guid + 4, 2);
	swap(ret_guid + 6, 2);
}

void sw_identity_uuid(const char *seed, const char *name, guint8 ret_uuid[16])
{
	g_autofree char *text = sw_uuid_derive(seed, name);

	parse_uuid(text, ret_uuid);
}

void sw_identity_guid(const char *seed, const char *name, guint8 ret_guid[16])
{
	g_autofree char *text = sw_uuid_derive(seed, name);

	sw_identity_parse_guid(text, ret_guid);
}
