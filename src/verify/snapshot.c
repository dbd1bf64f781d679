/* SPDX-License-Identifier: MIT */
#include "verify/snapshot.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/size.h"
#include "image/writer.h"

#define ID "appliance"
/* A disk may come from anyone: bounds for what is remembered of it. */
#define ENTRIES_MAX 4000000
#define SPOOL_MAX (4 * SW_GIB)
#define PATH_LENGTH_MAX 8192
#define LINKS_MAX 40
#define DEPTH_MAX 256

struct entry {
	struct sw_inode *inode; /* shared by hard links; owned by the snapshot's list */
	GPtrArray *children;	/* names, of a directory; owned by the table's keys */
};

struct sw_snapshot {
	GHashTable *entries; /* path to struct entry */
	GPtrArray *inodes;
	guint64 keep;
	guint64 spooled;
	int spool;
};

static void inode_free(struct sw_inode *inode)
{
	if (inode->xattrs != NULL)
		g_variant_unref(inode->xattrs);
	g_free(inode->target);
	g_free(inode);
}

static void entry_free(struct entry *entry)
{
	if (entry->children != NULL)
		g_ptr_array_unref(entry->children);
	g_free(entry);
}

gboolean sw_snapshot_new(const char *scratch, guint64 keep, struct sw_snapshot **ret_snapshot,
			 GError **error)
{
	int fd = open(scratch, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct sw_snapshot *self;

	if (fd < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "scratch",
				     "cannot make a file in %s", scratch);
	self = g_new0(struct sw_snapshot, 1);
	self->entries =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)entry_free);
	self->inodes = g_ptr_array_new_with_free_func((GDestroyNotify)inode_free);
	self->keep = keep;
	self->spool = fd;
	*ret_snapshot = self;
	return TRUE;
}

void sw_snapshot_free(struct sw_snapshot *snapshot)
{
	if (snapshot == NULL)
		return;
	g_hash_table_unref(snapshot->entries);
	g_ptr_array_unref(snapshot->inodes);
	sw_close_fd(&snapshot->spool);
	g_free(snapshot);
}

/* PATH of the stream without "./" before and "/" behind it; NULL: not one that tar makes. */
static char *normalise(const char *path)
{
	size_t length;

	if (g_str_equal(path, ".") || g_str_equal(path, "./"))
		return g_strdup("");
	if (g_str_has_prefix(path, "./"))
		path += 2;
	length = strlen(path);
	while (length > 0 && path[length - 1] == '/')
		length--;
	if (length == 0 || length > PATH_LENGTH_MAX || *path == '/')
		return NULL;
	return g_strndup(path, length);
}

/* Puts PATH (taken) into the table; its directory must be there already. */
static gboolean insert(struct sw_snapshot *self, char *path, struct sw_inode *inode, GError **error)
{
	const char *slash = strrchr(path, '/');
	g_autofree char *parent =
		slash == NULL ? g_strdup("") : g_strndup(path, (size_t)(slash - path));
	struct entry *directory = g_hash_table_lookup(self->entries, parent);
	gboolean is_root = *path == '\0';
	struct entry *entry;

	if (g_hash_table_contains(self->entries, path) ||
	    (!is_root && (directory == NULL || directory->children == NULL)) ||
	    g_hash_table_size(self->entries) >= ENTRIES_MAX) {
		g_free(path);
		return sw_fail(error, SW_ERROR_DEPLOY, ID, "its names are not those of a tree");
	}
	entry = g_new0(struct entry, 1);
	entry->inode = inode;
	if (inode->type == SW_TAR_DIRECTORY)
		entry->children = g_ptr_array_new();
	if (!is_root)
		g_ptr_array_add(directory->children, path + strlen(parent) + (slash != NULL));
	g_hash_table_insert(self->entries, path, entry);
	return TRUE;
}

static gboolean keep_chunk(struct sw_snapshot *self, const guint8 *data, size_t length,
			   GError **error)
{
	if (!sw_write_at(self->spool, data, length, self->spooled, "the temporary file",
			 SW_ERROR_ENVIRONMENT, "scratch", error))
		return FALSE;
	self->spooled += length;
	return TRUE;
}

