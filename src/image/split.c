/* SPDX-License-Identifier: MIT */
#include "image/split.h"

#include <string.h>

#include "core/hash.h"
#include "core/size.h"
#include "image/paths.h"

#define REPO "sysroot/ostree/repo/"

/* libostree's OSTREE_MAX_METADATA_SIZE, and what upstream's importer takes for attributes. */
#define METADATA_LIMIT (10 * SW_MIB)
#define XATTRS_LIMIT SW_MIB

/* All the attributes that later links may refer to, bytes. */
#define SHARED_LIMIT (64 * SW_MIB)
/* What each takes beside its bytes. */
#define SHARED_COST 256

/* Linux: XATTR_NAME_MAX, XATTR_SIZE_MAX. */
#define XATTR_NAME_LIMIT 255
#define XATTR_SIZE_LIMIT 65536

struct sw_split {
	struct sw_tar *tar;
	enum sw_split_kind kind;
	gboolean has_commit;
	char commit[SW_CHECKSUM_SIZE];
	gboolean after_commit; /* the object before was the commit */
	GHashTable *shared;    /* checksum to GVariant: attributes that links refer to */
	guint64 shared_bytes;
	char *next_file;       /* the object that NEXT_XATTRS belong to; NULL: none waits */
	GVariant *next_xattrs; /* a(ayay) */
	struct sw_split_object object;
};

struct sw_split *sw_split_new(struct sw_tar *tar, enum sw_split_kind kind)
{
	struct sw_split *split = g_new0(struct sw_split, 1);

	split->tar = tar;
	split->kind = kind;
	split->shared = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					      (GDestroyNotify)g_variant_unref);
	return split;
}

static void object_clear(struct sw_split *split)
{
	g_clear_pointer(&split->object.metadata, g_variant_unref);
	g_clear_pointer(&split->object.file.xattrs, g_variant_unref);
	memset(&split->object, 0, sizeof(split->object));
}

void sw_split_free(struct sw_split *split)
{
	if (split == NULL)
		return;
	object_clear(split);
	g_hash_table_destroy(split->shared);
	g_free(split->next_file);
	g_clear_pointer(&split->next_xattrs, g_variant_unref);
	g_free(split);
}

static gboolean refuse(const char *path, const char *what, GError **error)
{
	g_autofree char *shown = sw_path_show(path);

	return sw_fail(error, SW_ERROR_IMAGE, "encapsulated", "'%s' %s", shown, what);
}

static gboolean is_checksum(const char *text, size_t length)
{
	return length == OSTREE_SHA256_STRING_LEN &&
	       strspn(text, "0123456789abcdef") >= OSTREE_SHA256_STRING_LEN;
}

/*
 * Takes PATH, "ab/cdef.dirtree" below objects/, apart: RET_SUFFIX is what follows the checksum and its
 * point.
 */
static gboolean parse_name(const char *path, char ret_checksum[SW_CHECKSUM_SIZE],
			   const char **ret_suffix)
{
	const char *point = strchr(path, '.');
	char text[SW_CHECKSUM_SIZE] = { 0 };

	if (point == NULL || point - path != OSTREE_SHA256_STRING_LEN + 1 || path[2] != '/')
		return FALSE;
	memcpy(text, path, 2);
	memcpy(text + 2, path + 3, OSTREE_SHA256_STRING_LEN - 2);
	if (!is_checksum(text, strlen(text)))
		return FALSE;
	memcpy(ret_checksum, text, sizeof(text));
	*ret_suffix = point + 1;
	return TRUE;
}

/* PATH without what leads to the repository; NULL when it does not lie in there. */
static const char *below_repo(const char *path)
{
	while (path[0] == '/' || (path[0] == '.' && path[1] == '/'))
		path++;
	return g_str_has_prefix(path, REPO) ? path + strlen(REPO) : NULL;
}

