/* SPDX-License-Identifier: MIT */
#include "disk/objects.h"

#include <fcntl.h>
#include <gio/gfiledescriptorbased.h>
#include <string.h>
#include <sys/stat.h>

#include "core/error.h"
#include "core/size.h"

/* What a small file costs beside its blocks: an inode, a name, its share of bitmaps. */
#define NODE_COST 320
#define BLOCK 4096

/* One object, by its loose path's name. */
struct object {
	char checksum[OSTREE_SHA256_STRING_LEN + 1];
	OstreeObjectType type;
	guint64 size;
};

struct sw_objects {
	OstreeRepo *repo;
	GArray *list;	   /* struct object, sorted by checksum and type */
	GHashTable *empty; /* checksums of the empty regular files, owned by the list */
	guint64 bytes;
};

static int compare_objects(const void *a, const void *b)
{
	const struct object *left = a, *right = b;
	int order = strcmp(left->checksum, right->checksum);

	return order != 0 ? order : (int)left->type - (int)right->type;
}

static char *loose_path(const char *checksum, OstreeObjectType type)
{
	return g_strdup_printf("%.2s/%s.%s", checksum, checksum + 2,
			       ostree_object_type_to_string(type));
}

/*
 * The cache is bare-user: the file of an object has just its content's size, a link's target
 * counted.
 */
static gboolean measure(int repo, struct object *object, GError **error)
{
	g_autofree char *name = loose_path(object->checksum, object->type);
	g_autofree char *path = g_build_filename("objects", name, NULL);
	struct stat st;

	if (fstatat(repo, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return sw_fail_errno(
			error, SW_ERROR_ENVIRONMENT, "cache",
			"the cache lacks the object %s (remove the cache and build again)", name);
	object->size = (guint64)st.st_size;
	return TRUE;
}

static gboolean add_object(struct sw_objects *self, const char *checksum, OstreeObjectType type,
			   GError **error)
{
	struct object object = { .type = type };

	g_strlcpy(object.checksum, checksum, sizeof object.checksum);
	if (!measure(ostree_repo_get_dfd(self->repo), &object, error))
		return FALSE;
	self->bytes += object.size;
	g_array_append_val(self->list, object);
	return TRUE;
}

/* The bytes of a metadata object; NULL when a commit has no detached metadata. */
static gboolean load_metadata(OstreeRepo *repo, const char *checksum, OstreeObjectType type,
			      GVariant **ret_metadata, GCancellable *cancellable, GError **error)
{
	gboolean ok = FALSE;

	/* libostree's general function aborts for this type. */
	if (type == OSTREE_OBJECT_TYPE_COMMIT_META)
		ok = ostree_repo_read_commit_detached_metadata(repo, checksum, ret_metadata,
							       cancellable, error);
	else
		ok = ostree_repo_load_variant(repo, type, checksum, ret_metadata, error);
	return ok || sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache",
				    "the cache is damaged (remove it and build again)");
}

/* Nothing refers to a commit's detached metadata, signatures for one: it is there or not. */
static gboolean add_detached(struct sw_objects *self, const char *commit, GCancellable *cancellable,
			     GError **error)
{
	g_autoptr(GVariant) metadata = NULL;

	return load_metadata(self->repo, commit, OSTREE_OBJECT_TYPE_COMMIT_META, &metadata,
			     cancellable, error) &&
	       (metadata == NULL ||
		add_object(self, commit, OSTREE_OBJECT_TYPE_COMMIT_META, error));
}

/* libostree passes over a commit that is not there. */
static gboolean collect_commit(OstreeRepo *repo, const char *commit, GHashTable *reachable,
			       GCancellable *cancellable, GError **error)
{
	g_autoptr(GVariant) key =
		g_variant_ref_sink(ostree_object_name_serialize(commit, OSTREE_OBJECT_TYPE_COMMIT));

	if (!ostree_repo_traverse_commit_union(repo, commit, 0, reachable, cancellable, error))
		return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache",
				      "the cache is damaged (remove it and build again)");
	return g_hash_table_contains(reachable, key) ||
	       sw_fail(error, SW_ERROR_ENVIRONMENT, "cache",
		       "the cache lacks the commit %s (remove the cache and build again)", commit);
}

gboolean sw_objects_collect(OstreeRepo *repo, const char *const *commits,
			    struct sw_objects **ret_objects, GCancellable *cancellable,
			    GError **error)
{
	g_autoptr(SwObjects) self = g_new0(struct sw_objects, 1);
	g_autoptr(GHashTable) reachable = ostree_repo_traverse_new_reachable();
	GHashTableIter iter;
	gpointer key;

	self->repo = g_object_ref(repo);
	self->list = g_array_new(FALSE, FALSE, sizeof(struct object));
	self->empty = g_hash_table_new(g_str_hash, g_str_equal);
	for (; *commits != NULL; commits++)
		if (!collect_commit(repo, *commits, reachable, cancellable, error))
			return FALSE;
	g_hash_table_iter_init(&iter, reachable);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		OstreeObjectType type;
		const char *checksum;

		ostree_object_name_deserialize(key, &checksum, &type);
		if (!add_object(self, checksum, type, error) ||
		    (type == OSTREE_OBJECT_TYPE_COMMIT &&
		     !add_detached(self, checksum, cancellable, error)))
			return FALSE;
	}
	g_array_sort(self->list, compare_objects);
	for (guint i = 0; i < self->list->len; i++) {
		struct object *object = &g_array_index(self->list, struct object, i);

		if (object->type == OSTREE_OBJECT_TYPE_FILE && object->size == 0)
			g_hash_table_add(self->empty, object->checksum);
	}
	*ret_objects = g_steal_pointer(&self);
	return TRUE;
}

