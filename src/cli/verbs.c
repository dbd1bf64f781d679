/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#include <string.h>

#include "core/param.h"

const char *const sw_global_options[] = { "cache", "verbose", "help", "version", NULL };

static const char *const no_options[] = { NULL };
static const char *const json_option[] = { "json", NULL };
/* clang-format off */
static const char *const build_options[] = {
	"file",
	"type",
	"option",
	"rootfs",
	"size",
	"target-arch",
	"karg",
	"karg-delete",
	"target-imgref",
	"target-authfile",
	"bound-images",
	"root-ssh-authorized-keys",
	"output",
	"store",
	"layout",
	"name",
	"image-version",
	"tag",
	"latest",
	"overwrite",
	"seed",
	"authfile",
	"tls-verify",
	"progress",
	"keep",
	"json",
	NULL,
};
/* clang-format on */
static const char *const convert_options[] = { "type", "option", "output", "progress",
					       "keep", "json",	 NULL };
static const char *const publish_options[] = { "store",	      "type",	  "name",   "image-version",
					       "target-arch", "layout",	  "tag",    "latest",
					       "overwrite",   "authfile", "option", "progress",
					       "json",	      NULL };
static const char *const place_options[] = { "authfile", "option", "json", NULL };
static const char *const fetch_options[] = { "output",	 "overwrite", "authfile", "option",
					     "progress", "json",      NULL };
static const char *const url_options[] = { "expires", "authfile", "option", "json", NULL };
static const char *const prune_options[] = { "keep-last", "max-age", "max-bytes",
					     "pinned",	  "dry-run", "authfile",
					     "option",	  "json",    NULL };
static const char *const verify_store_options[] = { "authfile", "option", "progress", "json",
						    NULL };
static const char *const inspect_options[] = { "target-arch", "rootfs", "authfile", "tls-verify",
					       "progress",    "json",	NULL };

static const char *const verify_options[] = { "progress", "json", NULL };

