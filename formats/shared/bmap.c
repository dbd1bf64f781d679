/* SPDX-License-Identifier: MIT */
#include "formats/shared/bmap.h"

#include <string.h>

#include "core/bytes.h"
#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/size.h"
#include "formats/shared/gpt-pad.h"

#define ID "bmap-write"
#define BLOCK (4 * SW_KIB)
/* A stretch is hashed by one thread. */
#define STRETCH_MAX (16 * SW_MIB)
#define BUFFER_SIZE SW_MIB

/* Blocks from START up to END, and their hash. */
struct stretch {
	guint64 start;
	guint64 end;
	char sha256[SW_SHA256_SIZE];
};

struct map {
	struct sw_sparse *disk;
	const char *path;
	GArray *stretches; /* struct stretch */
	GCancellable *cancellable;
	GMutex lock; /* for all below */
	guint next;  /* the first stretch that nobody hashes */
	GError *error;
};

static void add_bytes(struct map *map, guint64 start, guint64 end)
{
	struct stretch stretch = { .start = start / BLOCK, .end = (end + BLOCK - 1) / BLOCK };

	if (start < end)
		g_array_append_val(map->stretches, stretch);
}

/*
 * The bytes of a FAT filesystem before its first cluster, after the BIOS parameter block (Microsoft's FAT
 * specification, 3.1); 0: it is none.
 */
static guint64 fat_head(const guint8 *boot)
{
	guint64 sector = sw_get_le16(boot + 11), tables = boot[16];
	guint64 table =
		sw_get_le16(boot + 22) != 0 ? sw_get_le16(boot + 22) : sw_get_le32(boot + 36);

	if (boot[510] != 0x55 || boot[511] != 0xaa || sector < 512 || sector > 4096 ||
	    (sector & (sector - 1)) != 0 || boot[13] == 0 || sw_get_le16(boot + 14) == 0 ||
	    tables == 0 || table == 0)
		return 0;
	/* The root directory of FAT32 lies in the first clusters. */
	return (sw_get_le16(boot + 14) + tables * table + boot[13]) * sector +
	       sw_get_le16(boot + 17) * 32;
}

static gboolean add_partition(struct map *map, const struct sw_gpt_partition *partition,
			      GError **error)
{
	guint8 head[2048];
	guint64 fat;

	if (!sw_sparse_read(map->disk, head, sizeof(head), partition->offset, error))
		return FALSE;
	/* ext4's magic (Linux, fs/ext4/ext4.h). */
	if (sw_get_le16(head + 1024 + 56) == 0xef53)
		return TRUE;
	fat = fat_head(head);
	add_bytes(map, partition->offset,
		  partition->offset + (fat == 0 ? partition->size : MIN(fat, partition->size)));
	return TRUE;
}

static gboolean add_data(struct map *map, GError **error)
{
	guint64 start, end = 0;

	for (;;) {
		if (!sw_sparse_next(map->disk, end, &start, &end, error))
			return FALSE;
		if (start >= sw_sparse_size(map->disk))
			return TRUE;
		add_bytes(map, start, end);
	}
}

static gboolean collect(struct map *map, GError **error)
{
	g_autoptr(SwGpt) gpt = NULL;

	if (!add_data(map, error) || !sw_gpt_of_disk(map->disk, &gpt, error))
		return FALSE;
	for (guint i = 0; gpt != NULL && i < gpt->partitions->len; i++)
		if (!add_partition(map, gpt->partitions->pdata[i], error))
			return FALSE;
	return TRUE;
}

static gint compare(gconstpointer a, gconstpointer b)
{
	const struct stretch *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Sorts, joins what touches, and cuts what is long. */
static void tidy(struct map *map)
{
	g_autoptr(GArray) old = g_steal_pointer(&map->stretches);
	const guint64 most = STRETCH_MAX / BLOCK;

	map->stretches = g_array_new(FALSE, FALSE, sizeof(struct stretch));
	g_array_sort(old, compare);
	for (guint i = 0; i < old->len;) {
		struct stretch all = g_array_index(old, struct stretch, i);

		for (i++; i < old->len && g_array_index(old, struct stretch, i).start <= all.end;
		     i++)
			all.end = MAX(all.end, g_array_index(old, struct stretch, i).end);
		for (guint64 at = all.start; at < all.end; at += most) {
			struct stretch part = { .start = at, .end = MIN(at + most, all.end) };

			g_array_append_val(map->stretches, part);
		}
	}
}

gboolean sw_bmap_ranges(struct sw_sparse *disk, GArray **ret_ranges, GError **error)
{
	struct map map = { .disk = disk,
			   .stretches = g_array_new(FALSE, FALSE, sizeof(struct stretch)) };
	gboolean good = collect(&map, error);

	tidy(&map);
	if (good)
		*ret_ranges = g_array_new(FALSE, FALSE, sizeof(struct sw_bmap_range));
	for (guint i = 0; good && i < map.stretches->len; i++) {
		const struct stretch *s = &g_array_index(map.stretches, struct stretch, i);
		struct sw_bmap_range range = { .start = s->start * BLOCK,
					       .end = MIN(s->end * BLOCK, sw_sparse_size(disk)) };

		g_array_append_val(*ret_ranges, range);
	}
	g_array_unref(map.stretches);
	return good;
}

static gboolean hash(struct map *map, struct stretch *stretch, guint8 *buffer, GError **error)
{
	guint64 end = MIN(stretch->end * BLOCK, sw_sparse_size(map->disk));
	g_autoptr(SwSha256) sha256 = sw_sha256_new();

	for (guint64 at = stretch->start * BLOCK; at < end; at += BUFFER_SIZE) {
		size_t length = (size_t)MIN(BUFFER_SIZE, end - at);

		if (!sw_check_cancelled(map->cancellable, error) ||
		    !sw_sparse_read(map->disk, buffer, length, at, error))
			return FALSE;
		sw_sha256_update(sha256, buffer, length);
	}
	sw_sha256_hex(sha256, stretch->sha256);
	return TRUE;
}

static struct stretch *claim(struct map *map)
{
	G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&map->lock);

	if (map->error != NULL || map->next == map->stretches->len)
		return NULL;
	return &g_array_index(map->stretches, struct stretch, map->next++);
}

