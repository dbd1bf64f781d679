/* SPDX-License-Identifier: MIT */
#include "core/qcow2.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "core/inflate-cluster.h"
#include "core/qcow2-header.h"
#include "core/size.h"

#define ID "disk-unreadable"
#define UNSUPPORTED "disk-unsupported"
#define SECTOR 512

/* What QEMU reads at most. */
#define L1_BYTES_MAX (32 * SW_MIB)
/* L2 tables that are kept. */
#define CACHE_BYTES (4 * SW_MIB)
/* No stretch is longer, and no search for one reads more L2 tables: callers can be cancelled. */
#define STRETCH_MAX (64 * SW_MIB)
#define SEARCH_MAX 64

#define OFFSET_MASK G_GUINT64_CONSTANT(0x00fffffffffffe00)
#define L1_RESERVED G_GUINT64_CONSTANT(0x7f000000000001ff)
#define L2_RESERVED G_GUINT64_CONSTANT(0x3f000000000001fe)
#define L2_COMPRESSED (G_GUINT64_CONSTANT(1) << 62)
#define L2_ZERO G_GUINT64_CONSTANT(1)

/* An L2 table in memory. */
struct table {
	guint64 index;	  /* of its L1 entry */
	guint64 *entries; /* as in the file; NULL: nothing yet */
};

struct qcow2 {
	char *path;
	int fd;
	guint64 file_size;
	guint version;
	guint cluster_bits;
	guint64 cluster_size;
	guint64 l2_entries; /* of a table */
	guint64 size;
	guint64 l1_size;
	guint64 *l1; /* host order, checked */
	gboolean is_zstd;
	GMutex lock; /* for all below */
	struct table *tables;
	guint table_count;
	GPtrArray *inflaters; /* struct sw_cluster_inflater, those that nobody uses */
};

static gboolean G_GNUC_PRINTF(3, 4)
	fail_corrupt(const struct qcow2 *q, GError **error, const char *format, ...)
{
	g_autofree char *what = NULL;
	va_list args;

	va_start(args, format);
	what = g_strdup_vprintf(format, args);
	va_end(args);
	return sw_qcow2_fail_corrupt(q->path, what, SW_ERROR_FORMAT, error);
}

static gboolean fail_unsupported(const struct qcow2 *q, const char *what, GError **error)
{
	return sw_qcow2_fail_unsupported(q->path, what, SW_ERROR_FORMAT, error);
}

static gboolean check_features(struct qcow2 *q, const struct sw_qcow2_header *header,
			       const guint8 *start, size_t length, GError **error)
{
	const guint64 known = SW_QCOW2_DIRTY | SW_QCOW2_COMPRESSION;

	if (header->features & SW_QCOW2_SUBCLUSTERS)
		return fail_unsupported(q, "has subclusters (extended_l2)", error);
	if (header->features & ~known)
		return sw_fail(error, SW_ERROR_FORMAT, UNSUPPORTED,
			       "the qcow2 image %s has features that are not known here: bits "
			       "0x%" G_GINT64_MODIFIER "x",
			       q->path, header->features & ~known);
	if (!(header->features & SW_QCOW2_COMPRESSION))
		return TRUE;
	if (header->length <= SW_QCOW2_HEADER_V3 || length <= SW_QCOW2_HEADER_V3 ||
	    start[SW_QCOW2_HEADER_V3] > 1)
		return fail_unsupported(q, "is compressed in a way that is not known here", error);
	q->is_zstd = start[SW_QCOW2_HEADER_V3] == 1;
	return TRUE;
}

