/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "../../format.h"

/*
 * An image read by the letter of docs/interop/qcow2, apart from the writer's code: every table is
 * checked on the way, and the refcounts are counted again.
 */
struct image {
	guint8 *file;
	guint64 length;
	guint bits;
	guint64 cluster;
	guint64 size;
	guint64 data; /* the first byte behind all tables */
	guint8 type;
	guint *counts; /* of each cluster of the file */
	guint64 plain, packed;
};

static guint64 get(const struct image *image, guint64 at, guint bytes)
{
	guint64 value = 0;

	g_assert_cmpuint(at + bytes, <=, image->length);
	for (guint i = 0; i < bytes; i++)
		value = value << 8 | image->file[at + i];
	return value;
}

static void count(struct image *image, guint64 from, guint64 length)
{
	g_assert_cmpuint(length, >, 0);
	g_assert_cmpuint(from + length, <=, image->length);
	for (guint64 i = from / image->cluster; i <= (from + length - 1) / image->cluster; i++)
		image->counts[i]++;
}

static void unpack(const struct image *image, guint64 at, guint64 room, guint8 *out)
{
	z_stream stream = { .next_in = image->file + at,
			    .avail_in = (uInt)room,
			    .next_out = out,
			    .avail_out = (uInt)image->cluster };

	if (image->type == 1) {
		size_t size = ZSTD_findFrameCompressedSize(image->file + at, room);

		g_assert_false(ZSTD_isError(size));
		g_assert_cmpuint(ZSTD_decompress(out, image->cluster, image->file + at, size), ==,
				 image->cluster);
		return;
	}
	g_assert_cmpint(inflateInit2(&stream, -12), ==, Z_OK);
	g_assert_cmpint(inflate(&stream, Z_FINISH), ==, Z_STREAM_END);
	g_assert_cmpuint(stream.avail_out, ==, 0);
	inflateEnd(&stream);
}

static void read_cluster(struct image *image, guint64 entry, guint8 *out)
{
	guint shift = 62 - (image->bits - 8);
	guint64 at, room;

	memset(out, 0, image->cluster);
	if (entry == 0)
		return;
	if (entry >> 62 == 1) {
		at = entry & ((G_GUINT64_CONSTANT(1) << shift) - 1);
		room = ((entry & ~(G_GUINT64_CONSTANT(1) << 62)) >> shift) * 512 + 512 - at % 512;
		g_assert_cmpuint(at, >=, image->data);
		count(image, at, room);
		unpack(image, at, room, out);
		image->packed++;
		return;
	}
	at = entry & 0x00fffffffffffe00;
	g_assert_cmpuint(entry, ==, at | G_GUINT64_CONSTANT(1) << 63);
	g_assert_cmpuint(at % image->cluster, ==, 0);
	g_assert_cmpuint(at, >=, image->data);
	count(image, at, image->cluster);
	memcpy(out, image->file + at, image->cluster);
	g_assert_false(sw_is_zero(out, image->cluster));
	image->plain++;
}

/* Where the L2 table of an L1 entry is; 0: nowhere. */
static guint64 table_of(const struct image *image, guint64 entry)
{
	guint64 at = entry & 0x00fffffffffffe00;

	g_assert_true(entry == 0 || entry == (at | G_GUINT64_CONSTANT(1) << 63));
	g_assert_cmpuint(at % image->cluster, ==, 0);
	return at;
}

/* The header and the L1 table; returns where the latter is. */
static guint64 read_header(struct image *image)
{
	guint64 l1 = get(image, 40, 8), l1_bytes = get(image, 36, 4) * 8;

	g_assert_cmpuint(get(image, 0, 4), ==, 0x514649fb);
	g_assert_cmpuint(get(image, 4, 4), ==, 3);
	g_assert_cmpuint(get(image, 8, 8) + get(image, 16, 4) + get(image, 32, 4), ==, 0);
	g_assert_cmpuint(get(image, 60, 4) + get(image, 64, 8), ==, 0);
	image->bits = (guint)get(image, 20, 4);
	image->cluster = G_GUINT64_CONSTANT(1) << image->bits;
	image->size = get(image, 24, 8);
	image->type = (guint8)get(image, 104, 1);
	g_assert_cmpuint(get(image, 72, 8), ==, image->type == 0 ? 0 : 8);
	g_assert_cmpuint(get(image, 80, 8) + get(image, 88, 8), ==, 0);
	g_assert_cmpuint(get(image, 96, 4), ==, 4);
	g_assert_cmpuint(get(image, 100, 4), ==, 112);
	g_assert_cmpuint(image->length % image->cluster, ==, 0);
	g_assert_cmpuint(l1 % image->cluster, ==, 0);
	image->counts = g_new0(guint, image->length / image->cluster);
	count(image, 0, image->cluster);
	count(image, l1, l1_bytes);
	image->data = l1 + l1_bytes;
	for (guint64 at = l1; at < l1 + l1_bytes; at += 8) {
		guint64 table = table_of(image, get(image, at, 8));

		if (table > 0) {
			count(image, table, image->cluster);
			image->data = MAX(image->data, table + image->cluster);
		}
	}
	return l1;
}

