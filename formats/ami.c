/* SPDX-License-Identifier: MIT */
#include <json-glib/json-glib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/size.h"
#include "formats/shared/copy.h"
#include "formats/shared/gpt-pad.h"

/*
 * What `aws ec2 import-snapshot` takes, and beside it the parameters of that call and of `register-image`,
 * as the EC2 API describes them.
 */
#define DISK_NAME "ami/disk.raw"
#define IMPORT_NAME "ami/import-snapshot.json"
#define REGISTER_NAME "ami/register-image.json"
/* What a hosted image builder hands to AWS at most. */
#define DISK_SIZE_MAX (64 * SW_GIB)

extern const struct sw_format sw_format_ami;

struct options {
	char *boot_mode;
	char *name;
	char *url;
};

static const char *const boot_modes[] = { "auto", "uefi", "uefi-preferred", "legacy-bios", NULL };

static const struct sw_param params[] = {
	{ "boot-mode", SW_PARAM_CHOICE, "auto", boot_modes,
	  G_STRUCT_OFFSET(struct options, boot_mode), FALSE,
	  "firmware of the instances; auto: what the disk can boot with" },
	{ "name", SW_PARAM_STRING, NULL, NULL, G_STRUCT_OFFSET(struct options, name), FALSE,
	  "of the AMI; default: the image's" },
	{ "url", SW_PARAM_STRING, "s3://BUCKET/disk.raw", NULL,
	  G_STRUCT_OFFSET(struct options, url), FALSE,
	  "where the disk will lie when it is imported" },
	{ 0 },
};

/* The names that EC2 takes: RegisterImage, "Name". */
static gboolean name_is_good(const char *name)
{
	static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789()[] ./-'@_";

	return strlen(name) >= 3 && strlen(name) <= 128 && strspn(name, others) == strlen(name);
}

static gboolean ami_check(const void *state, guint64 disk_size, GError **error)
{
	const struct options *options = state;

	if (options->name != NULL && !name_is_good(options->name))
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "format ami: name must be 3 to 128 letters, digits and ()[] ./-'@_");
	if (!g_str_has_prefix(options->url, "s3://"))
		return sw_fail(error, SW_ERROR_USAGE, "bad-option",
			       "format ami: url must begin with s3://");
	if (disk_size > DISK_SIZE_MAX)
		return sw_fail(error, SW_ERROR_FORMAT, "disk-too-large",
			       "format ami: the disk has more than 64 GiB: use the type raw");
	return TRUE;
}

static void ami_names(G_GNUC_UNUSED const void *state, GPtrArray *names)
{
	g_ptr_array_add(names, g_strdup(DISK_NAME));
	g_ptr_array_add(names, g_strdup(IMPORT_NAME));
	g_ptr_array_add(names, g_strdup(REGISTER_NAME));
}

static gboolean ami_is_disk(G_GNUC_UNUSED const void *state)
{
	return TRUE;
}

static void add_text(JsonBuilder *json, const char *name, const char *text)
{
	json_builder_set_member_name(json, name);
	json_builder_add_string_value(json, text);
}

static void add_yes(JsonBuilder *json, const char *name)
{
	json_builder_set_member_name(json, name);
	json_builder_add_boolean_value(json, TRUE);
}

/* What the register call is told about the disk. */
struct machine {
	const char *name;
	const char *architecture;
	const char *boot_mode;
};

static struct machine look(const struct options *options, const struct sw_format_input *input,
			   const struct sw_gpt *gpt)
{
	gboolean efi = gpt != NULL && sw_gpt_find(gpt, SW_GPT_ESP, NULL) != NULL;
	gboolean bios = gpt != NULL && sw_gpt_find(gpt, SW_GPT_BIOS_BOOT, NULL) != NULL;
	gboolean arm = g_strcmp0(input->arch, "arm64") == 0 ||
		       (gpt != NULL && sw_gpt_find(gpt, SW_GPT_ROOT_ARM64, NULL) != NULL);
	struct machine machine = {
		.name = options->name != NULL ? options->name : input->name,
		.architecture = arm ? "arm64" : "x86_64",
		.boot_mode = options->boot_mode,
	};

	if (!name_is_good(machine.name))
		machine.name = "image";
	if (g_str_equal(options->boot_mode, "auto"))
		machine.boot_mode = efi && bios	 ? "uefi-preferred"
				    : efi || arm ? "uefi"
						 : "legacy-bios";
	return machine;
}

/* The argument of --disk-container. */
static void describe_import(JsonBuilder *json, const struct options *options,
			    const struct machine *machine)
{
	json_builder_begin_object(json);
	add_text(json, "Description", machine->name);
	add_text(json, "Format", "RAW");
	add_text(json, "Url", options->url);
	json_builder_end_object(json);
}

