/* SPDX-License-Identifier: MIT */
#include "disk/ext4.h"

#include <errno.h>
#include <et/com_err.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/copy.h"
#include "core/file.h"
#include "core/size.h"
#include "disk/verity.h"

#define COPY_BYTES ((size_t)SW_MIB)

/* The one directory that mkfs makes: a node of this name is this directory. */
#define LOST_FOUND "lost+found"

/* The sink of sw_node, its filesystem, and what was already written. */
struct sw_ext4 {
	struct sw_sink sink;
	ext2_filsys fs;
	int fd;		/* the disk file: file content goes there directly */
	guint64 offset; /* of the filesystem in the disk file */
	gint64 now;
	GHashTable *inodes; /* path to inode number: parents and targets of hard links */
};

static gboolean fail(GError **error, errcode_t code, const char *path, const char *what)
{
	if (code == EXT2_ET_BLOCK_ALLOC_FAIL || code == EXT2_ET_INODE_ALLOC_FAIL)
		return sw_fail(error, SW_ERROR_DEPLOY, "filesystem-full",
			       "/%s does not fit on the filesystem: use a larger --size", path);
	errno = code > 0 && code < 4096 ? (int)code : 0;
	if (errno != 0)
		return sw_fail_errno(error, SW_ERROR_DEPLOY, "ext4", "/%s: cannot %s", path, what);
	return sw_fail(error, SW_ERROR_DEPLOY, "ext4", "/%s: cannot %s: %s", path, what,
		       error_message(code));
}

/* Splits PATH into the inode of its directory and its last name. */
static gboolean find_parent(struct sw_ext4 *self, const char *path, ext2_ino_t *ret_parent,
			    const char **ret_name, GError **error)
{
	const char *slash = strrchr(path, '/');
	g_autofree char *directory = slash == NULL ? g_strdup("") : g_strndup(path, slash - path);
	gpointer inode = NULL;

	if (!g_hash_table_lookup_extended(self->inodes, directory, NULL, &inode))
		return sw_fail(error, SW_ERROR_DEPLOY, "ext4", "/%s comes before its directory",
			       path);
	*ret_parent = GPOINTER_TO_UINT(inode);
	*ret_name = slash == NULL ? path : slash + 1;
	return TRUE;
}

/* Names INODE in PARENT; a directory that is full grows by a block. */
static errcode_t link_name(ext2_filsys fs, ext2_ino_t parent, const char *name, ext2_ino_t inode,
			   int type)
{
	errcode_t code = ext2fs_link(fs, parent, name, inode, type);

	if (code != EXT2_ET_DIR_NO_SPACE)
		return code;
	code = ext2fs_expand_dir(fs, parent);
	return code != 0 ? code : ext2fs_link(fs, parent, name, inode, type);
}

static errcode_t set_xattrs(ext2_filsys fs, ext2_ino_t number, GVariant *xattrs)
{
	gsize count = xattrs == NULL ? 0 : g_variant_n_children(xattrs);
	struct ext2_xattr_handle *handle = NULL;
	errcode_t code;

	if (count == 0)
		return 0;
	code = ext2fs_xattrs_open(fs, number, &handle);
	if (code == 0)
		code = ext2fs_xattrs_read(handle);
	for (gsize i = 0; code == 0 && i < count; i++) {
		g_autoptr(GVariant) pair = g_variant_get_child_value(xattrs, i);
		g_autoptr(GVariant) name = g_variant_get_child_value(pair, 0);
		g_autoptr(GVariant) value = g_variant_get_child_value(pair, 1);
		gsize length = 0;
		const void *bytes = g_variant_get_fixed_array(value, &length, 1);

		code = ext2fs_xattr_set(handle, g_variant_get_bytestring(name), bytes, length);
	}
	if (code == 0)
		code = ext2fs_xattrs_write(handle);
	if (handle != NULL)
		ext2fs_xattrs_close(&handle);
	return code;
}

/* Owner, mode, times and flags of NODE into an inode that exists. */
static errcode_t set_inode(struct sw_ext4 *self, ext2_ino_t number, const struct sw_sink_node *node)
{
	struct ext2_inode_large inode;
	struct ext2_inode *small = (struct ext2_inode *)&inode;
	errcode_t code = ext2fs_read_inode_full(self->fs, number, small, sizeof inode);

	if (code != 0)
		return code;
	inode.i_mode = (inode.i_mode & LINUX_S_IFMT) | (node->mode & 07777);
	inode.i_uid = node->uid & 0xffff;
	inode.osd2.linux2.l_i_uid_high = node->uid >> 16;
	inode.i_gid = node->gid & 0xffff;
	inode.osd2.linux2.l_i_gid_high = node->gid >> 16;
	inode.i_mtime = (guint32)node->mtime;
	inode.i_atime = inode.i_ctime = inode.i_crtime = (guint32)self->now;
	if (node->immutable)
		inode.i_flags |= EXT2_IMMUTABLE_FL;
	return ext2fs_write_inode_full(self->fs, number, small, sizeof inode);
}

