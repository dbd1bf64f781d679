/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/json.h"
#include "verify/check.h"

#define STATE "bootupd-state.json"
#define UPDATES "usr/lib/bootupd/updates"

static const struct sw_json_subject subject = { STATE, SW_ERROR_DEPLOY, "bootupd" };

/* The state file is being compared with the disk. */
struct state {
	const struct sw_examined *disk;
	struct sw_finding *finding;
	GHashTable *files;   /* path on the ESP in lower case -> const struct sw_inode * */
	GHashTable *digests; /* const struct sw_inode * -> its SHA-512 */
	GPtrArray *names;    /* of the components, borrowed */
	guint file_count;
};

static gboolean add_file(const char *path, const struct sw_inode *inode, void *data)
{
	if (inode->type == SW_TAR_FILE)
		g_hash_table_insert(data, g_ascii_strdown(path, -1), (void *)inode);
	return TRUE;
}

/* Hashes each file once, however many names a hostile filesystem has for it; NULL: not kept. */
static const char *sha512_of(struct state *state, const struct sw_inode *inode)
{
	const char *digest = g_hash_table_lookup(state->digests, inode);
	g_autoptr(GBytes) bytes = NULL;
	char *made;

	if (digest != NULL)
		return digest;
	bytes = sw_snapshot_bytes(state->disk->esp.tree, inode);
	if (bytes == NULL)
		return NULL;
	made = g_compute_checksum_for_bytes(G_CHECKSUM_SHA512, bytes);
	g_hash_table_insert(state->digests, (void *)inode, made);
	return made;
}

/* One file of the component EFI: PATH below EFI/, with size and checksum. */
static gboolean check_file(struct state *state, const char *path, JsonNode *node, GError **error)
{
	g_autofree char *name = g_strconcat("EFI/", path, NULL);
	g_autofree char *lower = g_ascii_strdown(name, -1);
	const struct sw_inode *inode = g_hash_table_lookup(state->files, lower);
	const char *wanted = NULL, *found = NULL;
	gint64 size = 0;

	if (!JSON_NODE_HOLDS_OBJECT(node))
		return sw_fail(error, SW_ERROR_DEPLOY, "bootupd",
			       STATE ": a file of the component EFI is not an object");
	if (!sw_json_get_string(json_node_get_object(node), "sha512", TRUE, &subject, &wanted,
				error) ||
	    !sw_json_get_int(json_node_get_object(node), "size", TRUE, &subject, &size, error))
		return FALSE;
	state->file_count++;
	if (inode == NULL) {
		sw_found_problem(state->finding, "%s is not on the ESP", name);
		return TRUE;
	}
	found = (guint64)size == inode->size ? sha512_of(state, inode) : "";
	if (found == NULL)
		sw_found_warning(state->finding, "%s is too large to be compared", name);
	else if (!g_str_has_prefix(wanted, "sha512:") || !g_str_equal(wanted + 7, found))
		sw_found_problem(state->finding, "%s is not the file that bootupd installed", name);
	return TRUE;
}

static gboolean check_efi(struct state *state, JsonObject *component, GError **error)
{
	JsonObject *filetree = NULL, *children = NULL;
	g_autoptr(GList) paths = NULL;

	if (!sw_json_get_object(component, "filetree", TRUE, &subject, &filetree, error) ||
	    !sw_json_get_object(filetree, "children", TRUE, &subject, &children, error))
		return FALSE;
	if (state->disk->esp.tree == NULL) {
		sw_found_problem(state->finding,
				 "the component EFI is installed, and no ESP can be read");
		return TRUE;
	}
	paths = json_object_get_members(children);
	if (paths == NULL)
		sw_found_problem(state->finding, "the component EFI has no files");
	for (GList *at = paths; at != NULL; at = at->next)
		if (!check_file(state, at->data, json_object_get_member(children, at->data), error))
			return FALSE;
	return TRUE;
}

/* The version of the component NAME that the image has to give, to be freed; NULL: none. */
static char *offered(const struct sw_examined *disk, const char *name)
{
	g_autofree char *path = g_strdup_printf(UPDATES "/%s.json", name);
	size_t length = 0;
	g_autofree char *text = sw_examined_text(disk, path, &length);
	g_autoptr(JsonNode) root = NULL;
	const char *version = NULL;

	if (text == NULL || !sw_json_parse(text, length, &subject, &root, NULL) ||
	    !sw_json_get_string(json_node_get_object(root), "version", TRUE, &subject, &version,
				NULL))
		return NULL;
	return g_strdup(version);
}

