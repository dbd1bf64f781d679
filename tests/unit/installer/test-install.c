/* SPDX-License-Identifier: MIT */
#include "installer/install.h"

#include "../../disk.h"
#include "../../program.h"
#include "core/hash.h"
#include "formats/iso/payload.h"
#include "formats/shared/bmap.h"
#include "installer/bytes.h"
#include "installer/medium.h"
#include "installer/sha256.h"

/*
 * A disk that sfdisk and mkfs.fat have made becomes a medium, and is installed from it to a file.
 */
#define DISK_SIZE (64 * SW_MIB)
#define TARGET_SIZE (80 * SW_MIB + 4096)
#define MEDIUM_AT SW_MIB

struct medium {
	struct sw_scratch *scratch;
	char *disk;
	char *path;
	char *target;
};

static void run_sfdisk(const char *path, const char *script)
{
	const char *const argv[] = { "/usr/sbin/sfdisk", "-q", path, NULL };

	g_free(run_program(argv, script));
}

static void fill(guint8 *bytes, size_t length)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(7);

	for (size_t i = 0; i < length; i++)
		bytes[i] = i / 4096 % 3 == 0 ? (guint8)g_rand_int(random) : (guint8)(i / 4096);
}

static void make_source(const char *path)
{
	const char *const mkfs[] = {
		"/usr/sbin/mkfs.fat", "--invariant", "--offset", "4096", path, "16384", NULL
	};
	g_autofree guint8 *bytes = g_malloc(4 * SW_MIB);
	g_autoptr(GError) error = NULL;
	sw_autofd int fd = -1;

	make_disk(path, DISK_SIZE, NULL);
	run_sfdisk(path,
		   "label: gpt\nstart=4096, size=32768, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B\n"
		   "start=40960, size=88064, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709\n");
	g_free(run_program(mkfs, NULL));
	fill(bytes, 4 * SW_MIB);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	g_assert_true(sw_write_at(fd, bytes, 4 * SW_MIB, 30 * SW_MIB + 4096, path, SW_ERROR_FORMAT,
				  "test", &error));
}

static struct medium make_medium(void)
{
	struct medium m = { .scratch = make_scratch("slipway-test-install-") };
	struct sw_format_input input = { .threads = 2 };
	g_autoptr(SwSparse) disk = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *payload = scratch_path(m.scratch, "payload");
	g_autofree char *data = NULL;
	struct sw_output_file file = { .path = payload };
	guint8 id[SI_ID_SIZE] = { 1, 2, 3 };
	sw_autofd int fd = -1;
	gsize length = 0;

