/* SPDX-License-Identifier: MIT */
#include "image/relabel.h"

#include <string.h>
#include <sys/stat.h>

#include "core/hash.h"
#include "core/size.h"

#define BUFFER_SIZE (256 * SW_KIB)

/* Looking labels up is what takes the time: more threads than this only wait for the disk. */
#define THREADS_MAX 8

/* A file or a directory of the commit, on its way to its label. */
struct item {
	OstreeMutableTree *tree; /* the directory, or the one that holds the file; borrowed */
	const char *name;	 /* of the file, at the end of PATH; NULL: a directory */
	char *path;
	char checksum
		[SW_CHECKSUM_SIZE]; /* of the file or the dirmeta: what it is, then what it becomes */
};

struct relabelling {
	OstreeRepo *repo;
	const struct sw_sepolicy *policy;
	GArray *items; /* struct item */
	int next;      /* index of the item that is to be labelled next; atomic */
	GMutex lock;
	GHashTable *files; /* "CHECKSUM LABEL" to the checksum of the file with that label; LOCK */
	GError *error;	   /* the first one; LOCK */
	GCancellable *cancellable;
};

static gboolean broken(GError **error)
{
	return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache",
			      "cannot label a layer in the cache");
}

/*
 * libostree looks /proc up as a place that its policies leave alone (contract 1.7): what lies there in
 * an image is a mount point.
 */
static gboolean find_label(struct relabelling *self, const char *path, guint32 mode,
			   char **ret_label, GError **error)
{
	return sw_sepolicy_label(self->policy, g_str_equal(path, "/proc") ? "/mnt" : path, mode,
				 ret_label, error);
}

/* The object that the file CHECKSUM is with XATTRS instead of its own: header and content. */
static gboolean open_object(struct relabelling *self, const char *checksum, GFileInfo *info,
			    GVariant *xattrs, GInputStream **ret_stream, guint64 *ret_length,
			    GError **error)
{
	g_autoptr(GInputStream) content = NULL;

	return (ostree_repo_load_file(self->repo, checksum, &content, NULL, NULL, self->cancellable,
				      error) &&
		ostree_raw_file_to_content_stream(content, info, xattrs, ret_stream, ret_length,
						  self->cancellable, error)) ||
	       broken(error);
}

/* Its checksum is computed here: libostree may have been built without a fast SHA-256. */
static gboolean write_file(struct relabelling *self, const char *checksum, GFileInfo *info,
			   GVariant *xattrs, char ret_checksum[SW_CHECKSUM_SIZE], GError **error)
{
	g_autofree char *buffer = g_malloc(BUFFER_SIZE);
	g_autoptr(SwSha256) hash = sw_sha256_new();
	g_autoptr(GInputStream) first = NULL;
	g_autoptr(GInputStream) second = NULL;
	gboolean exists = FALSE;
	guint64 length = 0;
	gssize n = 0;

	if (!open_object(self, checksum, info, xattrs, &first, &length, error))
		return FALSE;
	while ((n = g_input_stream_read(first, buffer, BUFFER_SIZE, self->cancellable, error)) > 0)
		sw_sha256_update(hash, buffer, (size_t)n);
	if (n < 0)
		return broken(error);
	sw_sha256_hex(hash, ret_checksum);
	if (!ostree_repo_has_object(self->repo, OSTREE_OBJECT_TYPE_FILE, ret_checksum, &exists,
				    self->cancellable, error))
		return broken(error);
	if (exists)
		return TRUE;
	return open_object(self, checksum, info, xattrs, &second, &length, error) &&
	       (ostree_repo_write_content(self->repo, ret_checksum, second, length, NULL,
					  self->cancellable, error) ||
		broken(error));
}

/* What CHECKSUM with that label has become already, KEY being both, into RET_CHECKSUM. */
static gboolean look_up(struct relabelling *self, const char *key,
			char ret_checksum[SW_CHECKSUM_SIZE])
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->lock);
	const char *known = g_hash_table_lookup(self->files, key);

	if (known != NULL)
		memcpy(ret_checksum, known, SW_CHECKSUM_SIZE);
	return known != NULL;
}

