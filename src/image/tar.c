/* SPDX-License-Identifier: MIT */
#include "image/tar.h"

#include <string.h>

#include "image/paths.h"
#include "image/pax.h"

#define BLOCK 512

/* The longest extended header or long name, bytes. */
#define HEADER_LIMIT (1024 * 1024)

/* The most pieces of data in one sparse file. */
#define MAP_LIMIT (1024 * 1024)

/* Places in a header block: POSIX.1-2001 ustar, and GNU's for its sparse files. */
enum {
	AT_NAME = 0,
	AT_MODE = 100,
	AT_UID = 108,
	AT_GID = 116,
	AT_SIZE = 124,
	AT_TIME = 136,
	AT_CHECKSUM = 148,
	AT_TYPE = 156,
	AT_LINK = 157,
	AT_MAGIC = 257,
	AT_PREFIX = 345,
	AT_SPARSE_MAP = 386,
	AT_SPARSE_MORE = 482,
	AT_REAL_SIZE = 483,
	AT_MAP_MORE = 504, /* in a block that continues a sparse map */
	PIECE = 24,	   /* size of an offset and a length there, 12 bytes each */
};

/* Data of a sparse file; what lies between is zeros. */
struct piece {
	guint64 offset;
	guint64 length;
};

struct sw_tar {
	sw_chunk_func next;
	void *data;
	const guint8 *chunk; /* what is left of the present piece of the stream */
	size_t available;
	guint8 block[BLOCK];
	struct sw_tar_entry entry;
	guint64 stored;	  /* bytes of the entry that are still in the stream */
	guint padding;	  /* behind them */
	guint64 position; /* in the entry's content */
	GArray *map;	  /* struct piece; NULL: the entry is not sparse */
	guint piece;	  /* of MAP, the one at or behind POSITION */
	gboolean finished;
};

static const guint8 zeros[16 * 1024];

static gboolean refuse(GError **error, const char *what)
{
	return sw_fail(error, SW_ERROR_SOURCE, "tar", "no good tar stream: %s", what);
}

static void entry_clear(struct sw_tar *tar)
{
	g_free(tar->entry.path);
	g_free(tar->entry.target);
	g_clear_pointer(&tar->entry.xattrs, g_variant_unref);
	memset(&tar->entry, 0, sizeof(tar->entry));
	g_clear_pointer(&tar->map, g_array_unref);
	tar->piece = 0;
	tar->position = 0;
}

struct sw_tar *sw_tar_new(sw_chunk_func next, void *data)
{
	struct sw_tar *tar = g_new0(struct sw_tar, 1);

	tar->next = next;
	tar->data = data;
	return tar;
}

void sw_tar_free(struct sw_tar *tar)
{
	if (tar == NULL)
		return;
	entry_clear(tar);
	g_free(tar);
}

/* Takes at most LENGTH bytes; RET_LENGTH is 0 only at the end of the stream. */
static gboolean take(struct sw_tar *tar, guint64 length, const guint8 **ret_bytes,
		     size_t *ret_length, GError **error)
{
	if (tar->available == 0 && !tar->next(tar->data, &tar->chunk, &tar->available, error))
		return FALSE;
	*ret_bytes = tar->chunk;
	*ret_length = (size_t)MIN(length, tar->available);
	/* At the end of the stream there may be no chunk at all. */
	if (*ret_length > 0)
		tar->chunk += *ret_length;
	tar->available -= *ret_length;
	return TRUE;
}

/* Copies LENGTH bytes to BUFFER (NULL: nowhere). */
static gboolean take_all(struct sw_tar *tar, guint8 *buffer, guint64 length, GError **error)
{
	while (length > 0) {
		const guint8 *bytes = NULL;
		size_t n = 0;

		if (!take(tar, length, &bytes, &n, error))
			return FALSE;
		if (n == 0)
			return refuse(error, "it ends in the middle of an entry");
		if (buffer != NULL) {
			memcpy(buffer, bytes, n);
			buffer += n;
		}
		length -= n;
	}
	return TRUE;
}