static gboolean read_header(struct qcow2 *q, const guint8 *start, size_t length,
			    guint64 *ret_l1_offset, GError **error)
{
	struct sw_qcow2_header header;

	if (!sw_qcow2_header_read(start, length, q->path, SW_ERROR_FORMAT, &header, error) ||
	    !check_features(q, &header, start, length, error))
		return FALSE;
	if (header.cluster_bits < 9 || header.cluster_bits > 21)
		return fail_corrupt(q, error, "clusters of 2^%u bytes", header.cluster_bits);
	if (header.size == 0 || header.size > (guint64)G_MAXINT64 / 2)
		return fail_corrupt(q, error, "a disk of %" G_GUINT64_FORMAT " bytes", header.size);
	q->version = header.version;
	q->cluster_bits = header.cluster_bits;
	q->cluster_size = G_GUINT64_CONSTANT(1) << q->cluster_bits;
	q->l2_entries = q->cluster_size / 8;
	q->size = header.size;
	q->l1_size = header.l1_size;
	*ret_l1_offset = header.l1_offset;
	return TRUE;
}

static gboolean read_at(const struct qcow2 *q, void *data, size_t length, guint64 offset,
			GError **error)
{
	return sw_read_at(q->fd, data, length, offset, q->path, SW_ERROR_FORMAT, ID, error);
}

/* Can a table of LENGTH bytes lie at OFFSET? */
static gboolean is_place(const struct qcow2 *q, guint64 offset, guint64 length)
{
	return offset != 0 && offset % q->cluster_size == 0 && offset <= q->file_size &&
	       length <= q->file_size - offset;
}

static gboolean read_l1(struct qcow2 *q, guint64 offset, GError **error)
{
	guint64 covered = q->l2_entries * q->cluster_size; /* by an L2 table */
	guint64 needed = q->size / covered + (q->size % covered != 0);

	if (needed > L1_BYTES_MAX / 8 || needed > q->l1_size || !is_place(q, offset, needed * 8))
		return fail_corrupt(q, error, "its L1 table does not fit");
	q->l1_size = needed;
	q->l1 = g_new(guint64, needed);
	if (!read_at(q, q->l1, needed * 8, offset, error))
		return FALSE;
	for (guint64 i = 0; i < needed; i++) {
		guint64 entry = GUINT64_FROM_BE(q->l1[i]);

		q->l1[i] = entry & OFFSET_MASK;
		if ((entry & L1_RESERVED) != 0 ||
		    (q->l1[i] != 0 && !is_place(q, q->l1[i], q->cluster_size)))
			return fail_corrupt(q, error, "entry %" G_GUINT64_FORMAT " of its L1 table",
					    i);
	}
	return TRUE;
}

/* The L2 table that covers the entry INDEX of L1, which is not 0.  With the lock held. */
static const guint64 *load_table(struct qcow2 *q, guint64 index, GError **error)
{
	struct table *table = &q->tables[index % q->table_count];

	if (table->entries != NULL && table->index == index)
		return table->entries;
	if (table->entries == NULL)
		table->entries = g_malloc(q->cluster_size);
	table->index = G_MAXUINT64;
	if (!read_at(q, table->entries, q->cluster_size, q->l1[index], error))
		return NULL;
	table->index = index;
	return table->entries;
}

/* The L2 entry of the cluster that holds OFFSET; 0: it is all zeros. */
static gboolean look_up(struct qcow2 *q, guint64 offset, guint64 *ret_entry, GError **error)
{
	G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&q->lock);
	guint64 cluster = offset >> q->cluster_bits;
	const guint64 *table = NULL;
	guint64 entry = 0;

	*ret_entry = 0;
	if (q->l1[cluster / q->l2_entries] == 0)
		return TRUE;
	table = load_table(q, cluster / q->l2_entries, error);
	if (table == NULL)
		return FALSE;
	entry = GUINT64_FROM_BE(table[cluster % q->l2_entries]);
	if (!(entry & L2_COMPRESSED)) {
		if ((entry & L2_RESERVED) != 0 || (q->version == 2 && (entry & L2_ZERO)) ||
		    (entry & OFFSET_MASK) % q->cluster_size != 0)
			return fail_corrupt(
				q, error, "the place of the cluster at %" G_GUINT64_FORMAT, offset);
		if ((entry & L2_ZERO) || (entry & OFFSET_MASK) == 0)
			return TRUE;
	}
	*ret_entry = entry;
	return TRUE;
}