/* Hashes (and keeps) the content of a file that comes from TAR. */
static gboolean take_content(struct sw_snapshot *self, const struct sw_tar_entry *entry,
			     struct sw_tar *tar, struct sw_inode *inode, GError **error)
{
	g_autoptr(SwSha256) object = sw_sha256_new();
	g_autoptr(SwSha256) content = sw_sha256_new();
	g_autoptr(GByteArray) header = g_byte_array_new();
	const guint8 *data = NULL;
	size_t length = 0;

	inode->kept = inode->size <= self->keep && inode->size <= SPOOL_MAX - self->spooled;
	inode->spool = self->spooled;
	sw_writer_header(header, entry);
	sw_sha256_update(object, header->data, header->len);
	do {
		if (!sw_tar_data(tar, &data, &length, error))
			return FALSE;
		sw_sha256_update(object, data, length);
		sw_sha256_update(content, data, length);
		if (inode->kept && !keep_chunk(self, data, length, error))
			return FALSE;
	} while (length > 0);
	sw_sha256_hex(object, inode->object);
	sw_sha256_hex(content, inode->content);
	return TRUE;
}

static struct sw_inode *new_inode(struct sw_snapshot *self, const struct sw_tar_entry *entry)
{
	struct sw_inode *inode = g_new0(struct sw_inode, 1);

	inode->type = entry->type;
	inode->uid = entry->uid;
	inode->gid = entry->gid;
	inode->mode = entry->mode;
	inode->size = entry->size;
	inode->xattrs = entry->xattrs == NULL ? NULL : g_variant_ref(entry->xattrs);
	g_ptr_array_add(self->inodes, inode);
	return inode;
}

static gboolean take(struct sw_snapshot *self, const struct sw_tar_entry *entry, struct sw_tar *tar,
		     GError **error)
{
	char *path = normalise(entry->path);
	struct sw_inode *inode;

	if (path == NULL)
		return sw_fail(error, SW_ERROR_DEPLOY, ID, "its names are not those of a tree");
	if (entry->type == SW_TAR_HARDLINK) {
		g_autofree char *target = normalise(entry->target);
		const struct entry *first =
			target == NULL ? NULL : g_hash_table_lookup(self->entries, target);

		if (first == NULL) {
			g_free(path);
			return sw_fail(error, SW_ERROR_DEPLOY, ID, "a link leads nowhere");
		}
		return insert(self, path, first->inode, error);
	}
	inode = new_inode(self, entry);
	if (entry->type == SW_TAR_SYMLINK) {
		g_autoptr(GByteArray) header = g_byte_array_new();

		inode->target = g_strdup(entry->target);
		sw_writer_header(header, entry);
		sw_sha256_data(header->data, header->len, inode->object);
	}
	if (!insert(self, path, inode, error))
		return FALSE;
	return entry->type != SW_TAR_FILE || take_content(self, entry, tar, inode, error);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_children(G_GNUC_UNUSED void *path, void *value, G_GNUC_UNUSED void *data)
{
	struct entry *entry = value;

	if (entry->children != NULL && entry->children->len > 0)
		qsort(entry->children->pdata, entry->children->len, sizeof(void *), compare_names);
}

gboolean sw_snapshot_fill(struct sw_snapshot *snapshot, sw_chunk_func next, void *data,
			  GError **error)
{
	g_autoptr(SwTar) tar = sw_tar_new(next, data);
	const struct sw_tar_entry *entry = NULL;

	do {
		if (!sw_tar_next(tar, &entry, error) ||
		    (entry != NULL && !take(snapshot, entry, tar, error)))
			return FALSE;
	} while (entry != NULL);
	g_hash_table_foreach(snapshot->entries, sort_children, NULL);
	return TRUE;
}

static const struct entry *find(const struct sw_snapshot *self, const char *path)
{
	return g_hash_table_lookup(self->entries, path);
}

const struct sw_inode *sw_snapshot_find(const struct sw_snapshot *snapshot, const char *path)
{
	const struct entry *entry = find(snapshot, path);

	return entry == NULL ? NULL : entry->inode;
}

const struct sw_inode *sw_snapshot_typed(const struct sw_snapshot *snapshot, const char *path,
					 enum sw_tar_type type)
{
	const struct sw_inode *inode = sw_snapshot_find(snapshot, path);

	return inode == NULL || inode->type != type ? NULL : inode;
}

char **sw_snapshot_list(const struct sw_snapshot *snapshot, const char *path)
{
	const struct entry *entry = find(snapshot, path);
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();

	for (guint i = 0; entry != NULL && entry->children != NULL && i < entry->children->len; i++)
		g_strv_builder_add(names, entry->children->pdata[i]);
	return g_strv_builder_end(names);
}

static char *join(const char *directory, const char *name)
{
	return *directory == '\0' ? g_strdup(name) : g_strconcat(directory, "/", name, NULL);
}

/* The names of PATH go in front of those in QUEUE. */
static void push_names(GQueue *queue, const char *path)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);

	for (guint i = g_strv_length(names); i > 0; i--)
		if (*names[i - 1] != '\0' && !g_str_equal(names[i - 1], "."))
			g_queue_push_head(queue, g_strdup(names[i - 1]));
}

