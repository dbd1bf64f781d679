/* SPDX-License-Identifier: MIT */
#include "storage/oci/disk.h"

#include <string.h>

#include "core/size.h"

#define BLOCK 512
#define HEAD_SIZE (2 * BLOCK) /* of the directory and of the file */
#define END_SIZE (2 * BLOCK)
#define OWNER 107
#define BUFFER_SIZE (256 * 1024)
#define OCTAL_MAX ((G_GUINT64_CONSTANT(1) << 33) - 1) /* in the 11 digits of a tar header */

struct sw_oci_disk {
	const struct sw_artifact *artifact;
	int fd;
	char head[HEAD_SIZE];
	guint64 length;
};

static void put_octal(char *field, size_t size, guint64 number)
{
	g_snprintf(field, size, "%0*" G_GINT64_MODIFIER "o", (int)size - 1, number);
}

/* GNU's form for what eleven octal digits cannot say: big-endian, with the highest bit set. */
static void put_size(char *field, guint64 size)
{
	if (size <= OCTAL_MAX) {
		put_octal(field, 12, size);
		return;
	}
	for (int i = 11; i > 3; i--, size >>= 8)
		field[i] = (char)(size & 0xff);
	field[0] = (char)0x80;
}

/* A header of the ustar format. */
static void put_header(char *block, const char *name, char type, guint mode, guint64 size)
{
	guint sum = 0;

	g_strlcpy(block, name, 100);
	put_octal(block + 100, 8, mode);
	put_octal(block + 108, 8, OWNER);
	put_octal(block + 116, 8, OWNER);
	put_size(block + 124, size);
	put_octal(block + 136, 12, 0);
	memset(block + 148, ' ', 8);
	block[156] = type;
	memcpy(block + 257, "ustar\00000", 8);
	for (int i = 0; i < BLOCK; i++)
		sum += (guint8)block[i];
	put_octal(block + 148, 7, sum);
}

struct sw_oci_disk *sw_oci_disk_new(const struct sw_artifact *artifact, int fd, GError **error)
{
	gboolean qcow2 = g_strcmp0(artifact->format, "qcow2") == 0;
	struct sw_oci_disk *disk;

	if (!qcow2 && g_strcmp0(artifact->format, "raw") != 0) {
		sw_fail(error, SW_ERROR_USAGE, "containerdisk",
			"%s is of the type %s: a container disk is made of qcow2 or raw",
			artifact->name, artifact->format);
		return NULL;
	}
	disk = g_new0(struct sw_oci_disk, 1);
	disk->artifact = artifact;
	disk->fd = fd;
	disk->length = HEAD_SIZE + sw_round_up(artifact->size, BLOCK) + END_SIZE;
	put_header(disk->head, "disk/", '5', 0555, 0);
	put_header(disk->head + BLOCK, qcow2 ? "disk/disk.qcow2" : "disk/disk.img", '0', 0440,
		   artifact->size);
	return disk;
}

void sw_oci_disk_free(struct sw_oci_disk *disk)
{
	g_free(disk);
}

static size_t read_disk(void *data, guint64 at, void *buffer, size_t length, GError **error)
{
	const struct sw_oci_disk *disk = data;
	guint64 end = HEAD_SIZE + disk->artifact->size;

	if (at < HEAD_SIZE) {
		length = (size_t)MIN(length, HEAD_SIZE - at);
		memcpy(buffer, disk->head + at, length);
	} else if (at < end) {
		length = sw_http_read_file(disk->fd, disk->artifact->path, at - HEAD_SIZE, buffer,
					   (size_t)MIN(length, end - at), error);
	} else {
		length = (size_t)MIN(length, disk->length - at);
		memset(buffer, 0, length);
	}
	return length;
}

struct sw_http_body sw_oci_disk_body(struct sw_oci_disk *disk)
{
	return (struct sw_http_body){
		.fd = -1, .length = disk->length, .read = read_disk, .read_data = disk
	};
}

gboolean sw_oci_disk_describe(struct sw_oci_disk *disk, struct sw_oci_file *file,
			      GCancellable *cancellable, GError **error)
{
	g_autofree char *buffer = g_malloc(BUFFER_SIZE);
	g_autoptr(SwSha256) hash = sw_sha256_new();
	g_autoptr(SwSha256) inner = sw_sha256_new();
	guint64 end = HEAD_SIZE + disk->artifact->size;
	char hex[SW_SHA256_SIZE];

	for (guint64 at = 0; at < disk->length;) {
		size_t length;

		if (!sw_check_cancelled(cancellable, error))
			return FALSE;
		length = read_disk(disk, at, buffer, BUFFER_SIZE, error);
		if (length == 0)
			return FALSE;
		sw_sha256_update(hash, buffer, length);
		if (at >= HEAD_SIZE && at < end)
			sw_sha256_update(inner, buffer, length);
		at += length;
	}
	sw_sha256_hex(inner, hex);
	if (!g_str_equal(hex, disk->artifact->sha256))
		return sw_fail(error, SW_ERROR_STORAGE, "changed",
			       "%s is no longer the file that was written", disk->artifact->path);
	sw_sha256_hex(hash, hex);
	file->blob.media_type = g_strdup(SW_OCI_LAYER);
	g_snprintf(file->blob.digest, sizeof file->blob.digest, "sha256:%s", hex);
	file->blob.size = disk->length;
	file->offset = HEAD_SIZE;
	file->stored.size = disk->artifact->size;
	g_strlcpy(file->stored.sha256, disk->artifact->sha256, SW_SHA256_SIZE);
	return TRUE;
}
