/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "formats/shared/ovf.h"
#include "formats/shared/vmdk.h"

/*
 * An OVA: a ustar archive of the OVF descriptor, the manifest and the disk, in the order in which a
 * reader needs them.  The first two have a length that is known before the disk is written, and get
 * their place; nothing is moved.
 */
#define ID "ova-write"
#define OVF_NAME "image.ovf"
#define MANIFEST_NAME "image.mf"
#define DISK_NAME "image.vmdk"
#define BLOCK 512
#define OCTAL_MAX ((G_GUINT64_CONSTANT(1) << 33) - 1)
#define NAME_MAX_LENGTH 80
#define CPUS_MAX 768
/* vSphere takes no others. */
#define MEMORY_UNIT (4 * SW_MIB)

extern const struct sw_format sw_format_ova;

struct options {
	char *name;
	char *firmware;
	int cpus;
	guint64 memory;
	gboolean secure_boot;
};

static const char *const aliases[] = { "vsphere-ova", NULL };

static const char *const firmwares[] = { "efi", "bios", NULL };

static const struct sw_param params[] = {
	{ "name", SW_PARAM_STRING, NULL, NULL, G_STRUCT_OFFSET(struct options, name), FALSE,
	  "name of the machine; else that of the image" },
	{ "cpus", SW_PARAM_INT, "2", NULL, G_STRUCT_OFFSET(struct options, cpus), FALSE,
	  "virtual processors" },
	{ "memory", SW_PARAM_SIZE, "4G", NULL, G_STRUCT_OFFSET(struct options, memory), FALSE,
	  "memory of the machine, a multiple of 4M" },
	{ "firmware", SW_PARAM_CHOICE, "efi", firmwares, G_STRUCT_OFFSET(struct options, firmware),
	  FALSE, "what the machine boots with" },
	{ "secure-boot", SW_PARAM_BOOL, "false", NULL, G_STRUCT_OFFSET(struct options, secure_boot),
	  FALSE, "boot only what is signed; needs firmware efi" },
	{ 0 },
};

struct archive {
	const struct sw_output_file *file;
	guint64 size; /* so far */
};

static gboolean is_name(const char *name)
{
	if (!g_utf8_validate(name, -1, NULL) || *name == '\0' || strlen(name) > NAME_MAX_LENGTH)
		return FALSE;
	for (; *name != '\0'; name = g_utf8_next_char(name))
		if (!g_unichar_isprint(g_utf8_get_char(name)))
			return FALSE;
	return TRUE;
}

static gboolean ova_check(const void *state, guint64 disk_size, GError **error)
{
	const struct options *o = state;

	if (o->name != NULL && !is_name(o->name))
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "format ova: name is not from 1 to %d printable characters",
			       NAME_MAX_LENGTH);
	if (o->cpus < 1 || o->cpus > CPUS_MAX)
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "format ova: cpus is not from 1 to %d", CPUS_MAX);
	if (o->memory % MEMORY_UNIT != 0)
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "format ova: memory is not a multiple of 4M");
	if (o->secure_boot && !g_str_equal(o->firmware, "efi"))
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "format ova: secure-boot needs firmware efi");
	return sw_vmdk_check_size(sw_format_ova.name, disk_size, error);
}

/* Octal, or, where its 11 digits do not suffice, GNU's binary. */
static void put_size(char *field, guint64 size)
{
	if (size <= OCTAL_MAX) {
		g_snprintf(field, 12, "%011" G_GINT64_MODIFIER "o", size);
		return;
	}
	field[0] = (char)0x80;
	for (int i = 11; i > 3; i--, size >>= 8)
		field[i] = (char)(size & 0xff);
}

static gboolean write_bytes(struct archive *a, const void *data, size_t length, guint64 offset,
			    GError **error)
{
	return sw_write_at(a->file->fd, data, length, offset, a->file->path, SW_ERROR_FORMAT, ID,
			   error);
}