void sw_objects_free(struct sw_objects *objects)
{
	if (objects == NULL)
		return;
	g_clear_pointer(&objects->empty, g_hash_table_unref);
	g_clear_pointer(&objects->list, g_array_unref);
	g_clear_object(&objects->repo);
	g_free(objects);
}

guint64 sw_objects_footprint(const struct sw_objects *objects)
{
	guint64 total = 0;

	for (guint i = 0; i < objects->list->len; i++)
		total += NODE_COST +
			 sw_round_up(g_array_index(objects->list, struct object, i).size, BLOCK);
	return total;
}

guint64 sw_objects_count(const struct sw_objects *objects)
{
	return objects->list->len;
}

guint64 sw_objects_bytes(const struct sw_objects *objects)
{
	return objects->bytes;
}

gboolean sw_objects_is_empty_file(const struct sw_objects *objects, const char *checksum)
{
	return g_hash_table_contains(objects->empty, checksum);
}

char *sw_objects_file_path(const char *checksum)
{
	g_autofree char *name = loose_path(checksum, OSTREE_OBJECT_TYPE_FILE);

	return g_strconcat("ostree/repo/objects/", name, NULL);
}

gboolean sw_objects_add_file(OstreeRepo *repo, const char *checksum, const char *path,
			     struct sw_sink *sink, GCancellable *cancellable, GError **error)
{
	g_autoptr(GInputStream) content = NULL;
	g_autoptr(GFileInfo) info = NULL;
	g_autoptr(GVariant) xattrs = NULL;
	struct sw_sink_node node = { .path = path, .type = SW_SINK_FILE, .fd = -1, .data = "" };

	if (!ostree_repo_load_file(repo, checksum, &content, &info, &xattrs, cancellable, error))
		return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache",
				      "the cache is damaged (remove it and build again)");
	node.uid = g_file_info_get_attribute_uint32(info, "unix::uid");
	node.gid = g_file_info_get_attribute_uint32(info, "unix::gid");
	node.mode = g_file_info_get_attribute_uint32(info, "unix::mode") & 07777;
	node.xattrs = xattrs;
	if (g_file_info_get_file_type(info) == G_FILE_TYPE_SYMBOLIC_LINK) {
		node.type = SW_SINK_SYMLINK;
		node.mode = 0777;
		node.target = g_file_info_get_symlink_target(info);
	} else {
		node.size = (guint64)g_file_info_get_size(info);
		node.fd = g_file_descriptor_based_get_fd(G_FILE_DESCRIPTOR_BASED(content));
	}
	return sw_sink_add(sink, &node, cancellable, error);
}

static gboolean add_metadata(OstreeRepo *repo, const struct object *object, const char *path,
			     struct sw_sink *sink, GCancellable *cancellable, GError **error)
{
	g_autoptr(GVariant) variant = NULL;
	struct sw_sink_node node = { .path = path, .type = SW_SINK_FILE, .mode = 0644, .fd = -1 };

	if (!load_metadata(repo, object->checksum, object->type, &variant, cancellable, error))
		return FALSE;
	node.data = g_variant_get_data(variant);
	node.size = g_variant_get_size(variant);
	return sw_sink_add(sink, &node, cancellable, error);
}

gboolean sw_objects_compose(const struct sw_objects *objects, struct sw_sink *sink,
			    void (*added)(guint64 bytes, void *data), void *data,
			    GCancellable *cancellable, GError **error)
{
	char directory[] = "ostree/repo/objects/..";
	char *prefix = directory + strlen(directory) - 2;
	struct sw_sink_node node = { .path = directory, .type = SW_SINK_DIRECTORY, .mode = 0755 };
	guint64 bytes = 0;

	for (guint i = 0; i < objects->list->len; i++) {
		const struct object *object = &g_array_index(objects->list, struct object, i);
		g_autofree char *name = loose_path(object->checksum, object->type);
		g_autofree char *path = g_strconcat("ostree/repo/objects/", name, NULL);
		gboolean ok;

		if (strncmp(prefix, name, 2) != 0) {
			memcpy(prefix, name, 2);
			if (!sw_sink_add(sink, &node, cancellable, error))
				return FALSE;
		}
		if (object->type == OSTREE_OBJECT_TYPE_FILE)
			ok = sw_objects_add_file(objects->repo, object->checksum, path, sink,
						 cancellable, error);
		else
			ok = add_metadata(objects->repo, object, path, sink, cancellable, error);
		if (!ok)
			return FALSE;
		bytes += object->size;
		if (added != NULL)
			added(bytes, data);
	}
	return TRUE;
}