	m.disk = scratch_path(m.scratch, "disk");
	m.path = scratch_path(m.scratch, "medium");
	m.target = scratch_path(m.scratch, "target");
	make_source(m.disk);
	g_assert_true(sw_sparse_open(m.disk, &disk, &error));
	input.disk = disk;
	file.fd = open(payload, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	g_assert_true(sw_iso_write_payload(&input, id, 3, &file, NULL, &error));
	close(file.fd);
	g_assert_true(g_file_get_contents(payload, &data, &length, NULL));
	make_disk(m.path, 16 * SW_MIB, NULL);
	run_sfdisk(m.path, "label: gpt\nstart=2048, type=" SI_PARTITION_TYPE "\n");
	fd = open(m.path, O_WRONLY | O_CLOEXEC);
	g_assert_true(
		sw_write_at(fd, data, length, MEDIUM_AT, m.path, SW_ERROR_FORMAT, "test", &error));
	return m;
}

static void free_medium(struct medium *m)
{
	g_free(m->disk);
	g_free(m->path);
	g_free(m->target);
	sw_scratch_free(m->scratch);
}

/* A target of SIZE bytes, each of them BYTE. */
static void make_target(const struct medium *m, guint64 size, int byte)
{
	g_autofree guint8 *bytes = g_malloc(size);
	g_autoptr(GError) error = NULL;

	memset(bytes, byte, size);
	g_assert_true(g_file_set_contents(m->target, (char *)bytes, (gssize)size, &error));
}

static void no_progress(G_GNUC_UNUSED enum si_pass pass, uint64_t done, uint64_t all)
{
	g_assert_cmpuint(done, <=, all);
}

/* Installs; NULL, or the id of what failed. */
static const char *install(const struct medium *m, const char *line, char *ret_text)
{
	static struct si_failure failure;
	struct si_request request;
	struct si_payload payload;
	struct si_target target;
	int fd;

	failure = (struct si_failure){ 0 };
	g_assert_true(si_request_parse(line, &request, &failure));
	if (si_medium_open(m->path, &payload, &fd, &failure)) {
		if (si_target_open(&target, m->target, payload.disk_size, request.wipe, &failure)) {
			si_install(&payload, &target, &request, no_progress, &failure);
			si_target_close(&target);
		}
		si_payload_free(&payload);
		close(fd);
	}
	si_request_free(&request);
	if (ret_text != NULL)
		g_strlcpy(ret_text, failure.text, sizeof(failure.text));
	return failure.id;
}

/* All that a block map has must be on the target, but for the table. */
static void check_content(const struct medium *m)
{
	g_autofree char *from = NULL, *to = NULL;
	g_autoptr(GArray) ranges = NULL;
	g_autoptr(SwSparse) disk = NULL;
	gsize length = 0, size = 0;

	g_assert_true(sw_sparse_open(m->disk, &disk, NULL));
	g_assert_true(sw_bmap_ranges(disk, &ranges, NULL));
	g_assert_true(g_file_get_contents(m->disk, &from, &length, NULL));
	g_assert_true(g_file_get_contents(m->target, &to, &size, NULL));
	g_assert_cmpuint(ranges->len, >, 3);
	for (guint i = 0; i < ranges->len; i++) {
		const struct sw_bmap_range *r = &g_array_index(ranges, struct sw_bmap_range, i);
		guint64 start = MAX(r->start, SW_MIB);

		g_assert_true(start >= r->end ||
			      memcmp(from + start, to + start, r->end - start) == 0);
	}
}

static void test_install(void)
{
	struct medium m = make_medium();
	const char *const verify[] = { "/usr/sbin/sfdisk", "--verify", "-q", m.target, NULL };
	const char *const show[] = { "/usr/sbin/sfdisk", "-l", "-o", "Start,End", m.target, NULL };
	g_autofree char *table = NULL;

	make_target(&m, TARGET_SIZE, 0xff);
	g_assert_cmpstr(install(&m, "slipway.wipe", NULL), ==, NULL);
	check_content(&m);
	g_free(run_program(verify, NULL));
	table = run_program(show, NULL);
	/* To the end of the last whole MiB that the table leaves. */
	g_assert_nonnull(strstr(table, "40960 161791"));
	free_medium(&m);
}

static void test_same_size(void)
{
	struct medium m = make_medium();
	g_autofree char *from = NULL, *to = NULL;
	gsize length = 0, size = 0;

	make_target(&m, DISK_SIZE, 0);
	g_assert_cmpstr(install(&m, "", NULL), ==, NULL);
	check_content(&m);
	g_assert_true(g_file_get_contents(m.disk, &from, &length, NULL));
	g_assert_true(g_file_get_contents(m.target, &to, &size, NULL));
	g_assert_cmpmem(from, length, to, size);
	free_medium(&m);
}

/* Nothing is written to a disk that is refused. */
static void test_refused(void)
{
	struct medium m = make_medium();
	g_autofree char *before = NULL, *after = NULL;
	char text[512];
	gsize length = 0, size = 0;

	make_target(&m, TARGET_SIZE, 0xff);
	g_assert_true(g_file_get_contents(m.target, &before, &length, NULL));
	g_assert_cmpstr(install(&m, "", text), ==, "disk-not-empty");
	g_assert_nonnull(strstr(text, m.target));
	g_assert_nonnull(strstr(text, "slipway.wipe"));
	g_assert_true(g_file_get_contents(m.target, &after, &size, NULL));
	g_assert_cmpmem(before, length, after, size);
	make_target(&m, DISK_SIZE - 512, 0);
	g_assert_cmpstr(install(&m, "slipway.wipe", text), ==, "disk-too-small");
	g_assert_nonnull(strstr(text, m.target));
	g_assert_cmpint(unlink(m.target), ==, 0);
	g_assert_cmpstr(install(&m, "", NULL), ==, "disk");
	free_medium(&m);
}

/* Flips a bit of the medium. */
static void damage(const struct medium *m, guint64 offset)
{
	sw_autofd int fd = open(m->path, O_RDWR | O_CLOEXEC);
	guint8 byte;

	g_assert_cmpint(pread(fd, &byte, 1, (off_t)offset), ==, 1);
	byte ^= 1;
	g_assert_cmpint(pwrite(fd, &byte, 1, (off_t)offset), ==, 1);
}

static void test_damaged_frame(void)
{
	struct medium m = make_medium();
	g_autofree char *to = NULL, *named = NULL;
	struct si_payload payload;
	struct si_failure failure = { 0 };
	uint32_t number;
	uint64_t offset;
	char text[512];
	gsize size = 0;
	int fd;

	g_assert_true(si_medium_open(m.path, &payload, &fd, &failure));
	for (number = payload.count - 1; payload.frames[number].stored == 0;)
		number--;
	offset = payload.frames[number].offset;
	damage(&m, MEDIUM_AT + payload.frames[number].place + 9);
	g_assert_false(si_run_pass(SI_PASS_CHECK, &payload, NULL, no_progress, &failure));
	g_assert_cmpstr(failure.id, ==, "payload-corrupted");
	si_payload_free(&payload);
	close(fd);
	make_target(&m, TARGET_SIZE, 0xaa);
	g_assert_cmpstr(install(&m, "slipway.wipe", text), ==, "payload-corrupted");
	named = g_strdup_printf("frame %u ", number);
	g_assert_nonnull(strstr(text, named));
	g_assert_true(g_file_get_contents(m.target, &to, &size, NULL));
	/* Not a byte of it is there, and the disk does not boot. */
	for (guint i = 0; i < 4096; i++)
		g_assert_cmpint((guint8)to[offset + i], ==, 0xaa);
	for (guint i = 0; i < SW_MIB; i++)
		g_assert_cmpint(to[i], ==, 0);
	free_medium(&m);
}

/* A bit anywhere in the header or the index makes it no payload. */
static void test_damaged_index(void)
{
	struct medium m = make_medium();
	guint8 header[SI_HEADER_SIZE];
	sw_autofd int fd = open(m.path, O_RDONLY | O_CLOEXEC);

	g_assert_cmpint(pread(fd, header, sizeof(header), MEDIUM_AT), ==, sizeof(header));
	for (guint i = 0; i < SI_AT_HEADER_SUM + SI_SHA256; i++) {
		damage(&m, MEDIUM_AT + i);
		g_assert_cmpstr(install(&m, "slipway.wipe", NULL), ==, "payload");
		damage(&m, MEDIUM_AT + i);
	}
	for (guint i = 0; i < 2 * SI_ENTRY_SIZE; i++) {
		guint64 place = MEDIUM_AT + si_get64(header + SI_AT_INDEX) + i;

		damage(&m, place);
		g_assert_cmpstr(install(&m, "slipway.wipe", NULL), ==, "payload");
		damage(&m, place);
	}
	make_target(&m, TARGET_SIZE, 0);
	g_assert_cmpstr(install(&m, "", NULL), ==, NULL);
	free_medium(&m);
}

static void test_sha256(void)
{
	g_autofree guint8 *bytes = g_malloc(300);

	fill(bytes, 300);
	for (size_t length = 0; length <= 300; length++) {
		unsigned char sum[32];
		char is[65], wanted[SW_SHA256_SIZE];

		si_sha256(bytes, length, sum);
		si_print_hex(sum, sizeof(sum), is);
		sw_sha256_data(bytes, length, wanted);
		g_assert_cmpstr(is, ==, wanted);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/install/sha256", test_sha256);
	g_test_add_func("/install/install", test_install);
	g_test_add_func("/install/same-size", test_same_size);
	g_test_add_func("/install/refused", test_refused);
	g_test_add_func("/install/damaged-frame", test_damaged_frame);
	g_test_add_func("/install/damaged-index", test_damaged_index);
	return g_test_run();
}