static const struct sw_example build_examples[] = {
	{ "A qcow2 for KVM, below ./output",
	  "slipway build quay.io/fedora/fedora-bootc:42 --rootfs ext4" },
	{ "A disk to flash and a qcow2 of the same disk, with a way to log in",
	  "slipway build IMAGE -t raw -t qcow2 "
	  "--root-ssh-authorized-keys ~/.ssh/id.pub" },
	{ "A small qcow2", "slipway build IMAGE --option qcow2.compression=zstd" },
	{ "Settings from a document, one kernel argument more",
	  "slipway build -f build.yaml --karg console=ttyS0" },
	{ "A qcow2 in an S3 bucket as well, as version 7 and as latest",
	  "slipway build IMAGE --store s3://images/edge --image-version 7 --latest" },
	{ "An image that is not in a registry",
	  "slipway build oci:./image --target-imgref quay.io/org/edge:1" },
	{ NULL, NULL },
};
static const struct sw_example convert_examples[] = {
	{ "A disk as a qcow2, below ./output", "slipway convert disk.raw" },
	{ "A qcow2 that is smaller, in this directory",
	  "slipway convert disk.raw -t qcow2 --option qcow2.compression=zstd -o ." },
	{ NULL, NULL },
};
static const struct sw_example publish_examples[] = {
	{ "Two files of one image, in a directory",
	  "slipway publish disk.qcow2 disk.raw --store /srv/images --name edge" },
	{ "In two places, with FlightCtl's keys",
	  "slipway publish disk.qcow2 --layout flightctl --store /srv/a "
	  "--store /srv/b" },
	{ NULL, NULL },
};
static const struct sw_example ls_examples[] = {
	{ "What is in a bucket", "slipway ls s3://images" },
	{ "The keys, for a script", "slipway ls /srv/images --json | jq -r .[].key" },
	{ NULL, NULL },
};
static const struct sw_example fetch_examples[] = {
	{ "A disk, compared with its SHA-256",
	  "slipway fetch s3://images/edge/latest/amd64/qcow2/disk.qcow2 -o edge.qcow2" },
	{ NULL, NULL },
};
static const struct sw_example rm_examples[] = {
	{ "One version, with its record", "slipway rm /srv/images/edge/1.2/amd64" },
	{ NULL, NULL },
};
static const struct sw_example url_examples[] = {
	{ "For a person without credentials, for a day",
	  "slipway url s3://images/edge/1.2/amd64/qcow2/disk.qcow2 --expires 1d" },
	{ NULL, NULL },
};
static const struct sw_example verify_store_examples[] = {
	{ "Is all there that was published?", "slipway verify-store /srv/images" },
	{ NULL, NULL },
};
static const struct sw_example prune_examples[] = {
	{ "What would go if five of each were kept, and all of 1.x",
	  "slipway prune s3://images --keep-last 5 --pinned \'1.*\' --dry-run" },
	{ NULL, NULL },
};
static const struct sw_example plan_examples[] = {
	{ "What would be built, and where each setting comes from", "slipway plan -f build.yaml" },
	{ "The size that a disk would get, in bytes",
	  "slipway plan quay.io/org/edge:1 --json | jq .disk.size" },
	{ NULL, NULL },
};
static const struct sw_example inspect_examples[] = {
	{ "Can this image be installed?", "slipway inspect quay.io/fedora/fedora-bootc:42" },
	{ "What is missing, for a script",
	  "slipway inspect IMAGE --json | jq '.requirements[]|select(.state==\"unmet\")'" },
	{ NULL, NULL },
};
static const struct sw_example verify_examples[] = {
	{ "Is this disk what a bootc host needs?", "slipway verify output/qcow2/disk.qcow2" },
	{ "What is wrong, for a script",
	  "slipway verify disk.raw --json | jq '.checks[]|select(.state==\"failed\")'" },
	{ NULL, NULL },
};
static const struct sw_example list_examples[] = {
	{ "The types that build can make", "slipway list formats" },
	{ "The same for a script", "slipway list formats --json | jq -r .[].name" },
	{ NULL, NULL },
};
static const struct sw_example version_examples[] = {
	{ "For a bug report", "slipway version" },
	{ "Only the number", "slipway version --json | jq -r .version" },
	{ NULL, NULL },
};
static const struct sw_example completion_examples[] = {
	{ "For this bash", "source <(slipway completion bash)" },
	{ "For every zsh to come", "slipway completion zsh > ~/.zfunc/_slipway" },
	{ "For every fish to come",
	  "slipway completion fish > ~/.config/fish/completions/slipway.fish" },
	{ NULL, NULL },
};
static const struct sw_example help_examples[] = {
	{ "All options of build", "slipway help build" },
	{ NULL, NULL },
};
static const struct sw_example man_examples[] = {
	{ "The manual page", "slipway man docs/slipway.1.in > slipway.1" },
	{ NULL, NULL },
};

