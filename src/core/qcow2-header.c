/* SPDX-License-Identifier: MIT */
#include "core/qcow2-header.h"

#include <string.h>

#include "core/bytes.h"

#define UNSUPPORTED "disk-unsupported"
#define EXTENSION_END 0
#define EXTENSION_BACKING 0xe2792acaU
#define EXTENSION_DATA_FILE 0x44415441U
#define EXTENSION_CRYPTO 0x0537be77U
#define BACKING "has a backing file"
#define EXTERNAL "has its data in another file"
#define ENCRYPTED "is encrypted"

const char *sw_disk_image_kind(const guint8 *bytes, size_t length)
{
	static const struct {
		const char *name;
		size_t at;
		size_t size;
		const char *bytes;
	} kinds[] = {
		{ "VMDK", 0, 4, "KDMV" },
		{ "VMDK", 0, 21, "# Disk DescriptorFile" },
		{ "VHDX", 0, 8, "vhdxfile" },
		{ "dynamic VHD", 0, 8, "conectix" },
		{ "VDI", 64, 4, "\x7f\x10\xda\xbe" },
		{ "QED", 0, 4, "QED\0" },
		{ "gzip", 0, 3, "\x1f\x8b\x08" },
		{ "zstd", 0, 4, "\x28\xb5\x2f\xfd" },
		{ "xz", 0, 6,
		  "\xfd"
		  "7zXZ\0" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (length >= kinds[i].at + kinds[i].size &&
		    memcmp(bytes + kinds[i].at, kinds[i].bytes, kinds[i].size) == 0)
			return kinds[i].name;
	return NULL;
}

gboolean sw_qcow2_is(const guint8 *bytes, size_t length)
{
	return length >= 4 && memcmp(bytes, "QFI\xfb", 4) == 0;
}

gboolean sw_qcow2_fail_unsupported(const char *name, const char *what, enum sw_error code,
				   GError **error)
{
	return sw_fail(error, code, UNSUPPORTED,
		       "the qcow2 image %s %s: make a plain one of it, such as by qemu-img convert",
		       name, what);
}

gboolean sw_qcow2_fail_corrupt(const char *name, const char *what, enum sw_error code,
			       GError **error)
{
	return sw_fail(error, code, "disk-unreadable", "the qcow2 image %s is damaged: %s", name,
		       what);
}

gboolean sw_qcow2_header_read(const guint8 *bytes, size_t length, const char *name,
			      enum sw_error code, struct sw_qcow2_header *ret_header,
			      GError **error)
{
	struct sw_qcow2_header header = { .length = SW_QCOW2_HEADER_V2 };

	header.version = length < 8 ? 2 : sw_get_be32(bytes + 4);
	if (header.version != 2 && header.version != 3)
		return sw_fail(error, code, UNSUPPORTED,
			       "the qcow2 image %s has version %u: only 2 and 3 are known here",
			       name, header.version);
	if (length < (header.version == 2 ? SW_QCOW2_HEADER_V2 : SW_QCOW2_HEADER_V3))
		return sw_qcow2_fail_corrupt(name, "it ends in its header", code, error);
	if (header.version == 3) {
		header.features = sw_get_be64(bytes + 72);
		header.length = sw_get_be32(bytes + 100);
	}
	if (sw_get_be64(bytes + 8) != 0 || sw_get_be32(bytes + 16) != 0)
		return sw_qcow2_fail_unsupported(name, BACKING, code, error);
	if (sw_get_be32(bytes + 32) != 0)
		return sw_qcow2_fail_unsupported(name, ENCRYPTED, code, error);
	if (header.features & SW_QCOW2_DATA_FILE)
		return sw_qcow2_fail_unsupported(name, EXTERNAL, code, error);
	if (header.features & SW_QCOW2_CORRUPT)
		return sw_qcow2_fail_corrupt(name, "it is marked as corrupt", code, error);
	if (header.version == 3 && (header.length < SW_QCOW2_HEADER_V3 || header.length % 8 != 0))
		return sw_qcow2_fail_corrupt(name, "the length of its header", code, error);
	header.cluster_bits = sw_get_be32(bytes + 20);
	header.size = sw_get_be64(bytes + 24);
	header.l1_size = sw_get_be32(bytes + 36);
	header.l1_offset = sw_get_be64(bytes + 40);
	*ret_header = header;
	return TRUE;
}

gboolean sw_qcow2_check_extensions(const guint8 *bytes, size_t length, const char *name,
				   enum sw_error code, const struct sw_qcow2_header *header,
				   GError **error)
{
	size_t at = header->length;

	while (at + 8 <= length) {
		guint32 type = sw_get_be32(bytes + at);
		guint32 size = sw_get_be32(bytes + at + 4);

		if (type == EXTENSION_END)
			return TRUE;
		if (type == EXTENSION_BACKING)
			return sw_qcow2_fail_unsupported(name, BACKING, code, error);
		if (type == EXTENSION_DATA_FILE)
			return sw_qcow2_fail_unsupported(name, EXTERNAL, code, error);
		if (type == EXTENSION_CRYPTO)
			return sw_qcow2_fail_unsupported(name, ENCRYPTED, code, error);
		if (size > length - at - 8)
			break;
		at += 8 + ((size_t)size + 7) / 8 * 8;
	}
	return sw_qcow2_fail_corrupt(name, "its header has no end", code, error);
}
