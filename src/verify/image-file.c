/* SPDX-License-Identifier: MIT */
#include "verify/image-file.h"

#include <string.h>

#include "core/bytes.h"

#define ID "qcow2"

/* The header of a qcow2, big-endian (QEMU's docs/interop/qcow2.txt). */
#define QCOW2_VERSION 4
#define QCOW2_BACKING_OFFSET 8
#define QCOW2_BACKING_SIZE 16
#define QCOW2_CRYPT_METHOD 32
#define QCOW2_V2_LENGTH 72
#define QCOW2_INCOMPATIBLE 72
#define QCOW2_HEADER_LENGTH 100
#define QCOW2_V3_LENGTH 104
#define QCOW2_FEATURE_CORRUPT (G_GUINT64_CONSTANT(1) << 1)
#define QCOW2_FEATURE_DATA_FILE (G_GUINT64_CONSTANT(1) << 2)
#define QCOW2_EXTENSION_END 0
#define QCOW2_EXTENSION_BACKING 0xe2792acaU
#define QCOW2_EXTENSION_DATA_FILE 0x44415441U
#define QCOW2_EXTENSION_CRYPTO 0x0537be77U

/* How other files begin, so that one can be told what it is. */
static const struct {
	const char *magic;
	size_t length;
	const char *name;
} others[] = {
	{ "KDMV", 4, "a VMDK" },
	{ "vhdxfile", 8, "a VHDX" },
	{ "QED\0", 4, "a QED" },
	{ "\x1f\x8b", 2, "compressed (gzip)" },
	{ "\x28\xb5\x2f\xfd", 4, "compressed (zstd)" },
	{ "\xfd"
	  "7zXZ",
	  5, "compressed (xz)" },
};

static gboolean refuse(const char *name, const char *what, GError **error)
{
	return sw_fail(error, SW_ERROR_DEPLOY, ID,
		       "%s is a qcow2 %s: give a disk that is whole (qemu-img convert -O qcow2)",
		       name, what);
}

static gboolean check_extensions(const guint8 *head, size_t length, size_t at, const char *name,
				 GError **error)
{
	while (at + 8 <= length) {
		guint32 type = sw_get_be32(head + at);
		guint32 size = sw_get_be32(head + at + 4);

		if (type == QCOW2_EXTENSION_END)
			return TRUE;
		if (type == QCOW2_EXTENSION_BACKING)
			return refuse(name, "with a backing file", error);
		if (type == QCOW2_EXTENSION_DATA_FILE)
			return refuse(name, "with an external data file", error);
		if (type == QCOW2_EXTENSION_CRYPTO)
			return refuse(name, "that is encrypted", error);
		if (size > length - at - 8)
			break;
		at += 8 + ((size_t)size + 7) / 8 * 8;
	}
	return sw_fail(error, SW_ERROR_DEPLOY, ID,
		       "%s: the header of this qcow2 has no end (qemu-img check tells more)", name);
}

static gboolean check_qcow2(const guint8 *head, size_t length, const char *name, GError **error)
{
	guint32 version = length < QCOW2_V2_LENGTH ? 0 : sw_get_be32(head + QCOW2_VERSION);
	size_t header_length = QCOW2_V2_LENGTH;
	guint64 features = 0;

	if (version != 2 && (version != 3 || length < QCOW2_V3_LENGTH))
		return sw_fail(error, SW_ERROR_DEPLOY, ID,
			       "%s is a qcow2 of a version that is not known", name);
	if (version == 3) {
		features = sw_get_be64(head + QCOW2_INCOMPATIBLE);
		header_length = sw_get_be32(head + QCOW2_HEADER_LENGTH);
	}
	if (sw_get_be64(head + QCOW2_BACKING_OFFSET) != 0 ||
	    sw_get_be32(head + QCOW2_BACKING_SIZE) != 0)
		return refuse(name, "with a backing file", error);
	if ((features & QCOW2_FEATURE_DATA_FILE) != 0)
		return refuse(name, "with an external data file", error);
	if (sw_get_be32(head + QCOW2_CRYPT_METHOD) != 0)
		return refuse(name, "that is encrypted", error);
	if ((features & QCOW2_FEATURE_CORRUPT) != 0)
		return refuse(name, "that QEMU has marked as corrupt", error);
	if (version == 3 && header_length < QCOW2_V3_LENGTH)
		return sw_fail(error, SW_ERROR_DEPLOY, ID, "%s: the header is too short", name);
	return check_extensions(head, length, header_length, name, error);
}

gboolean sw_image_file_probe(const guint8 *head, size_t length, const char *name,
			     const char **ret_format, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(others); i++)
		if (length >= others[i].length &&
		    memcmp(head, others[i].magic, others[i].length) == 0)
			return sw_fail(error, SW_ERROR_USAGE, "disk-format",
				       "%s is %s, verify reads raw and qcow2 (qemu-img convert, or "
				       "unpack it)",
				       name, others[i].name);
	if (length < 4 || memcmp(head, "QFI\xfb", 4) != 0) {
		*ret_format = "raw";
		return TRUE;
	}
	if (!check_qcow2(head, length, name, error))
		return FALSE;
	*ret_format = "qcow2";
	return TRUE;
}