/* Reads the next block; RET_IS_END when the stream ends before it. */
static gboolean take_block(struct sw_tar *tar, gboolean *ret_is_end, GError **error)
{
	const guint8 *bytes = NULL;
	size_t n = 0;

	if (!take(tar, BLOCK, &bytes, &n, error))
		return FALSE;
	*ret_is_end = n == 0;
	if (n == 0)
		return TRUE;
	memcpy(tar->block, bytes, n);
	return take_all(tar, tar->block + n, BLOCK - n, error);
}

static gboolean block_is_empty(const struct sw_tar *tar)
{
	return memcmp(tar->block, zeros, BLOCK) == 0;
}

/* A number of a header: octal text, or, with the first bit set, big-endian binary (GNU, star). */
static gboolean parse_number(const guint8 *field, size_t length, guint64 *ret_number)
{
	guint64 number = 0;
	size_t i = 0;

	if (field[0] & 0x80) {
		number = field[0] & 0x7f;
		for (i = 1; i < length; i++) {
			if (number > G_MAXINT64 >> 8)
				return FALSE;
			number = number << 8 | field[i];
		}
		*ret_number = number;
		return TRUE;
	}
	while (i < length && field[i] == ' ')
		i++;
	for (; i < length && field[i] >= '0' && field[i] <= '7'; i++)
		number = number << 3 | (guint64)(field[i] - '0');
	if (i < length && field[i] != '\0' && field[i] != ' ')
		return FALSE;
	*ret_number = number;
	return TRUE;
}

/* The checksum is a sum of the block's bytes; old programs took them as signed. */
static gboolean checksum_is_right(const guint8 *block)
{
	guint64 expected = 0;
	gint64 with_sign = 0;
	guint64 sum = 0;

	for (guint i = 0; i < BLOCK; i++) {
		guint8 byte = i >= AT_CHECKSUM && i < AT_TYPE ? ' ' : block[i];

		sum += byte;
		with_sign += (gint8)byte;
	}
	return parse_number(block + AT_CHECKSUM, AT_TYPE - AT_CHECKSUM, &expected) &&
	       (expected == sum || (gint64)expected == with_sign);
}

static char *parse_text(const guint8 *field, size_t length)
{
	return g_strndup((const char *)field, strnlen((const char *)field, length));
}

static char *header_path(const guint8 *block)
{
	g_autofree char *name = parse_text(block + AT_NAME, AT_MODE - AT_NAME);
	g_autofree char *prefix = NULL;

	if (memcmp(block + AT_MAGIC, "ustar", 6) != 0 || block[AT_PREFIX] == '\0')
		return g_steal_pointer(&name);
	prefix = parse_text(block + AT_PREFIX, 155);
	return g_strconcat(prefix, "/", name, NULL);
}

/* The content of a header that stands in front of its entry, with a NUL behind it. */
static gboolean read_header_text(struct sw_tar *tar, guint64 size, char **ret_text, GError **error)
{
	g_autofree char *text = NULL;

	if (size > HEADER_LIMIT)
		return refuse(error, "a header is larger than 1 MiB");
	text = g_malloc(size + 1);
	if (!take_all(tar, (guint8 *)text, size, error) ||
	    !take_all(tar, NULL, -size % BLOCK, error))
		return FALSE;
	text[size] = '\0';
	*ret_text = g_steal_pointer(&text);
	return TRUE;
}

/* What the headers in front of an entry say. */
struct front {
	struct sw_pax pax;
	gboolean has_pax;
	char *path; /* GNU's long name; NULL: none */
	char *target;
};

static void front_clear(struct front *front)
{
	sw_pax_clear(&front->pax);
	g_free(front->path);
	g_free(front->target);
}
typedef struct front Front;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Front, front_clear)

/* Reads the header TYPE if it is one that stands in front of another; else RET_DONE is FALSE. */
static gboolean read_front(struct sw_tar *tar, char type, guint64 size, struct front *front,
			   gboolean *ret_done, GError **error)
{
	g_autofree char *text = NULL;
	char **name = type == 'L' ? &front->path : &front->target;

	*ret_done = memchr("xXgLKV", type, 6) != NULL;
	if (!*ret_done)
		return TRUE;
	if (!read_header_text(tar, size, &text, error))
		return FALSE;
	if (type == 'x' || type == 'X') {
		front->has_pax = TRUE;
		return sw_pax_parse(&front->pax, text, size, error);
	}
	if (type == 'L' || type == 'K') {
		g_free(*name);
		*name = g_steal_pointer(&text);
	}
	return TRUE;
}