static gpointer worker(gpointer data)
{
	struct map *map = data;
	g_autofree guint8 *buffer = g_malloc(BUFFER_SIZE);
	struct stretch *stretch;

	while ((stretch = claim(map)) != NULL) {
		GError *error = NULL;

		if (hash(map, stretch, buffer, &error))
			continue;
		g_mutex_lock(&map->lock);
		if (map->error == NULL)
			map->error = g_steal_pointer(&error);
		g_mutex_unlock(&map->lock);
		g_clear_error(&error);
	}
	return NULL;
}

/* By the caller's thread and others beside it; fewer than wanted will do. */
static gboolean hash_all(struct map *map, int threads, GError **error)
{
	g_autofree GThread **others = g_new0(GThread *, threads);
	int started = 0;

	while (started < threads - 1 &&
	       (others[started] = g_thread_try_new("bmap", worker, map, NULL)) != NULL)
		started++;
	worker(map);
	while (started > 0)
		g_thread_join(others[--started]);
	if (map->error == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&map->error));
	return FALSE;
}

static void print_ranges(const struct map *map, GString *text)
{
	for (guint i = 0; i < map->stretches->len; i++) {
		const struct stretch *s = &g_array_index(map->stretches, struct stretch, i);

		g_string_append_printf(text, "        <Range chksum=\"%s\"> %" G_GUINT64_FORMAT,
				       s->sha256, s->start);
		if (s->end - s->start > 1)
			g_string_append_printf(text, "-%" G_GUINT64_FORMAT, s->end - 1);
		g_string_append(text, " </Range>\n");
	}
}

/* The file's own checksum is counted with zeros in its place. */
static GString *print(const struct map *map)
{
	static const char nought[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	guint64 size = sw_sparse_size(map->disk), mapped = 0;
	GString *text = g_string_new("<?xml version=\"1.0\" ?>\n<bmap version=\"2.0\">\n");
	g_autoptr(SwSha256) sha256 = sw_sha256_new();
	char hex[SW_SHA256_SIZE];
	gsize place;

	for (guint i = 0; i < map->stretches->len; i++) {
		const struct stretch *s = &g_array_index(map->stretches, struct stretch, i);

		mapped += s->end - s->start;
	}
	g_string_append_printf(text,
			       "    <ImageSize> %" G_GUINT64_FORMAT " </ImageSize>\n"
			       "    <BlockSize> %d </BlockSize>\n"
			       "    <BlocksCount> %" G_GUINT64_FORMAT " </BlocksCount>\n"
			       "    <MappedBlocksCount> %" G_GUINT64_FORMAT
			       " </MappedBlocksCount>\n"
			       "    <ChecksumType> sha256 </ChecksumType>\n"
			       "    <BmapFileChecksum> ",
			       size, (int)BLOCK, (size + BLOCK - 1) / BLOCK, mapped);
	place = text->len;
	g_string_append_printf(text, "%s </BmapFileChecksum>\n    <BlockMap>\n", nought);
	print_ranges(map, text);
	g_string_append(text, "    </BlockMap>\n</bmap>\n");
	sw_sha256_update(sha256, text->str, text->len);
	sw_sha256_hex(sha256, hex);
	memcpy(text->str + place, hex, sizeof(hex) - 1);
	return text;
}

gboolean sw_bmap_write(const struct sw_format_input *input, const struct sw_output_file *file,
		       GCancellable *cancellable, GError **error)
{
	struct map map = { .disk = input->disk, .path = file->path, .cancellable = cancellable };
	gboolean good;

	g_mutex_init(&map.lock);
	map.stretches = g_array_new(FALSE, FALSE, sizeof(struct stretch));
	good = collect(&map, error);
	tidy(&map);
	good = good && hash_all(&map, input->threads, error);
	if (good) {
		GString *text = print(&map);

		good = sw_write_at(file->fd, text->str, text->len, 0, file->path, SW_ERROR_FORMAT,
				   ID, error);
		g_string_free(text, TRUE);
	}
	g_array_unref(map.stretches);
	g_clear_error(&map.error);
	g_mutex_clear(&map.lock);
	return good;
}
