/* SPDX-License-Identifier: MIT */
#include "spec/setting.h"

#include <string.h>

#include "core/format.h"
#include "core/size.h"
#include "source/reference.h"
#include "spec/build.h"
#include "spec/keys.h"
#include "store/naming.h"
#include "store/uri.h"

/* Longer texts are mistakes; a kernel command line has at most 4096 bytes. */
#define TEXT_LIMIT 4096

/* So that no sum of sizes can overflow. */
#define SIZE_LIMIT (G_GUINT64_CONSTANT(1) << 60)

#define ID "bad-value"

static const char *const rootfs_words[] = { "ext4", "xfs", "btrfs", NULL };
static const char *const bound_words[] = { "stored", "skip", NULL };
static const char *const arch_words[] = { "amd64", "arm64", "ppc64le", "riscv64", "s390x", NULL };

static gboolean check_image(const char *text, char **ret_canonical, GError **error)
{
	g_autoptr(SwReference) reference = NULL;

	if (!sw_reference_parse(text, &reference, error))
		return FALSE;
	*ret_canonical = g_strdup(text);
	return TRUE;
}

static gboolean check_target(const char *text, char **ret_canonical, GError **error)
{
	g_autoptr(SwTarget) target = NULL;

	if (!sw_target_parse(text, &target, error))
		return FALSE;
	*ret_canonical = g_strdup(text);
	return TRUE;
}

static gboolean check_type(const char *text, char **ret_canonical, GError **error)
{
	const struct sw_format *format = sw_format_find(text, error);

	if (format == NULL)
		return FALSE;
	*ret_canonical = g_strdup(format->name);
	return TRUE;
}

static gboolean not_among(const char *text, const char *const *words, GError **error)
{
	g_autofree char *all = g_strjoinv(", ", (char **)words);
	const char *near = sw_nearest(text, words);

	if (near != NULL)
		return sw_fail(error, SW_ERROR_USAGE, ID, "\"%s\" is none of %s; did you mean %s?",
			       text, all, near);
	return sw_fail(error, SW_ERROR_USAGE, ID, "\"%s\" is none of %s", text, all);
}

static gboolean check_arch(const char *text, char **ret_canonical, GError **error)
{
	if (g_str_equal(text, "x86_64"))
		text = "amd64";
	else if (g_str_equal(text, "aarch64"))
		text = "arm64";
	if (!g_strv_contains(arch_words, text))
		return not_among(text, arch_words, error);
	*ret_canonical = g_strdup(text);
	return TRUE;
}

/* The kernel splits its command line at blanks that are not between double quotes. */
static gboolean check_karg(const char *text, char **ret_canonical, GError **error)
{
	gboolean quoted = FALSE;

	if (strchr("=\"", text[0]) != NULL)
		return sw_fail(error, SW_ERROR_USAGE, ID,
			       "\"%s\" is no kernel argument: write key or key=value", text);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == ' ' && !quoted)
			return sw_fail(error, SW_ERROR_USAGE, ID,
				       "\"%s\" has a blank: give one kernel argument at a time, or "
				       "put the value in double quotes",
				       text);
	}
	if (quoted)
		return sw_fail(error, SW_ERROR_USAGE, ID, "\"%s\" lacks a closing double quote",
			       text);
	*ret_canonical = g_strdup(text);
	return TRUE;
}

/* Writers fill in their tables when the data is known, so what they write is a file. */
static gboolean check_output(const char *text, char **ret_canonical, GError **error)
{
	if (g_str_equal(text, "-"))
		return sw_fail(error, SW_ERROR_USAGE, ID,
			       "images are written into a directory, not to a pipe: name one");
	*ret_canonical = g_strdup(text);
	return TRUE;
}

/* An option of a type or of a storage. */
static gboolean check_option(const char *text, char **ret_canonical, GError **error)
{
	g_autofree char *name = g_strndup(text, strcspn(text, ".="));

	return sw_store_find(name) != NULL ? sw_store_check_option(text, ret_canonical, error)
					   : sw_format_check_option(text, ret_canonical, error);
}

static gboolean check_store(const char *text, char **ret_canonical, GError **error)
{
	g_autoptr(SwStoreUri) uri = NULL;

	if (!sw_store_uri_parse(text, &uri, error))
		return FALSE;
	*ret_canonical = g_strdup(text);
	return TRUE;
}

/* It becomes a part of keys. */
static gboolean check_part(const char *text, char **ret_canonical, GError **error)
{
	if (strchr(text, '/') != NULL || g_str_equal(text, ".") || g_str_equal(text, ".."))
		return sw_fail(error, SW_ERROR_USAGE, ID,
			       "\"%s\" cannot be a part of a key: use no \"/\"", text);
	*ret_canonical = g_strdup(text);
	return TRUE;
}