static void check_refcounts(struct image *image)
{
	guint64 table = get(image, 48, 8), clusters = get(image, 56, 4),
		entries = image->cluster / 2;

	g_assert_cmpuint(table + clusters * image->cluster, <=, image->data);
	count(image, table, clusters * image->cluster);
	for (guint64 at = table; at < table + clusters * image->cluster; at += 8)
		if (get(image, at, 8) != 0)
			count(image, get(image, at, 8), image->cluster);
	for (guint64 i = 0; i < image->length / image->cluster; i++) {
		guint64 block = get(image, table + i / entries * 8, 8);

		g_assert_cmpuint(block, >, 0);
		g_assert_cmpuint(block, <, image->data);
		g_assert_cmpuint(get(image, block + i % entries * 2, 2), ==, image->counts[i]);
	}
}

/* Reads the image at PATH whole and compares it with the disk at DISK_PATH. */
static void check_image(const char *path, const char *disk_path, struct image *image)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SwSparse) disk = NULL;
	g_autofree guint8 *wanted = NULL;
	g_autofree guint8 *found = NULL;
	gsize length = 0;
	guint64 l1, entries;

	g_assert_true(g_file_get_contents(path, (char **)&image->file, &length, &error));
	g_assert_true(sw_sparse_open(disk_path, &disk, &error));
	image->length = length;
	l1 = read_header(image);
	g_assert_cmpuint(image->size, ==, sw_round_up(sw_sparse_size(disk), 512));
	wanted = g_malloc(image->cluster);
	found = g_malloc(image->cluster);
	entries = image->cluster / 8;
	for (guint64 i = 0; i * image->cluster < image->size; i++) {
		guint64 table = table_of(image, get(image, l1 + i / entries * 8, 8));

		read_cluster(image, table == 0 ? 0 : get(image, table + i % entries * 8, 8), found);
		g_assert_true(
			sw_sparse_read(disk, wanted, image->cluster, i * image->cluster, &error));
		g_assert_true(memcmp(found, wanted, image->cluster) == 0);
	}
	g_assert_no_error(error);
	check_refcounts(image);
}

static void clear_image(struct image *image)
{
	g_free(image->file);
	g_free(image->counts);
}

static char **make_options(const char *compression, const char *level, const char *cluster)
{
	g_autoptr(GPtrArray) options = g_ptr_array_new();

	if (compression != NULL)
		g_ptr_array_add(options, g_strconcat("qcow2.compression=", compression, NULL));
	if (level != NULL)
		g_ptr_array_add(options, g_strconcat("qcow2.level=", level, NULL));
	if (cluster != NULL)
		g_ptr_array_add(options, g_strconcat("qcow2.cluster-size=", cluster, NULL));
	g_ptr_array_add(options, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&options), FALSE);
}

extern const struct sw_format sw_format_qcow2;

static void convert(const char *disk, const char *path, char *const *options, int threads)
{
	struct attempt a = { .format = &sw_format_qcow2,
			     .options = options,
			     .disk = disk,
			     .path = path,
			     .threads = threads };

	write_good(&a);
}

/* Plain and compressed clusters by turns, holes, zeros, and an end that is no whole cluster. */
static const struct stretch stretches[] = {
	{ 0, 700000, KIND_TEXT },
	{ SW_MIB, 100000, KIND_RANDOM },
	{ SW_MIB + 131072, 5000, KIND_TEXT },
	{ SW_MIB + 5 * 65536, 65536, KIND_RANDOM },
	{ 2 * SW_MIB, SW_MIB, KIND_TEXT },
	{ 4 * SW_MIB, SW_MIB, KIND_ZEROS },
	{ 5 * SW_MIB, SW_MIB, KIND_RANDOM },
	{ 6 * SW_MIB, 2 * SW_MIB, KIND_SPECKS },
	{ 33 * SW_MIB, 4 * SW_MIB, KIND_TEXT },
	{ 37 * SW_MIB, 777, KIND_RANDOM },
	{ 0 },
};

static void test_images(void)
{
	static const char *const compressions[] = { "zlib", "zstd", "none" };
	static const char *const clusters[] = { "4K", "8K", "64K", "2M" };
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-qcow2-");
	g_autofree char *disk = scratch_path(scratch, "disk");
	g_autofree char *path = scratch_path(scratch, "image");

	make_disk(disk, 37 * SW_MIB + 777, stretches);
	for (size_t i = 0; i < G_N_ELEMENTS(compressions) * G_N_ELEMENTS(clusters); i++) {
		g_auto(GStrv) options = make_options(compressions[i % 3], NULL, clusters[i / 3]);
		struct image image = { 0 };

		convert(disk, path, options, 2);
		check_image(path, disk, &image);
		g_assert_true(image.plain > 0 || i / 3 == 3);
		g_assert_true((image.packed > 0) == (i % 3 != 2));
		clear_image(&image);
	}
}