/* The whole content of ENTRY, a regular file of LIMIT bytes at most. */
static gboolean read_content(struct sw_split *split, const struct sw_tar_entry *entry,
			     guint64 limit, GBytes **ret_bytes, GError **error)
{
	g_autoptr(GByteArray) content = g_byte_array_new();
	const guint8 *data = NULL;
	size_t length = 1;

	if (entry->type != SW_TAR_FILE)
		return refuse(entry->path, "is no regular file", error);
	if (entry->size > limit)
		return refuse(entry->path, "is larger than such an object may be", error);
	while (length > 0) {
		if (!sw_tar_data(split->tar, &data, &length, error))
			return FALSE;
		g_byte_array_append(content, data, (guint)length);
	}
	*ret_bytes = g_byte_array_free_to_bytes(g_steal_pointer(&content));
	return TRUE;
}

/* Is VALUE a text with its NUL at the end and none before? */
static gboolean is_name(GVariant *value)
{
	gsize size = g_variant_get_size(value);
	const char *text = g_variant_get_data(value);

	return size > 1 && size <= XATTR_NAME_LIMIT + 1 && text[size - 1] == '\0' &&
	       strlen(text) == size - 1;
}

/* Could a system have XATTRS, an a(ayay)? */
static gboolean xattrs_are_valid(GVariant *xattrs)
{
	g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	gsize count = g_variant_n_children(xattrs);

	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) name = NULL;
		g_autoptr(GVariant) value = NULL;

		g_variant_get_child(xattrs, i, "(@ay@ay)", &name, &value);
		if (!is_name(name) || g_variant_get_size(value) > XATTR_SIZE_LIMIT ||
		    !g_hash_table_add(names, g_strdup(g_variant_get_data(name))))
			return FALSE;
	}
	return TRUE;
}

/* BYTES as a variant of TYPE; NULL when they are not exactly what such a variant is. */
static GVariant *parse_variant(GBytes *bytes, const GVariantType *type)
{
	g_autoptr(GVariant) variant =
		g_variant_ref_sink(g_variant_new_from_bytes(type, bytes, FALSE));

	return g_variant_is_normal_form(variant) ? g_steal_pointer(&variant) : NULL;
}

static gboolean read_xattrs(struct sw_split *split, const struct sw_tar_entry *entry,
			    char ret_checksum[SW_CHECKSUM_SIZE], GVariant **ret_xattrs,
			    GError **error)
{
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(GVariant) xattrs = NULL;

	if (!read_content(split, entry, XATTRS_LIMIT, &bytes, error))
		return FALSE;
	sw_sha256_data(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), ret_checksum);
	xattrs = parse_variant(bytes, G_VARIANT_TYPE("a(ayay)"));
	if (xattrs == NULL || !xattrs_are_valid(xattrs))
		return refuse(entry->path, "holds no good extended attributes", error);
	*ret_xattrs = g_steal_pointer(&xattrs);
	return TRUE;
}

/* Attributes under their own checksum NAME, for later objects. */
static gboolean take_shared(struct sw_split *split, const struct sw_tar_entry *entry,
			    const char *name, GError **error)
{
	char checksum[SW_CHECKSUM_SIZE];
	g_autoptr(GVariant) xattrs = NULL;

	if (!read_xattrs(split, entry, checksum, &xattrs, error))
		return FALSE;
	if (!g_str_equal(checksum, name))
		return refuse(entry->path, "is not what its name says", error);
	split->shared_bytes += g_variant_get_size(xattrs) + SHARED_COST;
	if (split->shared_bytes > SHARED_LIMIT)
		return refuse(entry->path, "makes the extended attributes more than 64 MiB", error);
	g_hash_table_replace(split->shared, g_strdup(checksum), g_steal_pointer(&xattrs));
	return TRUE;
}

/* The checksum in the TARGET of a link to attributes, of either layout. */
static gboolean parse_target(const char *target, char ret_checksum[SW_CHECKSUM_SIZE])
{
	const char *below = below_repo(target);
	const char *suffix = NULL;

	if (below == NULL)
		return FALSE;
	if (g_str_has_prefix(below, "objects/"))
		return parse_name(below + strlen("objects/"), ret_checksum, &suffix) &&
		       g_str_equal(suffix, "file-xattrs");
	if (!g_str_has_prefix(below, "xattrs/") ||
	    !is_checksum(below + strlen("xattrs/"), strlen(below + strlen("xattrs/"))))
		return FALSE;
	memcpy(ret_checksum, below + strlen("xattrs/"), SW_CHECKSUM_SIZE);
	return TRUE;
}