const struct sw_verb sw_verbs[] = {
	{
		.name = "build",
		.summary = "make bootable disk images of a bootc container image",
		.description =
			"Takes IMAGE from where it is, puts it onto one disk and writes that disk "
			"in "
			"each type asked for, without root. IMAGE and all settings can stand in a "
			"build document as well (--file).\n"
			"The images appear complete or not at all. Layers are kept in the cache: a "
			"second build fetches only what is new. See slipway(1) for the document, "
			"the "
			"files written and the exit status.",
		.argument = "IMAGE",
		.is_image = TRUE,
		.options = build_options,
		.examples = build_examples,
		.run = sw_cmd_build,
	},
	{
		.name = "convert",
		.summary = "make a disk that is there into other types",
		.description = "Reads DISK, a raw disk (a file or a block device) or a qcow2 "
			       "image, and writes it "
			       "in each type "
			       "asked for, as build does: all at once, complete or not at all. "
			       "Types that are "
			       "made of the system's files instead of its disk are refused.",
		.argument = "DISK",
		.required = TRUE,
		.options = convert_options,
		.examples = convert_examples,
		.run = sw_cmd_convert,
	},
	{
		.name = "publish",
		.summary = "store files that are there in places to find them",
		.description =
			"Stores each FILE in all places (--store), under keys made of name, "
			"version "
			"and architecture, with SHA256SUMS and manifest.json beside them. A file "
			"appears complete and verified or not at all; what is there already is not "
			"sent again. A place that fails does not stop the others.\n"
			"Exits with 9 when a place has failed.",
		.argument = "FILE",
		.required = TRUE,
		.several = TRUE,
		.is_file = TRUE,
		.options = publish_options,
		.examples = publish_examples,
		.run = sw_cmd_publish,
	},
	{
		.name = "ls",
		.summary = "list what is in a place",
		.description = "Prints size, time and key of everything below URI.",
		.argument = "URI",
		.required = TRUE,
		.is_file = TRUE,
		.options = place_options,
		.examples = ls_examples,
		.run = sw_cmd_ls,
	},
	{
		.name = "fetch",
		.summary = "fetch a file from a place",
		.description =
			"Fetches the file URI into the file or directory --output (default: the "
			"current one). It is compared with its SHA-256, as the place or SHA256SUMS "
			"says it, before it appears; what was interrupted is continued.",
		.argument = "URI",
		.required = TRUE,
		.is_file = TRUE,
		.options = fetch_options,
		.examples = fetch_examples,
		.run = sw_cmd_fetch,
	},
	{
		.name = "rm",
		.summary = "remove a file or a publication from a place",
		.description = "Removes the file URI, or, where URI is the directory of a "
			       "manifest.json that slipway wrote, what that lists.",
		.argument = "URI",
		.required = TRUE,
		.is_file = TRUE,
		.options = place_options,
		.examples = rm_examples,
		.run = sw_cmd_rm,
	},
	{
		.name = "url",
		.summary = "print a URL from which anybody may get a file of a place",
		.description = "Prints a URL that needs no credentials until it expires. "
			       "Directories have none: that is exit status 9.",
		.argument = "URI",
		.required = TRUE,
		.options = url_options,
		.examples = url_examples,
		.run = sw_cmd_url,
	},
	{
		.name = "verify-store",
		.summary = "read all of a place and compare it with its records",
		.description = "Reads every file that a SHA256SUMS below URI lists, compares it, "
			       "and looks whether manifest.json is there and agrees.\n"
			       "Exits with 9 when something is wrong.",
		.argument = "URI",
		.required = TRUE,
		.is_file = TRUE,
		.options = verify_store_options,
		.examples = verify_store_examples,
		.run = sw_cmd_verify_store,
	},
	{
		.name = "prune",
		.summary = "remove old publications from a place",
		.description =
			"Removes what --keep-last, --max-age and --max-bytes do not keep, each by "
			"itself. Never touched are files that slipway did not publish, tags such "
			"as "
			"latest, versions that are pinned, and the newest of each name and "
			"architecture.",
		.argument = "URI",
		.required = TRUE,
		.is_file = TRUE,
		.options = prune_options,
		.examples = prune_examples,
		.run = sw_cmd_prune,
	},
	{
		.name = "plan",
		.summary = "show what build would do",
		.description =
			"Takes the arguments of build and prints every setting with its origin, "
			"the "
			"partitions, the kernel arguments in their order, the files that would be "
			"written and the space that this needs. Touches nothing but the cache.\n"
			"Exits with 6 when the space does not suffice.",
		.argument = "IMAGE",
		.is_image = TRUE,
		.options = build_options,
		.examples = plan_examples,
		.run = sw_cmd_plan,
	},
	{
		.name = "inspect",
		.summary = "show what an image is and whether it can be installed",
		.description = "Brings IMAGE into the cache, reads it, and checks each requirement "
			       "that a bootable image must meet. Exits with 5 when one is unmet.",
		.argument = "IMAGE",
		.required = TRUE,
		.is_image = TRUE,
		.options = inspect_options,
		.examples = inspect_examples,
		.run = sw_cmd_inspect,
	},
	{
		.name = "verify",
		.summary = "check that a disk is a first-class bootc host",
		.description =
			"Opens DISK, a raw or qcow2 file of whatever origin, read-only in an "
			"appliance and checks what bootc, ostree, bootupd and the firmware expect: "
			"a line for each check, ok, warning, failed or skipped, with what to do.\n"
			"Exits with 7 when a check has failed. A qcow2 that leads to other files "
			"(a backing file, an external data file) is refused.",
		.argument = "DISK",
		.required = TRUE,
		.is_file = TRUE,
		.options = verify_options,
		.examples = verify_examples,
		.run = sw_cmd_verify,
	},
	{
		.name = "list",
		.summary = "list the formats to write or the storage to write to",
		.description = "Prints a line for each format (the types of build, with their "
			       "other names) or "
			       "each storage backend, and the options that each has.",
		.argument = "WHAT",
		.required = TRUE,
		.words = sw_list_words,
		.options = json_option,
		.examples = list_examples,
		.run = sw_cmd_list,
	},
	{
		.name = "version",
		.summary = "print the version and what it was built with",
		.description = "Prints the version, the libraries used and the optional features.",
		.options = json_option,
		.examples = version_examples,
		.run = sw_cmd_version,
	},
	{
		.name = "completion",
		.summary = "print a completion script for a shell",
		.description =
			"Prints a script for bash, zsh or fish that completes verbs, options "
			"and their values.",
		.argument = "SHELL",
		.required = TRUE,
		.words = sw_completion_words,
		.options = no_options,
		.examples = completion_examples,
		.run = sw_cmd_completion,
	},
	{
		.name = "help",
		.summary = "print help about a verb",
		.description = "Prints the help of VERB, as VERB --help does, or an overview.",
		.argument = "VERB",
		.words = sw_verb_names,
		.options = no_options,
		.examples = help_examples,
		.run = sw_cmd_help,
	},
	{
		.name = "man",
		.summary = "print the manual page",
		.description = "Fills the tables into TEMPLATE; used when slipway is built.",
		.argument = "TEMPLATE",
		.required = TRUE,
		.options = no_options,
		.examples = man_examples,
		.hidden = TRUE,
		.run = sw_cmd_man,
	},
	{ .name = NULL },
};