#define FIELD(name) .offset = G_STRUCT_OFFSET(struct sw_build, name)

/* clang-format off */
const struct sw_setting sw_settings[] = {
	{ .flag = "image", .key = "image", .positional = TRUE, .type = SW_SETTING_TEXT,
	  .value = "IMAGE", FIELD(image), .check = check_image,
	  .help = "the bootc container image: a registry's name (quay.io/org/name:tag), or "
		  "oci:DIR, oci-archive:FILE, docker-archive:FILE, containers-storage:NAME, "
		  "dir:DIR" },
	{ .flag = "type", .key = "types", .letter = 't', .type = SW_SETTING_LIST,
	  .kind = SW_KIND_FORMAT, .value = "TYPE", .fallback = "qcow2", FIELD(types),
	  .check = check_type, .help = "what to make; repeat it for several from one disk" },
	{ .flag = "option", .key = "options", .type = SW_SETTING_LIST, .kind = SW_KIND_OPTION,
	  .append = TRUE, .value = "TYPE.NAME=VALUE", FIELD(options),
	  .check = check_option,
	  .help = "an option of a type or a storage (see slipway list); may be repeated" },
	{ .flag = "rootfs", .key = "rootfs", .type = SW_SETTING_TEXT, .value = "FS",
	  .words = rootfs_words, .otherwise = "as the image says", FIELD(rootfs),
	  .help = "the root filesystem" },
	{ .flag = "size", .key = "size", .type = SW_SETTING_SIZE, .value = "SIZE",
	  .otherwise = "the content and room for an update", FIELD(size),
	  .help = "the size of the disk in whole MiB, such as 20G or \"512 MiB\"" },
	{ .flag = "target-arch", .key = "target-arch", .type = SW_SETTING_TEXT, .value = "ARCH",
	  .words = arch_words, .otherwise = "this machine's", FIELD(target_arch),
	  .check = check_arch, .help = "the architecture to take from a multi-architecture image" },
	{ .flag = "karg", .key = "kargs", .type = SW_SETTING_LIST, .append = TRUE,
	  .value = "KARG", FIELD(kargs), .check = check_karg,
	  .help = "a kernel argument to add; may be repeated" },
	{ .flag = "karg-delete", .key = "karg-deletes", .type = SW_SETTING_LIST, .append = TRUE,
	  .value = "KARG", FIELD(karg_deletes), .check = check_karg,
	  .help = "a kernel argument of the image to drop: key=value, or key for all its values; "
		  "may be repeated" },
	{ .flag = "target-imgref", .key = "target-imgref", .type = SW_SETTING_TEXT,
	  .value = "REF", .otherwise = "IMAGE, when it comes from a registry",
	  FIELD(target_imgref), .check = check_target,
	  .help = "the image that the machine updates from" },
	{ .flag = "target-authfile", .key = "target-authfile", .type = SW_SETTING_TEXT,
	  .kind = SW_KIND_FILE, .value = "FILE", FIELD(target_authfile),
	  .look = sw_authfile_check,
	  .help = "credentials that the machine updates with: becomes its /etc/ostree/auth.json" },
	{ .flag = "bound-images", .key = "bound-images", .type = SW_SETTING_TEXT, .value = "HOW",
	  .words = bound_words, .otherwise = "an image that is bound to others is refused",
	  FIELD(bound_images),
	  .help = "what becomes of the images that the image is bound to: put onto the disk, or "
		  "left out" },
	{ .flag = "root-ssh-authorized-keys", .key = "root-ssh-authorized-keys",
	  .type = SW_SETTING_TEXT, .kind = SW_KIND_FILE, .value = "FILE", FIELD(root_ssh_keys),
	  .look = sw_keys_check, .help = "public keys that may log in as root over ssh" },
	{ .flag = "output", .key = "output", .letter = 'o', .type = SW_SETTING_TEXT,
	  .kind = SW_KIND_DIRECTORY, .value = "DIR", .fallback = "output", FIELD(output),
	  .check = check_output,
	  .help = "where the images, manifest.json and SHA256SUMS go" },
	{ .flag = "store", .key = "storage", .type = SW_SETTING_LIST, .kind = SW_KIND_STORE,
	  .value = "URI", .otherwise = "only the output directory", FIELD(stores),
	  .check = check_store,
	  .help = "a place to publish to: a directory, or a URI of a storage (see slipway list "
		  "storage); may be repeated" },
	{ .flag = "layout", .key = "layout", .type = SW_SETTING_TEXT, .value = "LAYOUT",
	  .fallback = "default", FIELD(layout), .check = sw_layout_check,
	  .help = "the keys in a place: default, flightctl, openchami, bib, or a template such as "
		  "{name}/{version}/{type}.{ext}" },
	{ .flag = "name", .key = "name", .type = SW_SETTING_TEXT, .value = "NAME",
	  .otherwise = "the image's, or the first file's", FIELD(name), .check = check_part,
	  .help = "the name of what is published" },
	{ .flag = "image-version", .key = "version", .type = SW_SETTING_TEXT, .value = "VERSION",
	  .otherwise = "the image's, or the beginning of a digest", FIELD(version),
	  .check = check_part, .help = "the version of what is published" },
	{ .flag = "tag", .key = "tags", .type = SW_SETTING_LIST, .value = "TAG", FIELD(tags),
	  .check = check_part,
	  .help = "a further version to publish the same as, stored once; may be repeated" },
	{ .flag = "latest", .type = SW_SETTING_SWITCH, FIELD(latest),
	  .help = "publish as version \"latest\", too, when all is there" },
	{ .flag = "overwrite", .type = SW_SETTING_SWITCH, FIELD(overwrite),
	  .help = "replace what is under the same keys of a place" },
	{ .flag = "seed", .key = "seed", .type = SW_SETTING_TEXT, .value = "TEXT", FIELD(seed),
	  .help = "mixed into all UUIDs, so that equal builds differ" },
	{ .flag = "authfile", .key = "authfile", .type = SW_SETTING_TEXT, .kind = SW_KIND_FILE,
	  .value = "FILE", .otherwise = "the places of containers-auth.json(5)", FIELD(authfile),
	  .look = sw_authfile_check, .help = "credentials for the registry" },
	{ .flag = "tls-verify", .key = "tls-verify", .type = SW_SETTING_BOOL, .value = "BOOL",
	  .fallback = "true", FIELD(tls_verify),
	  .help = "whether the registry must have a valid certificate" },
	{ .flag = "progress", .type = SW_SETTING_CHOICE, .value = "MODE",
	  .words = sw_progress_modes, .fallback = "auto", FIELD(progress),
	  .help = "how progress is shown on stderr" },
	{ .flag = "keep", .type = SW_SETTING_SWITCH, FIELD(keep),
	  .help = "keep the scratch directory, to look into it" },
	{ .flag = "json", .type = SW_SETTING_SWITCH, FIELD(json),
	  .help = "print the result, or the error, as JSON on stdout" },
	{ .flag = "cache", .type = SW_SETTING_TEXT, .kind = SW_KIND_DIRECTORY, .value = "DIR",
	  .otherwise = "$SLIPWAY_CACHE, or slipway in $XDG_CACHE_HOME or ~/.cache", FIELD(cache),
	  .help = "where layers are kept between builds" },
	{ .flag = NULL },
};
/* clang-format on */