static gboolean check_component(struct state *state, const char *name, JsonObject *component,
				GError **error)
{
	g_autofree char *version = offered(state->disk, name);
	const char *installed = NULL;
	JsonObject *meta = NULL;

	if (!sw_json_get_object(component, "meta", TRUE, &subject, &meta, error) ||
	    !sw_json_get_string(meta, "version", TRUE, &subject, &installed, error))
		return FALSE;
	if (version == NULL)
		sw_found_warning(state->finding, "the image has no metadata of the component %s",
				 name);
	else if (!g_str_equal(version, installed))
		sw_found_warning(state->finding, "the component %s is %s, the image has %s", name,
				 installed, version);
	if (g_str_equal(name, "EFI"))
		return check_efi(state, component, error);
	if (!state->disk->has_boot_code)
		sw_found_problem(state->finding,
				 "the component BIOS is installed, and the MBR holds no code");
	return TRUE;
}

/* The two components are all that bootupd knows; each that the image has was to be installed. */
static gboolean check_components(struct state *state, JsonObject *installed, GError **error)
{
	static const char *const names[] = { "BIOS", "EFI" };

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *version = offered(state->disk, names[i]);
		JsonObject *component = NULL;

		if (!sw_json_get_object(installed, names[i], FALSE, &subject, &component, error))
			return FALSE;
		if (component == NULL) {
			if (version != NULL)
				sw_found_warning(state->finding,
						 "the image's component %s is not installed",
						 names[i]);
			continue;
		}
		g_ptr_array_add(state->names, (char *)names[i]);
		if (!check_component(state, names[i], component, error))
			return FALSE;
	}
	if (state->names->len == 0 || state->names->len != json_object_get_size(installed))
		sw_found_problem(state->finding, "%s",
				 state->names->len == 0 ? "no component is installed"
							: "it has a component other than BIOS and "
							  "EFI");
	return TRUE;
}

static gboolean check_state(struct state *state, JsonObject *root, GError **error)
{
	static const char *const known[] = { "installed", "pending", "static-configs", NULL };
	g_autoptr(GList) members = json_object_get_members(root);
	JsonObject *installed = NULL, *pending = NULL;

	for (GList *at = members; at != NULL; at = at->next)
		if (!g_strv_contains(known, at->data))
			return sw_fail(error, SW_ERROR_DEPLOY, "bootupd",
				       STATE ": bootupd refuses it, as it does not know \"%s\"",
				       (const char *)at->data);
	if (!sw_json_get_object(root, "installed", TRUE, &subject, &installed, error) ||
	    !sw_json_get_object(root, "pending", FALSE, &subject, &pending, error))
		return FALSE;
	if (pending != NULL && json_object_get_size(pending) > 0)
		sw_found_problem(state->finding, "an update was begun and is not finished");
	return check_components(state, installed, error);
}

static void read_state(const struct sw_examined *disk, const char *text, size_t length,
		       struct sw_finding *finding)
{
	g_autoptr(GHashTable) files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable) digests = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	struct state state = { disk, finding, files, digests, names, 0 };
	g_autoptr(JsonNode) root = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *joined = NULL;

	if (disk->esp.tree != NULL)
		sw_snapshot_walk(disk->esp.tree, "", add_file, files);
	if (!sw_json_parse(text, length, &subject, &root, &error) ||
	    !check_state(&state, json_node_get_object(root), &error))
		sw_found_problem(finding, "%s", error->message);
	g_ptr_array_add(names, NULL);
	joined = g_strjoinv(" and ", (char **)names->pdata);
	sw_found(finding, "it has installed %s, %u files on the ESP", joined, state.file_count);
}

static void check_bootupd(const struct sw_examined *disk, struct sw_finding *finding)
{
	g_autofree char *path = sw_examined_boot_path(disk, STATE);
	g_autofree char *bios = offered(disk, "BIOS");
	g_autofree char *efi = offered(disk, "EFI");
	size_t length = 0;
	g_autofree char *text = sw_snapshot_text(disk->bootfs, path, &length);

	if (text != NULL)
		read_state(disk, text, length, finding);
	else if (sw_snapshot_find(disk->bootfs, path) != NULL)
		sw_found_problem(finding, "/boot/" STATE " is no file that can be read");
	else if (bios != NULL || efi != NULL)
		sw_found_warning(finding, "the image's bootupd has not installed the boot loader: "
					  "its bootupctl adopt-and-update would take it over");
	else
		sw_found(finding, "the image has none");
}

const struct sw_check sw_checks_bootupd[] = {
	{ .id = "bootupd",
	  .what = "what bootupd says it has installed lies on the disk",
	  .remedy = "run bootupctl validate and bootupctl update on the machine, or build the disk "
		    "anew",
	  .needs = SW_NEED_BOOT | SW_NEED_DEPLOYMENT,
	  .run = check_bootupd },
	{ .id = NULL },
};