/* The next place at or behind OFFSET that may hold data, or the disk's size. */
static gboolean find_data(struct qcow2 *q, guint64 offset, guint64 *ret_start, GError **error)
{
	guint64 covered = q->l2_entries * q->cluster_size;
	guint64 last = G_MAXUINT64;
	guint64 entry = 0;
	guint tables = 0;

	while (offset < q->size) {
		guint64 index = offset / covered;

		if (q->l1[index] == 0) {
			offset = (index + 1) * covered;
			continue;
		}
		if (index != last && tables++ == SEARCH_MAX)
			break;
		last = index;
		if (!look_up(q, offset, &entry, error))
			return FALSE;
		if (entry != 0)
			break;
		offset = (offset | (q->cluster_size - 1)) + 1;
	}
	*ret_start = MIN(offset, q->size);
	return TRUE;
}

static gboolean qcow2_next(void *data, guint64 offset, guint64 *ret_start, guint64 *ret_end,
			   GError **error)
{
	struct qcow2 *q = data;
	guint64 start = 0, end;
	guint64 entry = 1;

	if (!find_data(q, offset, &start, error))
		return FALSE;
	end = start;
	while (end < q->size && end - start < STRETCH_MAX && entry != 0) {
		end = (end | (q->cluster_size - 1)) + 1;
		if (end < q->size && !look_up(q, end, &entry, error))
			return FALSE;
	}
	*ret_start = start;
	*ret_end = MIN(end, q->size);
	return TRUE;
}

/* Reads LENGTH bytes at OFFSET of the file; a last cluster may be cut off, and is zeros there. */
static gboolean read_plain(struct qcow2 *q, guint8 *buffer, size_t length, guint64 cluster,
			   guint64 offset, GError **error)
{
	size_t there;

	if (cluster >= q->file_size)
		return fail_corrupt(q, error, "a cluster is behind its end");
	there = offset >= q->file_size ? 0 : (size_t)MIN((guint64)length, q->file_size - offset);
	memset(buffer + there, 0, length - there);
	return there == 0 || read_at(q, buffer, there, offset, error);
}

static struct sw_cluster_inflater *take_inflater(struct qcow2 *q)
{
	G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&q->lock);

	if (q->inflaters->len > 0)
		return g_ptr_array_steal_index_fast(q->inflaters, q->inflaters->len - 1);
	return sw_cluster_inflater_new(q->cluster_size, q->is_zstd);
}

static void give_back(struct qcow2 *q, struct sw_cluster_inflater *inflater)
{
	G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&q->lock);

	g_ptr_array_add(q->inflaters, inflater);
}

/* Reads LENGTH bytes AT of the compressed cluster that ENTRY describes. */
static gboolean read_compressed(struct qcow2 *q, guint8 *buffer, size_t length, size_t at,
				guint64 entry, GError **error)
{
	guint bits = 62 - (q->cluster_bits - 8);
	guint64 place = entry & ((G_GUINT64_CONSTANT(1) << bits) - 1);
	guint64 sectors = ((entry & ~(L2_COMPRESSED | L2_COMPRESSED << 1)) >> bits) + 1;
	guint64 packed = sectors * SECTOR - place % SECTOR;
	struct sw_cluster_inflater *inflater = NULL;
	const guint8 *cluster = NULL;
	gboolean good = TRUE;

	if (place >= q->file_size)
		return fail_corrupt(q, error, "a compressed cluster is behind its end");
	packed = MIN(packed, q->file_size - place);
	inflater = take_inflater(q);
	cluster = sw_cluster_inflater_last(inflater, entry);
	if (cluster == NULL) {
		guint8 *in = sw_cluster_inflater_input(inflater, packed);

		good = read_at(q, in, packed, place, error);
		cluster = good ? sw_cluster_inflater_run(inflater, packed, entry) : NULL;
	}
	if (cluster != NULL)
		memcpy(buffer, cluster + at, length);
	else if (good)
		good = fail_corrupt(q, error, "a compressed cluster cannot be read");
	give_back(q, inflater);
	return good;
}