G_STATIC_ASSERT(G_N_ELEMENTS(sw_settings) <= SW_SETTINGS_MAX);

struct sw_given *sw_given_new(const struct sw_setting *setting, char *text, enum sw_origin origin)
{
	struct sw_given *given = g_new0(struct sw_given, 1);

	given->setting = setting;
	given->text = text;
	given->origin = origin;
	return given;
}

void sw_given_free(struct sw_given *given)
{
	if (given == NULL)
		return;
	g_free(given->text);
	g_free(given);
}

const struct sw_setting *sw_setting_find(const char *name)
{
	for (const struct sw_setting *row = sw_settings; row->flag != NULL; row++)
		if (g_str_equal(row->flag, name))
			return row;
	return NULL;
}

const struct sw_setting *sw_setting_find_key(const char *key)
{
	for (const struct sw_setting *row = sw_settings; row->flag != NULL; row++)
		if (g_strcmp0(row->key, key) == 0)
			return row;
	return NULL;
}

/* Those of a choice with each value, of the others what comes before it. */
static void add_options(GPtrArray *list, const char *name, const struct sw_param *p)
{
	static const char *const none[] = { "", NULL };
	static const char *const booleans[] = { "true", "false", NULL };

	for (; p != NULL && p->name != NULL; p++) {
		const char *const *values = p->choices != NULL	       ? p->choices
					    : p->type == SW_PARAM_BOOL ? booleans
								       : none;

		for (; *values != NULL; values++) {
			g_autofree char *text = g_strdup_printf("%s.%s=%s", name, p->name, *values);

			g_ptr_array_add(list, (gpointer)g_intern_string(text));
		}
	}
}