static gboolean relabel_file(struct relabelling *self, struct item *item, GError **error)
{
	g_autoptr(GFileInfo) info = NULL;
	g_autoptr(GVariant) xattrs = NULL;
	g_autoptr(GVariant) labelled = NULL;
	g_autofree char *label = NULL;
	g_autofree char *key = NULL;
	char checksum[SW_CHECKSUM_SIZE];

	if (!ostree_repo_load_file(self->repo, item->checksum, NULL, &info, &xattrs,
				   self->cancellable, error))
		return broken(error);
	if (!find_label(self, item->path, g_file_info_get_attribute_uint32(info, "unix::mode"),
			&label, error))
		return FALSE;
	key = g_strconcat(item->checksum, " ", label, NULL);
	if (look_up(self, key, item->checksum))
		return TRUE;
	labelled = sw_sepolicy_set(xattrs, label);
	memcpy(checksum, item->checksum, sizeof checksum);
	if (!g_variant_equal(labelled, xattrs) &&
	    !write_file(self, checksum, info, labelled, item->checksum, error))
		return FALSE;
	g_mutex_lock(&self->lock);
	g_hash_table_insert(self->files, g_steal_pointer(&key), g_strdup(item->checksum));
	g_mutex_unlock(&self->lock);
	return TRUE;
}

static gboolean relabel_meta(struct relabelling *self, struct item *item, GError **error)
{
	g_autoptr(GVariant) meta = NULL;
	g_autoptr(GVariant) xattrs = NULL;
	g_autoptr(GVariant) labelled = NULL;
	g_autoptr(GVariant) result = NULL;
	g_autofree char *label = NULL;
	g_autofree guchar *bytes = NULL;
	guint32 uid, gid, mode;

	if (!ostree_repo_load_variant(self->repo, OSTREE_OBJECT_TYPE_DIR_META, item->checksum,
				      &meta, error))
		return broken(error);
	g_variant_get(meta, "(uuu@a(ayay))", &uid, &gid, &mode, &xattrs);
	if (!find_label(self, item->path, S_IFDIR, &label, error))
		return FALSE;
	labelled = sw_sepolicy_set(xattrs, label);
	result = g_variant_ref_sink(g_variant_new("(uuu@a(ayay))", uid, gid, mode, labelled));
	if (!ostree_repo_write_metadata(self->repo, OSTREE_OBJECT_TYPE_DIR_META, NULL, result,
					&bytes, self->cancellable, error))
		return broken(error);
	ostree_checksum_inplace_from_bytes(bytes, item->checksum);
	return TRUE;
}

/* A thread: takes one item after the other until all are done or one has failed. */
static void *relabel_items(void *data)
{
	struct relabelling *self = data;
	g_autoptr(GError) error = NULL;

	for (;;) {
		guint index = (guint)g_atomic_int_add(&self->next, 1);
		struct item *item = NULL;

		if (index >= self->items->len)
			return NULL;
		item = &g_array_index(self->items, struct item, index);
		if (!sw_check_cancelled(self->cancellable, &error) ||
		    !(item->name != NULL ? relabel_file(self, item, &error)
					 : relabel_meta(self, item, &error)))
			break;
	}
	g_mutex_lock(&self->lock);
	if (self->error == NULL)
		self->error = g_steal_pointer(&error);
	g_mutex_unlock(&self->lock);
	g_atomic_int_set(&self->next, (int)self->items->len);
	return NULL;
}

static void add_item(struct relabelling *self, OstreeMutableTree *tree, const char *path,
		     gboolean is_file, GVariant *checksum)
{
	struct item item = { .tree = tree, .path = g_strdup(path) };

	if (is_file)
		item.name = strrchr(item.path, '/') + 1;
	ostree_checksum_inplace_from_bytes(ostree_checksum_bytes_peek(checksum), item.checksum);
	g_array_append_val(self->items, item);
}