/* The attributes of the file object CHECKSUM, which is to come next. */
static gboolean take_link(struct sw_split *split, const struct sw_tar_entry *entry,
			  const char *checksum, GError **error)
{
	char target[SW_CHECKSUM_SIZE];
	g_autoptr(GVariant) xattrs = NULL;
	GVariant *shared = NULL;

	if (split->next_file != NULL)
		return refuse(entry->path, "follows other attributes whose file is missing", error);
	if (entry->type == SW_TAR_HARDLINK && entry->size == 0) {
		if (!parse_target(entry->target, target))
			return refuse(entry->path, "links to no extended attributes", error);
		shared = g_hash_table_lookup(split->shared, target);
		if (shared == NULL)
			return refuse(entry->path, "links to attributes that did not come", error);
		xattrs = g_variant_ref(shared);
	} else if (!read_xattrs(split, entry, target, &xattrs, error)) {
		return FALSE;
	}
	split->next_file = g_strdup(checksum);
	split->next_xattrs = g_steal_pointer(&xattrs);
	return TRUE;
}

static gboolean take_file(struct sw_split *split, const struct sw_tar_entry *entry, GError **error)
{
	struct sw_split_object *object = &split->object;

	if (split->next_file != NULL && !g_str_equal(split->next_file, object->checksum))
		return refuse(entry->path, "follows the attributes of another file", error);
	if (entry->type != SW_TAR_FILE && entry->type != SW_TAR_SYMLINK)
		return refuse(entry->path, "is neither a regular file nor a symbolic link", error);
	if (entry->type == SW_TAR_SYMLINK && !sw_link_target_valid(entry->target))
		return refuse(entry->path, "is a symbolic link with a bad target", error);
	object->type = OSTREE_OBJECT_TYPE_FILE;
	object->file = *entry;
	object->file.xattrs = g_steal_pointer(&split->next_xattrs);
	g_clear_pointer(&split->next_file, g_free);
	return TRUE;
}

static gboolean structure_is_valid(OstreeObjectType type, GVariant *metadata)
{
	g_autoptr(GVariant) xattrs = NULL;

	switch (type) {
	case OSTREE_OBJECT_TYPE_COMMIT:
		return ostree_validate_structureof_commit(metadata, NULL);
	case OSTREE_OBJECT_TYPE_DIR_TREE:
		return ostree_validate_structureof_dirtree(metadata, NULL);
	case OSTREE_OBJECT_TYPE_DIR_META:
		xattrs = g_variant_get_child_value(metadata, 3);
		return ostree_validate_structureof_dirmeta(metadata, NULL) &&
		       xattrs_are_valid(xattrs);
	default:
		return TRUE;
	}
}

/* May an object of TYPE stand here? */
static gboolean check_place(struct sw_split *split, const struct sw_tar_entry *entry,
			    OstreeObjectType type, GError **error)
{
	gboolean is_commit = type == OSTREE_OBJECT_TYPE_COMMIT;

	if (split->kind == SW_SPLIT_OBJECTS && type != OSTREE_OBJECT_TYPE_FILE)
		return refuse(entry->path, "is metadata, in a layer of files", error);
	if (split->kind == SW_SPLIT_COMMIT && is_commit == split->has_commit)
		return refuse(entry->path,
			      is_commit ? "is a second commit" : "comes before the commit", error);
	if (type == OSTREE_OBJECT_TYPE_COMMIT_META &&
	    (!split->after_commit || !g_str_equal(split->commit, split->object.checksum)))
		return refuse(entry->path, "does not follow its commit", error);
	split->after_commit = is_commit;
	return TRUE;
}

static gboolean take_metadata(struct sw_split *split, const struct sw_tar_entry *entry,
			      const GVariantType *form, GError **error)
{
	struct sw_split_object *object = &split->object;
	g_autoptr(GBytes) bytes = NULL;
	char checksum[SW_CHECKSUM_SIZE];

	if (!read_content(split, entry, METADATA_LIMIT, &bytes, error))
		return FALSE;
	sw_sha256_data(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), checksum);
	/* Signatures and the like: named after the commit that they are about. */
	if (object->type != OSTREE_OBJECT_TYPE_COMMIT_META &&
	    !g_str_equal(checksum, object->checksum))
		return refuse(entry->path, "is not what its name says", error);
	object->metadata = parse_variant(bytes, form);
	if (object->metadata == NULL || !structure_is_valid(object->type, object->metadata))
		return refuse(entry->path, "is no good object of its type", error);
	if (object->type == OSTREE_OBJECT_TYPE_COMMIT) {
		split->has_commit = TRUE;
		memcpy(split->commit, object->checksum, sizeof(split->commit));
	}
	return TRUE;
}