const struct sw_verb *sw_verb_next(const struct sw_verb *verb)
{
	verb = verb == NULL ? sw_verbs : verb + 1;
	while (verb->hidden)
		verb++;
	return verb->name == NULL ? NULL : verb;
}

const char **sw_verb_names(void)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (const struct sw_verb *v = sw_verb_next(NULL); v != NULL; v = sw_verb_next(v))
		g_ptr_array_add(names, (gpointer)v->name);
	g_ptr_array_add(names, NULL);
	return (const char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

const struct sw_verb *sw_verb_find(const char *name, GError **error)
{
	g_autofree const char **names = sw_verb_names();
	const char *near = sw_nearest(name, names);

	for (const struct sw_verb *verb = sw_verbs; verb->name != NULL; verb++)
		if (g_str_equal(verb->name, name))
			return verb;
	if (near != NULL)
		sw_fail(error, SW_ERROR_USAGE, "unknown-verb",
			"unknown verb \"%s\"; did you mean %s?", name, near);
	else if (strpbrk(name, "/:") != NULL)
		sw_fail(error, SW_ERROR_USAGE, "unknown-verb",
			"unknown verb \"%s\"; did you mean slipway build %s?", name, name);
	else
		sw_fail(error, SW_ERROR_USAGE, "unknown-verb",
			"unknown verb \"%s\" (see slipway --help)", name);
	return NULL;
}
