/* SPDX-License-Identifier: MIT */
#include "image/install-config.h"

#include <string.h>

#include "core/text.h"
#include "image/fragment.h"
#include "image/toml.h"

#define ID "install-config"
#define STATEROOT_MAX 64

enum type {
	TEXT,	   /* char * */
	WORDS,	   /* char **, the last file's */
	KARGS,	   /* GPtrArray of char *, all files' */
	BOOLEAN,   /* gboolean */
	STATEROOT, /* char * that becomes a directory's name */
	SPEC,	   /* char * that becomes a kernel argument's value and a field of fstab */
	ARCHS,	   /* looked at elsewhere, as bootc shows it: the first file's */
};

/* A known key below [install]; WORDS: the only values that it may have. */
struct row {
	const char *key;
	enum type type;
	size_t offset;
	const char *const *words;
};

static const char *const filesystems[] = { "xfs", "ext4", "btrfs", NULL };
static const char *const blocks[] = { "direct", "tpm2-luks", NULL };
static const char *const bootloaders[] = { "grub", "grub-cc", "systemd", "none", NULL };

#define FIELD(name) G_STRUCT_OFFSET(struct sw_install_config, name)

static const struct row rows[] = {
	{ "root-fs-type", TEXT, FIELD(root_fs_type), filesystems },
	{ "filesystem.root.type", TEXT, FIELD(filesystem_root_type), filesystems },
	{ "block", WORDS, FIELD(block), blocks },
	{ "kargs", KARGS, FIELD(kargs), NULL },
	{ "karg-deletes", KARGS, FIELD(karg_deletes), NULL },
	{ "match-architectures", ARCHS, 0, NULL },
	{ "ostree.bls-append-except-default", TEXT, FIELD(bls_append_except_default), NULL },
	{ "stateroot", STATEROOT, FIELD(stateroot), NULL },
	{ "root-mount-spec", SPEC, FIELD(root_mount_spec), NULL },
	{ "boot-mount-spec", SPEC, FIELD(boot_mount_spec), NULL },
	{ "bootupd.skip-boot-uuid", BOOLEAN, FIELD(skip_boot_uuid), NULL },
	{ "bootloader", TEXT, FIELD(bootloader), bootloaders },
	{ "discoverable-partitions", BOOLEAN, FIELD(discoverable_partitions), NULL },
	{ "enforce-container-sigpolicy", BOOLEAN, FIELD(enforce_container_sigpolicy), NULL },
};

/* One file on its way into a configuration. */
struct merge {
	struct sw_install_config *config;
	const char *name;
};

struct sw_install_config *sw_install_config_new(void)
{
	struct sw_install_config *config = g_new0(struct sw_install_config, 1);

	config->kargs = g_ptr_array_new_with_free_func(g_free);
	config->karg_deletes = g_ptr_array_new_with_free_func(g_free);
	config->warnings = g_ptr_array_new_with_free_func(g_free);
	config->given = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
					      (GDestroyNotify)json_node_unref);
	return config;
}

void sw_install_config_free(struct sw_install_config *config)
{
	if (config == NULL)
		return;
	g_free(config->root_fs_type);
	g_free(config->filesystem_root_type);
	g_strfreev(config->block);
	g_ptr_array_unref(config->kargs);
	g_ptr_array_unref(config->karg_deletes);
	g_free(config->bls_append_except_default);
	g_free(config->stateroot);
	g_free(config->root_mount_spec);
	g_free(config->boot_mount_spec);
	g_free(config->bootloader);
	g_ptr_array_unref(config->warnings);
	g_hash_table_unref(config->given);
	g_free(config);
}

static gboolean check_word(const struct merge *merge, const struct row *row, const char *word,
			   GError **error)
{
	g_autofree char *known = NULL;
	g_autofree char *line = NULL;

	if (row->words == NULL || g_strv_contains(row->words, word))
		return TRUE;
	known = g_strjoinv(", ", (char **)row->words);
	line = sw_text_line(word);
	return sw_fail(error, SW_ERROR_IMAGE, ID, "%s: install.%s is \"%s\", not one of %s",
		       merge->name, row->key, line, known);
}