const char **sw_setting_words(const struct sw_setting *setting)
{
	static const char *const booleans[] = { "true", "false", NULL };
	const char *const *words = setting->type == SW_SETTING_BOOL ? booleans : setting->words;
	g_autoptr(GPtrArray) list = g_ptr_array_new();

	if (setting->kind == SW_KIND_FORMAT)
		for (guint i = 0; sw_formats[i] != NULL; i++)
			g_ptr_array_add(list, (gpointer)sw_formats[i]->name);
	if (setting->kind == SW_KIND_OPTION)
		for (guint i = 0; sw_formats[i] != NULL; i++)
			add_options(list, sw_formats[i]->name, sw_formats[i]->params);
	if (setting->kind == SW_KIND_OPTION)
		for (guint i = 0; sw_storages[i] != NULL; i++)
			add_options(list, sw_storages[i]->name, sw_storages[i]->params);
	for (guint i = 0; words != NULL && words[i] != NULL; i++)
		g_ptr_array_add(list, (gpointer)words[i]);
	if (list->len == 0)
		return NULL;
	g_ptr_array_add(list, NULL);
	return (const char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

/* No setting needs a line break or the like, and each could end up in a terminal or a file. */
static gboolean check_characters(const char *text, GError **error)
{
	if (*text == '\0')
		return sw_fail(error, SW_ERROR_USAGE, ID, "the value is empty");
	if (strlen(text) > TEXT_LIMIT)
		return sw_fail(error, SW_ERROR_USAGE, ID, "the value is longer than %d bytes",
			       TEXT_LIMIT);
	if (!g_utf8_validate(text, -1, NULL))
		return sw_fail(error, SW_ERROR_USAGE, ID, "the value is not UTF-8");
	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
		if (g_unichar_iscntrl(g_utf8_get_char(p)))
			return sw_fail(error, SW_ERROR_USAGE, ID,
				       "the value has a control character");
	return TRUE;
}

static gboolean check_size(const char *text, GError **error)
{
	guint64 bytes = 0;

	if (!sw_size_parse(text, &bytes, error))
		return FALSE;
	if (bytes > SIZE_LIMIT)
		return sw_fail(error, SW_ERROR_USAGE, ID, "%s is larger than any disk", text);
	if (bytes % SW_MIB != 0)
		return sw_fail(error, SW_ERROR_USAGE, ID,
			       "%s is not whole MiB; the next that is: %" G_GUINT64_FORMAT "M",
			       text, bytes / SW_MIB + 1);
	return TRUE;
}

gboolean sw_setting_check(const struct sw_setting *setting, const char *text, gboolean look,
			  char **ret_text, GError **error)
{
	g_autofree const char **words = sw_setting_words(setting);
	g_autofree char *canonical = NULL;

	if (!check_characters(text, error))
		return FALSE;
	if (setting->check != NULL) {
		if (!setting->check(text, &canonical, error))
			return FALSE;
	} else if (words != NULL && !g_strv_contains((const char *const *)words, text)) {
		return not_among(text, (const char *const *)words, error);
	} else if (setting->type == SW_SETTING_SIZE && !check_size(text, error)) {
		return FALSE;
	}
	if (look && setting->look != NULL && !setting->look(text, error))
		return FALSE;
	*ret_text = canonical != NULL ? g_steal_pointer(&canonical) : g_strdup(text);
	return TRUE;
}

/* Is it the same option of the same type, whatever the values? */
static gboolean is_same_option(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");

	return length == strcspn(b, "=") && strncmp(a, b, length) == 0;
}

static void store_item(const struct sw_setting *setting, const char *text, char ***list)
{
	guint length = *list == NULL ? 0 : g_strv_length(*list);

	if (setting->kind == SW_KIND_FORMAT && *list != NULL &&
	    g_strv_contains((const char *const *)*list, text))
		return;
	for (guint i = 0; setting->kind == SW_KIND_OPTION && i < length; i++)
		if (is_same_option((*list)[i], text)) {
			g_free((*list)[i]);
			(*list)[i] = g_strdup(text);
			return;
		}
	*list = g_renew(char *, *list, length + 2);
	(*list)[length] = g_strdup(text);
	(*list)[length + 1] = NULL;
}

static int index_of(const char *const *words, const char *text)
{
	int i = 0;

	while (words[i] != NULL && !g_str_equal(words[i], text))
		i++;
	return i;
}

void sw_setting_store(const struct sw_setting *setting, const char *text, void *state)
{
	void *field = (char *)state + setting->offset;
	guint64 bytes = 0;

	switch (setting->type) {
	case SW_SETTING_TEXT:
		g_free(*(char **)field);
		*(char **)field = g_strdup(text);
		break;
	case SW_SETTING_LIST:
		store_item(setting, text, field);
		break;
	case SW_SETTING_SIZE:
		if (sw_size_parse(text, &bytes, NULL))
			*(guint64 *)field = bytes;
		break;
	case SW_SETTING_BOOL:
	case SW_SETTING_SWITCH:
		*(gboolean *)field = g_str_equal(text, "true");
		break;
	case SW_SETTING_CHOICE:
		*(int *)field = index_of(setting->words, text);
		break;
	}
}