/* Bytes that belong into a file from BEGIN on. */
struct piece {
	const char *path;
	int fd; /* -1: DATA */
	const void *data;
	guint64 begin;
	guint64 length;
};

static gboolean write_data(struct sw_ext4 *self, const struct piece *piece, guint64 from,
			   guint64 to, guint64 length, GError **error)
{
	if (piece->fd >= 0)
		return sw_copy_range(piece->fd, from, self->fd, to, length, piece->path,
				     SW_ERROR_DEPLOY, "ext4", error);
	return sw_write_at(self->fd, (const char *)piece->data + from, length, to, piece->path,
			   SW_ERROR_DEPLOY, "ext4", error);
}

/* PIECE, whose begin is that of a block, into the blocks that the inode got, extent by extent. */
static gboolean write_extents(struct sw_ext4 *self, ext2_ino_t number, const struct piece *piece,
			      GError **error)
{
	ext2_extent_handle_t handle = NULL;
	struct ext2fs_extent extent;
	guint64 block = self->fs->blocksize;
	int step = EXT2_EXTENT_ROOT;
	errcode_t code = ext2fs_extent_open(self->fs, number, &handle);
	gboolean ok = TRUE;

	while (ok && code == 0 && (code = ext2fs_extent_get(handle, step, &extent)) == 0) {
		guint64 begin = MAX(extent.e_lblk * block, piece->begin);
		guint64 end =
			MIN((extent.e_lblk + extent.e_len) * block, piece->begin + piece->length);

		step = EXT2_EXTENT_NEXT;
		if (!(extent.e_flags & EXT2_EXTENT_FLAGS_LEAF) ||
		    (extent.e_flags & EXT2_EXTENT_FLAGS_SECOND_VISIT) || begin >= end)
			continue;
		ok = write_data(self, piece, begin - piece->begin,
				self->offset + extent.e_pblk * block + begin -
					extent.e_lblk * block,
				end - begin, error);
	}
	if (handle != NULL)
		ext2fs_extent_free(handle);
	if (ok && code != EXT2_ET_EXTENT_NO_NEXT)
		return fail(error, code, piece->path, "lay out its blocks");
	return ok;
}

/* The content of NODE through fs-verity's hashes. */
static gboolean hash_content(const struct sw_sink_node *node, struct sw_verity *verity,
			     GError **error)
{
	g_autofree char *buffer = g_malloc(COPY_BYTES);

	if (node->fd < 0) {
		sw_verity_update(verity, node->data, node->size);
		return TRUE;
	}
	for (guint64 at = 0; at < node->size;) {
		size_t n = (size_t)MIN(node->size - at, COPY_BYTES);

		if (!sw_read_at(node->fd, buffer, n, at, node->path, SW_ERROR_DEPLOY, "ext4",
				error))
			return FALSE;
		sw_verity_update(verity, buffer, n);
		at += n;
	}
	return TRUE;
}

/* Puts the file NUMBER, which is whole, under fs-verity: Merkle tree and descriptor behind its end. */
static gboolean seal_file(struct sw_ext4 *self, ext2_ino_t number, const struct sw_sink_node *node,
			  GError **error)
{
	g_autoptr(SwVerity) verity = sw_verity_new(node->size);
	guint64 block = self->fs->blocksize;
	struct piece piece = { .path = node->path,
			       .fd = -1,
			       .begin = sw_verity_offset(node->size) };
	struct ext2_inode_large inode;
	struct ext2_inode *small = (struct ext2_inode *)&inode;
	g_autoptr(GBytes) bytes = NULL;
	gsize length = 0;
	errcode_t code;

	if (!hash_content(node, verity, error))
		return FALSE;
	bytes = sw_verity_finish(verity, NULL);
	piece.data = g_bytes_get_data(bytes, &length);
	piece.length = length;
	code = ext2fs_read_inode_full(self->fs, number, small, sizeof inode);
	if (code == 0)
		code = ext2fs_fallocate(self->fs, EXT2_FALLOCATE_FORCE_INIT, number, small,
					~(blk64_t)0, piece.begin / block, length / block);
	inode.i_flags |= EXT4_VERITY_FL;
	if (code == 0)
		code = ext2fs_write_inode_full(self->fs, number, small, sizeof inode);
	if (code != 0)
		return fail(error, code, node->path, "seal the file");
	return write_extents(self, number, &piece, error);
}

/*
 * Gives the inode of a file the blocks that SIZE needs; an empty one needs the header of its
 * extents.
 */