static gboolean check_stateroot(const struct merge *merge, const char *text, GError **error)
{
	if (g_ascii_isalnum(text[0]) && strlen(text) <= STATEROOT_MAX &&
	    text[strspn(text, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-")] == '\0')
		return TRUE;
	return sw_fail(error, SW_ERROR_IMAGE, ID,
		       "%s: install.stateroot must be up to %d letters, digits, \".\", \"_\", "
		       "\"-\", a letter or digit first",
		       merge->name, STATEROOT_MAX);
}

/* A blank would end the field of fstab, and with it the kernel argument. */
static gboolean check_spec(const struct merge *merge, const struct row *row, const char *text,
			   GError **error)
{
	if (text[strcspn(text, " \"'\\")] == '\0')
		return TRUE;
	return sw_fail(error, SW_ERROR_IMAGE, ID,
		       "%s: install.%s must be one word without quotes and backslashes",
		       merge->name, row->key);
}

static gboolean merge_text(const struct merge *merge, const struct row *row, GVariant *value,
			   GError **error)
{
	char **field = G_STRUCT_MEMBER_P(merge->config, row->offset);
	g_autofree char *text = NULL;

	if (!sw_fragment_string(value, row->key, merge->name, ID, &text, error) ||
	    !check_word(merge, row, text, error))
		return FALSE;
	if ((row->type == STATEROOT && !check_stateroot(merge, text, error)) ||
	    (row->type == SPEC && !check_spec(merge, row, text, error)))
		return FALSE;
	g_free(*field);
	*field = g_steal_pointer(&text);
	return TRUE;
}

static gboolean merge_words(const struct merge *merge, const struct row *row, GVariant *value,
			    GError **error)
{
	char ***field = G_STRUCT_MEMBER_P(merge->config, row->offset);
	g_auto(GStrv) texts = NULL;

	if (!sw_fragment_strings(value, row->key, merge->name, ID, &texts, error))
		return FALSE;
	for (char **text = texts; *text != NULL; text++)
		if (!check_word(merge, row, *text, error))
			return FALSE;
	g_strfreev(*field);
	*field = g_steal_pointer(&texts);
	return TRUE;
}

static gboolean merge_boolean(const struct merge *merge, const struct row *row, GVariant *value,
			      GError **error)
{
	gboolean *field = G_STRUCT_MEMBER_P(merge->config, row->offset);

	if (!g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN))
		return sw_fail(error, SW_ERROR_IMAGE, ID, "%s: install.%s must be true or false",
			       merge->name, row->key);
	*field = g_variant_get_boolean(value);
	return TRUE;
}

static gboolean merge_row(const struct merge *merge, const struct row *row, GVariant *value,
			  GError **error)
{
	switch (row->type) {
	case TEXT:
	case STATEROOT:
	case SPEC:
		return merge_text(merge, row, value, error);
	case WORDS:
		return merge_words(merge, row, value, error);
	case KARGS:
		return sw_fragment_kargs(value, row->key, merge->name, ID,
					 G_STRUCT_MEMBER(GPtrArray *, merge->config, row->offset),
					 error);
	case BOOLEAN:
		return merge_boolean(merge, row, value, error);
	case ARCHS:
		break;
	}
	return TRUE;
}

/* Remembers VALUE, which has the type of ROW, as JSON; kernel arguments add up as they are written. */
static void remember(const struct merge *merge, const struct row *row, GVariant *value)
{
	GHashTable *given = merge->config->given;
	JsonNode *node = json_gvariant_serialize(value);
	JsonNode *earlier = g_hash_table_lookup(given, row->key);

	if (earlier != NULL && row->type == KARGS) {
		JsonArray *all = json_node_get_array(earlier);
		g_autoptr(GList) more = json_array_get_elements(json_node_get_array(node));

		for (GList *element = more; element != NULL; element = element->next)
			json_array_add_element(all, json_node_copy(element->data));
		json_node_unref(node);
	} else if (row->type == ARCHS && merge->config->is_found) {
		json_node_unref(node);
	} else {
		g_hash_table_replace(given, (char *)row->key, node);
	}
}

/* The row of KEY; NULL: none.  RET_IS_TABLE: is it the name of a table with known keys? */
static const struct row *find_row(const char *key, gboolean *ret_is_table)
{
	size_t length = strlen(key);

	*ret_is_table = FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (g_str_equal(rows[i].key, key))
			return &rows[i];
		if (strncmp(rows[i].key, key, length) == 0 && rows[i].key[length] == '.')
			*ret_is_table = TRUE;
	}
	return NULL;
}

static void warn_unknown(const struct merge *merge, const char *prefix, const char *key)
{
	g_autofree char *line = sw_text_line(key);

	g_ptr_array_add(merge->config->warnings,
			g_strdup_printf("%s: unknown key %s%s", merge->name, prefix, line));
}

/* Merges the keys of TABLE, whose own name is PREFIX ("" or "ostree."). */
static gboolean merge_table(const struct merge *merge, const char *prefix, GVariant *table,
			    GError **error)
{
	GVariantIter iter;
	GVariant *inner;
	const char *key;

	g_variant_iter_init(&iter, table);
	while (g_variant_iter_next(&iter, "{&sv}", &key, &inner)) {
		g_autoptr(GVariant) value = inner;
		g_autofree char *path = g_strconcat(prefix, key, NULL);
		const struct row *row;
		gboolean is_table;

		row = strchr(key, '.') == NULL ? find_row(path, &is_table) : NULL;
		if (row != NULL) {
			if (!merge_row(merge, row, value, error))
				return FALSE;
			remember(merge, row, value);
		} else if (strchr(key, '.') != NULL || !is_table) {
			warn_unknown(merge, "install.", path);
		} else if (!g_variant_is_of_type(value, G_VARIANT_TYPE_VARDICT)) {
			return sw_fail(error, SW_ERROR_IMAGE, ID, "%s: install.%s must be a table",
				       merge->name, path);
		} else {
			g_autofree char *below = g_strconcat(path, ".", NULL);

			if (!merge_table(merge, below, value, error))
				return FALSE;
		}
	}
	return TRUE;
}

gboolean sw_install_config_merge(struct sw_install_config *config, const char *text, size_t length,
				 const char *name, const char *architecture, GError **error)
{
	const struct merge merge = { .config = config, .name = name };
	g_autoptr(GVariant) file = NULL;
	g_autoptr(GVariant) table = NULL;
	GVariantIter iter;
	gboolean matches;
	const char *key;

	if (!sw_toml_parse(text, length, name, SW_ERROR_IMAGE, ID, &file, error))
		return FALSE;
	g_variant_iter_init(&iter, file);
	while (g_variant_iter_next(&iter, "{&sv}", &key, NULL))
		if (!g_str_equal(key, "install"))
			warn_unknown(&merge, "", key);
	table = g_variant_lookup_value(file, "install", NULL);
	if (table == NULL)
		return TRUE;
	if (!g_variant_is_of_type(table, G_VARIANT_TYPE_VARDICT))
		return sw_fail(error, SW_ERROR_IMAGE, ID, "%s: install must be a table", name);
	if (!sw_fragment_matches(table, architecture, name, ID, &matches, error))
		return FALSE;
	if (!matches)
		return TRUE;
	if (!merge_table(&merge, "", table, error))
		return FALSE;
	config->is_found = TRUE;
	return TRUE;
}

/* bootc looks below /run too, but nothing of an image's /run is kept. */
gboolean sw_install_config_read(const struct sw_tree *tree, const char *architecture,
				struct sw_install_config **ret_config, GError **error)
{
	static const char *const directories[] = {
		"/usr/lib/bootc/install",
		"/usr/local/lib/bootc/install",
		"/etc/bootc/install",
		NULL,
	};
	g_autoptr(SwInstallConfig) config = sw_install_config_new();
	g_auto(GStrv) paths = NULL;

	if (!sw_fragment_list(tree, directories, &paths, error))
		return FALSE;
	for (char **path = paths; *path != NULL; path++) {
		g_autofree char *text = NULL;
		size_t length;

		if (!sw_tree_read(tree, *path, SW_TOML_LIMIT, &text, &length, error))
			return FALSE;
		if (text != NULL &&
		    !sw_install_config_merge(config, text, length, *path, architecture, error))
			return FALSE;
	}
	*ret_config = g_steal_pointer(&config);
	return TRUE;
}

const char *sw_install_config_rootfs(const struct sw_install_config *config)
{
	return config->filesystem_root_type != NULL ? config->filesystem_root_type
						    : config->root_fs_type;
}

/* The object that holds the key of PATH ("filesystem.root.type"), made where it is not there yet. */
static JsonObject *make_parents(JsonObject *root, const char *path, const char **ret_name)
{
	const char *dot;

	for (; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
		g_autofree char *name = g_strndup(path, (gsize)(dot - path));

		if (!json_object_has_member(root, name) ||
		    JSON_NODE_HOLDS_NULL(json_object_get_member(root, name)))
			json_object_set_object_member(root, name, json_object_new());
		root = json_object_get_object_member(root, name);
	}
	*ret_name = path;
	return root;
}

static void set_value(JsonObject *root, const char *key, JsonNode *value)
{
	const char *name;
	JsonObject *parent = make_parents(root, key, &name);

	json_object_set_member(parent, name, value);
}

/* bootc keeps the two names of the root filesystem in step, and knows a default for "block". */
static void set_defaults(const struct sw_install_config *config, JsonObject *root)
{
	const char *filesystem = sw_install_config_rootfs(config);

	if (filesystem != NULL) {
		set_value(root, "root-fs-type",
			  json_node_init_string(json_node_alloc(), filesystem));
		set_value(root, "filesystem.root.type",
			  json_node_init_string(json_node_alloc(), filesystem));
	}
	if (config->block == NULL && config->is_found) {
		JsonArray *block = json_array_new();

		json_array_add_string_element(block, "direct");
		json_object_set_array_member(root, "block", block);
	}
}

JsonNode *sw_install_config_to_json(const struct sw_install_config *config)
{
	JsonObject *root = json_object_new();
	JsonNode *node = json_node_init_object(json_node_alloc(), root);

	/* bootc leaves out the lists that nobody gives, and shows all else. */
	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *top = g_strndup(rows[i].key, strcspn(rows[i].key, "."));

		if (rows[i].type != KARGS)
			json_object_set_null_member(root, top);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		JsonNode *value = g_hash_table_lookup(config->given, rows[i].key);

		if (value != NULL)
			set_value(root, rows[i].key, json_node_copy(value));
	}
	set_defaults(config, root);
	json_object_unref(root);
	return node;
}