static gboolean set_type(struct sw_tar_entry *entry, char type, GError **error)
{
	g_autofree char *path = NULL;

	switch (type) {
	case '\0':
	case '0':
	case '7':
	case 'S':
		entry->type = g_str_has_suffix(entry->path, "/") ? SW_TAR_DIRECTORY : SW_TAR_FILE;
		return TRUE;
	case '1':
		entry->type = SW_TAR_HARDLINK;
		return TRUE;
	case '2':
		entry->type = SW_TAR_SYMLINK;
		return TRUE;
	case '3':
	case '4':
		entry->type = SW_TAR_DEVICE;
		return TRUE;
	case '5':
		entry->type = SW_TAR_DIRECTORY;
		return TRUE;
	case '6':
		entry->type = SW_TAR_FIFO;
		return TRUE;
	default:
		path = sw_path_show(entry->path);
		return sw_fail(error, SW_ERROR_SOURCE, "tar", "'%s' is of the unknown type 0x%02x",
			       path, (guint8)type);
	}
}

static gboolean set_owner(struct sw_tar *tar, const struct sw_pax *pax, GError **error)
{
	guint64 uid = 0;
	guint64 gid = 0;
	guint64 mode = 0;
	guint64 time = 0;

	if (!parse_number(tar->block + AT_MODE, AT_UID - AT_MODE, &mode) ||
	    !parse_number(tar->block + AT_UID, AT_GID - AT_UID, &uid) ||
	    !parse_number(tar->block + AT_GID, AT_SIZE - AT_GID, &gid))
		return refuse(error, "a mode or an owner is no number");
	uid = pax->has_uid ? pax->uid : uid;
	gid = pax->has_gid ? pax->gid : gid;
	/* The highest number means "leave it" to chown(2). */
	if (uid >= G_MAXUINT32 || gid >= G_MAXUINT32)
		return refuse(error, "an owner is out of range");
	tar->entry.uid = (guint32)uid;
	tar->entry.gid = (guint32)gid;
	tar->entry.mode = (guint32)(mode & 07777);
	tar->entry.has_time =
		parse_number(tar->block + AT_TIME, AT_CHECKSUM - AT_TIME, &time) && time > 0;
	return TRUE;
}

static char *first_of(char **a, char **b)
{
	return *a != NULL ? g_steal_pointer(a) : g_steal_pointer(b);
}

static void set_names(struct sw_tar *tar, struct front *front)
{
	struct sw_tar_entry *entry = &tar->entry;

	entry->path = first_of(&front->pax.sparse_name, &front->pax.path);
	if (entry->path == NULL)
		entry->path = front->path != NULL ? g_steal_pointer(&front->path)
						  : header_path(tar->block);
	entry->target = first_of(&front->pax.target, &front->target);
	if (entry->target == NULL)
		entry->target = parse_text(tar->block + AT_LINK, AT_MAGIC - AT_LINK);
}

/*
 * How many bytes follow.  Links and the like have none, whatever their size says; a hard link of the
 * pax form may have some (POSIX), one of the older forms has none although many state a size.
 */
static guint64 stored_size(const struct sw_tar_entry *entry, guint64 size, gboolean has_pax)
{
	switch (entry->type) {
	case SW_TAR_FILE:
		return size;
	case SW_TAR_HARDLINK:
		return has_pax ? size : 0;
	default:
		return 0;
	}
}

static gboolean add_piece(struct sw_tar *tar, guint64 offset, guint64 length, GError **error)
{
	struct piece piece = { offset, length };
	guint64 from = 0;
	guint64 end = 0;

	if (tar->map->len > 0) {
		struct piece *last = &g_array_index(tar->map, struct piece, tar->map->len - 1);

		from = last->offset + last->length;
	}
	if (offset < from || !g_uint64_checked_add(&end, offset, length) || end > tar->entry.size ||
	    tar->map->len >= MAP_LIMIT)
		return refuse(error, "the map of a sparse file is wrong");
	if (length > 0)
		g_array_append_val(tar->map, piece);
	return TRUE;
}