static gboolean qcow2_read(void *data, void *buffer, size_t length, guint64 offset, GError **error)
{
	struct qcow2 *q = data;
	guint8 *to = buffer;

	while (length > 0) {
		size_t at = offset & (q->cluster_size - 1);
		size_t part = MIN(length, q->cluster_size - at);
		guint64 entry = 0;

		if (!look_up(q, offset, &entry, error))
			return FALSE;
		if (entry == 0) {
			memset(to, 0, part);
		} else if (entry & L2_COMPRESSED) {
			if (!read_compressed(q, to, part, at, entry, error))
				return FALSE;
		} else if (!read_plain(q, to, part, entry & OFFSET_MASK, (entry & OFFSET_MASK) + at,
				       error)) {
			return FALSE;
		}
		to += part;
		offset += part;
		length -= part;
	}
	return TRUE;
}

static void qcow2_free(void *data)
{
	struct qcow2 *q = data;

	for (guint i = 0; i < q->table_count; i++)
		g_free(q->tables[i].entries);
	g_free(q->tables);
	g_free(q->l1);
	g_ptr_array_unref(q->inflaters);
	g_mutex_clear(&q->lock);
	sw_close_fd(&q->fd);
	g_free(q->path);
	g_free(q);
}

static const struct sw_sparse_source qcow2_source = { qcow2_next, qcow2_read, qcow2_free };

typedef struct qcow2 Qcow2;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Qcow2, qcow2_free)

/* The first bytes of the file FD; fewer where it ends. */
static size_t read_start(int fd, guint8 *start, size_t length)
{
	ssize_t n = pread(fd, start, length, 0);

	return n < 0 ? 0 : (size_t)n;
}

gboolean sw_disk_image_open(const char *path, struct sw_sparse **ret_sparse, GError **error)
{
	g_autoptr(SwSparse) raw = NULL;
	g_autoptr(Qcow2) q = NULL;
	guint8 start[SECTOR] = { 0 };
	guint64 size, l1_offset = 0;
	size_t length;

	if (!sw_sparse_open(path, &raw, error))
		return FALSE;
	length = read_start(sw_sparse_fd(raw), start, sizeof(start));
	if (!sw_qcow2_is(start, length)) {
		const char *kind = sw_disk_image_kind(start, length);

		if (kind != NULL)
			return sw_fail(error, SW_ERROR_FORMAT, UNSUPPORTED,
				       "%s is a %s file: only raw disks and qcow2 images are read",
				       path, kind);
		*ret_sparse = g_steal_pointer(&raw);
		return TRUE;
	}
	q = g_new0(struct qcow2, 1);
	g_mutex_init(&q->lock);
	q->path = g_strdup(path);
	q->file_size = sw_sparse_size(raw);
	q->inflaters = g_ptr_array_new_with_free_func((GDestroyNotify)sw_cluster_inflater_free);
	q->fd = fcntl(sw_sparse_fd(raw), F_DUPFD_CLOEXEC, 0);
	if (q->fd < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "cannot open the disk %s", path);
	if (!read_header(q, start, length, &l1_offset, error) || !read_l1(q, l1_offset, error))
		return FALSE;
	q->table_count = (guint)CLAMP(CACHE_BYTES / q->cluster_size, 1, q->l1_size);
	q->tables = g_new0(struct table, q->table_count);
	size = q->size;
	*ret_sparse = sw_sparse_new(&qcow2_source, g_steal_pointer(&q), size);
	return TRUE;
}