/* Takes the entry at PATH below objects/; RET_IS_OBJECT: it is one, not attributes for one. */
static gboolean take_object(struct sw_split *split, const struct sw_tar_entry *entry,
			    const char *path, gboolean *ret_is_object, GError **error)
{
	const struct {
		const char *suffix;
		OstreeObjectType type;
		const GVariantType *form;
	} types[] = {
		{ "commit", OSTREE_OBJECT_TYPE_COMMIT, OSTREE_COMMIT_GVARIANT_FORMAT },
		{ "commitmeta", OSTREE_OBJECT_TYPE_COMMIT_META, G_VARIANT_TYPE_VARDICT },
		{ "dirtree", OSTREE_OBJECT_TYPE_DIR_TREE, OSTREE_TREE_GVARIANT_FORMAT },
		{ "dirmeta", OSTREE_OBJECT_TYPE_DIR_META, OSTREE_DIRMETA_GVARIANT_FORMAT },
		{ "file", OSTREE_OBJECT_TYPE_FILE, NULL },
	};
	struct sw_split_object *object = &split->object;
	const char *suffix = NULL;

	*ret_is_object = FALSE;
	if (!parse_name(path, object->checksum, &suffix))
		return refuse(entry->path, "is no name of an object", error);
	if (g_str_equal(suffix, "file-xattrs"))
		return take_shared(split, entry, object->checksum, error);
	if (g_str_equal(suffix, "file-xattrs-link") || g_str_equal(suffix, "file.xattrs"))
		return take_link(split, entry, object->checksum, error);
	*ret_is_object = TRUE;
	for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
		if (!g_str_equal(suffix, types[i].suffix))
			continue;
		object->type = types[i].type;
		if (!check_place(split, entry, object->type, error))
			return FALSE;
		return types[i].form == NULL ? take_file(split, entry, error)
					     : take_metadata(split, entry, types[i].form, error);
	}
	return refuse(entry->path, "is an object of an unknown type", error);
}

/* Takes one entry of the tar, whatever it is. */
static gboolean take(struct sw_split *split, const struct sw_tar_entry *entry,
		     gboolean *ret_is_object, GError **error)
{
	const char *path = below_repo(entry->path);

	*ret_is_object = FALSE;
	if (path == NULL || entry->type == SW_TAR_DIRECTORY)
		return TRUE;
	if (g_str_has_prefix(path, "objects/"))
		return take_object(split, entry, path + strlen("objects/"), ret_is_object, error);
	if (!g_str_has_prefix(path, "xattrs/"))
		return TRUE;
	path += strlen("xattrs/");
	return is_checksum(path, strlen(path)) ? take_shared(split, entry, path, error)
					       : refuse(entry->path, "is no checksum", error);
}

gboolean sw_split_next(struct sw_split *split, const struct sw_split_object **ret_object,
		       GCancellable *cancellable, GError **error)
{
	const struct sw_tar_entry *entry = NULL;
	gboolean is_object = FALSE;

	object_clear(split);
	while (!is_object) {
		if (!sw_check_cancelled(cancellable, error) ||
		    !sw_tar_next(split->tar, &entry, error))
			return FALSE;
		if (entry == NULL)
			break;
		if (!take(split, entry, &is_object, error))
			return FALSE;
	}
	if (is_object) {
		*ret_object = &split->object;
		return TRUE;
	}
	if (split->kind == SW_SPLIT_COMMIT && !split->has_commit)
		return sw_fail(error, SW_ERROR_IMAGE, "encapsulated",
			       "the layer should hold an ostree commit and holds none: the label "
			       "ostree.final-diffid is wrong, or the image was squashed");
	if (split->next_file != NULL)
		return sw_fail(error, SW_ERROR_IMAGE, "encapsulated",
			       "the file of the attributes for %s is missing", split->next_file);
	*ret_object = NULL;
	return TRUE;
}