static void test_levels(void)
{
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-qcow2-");
	g_autofree char *disk = scratch_path(scratch, "disk");
	g_autofree char *path = scratch_path(scratch, "image");
	guint64 sizes[10] = { 0 };

	make_disk(disk, 37 * SW_MIB + 777, stretches);
	for (int level = 1; level <= 9; level += 2) {
		g_autofree char *text = g_strdup_printf("%d", level);
		g_auto(GStrv) options = make_options("zlib", text, NULL);
		struct image image = { 0 };

		convert(disk, path, options, 2);
		check_image(path, disk, &image);
		sizes[level] = image.length;
		clear_image(&image);
	}
	g_assert_cmpuint(sizes[9], <, sizes[1]);
}

/* A disk of holes is tables only, and a block of each is enough. */
static void test_empty(void)
{
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-qcow2-");
	g_autofree char *disk = scratch_path(scratch, "disk");
	g_autofree char *path = scratch_path(scratch, "image");
	g_auto(GStrv) options = make_options(NULL, NULL, NULL);
	struct image image = { 0 };

	make_disk(disk, 100 * SW_MIB, NULL);
	convert(disk, path, options, 1);
	check_image(path, disk, &image);
	g_assert_cmpuint(image.plain + image.packed, ==, 0);
	g_assert_cmpuint(image.length, ==, 4 * 65536);
	clear_image(&image);
}

/* More packed clusters in one than a refcount can count do not occur; many do. */
static void test_many_in_one(void)
{
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-qcow2-");
	g_autofree char *disk = scratch_path(scratch, "disk");
	g_autofree char *path = scratch_path(scratch, "image");
	g_autofree guint8 *ones = g_malloc(64 * SW_MIB);
	g_auto(GStrv) options = make_options("zstd", NULL, "64K");
	g_autoptr(GError) error = NULL;
	sw_autofd int fd = -1;
	struct image image = { 0 };

	memset(ones, 1, 64 * SW_MIB);
	make_disk(disk, 64 * SW_MIB, NULL);
	fd = open(disk, O_WRONLY | O_CLOEXEC);
	g_assert_true(sw_write_at(fd, ones, 64 * SW_MIB, 0, disk, SW_ERROR_FORMAT, "t", &error));
	convert(disk, path, options, 2);
	check_image(path, disk, &image);
	g_assert_cmpuint(image.packed, ==, 1024);
	g_assert_cmpuint(image.length, ==, 6 * 65536);
	clear_image(&image);
}

/* The last cluster of packed data is counted when the block of its refcount is long written. */
static void test_late_refcount(void)
{
	static const struct stretch some[] = {
		{ 0, 4096, KIND_TEXT },
		{ SW_MIB, 20 * SW_MIB, KIND_RANDOM },
		{ 30 * SW_MIB, 4096, KIND_TEXT },
		{ 0 },
	};
	g_autoptr(SwScratch) scratch = make_scratch("slipway-test-qcow2-");
	g_autofree char *disk = scratch_path(scratch, "disk");
	g_autofree char *path = scratch_path(scratch, "image");
	g_auto(GStrv) options = make_options(NULL, NULL, "4K");
	struct image image = { 0 };

	make_disk(disk, 31 * SW_MIB, some);
	convert(disk, path, options, 2);
	check_image(path, disk, &image);
	g_assert_cmpuint(image.packed, ==, 2);
	g_assert_cmpuint(image.plain, ==, 20 * 256);
	clear_image(&image);
}

static void check_refused(const char *compression, const char *level, const char *cluster,
			  guint64 size, const char *what)
{
	g_auto(GStrv) options = make_options(compression, level, cluster);
	g_autoptr(GError) error = NULL;
	void *state = NULL;

	g_assert_false(sw_format_configure(&sw_format_qcow2, options, size, &state, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_assert_nonnull(strstr(error->message, "format qcow2: "));
	g_assert_nonnull(strstr(error->message, what));
}

static void test_options(void)
{
	g_auto(GStrv) options = make_options(NULL, NULL, "2M");
	g_autoptr(GError) error = NULL;
	void *state = NULL;

	check_refused("gzip", NULL, NULL, SW_GIB, "compression");
	check_refused(NULL, "0", NULL, SW_GIB, "level");
	check_refused(NULL, "10", NULL, SW_GIB, "level");
	check_refused(NULL, NULL, "2K", SW_GIB, "cluster-size");
	check_refused(NULL, NULL, "4M", SW_GIB, "cluster-size");
	check_refused(NULL, NULL, "96K", SW_GIB, "cluster-size");
	check_refused(NULL, NULL, "4K", 8192 * SW_GIB + 1, "larger cluster-size");
	g_assert_true(sw_format_configure(&sw_format_qcow2, options, G_GUINT64_CONSTANT(1) << 60,
					  &state, &error));
	g_assert_no_error(error);
	sw_format_release(&sw_format_qcow2, state);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qcow2/images", test_images);
	g_test_add_func("/qcow2/levels", test_levels);
	g_test_add_func("/qcow2/empty", test_empty);
	g_test_add_func("/qcow2/many-in-one", test_many_in_one);
	g_test_add_func("/qcow2/late-refcount", test_late_refcount);
	g_test_add_func("/qcow2/options", test_options);
	return g_test_run();
}