static void add_disk(JsonBuilder *json)
{
	json_builder_set_member_name(json, "BlockDeviceMappings");
	json_builder_begin_array(json);
	json_builder_begin_object(json);
	add_text(json, "DeviceName", "/dev/sda1");
	json_builder_set_member_name(json, "Ebs");
	json_builder_begin_object(json);
	add_text(json, "SnapshotId", "SNAPSHOT");
	add_text(json, "VolumeType", "gp3");
	add_yes(json, "DeleteOnTermination");
	json_builder_end_object(json);
	json_builder_end_object(json);
	json_builder_end_array(json);
}

static void add_tags(JsonBuilder *json, const struct machine *machine)
{
	const char *const tags[][2] = { { "Name", machine->name }, { "created-by", "slipway" } };

	json_builder_set_member_name(json, "TagSpecifications");
	json_builder_begin_array(json);
	json_builder_begin_object(json);
	add_text(json, "ResourceType", "image");
	json_builder_set_member_name(json, "Tags");
	json_builder_begin_array(json);
	for (size_t i = 0; i < G_N_ELEMENTS(tags); i++) {
		json_builder_begin_object(json);
		add_text(json, "Key", tags[i][0]);
		add_text(json, "Value", tags[i][1]);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	json_builder_end_object(json);
	json_builder_end_array(json);
}

/* The argument of --cli-input-json; the id of the snapshot is known only after the import. */
static void describe_register(JsonBuilder *json, const struct machine *machine)
{
	json_builder_begin_object(json);
	add_text(json, "Name", machine->name);
	add_text(json, "Description", "made by slipway " SW_VERSION);
	add_text(json, "Architecture", machine->architecture);
	add_text(json, "RootDeviceName", "/dev/sda1");
	add_disk(json);
	add_text(json, "VirtualizationType", "hvm");
	add_yes(json, "EnaSupport");
	add_text(json, "BootMode", machine->boot_mode);
	add_text(json, "ImdsSupport", "v2.0");
	add_tags(json, machine);
	json_builder_end_object(json);
}

static gboolean write_json(struct sw_output *output, const char *name, JsonBuilder *builder,
			   GError **error)
{
	g_autoptr(JsonNode) root = json_builder_get_root(builder);
	g_autofree char *text = json_to_string(root, TRUE);
	g_autofree char *line = g_strconcat(text, "\n", NULL);
	const struct sw_output_file *file = NULL;

	return sw_output_add(output, name, "application/json", 0, &file, error) &&
	       sw_write_at(file->fd, line, strlen(line), 0, file->path, SW_ERROR_FORMAT,
			   "ami-write", error);
}

static gboolean write_disk(const struct sw_format_input *input, struct sw_sparse *disk,
			   struct sw_output *output, GCancellable *cancellable, GError **error)
{
	guint64 size = sw_sparse_size(disk);
	gboolean whole = size == sw_sparse_size(input->disk);
	struct sw_format_input padded = *input;
	const struct sw_output_file *file = NULL;

	if (whole && sw_output_take_disk(output, DISK_NAME, sw_format_ami.media_type, size))
		return TRUE;
	if (!whole)
		padded.disk = disk;
	return sw_output_add(output, DISK_NAME, sw_format_ami.media_type, size, &file, error) &&
	       sw_copy_disk(&padded, file, cancellable, error);
}

static gboolean ami_write(const void *state, const struct sw_format_input *input,
			  struct sw_output *output, GCancellable *cancellable, GError **error)
{
	const struct options *options = state;
	g_autoptr(SwSparse) disk = NULL;
	g_autoptr(SwGpt) gpt = NULL;
	g_autoptr(JsonBuilder) import = json_builder_new();
	g_autoptr(JsonBuilder) registration = json_builder_new();
	struct machine machine;

	if (!sw_check_cancelled(cancellable, error) || !sw_gpt_of_disk(input->disk, &gpt, error) ||
	    !sw_gpt_pad(input->disk, SW_GIB, &disk, error) ||
	    !write_disk(input, disk, output, cancellable, error))
		return FALSE;
	machine = look(options, input, gpt);
	describe_import(import, options, &machine);
	describe_register(registration, &machine);
	if (!write_json(output, IMPORT_NAME, import, error) ||
	    !write_json(output, REGISTER_NAME, registration, error))
		return FALSE;
	if (input->progress != NULL)
		input->progress(sw_sparse_size(input->disk), input->progress_data);
	return TRUE;
}

static const char *const aliases[] = { "aws", NULL };

const struct sw_format sw_format_ami = {
	.name = "ami",
	.aliases = aliases,
	.summary = "Amazon EC2: the raw disk, and the parameters to import it",
	.file = DISK_NAME,
	.media_type = "application/octet-stream",
	.hint = "aws s3 cp FILE s3://BUCKET/disk.raw && aws ec2 import-snapshot --disk-container "
		"file://import-snapshot.json",
	.state_size = sizeof(struct options),
	.params = params,
	.disk_unit = SW_GIB,
	.names = ami_names,
	.is_disk = ami_is_disk,
	.check = ami_check,
	.write = ami_write,
};