/* The directory above PATH, but not above ROOT. */
static char *parent_of(const char *root, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (g_str_equal(path, root))
		return g_strdup(root);
	return slash == NULL ? g_strdup("") : g_strndup(path, (size_t)(slash - path));
}

/* Goes from AT to the name NAME; NULL: there is none. A link puts its names into QUEUE. */
static char *step(const struct sw_snapshot *self, const char *root, const char *at,
		  const char *name, GQueue *queue, guint *links)
{
	g_autofree char *path = NULL;
	const struct sw_inode *inode;

	if (g_str_equal(name, ".."))
		return parent_of(root, at);
	path = join(at, name);
	inode = sw_snapshot_find(self, path);
	if (inode == NULL || strlen(path) > PATH_LENGTH_MAX)
		return NULL;
	if (inode->type != SW_TAR_SYMLINK)
		return g_steal_pointer(&path);
	if (++*links > LINKS_MAX)
		return NULL;
	push_names(queue, inode->target);
	return g_strdup(*inode->target == '/' ? root : at);
}

char *sw_snapshot_resolve(const struct sw_snapshot *snapshot, const char *root, const char *path)
{
	g_autofree char *at = g_strdup(root);
	GQueue queue = G_QUEUE_INIT;
	guint links = 0;

	push_names(&queue, path);
	while (at != NULL && !g_queue_is_empty(&queue)) {
		g_autofree char *name = g_queue_pop_head(&queue);
		char *next = step(snapshot, root, at, name, &queue, &links);

		g_free(at);
		at = next;
	}
	g_queue_clear_full(&queue, g_free);
	return g_steal_pointer(&at);
}

GBytes *sw_snapshot_bytes(const struct sw_snapshot *snapshot, const struct sw_inode *inode)
{
	g_autofree char *data = NULL;

	if (inode == NULL || inode->type != SW_TAR_FILE || !inode->kept)
		return NULL;
	data = g_malloc(inode->size + 1);
	if (!sw_read_at(snapshot->spool, data, inode->size, inode->spool, "the temporary file",
			SW_ERROR_ENVIRONMENT, "scratch", NULL))
		return NULL;
	return g_bytes_new_take(g_steal_pointer(&data), inode->size);
}

char *sw_snapshot_text(const struct sw_snapshot *snapshot, const char *path, size_t *ret_length)
{
	g_autoptr(GBytes) bytes = sw_snapshot_bytes(snapshot, sw_snapshot_find(snapshot, path));
	gsize length = 0;
	const char *data = bytes == NULL ? NULL : g_bytes_get_data(bytes, &length);

	if (ret_length != NULL)
		*ret_length = length;
	return bytes == NULL ? NULL : g_strndup(data == NULL ? "" : data, length);
}

static gboolean walk(const struct sw_snapshot *self, const char *path, guint depth,
		     gboolean (*each)(const char *, const struct sw_inode *, void *), void *data)
{
	const struct entry *entry = find(self, path);

	for (guint i = 0; entry != NULL && entry->children != NULL && i < entry->children->len;
	     i++) {
		g_autofree char *child = join(path, entry->children->pdata[i]);

		if (!each(child, find(self, child)->inode, data) ||
		    (depth < DEPTH_MAX && !walk(self, child, depth + 1, each, data)))
			return FALSE;
	}
	return TRUE;
}

void sw_snapshot_walk(const struct sw_snapshot *snapshot, const char *path,
		      gboolean (*each)(const char *path, const struct sw_inode *inode, void *data),
		      void *data)
{
	walk(snapshot, path, 0, each, data);
}