static errcode_t allocate(struct sw_ext4 *self, ext2_ino_t number, struct ext2_inode *inode,
			  guint64 size)
{
	guint64 blocks = (size + self->fs->blocksize - 1) / self->fs->blocksize;
	ext2_extent_handle_t handle = NULL;
	errcode_t code;

	if (blocks > 0)
		return ext2fs_fallocate(self->fs, EXT2_FALLOCATE_FORCE_INIT, number, inode,
					~(blk64_t)0, 0, blocks);
	code = ext2fs_extent_open2(self->fs, number, inode, &handle);
	if (code == 0)
		ext2fs_extent_free(handle);
	return code;
}

static gboolean add_file(struct sw_ext4 *self, ext2_ino_t parent, const char *name,
			 const struct sw_sink_node *node, GError **error)
{
	struct ext2_inode_large inode = { 0 };
	struct ext2_inode *small = (struct ext2_inode *)&inode;
	const struct piece content = {
		.path = node->path, .fd = node->fd, .data = node->data, .length = node->size
	};
	ext2_ino_t number = 0;
	errcode_t code = ext2fs_new_inode(self->fs, parent, LINUX_S_IFREG, NULL, &number);

	if (code == 0)
		code = link_name(self->fs, parent, name, number, EXT2_FT_REG_FILE);
	if (code != 0)
		return fail(error, code, node->path, "make the file");
	ext2fs_inode_alloc_stats2(self->fs, number, +1, 0);
	inode.i_mode = LINUX_S_IFREG;
	inode.i_links_count = 1;
	inode.i_extra_isize = sizeof inode - EXT2_GOOD_OLD_INODE_SIZE;
	inode.i_flags = EXT4_EXTENTS_FL;
	code = ext2fs_inode_size_set(self->fs, small, node->size);
	if (code == 0)
		code = ext2fs_write_new_inode(self->fs, number, small);
	if (code == 0)
		code = ext2fs_read_inode(self->fs, number, small);
	if (code == 0)
		code = allocate(self, number, small, node->size);
	if (code == 0)
		code = ext2fs_write_inode(self->fs, number, small);
	if (code == 0)
		code = set_inode(self, number, node);
	if (code == 0)
		code = set_xattrs(self->fs, number, node->xattrs);
	if (code != 0)
		return fail(error, code, node->path, "make the file");
	g_hash_table_insert(self->inodes, g_strdup(node->path), GUINT_TO_POINTER(number));
	return (node->size == 0 || write_extents(self, number, &content, error)) &&
	       (!node->is_sealed || seal_file(self, number, node, error));
}

static gboolean add_directory(struct sw_ext4 *self, const struct sw_sink_node *node, GError **error)
{
	ext2_ino_t number = GPOINTER_TO_UINT(g_hash_table_lookup(self->inodes, node->path));
	ext2_ino_t parent = 0;
	const char *name = NULL;
	errcode_t code = 0;

	if (number == 0) {
		if (!find_parent(self, node->path, &parent, &name, error))
			return FALSE;
		code = ext2fs_new_inode(self->fs, parent, LINUX_S_IFDIR, NULL, &number);
		if (code == 0)
			code = ext2fs_mkdir(self->fs, parent, number, name);
		if (code == EXT2_ET_DIR_NO_SPACE) {
			code = ext2fs_expand_dir(self->fs, parent);
			if (code == 0)
				code = ext2fs_mkdir(self->fs, parent, number, name);
		}
	}
	if (code == 0)
		code = set_inode(self, number, node);
	if (code == 0)
		code = set_xattrs(self->fs, number, node->xattrs);
	if (code != 0)
		return fail(error, code, node->path, "make the directory");
	g_hash_table_insert(self->inodes, g_strdup(node->path), GUINT_TO_POINTER(number));
	return TRUE;
}

static gboolean add_symlink(struct sw_ext4 *self, ext2_ino_t parent, const char *name,
			    const struct sw_sink_node *node, GError **error)
{
	ext2_ino_t number = 0;
	errcode_t code = ext2fs_new_inode(self->fs, parent, LINUX_S_IFLNK, NULL, &number);

	if (code == 0)
		code = ext2fs_symlink(self->fs, parent, number, name, node->target);
	if (code == EXT2_ET_DIR_NO_SPACE) {
		code = ext2fs_expand_dir(self->fs, parent);
		if (code == 0)
			code = ext2fs_symlink(self->fs, parent, number, name, node->target);
	}
	if (code == 0)
		code = set_inode(self, number, node);
	if (code == 0)
		code = set_xattrs(self->fs, number, node->xattrs);
	if (code != 0)
		return fail(error, code, node->path, "make the symbolic link");
	g_hash_table_insert(self->inodes, g_strdup(node->path), GUINT_TO_POINTER(number));
	return TRUE;
}