/* The pieces in one block of GNU's old form: COUNT of them at most, up to the first empty one. */
static gboolean add_pieces(struct sw_tar *tar, const guint8 *field, guint count, GError **error)
{
	for (guint i = 0; i < count && field[i * PIECE] != '\0'; i++) {
		const guint8 *piece = field + i * PIECE;
		guint64 offset = 0;
		guint64 length = 0;

		if (!parse_number(piece, PIECE / 2, &offset) ||
		    !parse_number(piece + PIECE / 2, PIECE / 2, &length))
			return refuse(error, "the map of a sparse file has no numbers");
		if (!add_piece(tar, offset, length, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean read_old_map(struct sw_tar *tar, GError **error)
{
	gboolean has_more = tar->block[AT_SPARSE_MORE] != 0;

	if (!parse_number(tar->block + AT_REAL_SIZE, PIECE / 2, &tar->entry.size) ||
	    tar->entry.size > G_MAXINT64)
		return refuse(error, "the size of a sparse file is no number");
	tar->map = g_array_new(FALSE, FALSE, sizeof(struct piece));
	if (!add_pieces(tar, tar->block + AT_SPARSE_MAP, 4, error))
		return FALSE;
	while (has_more) {
		if (!take_all(tar, tar->block, BLOCK, error) ||
		    !add_pieces(tar, tar->block, 21, error))
			return FALSE;
		has_more = tar->block[AT_MAP_MORE] != 0;
	}
	return TRUE;
}

/* Reads a line with a number from the map in front of the content of form 1.0. */
static gboolean read_map_number(struct sw_tar *tar, guint *used, guint64 *ret_number,
				GError **error)
{
	guint64 number = 0;
	guint digits = 0;

	for (;;) {
		guint8 byte = 0;

		if (*used == BLOCK) {
			if (tar->stored < BLOCK)
				return refuse(error, "the map of a sparse file has no end");
			if (!take_all(tar, tar->block, BLOCK, error))
				return FALSE;
			tar->stored -= BLOCK;
			*used = 0;
		}
		byte = tar->block[(*used)++];
		if (byte == '\n' && digits > 0)
			break;
		if (!g_ascii_isdigit(byte) || ++digits > 18)
			return refuse(error, "the map of a sparse file has no numbers");
		number = number * 10 + (guint64)(byte - '0');
	}
	*ret_number = number;
	return TRUE;
}

static gboolean read_new_map(struct sw_tar *tar, GError **error)
{
	guint64 count = 0;
	guint used = BLOCK;

	tar->map = g_array_new(FALSE, FALSE, sizeof(struct piece));
	if (!read_map_number(tar, &used, &count, error))
		return FALSE;
	for (guint64 i = 0; i < count; i++) {
		guint64 offset = 0;
		guint64 length = 0;

		if (!read_map_number(tar, &used, &offset, error) ||
		    !read_map_number(tar, &used, &length, error) ||
		    !add_piece(tar, offset, length, error))
			return FALSE;
	}
	return TRUE;
}

/* Sets size and map; the pieces of a sparse file must be all that is stored. */
static gboolean set_content(struct sw_tar *tar, char type, guint64 size, const struct front *front,
			    GError **error)
{
	const struct sw_pax *pax = &front->pax;
	guint64 pieces = 0;

	if (pax->has_size)
		size = pax->size;
	if (size > G_MAXINT64 - BLOCK)
		return refuse(error, "a size is out of range");
	tar->stored = stored_size(&tar->entry, size, front->has_pax);
	tar->padding = (guint)(-tar->stored % BLOCK);
	tar->entry.size = tar->stored;
	if (tar->entry.type != SW_TAR_FILE || (type != 'S' && !pax->is_sparse))
		return TRUE;
	if (type == 'S') {
		if (!read_old_map(tar, error))
			return FALSE;
	} else {
		if (!pax->has_real_size || pax->real_size > G_MAXINT64)
			return refuse(error, "a sparse file has no size");
		tar->entry.size = pax->real_size;
		if (!read_new_map(tar, error))
			return FALSE;
	}
	for (guint i = 0; i < tar->map->len; i++)
		pieces += g_array_index(tar->map, struct piece, i).length;
	return pieces == tar->stored || refuse(error, "a sparse file is not what its map says");
}

/* Finishes the entry whose own header is in the block. */
static gboolean finish_entry(struct sw_tar *tar, guint64 size, struct front *front, GError **error)
{
	char type = (char)tar->block[AT_TYPE];

	set_names(tar, front);
	tar->entry.xattrs = sw_pax_xattrs(&front->pax);
	return set_type(&tar->entry, type, error) && set_owner(tar, &front->pax, error) &&
	       set_content(tar, type, size, front, error);
}

/* Reads the header of an entry or of one in front of it; RET_IS_END at the archive's end. */
static gboolean read_header(struct sw_tar *tar, gboolean *ret_is_end, GError **error)
{
	if (!take_block(tar, ret_is_end, error))
		return FALSE;
	if (*ret_is_end)
		return TRUE;
	if (block_is_empty(tar)) {
		if (!take_block(tar, ret_is_end, error))
			return FALSE;
		if (!*ret_is_end && !block_is_empty(tar))
			return refuse(error, "an empty block stands between entries");
		*ret_is_end = TRUE;
		return TRUE;
	}
	return checksum_is_right(tar->block) ||
	       refuse(error, "a header's checksum is wrong, or it is no tar stream at all");
}

gboolean sw_tar_next(struct sw_tar *tar, const struct sw_tar_entry **ret_entry, GError **error)
{
	g_auto(Front) front = { 0 };
	gboolean has_front = FALSE;

	if (!take_all(tar, NULL, tar->stored + tar->padding, error))
		return FALSE;
	tar->stored = 0;
	tar->padding = 0;
	entry_clear(tar);
	for (;;) {
		gboolean is_end = FALSE;
		gboolean is_front = FALSE;
		guint64 size = 0;

		if (!tar->finished && !read_header(tar, &is_end, error))
			return FALSE;
		if (tar->finished || is_end) {
			if (has_front)
				return refuse(error, "it ends between the headers of an entry");
			tar->finished = TRUE;
			*ret_entry = NULL;
			return TRUE;
		}
		if (!parse_number(tar->block + AT_SIZE, 12, &size))
			return refuse(error, "a size is no number");
		if (!read_front(tar, (char)tar->block[AT_TYPE], size, &front, &is_front, error))
			return FALSE;
		/* A global header or a volume's label belongs to no entry. */
		has_front = has_front || (is_front && memchr("gV", tar->block[AT_TYPE], 2) == NULL);
		if (is_front)
			continue;
		if (!finish_entry(tar, size, &front, error))
			return FALSE;
		*ret_entry = &tar->entry;
		return TRUE;
	}
}

/* Gives zeros up to the next piece, or narrows LENGTH to what is left of the present one. */
static gboolean in_hole(struct sw_tar *tar, guint64 *length)
{
	const struct piece *piece = NULL;

	while (tar->piece < tar->map->len) {
		piece = &g_array_index(tar->map, struct piece, tar->piece);
		if (tar->position < piece->offset + piece->length)
			break;
		piece = NULL;
		tar->piece++;
	}
	if (piece != NULL && tar->position >= piece->offset) {
		*length = piece->offset + piece->length - tar->position;
		return FALSE;
	}
	*length = (piece != NULL ? piece->offset : tar->entry.size) - tar->position;
	return TRUE;
}

gboolean sw_tar_data(struct sw_tar *tar, const guint8 **ret_data, size_t *ret_length,
		     GError **error)
{
	guint64 length = tar->entry.size - tar->position;

	if (length == 0) {
		*ret_length = 0;
		return TRUE;
	}
	if (tar->map != NULL && in_hole(tar, &length)) {
		*ret_data = zeros;
		*ret_length = (size_t)MIN(length, sizeof(zeros));
	} else {
		if (!take(tar, length, ret_data, ret_length, error))
			return FALSE;
		if (*ret_length == 0)
			return refuse(error, "it ends in the middle of an entry");
		tar->stored -= *ret_length;
	}
	tar->position += *ret_length;
	return TRUE;
}