/* The header of a member of SIZE bytes that follows it at OFFSET + BLOCK. */
static gboolean write_header(struct archive *a, const char *name, guint64 size, guint64 offset,
			     GError **error)
{
	char header[BLOCK] = { 0 };
	guint sum = 0;

	memcpy(header, name, strlen(name));
	memcpy(header + 100, "0000644", 8);
	memcpy(header + 108, "0000000", 8);
	memcpy(header + 116, "0000000", 8);
	put_size(header + 124, size);
	memcpy(header + 136, "00000000000", 12);
	memset(header + 148, ' ', 8);
	header[156] = '0';
	memcpy(header + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(header); i++)
		sum += (guint8)header[i];
	g_snprintf(header + 148, 8, "%06o", sum);
	return write_bytes(a, header, sizeof(header), offset, error);
}

static gboolean add_text(struct archive *a, const char *name, const char *text, GError **error)
{
	size_t length = strlen(text);
	guint64 offset = a->size;

	a->size += BLOCK + sw_round_up(length, BLOCK);
	return write_header(a, name, length, offset, error) &&
	       write_bytes(a, text, length, offset + BLOCK, error);
}

static char *make_manifest(const char *ovf, struct sw_sha256 *disk)
{
	char ovf_hex[SW_SHA256_SIZE], disk_hex[SW_SHA256_SIZE];

	sw_sha256_data(ovf, strlen(ovf), ovf_hex);
	sw_sha256_hex(disk, disk_hex);
	return g_strdup_printf("SHA256(%s)= %s\nSHA256(%s)= %s\n", OVF_NAME, ovf_hex, DISK_NAME,
			       disk_hex);
}

/* What the texts take in the archive, headers included. */
static guint64 room_for_texts(const struct sw_ovf *ovf)
{
	g_autoptr(SwSha256) nothing = sw_sha256_new();
	g_autofree char *xml = sw_ovf_make(ovf);
	g_autofree char *manifest = make_manifest(xml, nothing);

	return 2 * BLOCK + sw_round_up(strlen(xml), BLOCK) + sw_round_up(strlen(manifest), BLOCK);
}

/* The end of an archive is two blocks of zeros; the descriptor comes last. */
static gboolean write_archive(struct archive *a, struct sw_ovf *ovf, const struct sw_vmdk *vmdk,
			      GCancellable *cancellable, GError **error)
{
	guint64 disk = room_for_texts(ovf);
	g_autoptr(SwSha256) hash = sw_sha256_new();
	g_autofree char *xml = NULL;
	g_autofree char *manifest = NULL;

	if (!sw_vmdk_write_stream(vmdk, disk + BLOCK, hash, &ovf->disk_size, cancellable, error) ||
	    !write_header(a, DISK_NAME, ovf->disk_size, disk, error))
		return FALSE;
	if (ftruncate(a->file->fd, (off_t)(disk + BLOCK + ovf->disk_size + 2 * BLOCK)) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "cannot write %s", a->file->path);
	xml = sw_ovf_make(ovf);
	manifest = make_manifest(xml, hash);
	return add_text(a, OVF_NAME, xml, error) && add_text(a, MANIFEST_NAME, manifest, error);
}

static gboolean ova_write(const void *state, const struct sw_format_input *input,
			  struct sw_output *output, GCancellable *cancellable, GError **error)
{
	const struct options *options = state;
	struct sw_vmdk vmdk = { .input = input, .name = DISK_NAME, .adapter = "lsilogic" };
	struct sw_ovf ovf = { .name = options->name != NULL ? options->name : input->name,
			      .disk = DISK_NAME,
			      .disk_capacity = sw_vmdk_size(input),
			      .memory = options->memory,
			      .cpus = options->cpus,
			      .hardware = SW_VMDK_HARDWARE,
			      .firmware = options->firmware,
			      .secure_boot = options->secure_boot };
	struct archive archive = { 0 };

	if (!sw_output_add(output, sw_format_ova.file, sw_format_ova.media_type,
			   sw_vmdk_size(input), &vmdk.file, error))
		return FALSE;
	archive.file = vmdk.file;
	return write_archive(&archive, &ovf, &vmdk, cancellable, error);
}

const struct sw_format sw_format_ova = {
	.name = "ova",
	.aliases = aliases,
	.summary = "a machine for vSphere: OVF descriptor, manifest and vmdk in one file",
	.file = "archive/image.ova",
	.media_type = "application/ovf",
	.hint = "govc import.ova FILE",
	.state_size = sizeof(struct options),
	.params = params,
	.disk_unit = SW_VMDK_GRAIN,
	.check = ova_check,
	.write = ova_write,
};