static gboolean add_hardlink(struct sw_ext4 *self, ext2_ino_t parent, const char *name,
			     const struct sw_sink_node *node, GError **error)
{
	ext2_ino_t number = GPOINTER_TO_UINT(g_hash_table_lookup(self->inodes, node->target));
	struct ext2_inode inode;
	errcode_t code;

	if (number == 0)
		return sw_fail(error, SW_ERROR_DEPLOY, "ext4",
			       "/%s is a link to /%s, which is not there", node->path,
			       node->target);
	code = ext2fs_read_inode(self->fs, number, &inode);
	if (code == 0 && inode.i_links_count >= 65000)
		return sw_fail(error, SW_ERROR_DEPLOY, "too-many-links",
			       "/%s: ext4 cannot give /%s more than 65000 names: use --rootfs xfs",
			       node->path, node->target);
	if (code == 0)
		code = link_name(self->fs, parent, name, number,
				 LINUX_S_ISLNK(inode.i_mode) ? EXT2_FT_SYMLINK : EXT2_FT_REG_FILE);
	inode.i_links_count++;
	if (code == 0)
		code = ext2fs_write_inode(self->fs, number, &inode);
	return code == 0 || fail(error, code, node->path, "make the hard link");
}

static gboolean ext4_add(struct sw_sink *sink, const struct sw_sink_node *node, GError **error)
{
	struct sw_ext4 *self = (struct sw_ext4 *)sink;
	ext2_ino_t parent;
	const char *name;

	if (node->type == SW_SINK_DIRECTORY)
		return add_directory(self, node, error);
	if (!find_parent(self, node->path, &parent, &name, error))
		return FALSE;
	switch (node->type) {
	case SW_SINK_FILE:
		return add_file(self, parent, name, node, error);
	case SW_SINK_SYMLINK:
		return add_symlink(self, parent, name, node, error);
	default:
		return add_hardlink(self, parent, name, node, error);
	}
}

gboolean sw_ext4_open(const char *path, guint64 offset, gint64 now, struct sw_ext4 **ret_ext4,
		      GError **error)
{
	g_autoptr(SwExt4) self = g_new0(struct sw_ext4, 1);
	g_autofree char *options = g_strdup_printf("offset=%" G_GUINT64_FORMAT, offset);
	ext2_ino_t lost_found = 0;
	errcode_t code;

	self->fd = open(path, O_WRONLY | O_CLOEXEC);
	if (self->fd < 0)
		return sw_fail_errno(error, SW_ERROR_DEPLOY, "ext4", "%s", path);
	code = ext2fs_open2(path, options, EXT2_FLAG_RW | EXT2_FLAG_64BITS, 0, 0, unix_io_manager,
			    &self->fs);
	if (code == 0)
		code = ext2fs_read_bitmaps(self->fs);
	if (code != 0)
		return sw_fail(error, SW_ERROR_DEPLOY, "ext4", "%s: cannot open its ext4: %s", path,
			       error_message(code));
	self->sink.add = ext4_add;
	self->offset = offset;
	self->now = now;
	self->fs->now = now;
	self->inodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_hash_table_insert(self->inodes, g_strdup(""), GUINT_TO_POINTER(EXT2_ROOT_INO));
	if (ext2fs_lookup(self->fs, EXT2_ROOT_INO, LOST_FOUND, strlen(LOST_FOUND), NULL,
			  &lost_found) == 0)
		g_hash_table_insert(self->inodes, g_strdup(LOST_FOUND),
				    GUINT_TO_POINTER(lost_found));
	*ret_ext4 = g_steal_pointer(&self);
	return TRUE;
}

struct sw_sink *sw_ext4_sink(struct sw_ext4 *ext4)
{
	return &ext4->sink;
}

gboolean sw_ext4_seal(const char *path, guint64 offset, gint64 now, GError **error)
{
	g_autoptr(SwExt4) ext4 = NULL;

	if (!sw_ext4_open(path, offset, now, &ext4, error))
		return FALSE;
	ext4->fs->super->s_mtime = (guint32)now;
	ext2fs_mark_super_dirty(ext4->fs);
	return sw_ext4_close(ext4, error);
}

gboolean sw_ext4_close(struct sw_ext4 *ext4, GError **error)
{
	errcode_t code = ext2fs_close_free(&ext4->fs);

	if (code == 0)
		return TRUE;
	ext4->fs = NULL;
	return fail(error, code, "", "finish the filesystem");
}

void sw_ext4_free(struct sw_ext4 *ext4)
{
	if (ext4 == NULL)
		return;
	if (ext4->fs != NULL)
		ext2fs_free(ext4->fs);
	sw_close_fd(&ext4->fd);
	g_clear_pointer(&ext4->inodes, g_hash_table_unref);
	g_free(ext4);
}