/* Makes the directories below TREE, and an item of all that the dirtree CONTENTS has. */
static gboolean collect(struct relabelling *self, OstreeMutableTree *tree, const char *path,
			const char *contents, GError **error)
{
	g_autoptr(GVariant) dirtree = NULL;
	g_autoptr(GVariantIter) files = NULL;
	g_autoptr(GVariantIter) directories = NULL;
	GVariant *bytes = NULL, *meta_bytes = NULL;
	const char *name = NULL;
	gboolean ok = TRUE;

	if (!ostree_repo_load_variant(self->repo, OSTREE_OBJECT_TYPE_DIR_TREE, contents, &dirtree,
				      error))
		return broken(error);
	g_variant_get(dirtree, "(a(say)a(sayay))", &files, &directories);
	while (g_variant_iter_next(files, "(&s@ay)", &name, &bytes)) {
		g_autofree char *child = g_strconcat(path, "/", name, NULL);

		add_item(self, tree, child, TRUE, bytes);
		g_variant_unref(bytes);
	}
	while (ok && g_variant_iter_next(directories, "(&s@ay@ay)", &name, &bytes, &meta_bytes)) {
		g_autofree char *child = g_strconcat(path, "/", name, NULL);
		char checksum[SW_CHECKSUM_SIZE];
		OstreeMutableTree *subtree = NULL;

		ostree_checksum_inplace_from_bytes(ostree_checksum_bytes_peek(bytes), checksum);
		ok = sw_mtree_put_directory(tree, name, &subtree, NULL, error);
		if (ok)
			add_item(self, subtree, child, FALSE, meta_bytes);
		g_variant_unref(bytes);
		g_variant_unref(meta_bytes);
		ok = ok && collect(self, subtree, child, checksum, error);
	}
	return ok;
}

/* Labels all items, on all cores, and puts what they became into their trees. */
static gboolean relabel_all(struct relabelling *self, GError **error)
{
	GThread *threads[THREADS_MAX];
	guint count = CLAMP(g_get_num_processors(), 1, THREADS_MAX);

	for (guint i = 0; i < count; i++)
		threads[i] = g_thread_new("label", relabel_items, self);
	for (guint i = 0; i < count; i++)
		g_thread_join(threads[i]);
	if (self->error != NULL) {
		g_propagate_error(error, g_steal_pointer(&self->error));
		return FALSE;
	}
	for (guint i = 0; i < self->items->len; i++) {
		const struct item *item = &g_array_index(self->items, struct item, i);

		if (item->name == NULL)
			ostree_mutable_tree_set_metadata_checksum(item->tree, item->checksum);
		else if (!sw_mtree_put_file(item->tree, item->name, item->checksum, error))
			return FALSE;
	}
	return TRUE;
}

static void clear_item(gpointer data)
{
	struct item *item = data;

	g_free(item->path);
}

gboolean sw_relabel(OstreeRepo *repo, const struct sw_sepolicy *policy, const char *commit,
		    char **ret_commit, GCancellable *cancellable, GError **error)
{
	g_autoptr(GHashTable) files =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(struct item));
	g_autoptr(OstreeMutableTree) root = ostree_mutable_tree_new();
	g_autoptr(OstreeMutableTree) old = NULL;
	g_autoptr(GVariant) variant = NULL;
	g_autoptr(GVariant) metadata = NULL;
	g_autoptr(GVariant) meta = NULL;
	struct relabelling self = {
		.repo = repo,
		.policy = policy,
		.items = items,
		.files = files,
		.cancellable = cancellable,
	};
	gboolean ok = FALSE;

	g_array_set_clear_func(items, clear_item);
	if (!ostree_repo_load_commit(repo, commit, &variant, NULL, error))
		return broken(error);
	old = ostree_mutable_tree_new_from_commit(repo, commit, error);
	if (old == NULL)
		return broken(error);
	metadata = g_variant_get_child_value(variant, 0);
	meta = g_variant_get_child_value(variant, 7);
	add_item(&self, root, "/", FALSE, meta);
	g_mutex_init(&self.lock);
	ok = collect(&self, root, "", ostree_mutable_tree_get_contents_checksum(old), error) &&
	     relabel_all(&self, error);
	g_mutex_clear(&self.lock);
	return ok &&
	       sw_mtree_commit(repo, root, NULL, metadata, ostree_commit_get_timestamp(variant),
			       ret_commit, cancellable, error);
}
