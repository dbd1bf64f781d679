/* SPDX-License-Identifier: MIT */
#include "core/scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"

#define PREFIX "slipway-"

/* A parent of its own for each test: itself a scratch directory. */
static struct sw_scratch *new_parent(void)
{
	g_autoptr(GError) error = NULL;
	struct sw_scratch *parent = NULL;

	g_assert_true(sw_scratch_new(g_get_tmp_dir(), "slipway-test-scratch-", &parent, &error));
	g_assert_no_error(error);
	return parent;
}

static struct sw_scratch *new_below(const struct sw_scratch *parent)
{
	g_autoptr(GError) error = NULL;
	struct sw_scratch *scratch = NULL;

	g_assert_true(sw_scratch_new(sw_scratch_path(parent), PREFIX, &scratch, &error));
	g_assert_no_error(error);
	return scratch;
}

static gboolean exists(const char *path)
{
	struct stat stat;

	return lstat(path, &stat) == 0;
}

/* Makes the directory NAME in PATH; the caller frees its path. */
static char *make_directory(const char *path, const char *name, mode_t mode)
{
	char *directory = g_build_filename(path, name, NULL);

	g_assert_cmpint(mkdir(directory, mode), ==, 0);
	return directory;
}

static void make_file(const char *directory, const char *name)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);

	g_assert_true(g_file_set_contents(path, "x", 1, NULL));
}

static void test_lifetime(void)
{
	g_autoptr(SwScratch) parent = new_parent();
	g_autoptr(SwScratch) other = new_below(parent);
	struct sw_scratch *scratch = new_below(parent);
	g_autofree char *path = g_strdup(sw_scratch_path(scratch));
	struct stat stat_buffer;

	g_assert_true(g_path_is_absolute(path));
	g_assert_cmpint(stat(path, &stat_buffer), ==, 0);
	g_assert_cmpint(stat_buffer.st_mode, ==, S_IFDIR | 0700);
	g_assert_cmpstr(path, !=, sw_scratch_path(other));
	make_file(path, "f");
	sw_scratch_free(scratch);
	g_assert_false(exists(path));
	g_assert_true(exists(sw_scratch_path(other)));
	sw_scratch_free(NULL);
}

/* Links, permissions of zero, odd names and files: all goes, what links point to stays. */
static void test_removes_all(void)
{
	g_autoptr(SwScratch) parent = new_parent();
	struct sw_scratch *scratch = new_below(parent);
	g_autofree char *path = g_strdup(sw_scratch_path(scratch));
	g_autofree char *outside = make_directory(sw_scratch_path(parent), "outside", 0755);
	g_autofree char *closed = make_directory(path, "closed", 0700);
	g_autofree char *deeper = make_directory(closed, "0", 0700);
	g_autofree char *bottom = make_directory(deeper, "0", 0700);
	g_autofree char *link = g_build_filename(deeper, "link", NULL);
	g_autofree char *fifo = g_build_filename(deeper, "fifo", NULL);
	g_autofree char *kept = g_build_filename(outside, "kept", NULL);

	make_file(outside, "kept");
	make_file(bottom, "0");
	make_file(bottom, "-rf *\n");
	make_file(path, "0");
	make_file(path, "1");
	g_assert_cmpint(symlink(outside, link), ==, 0);
	g_assert_cmpint(mkfifo(fifo, 0), ==, 0);
	g_assert_cmpint(chmod(bottom, 0), ==, 0);
	g_assert_cmpint(chmod(deeper, 0), ==, 0);
	g_assert_cmpint(chmod(closed, 0), ==, 0);
	sw_scratch_free(scratch);
	g_assert_false(exists(path));
	g_assert_true(exists(kept));
}

/* A tree deeper than the descriptors reach, with a file at its end. */
static void test_deep(void)
{
	g_autoptr(SwScratch) parent = new_parent();
	struct sw_scratch *scratch = new_below(parent);
	g_autofree char *path = g_strdup(sw_scratch_path(scratch));
	sw_autofd int at = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < 2000; i++) {
		int next = -1;

		g_assert_cmpint(mkdirat(at, "d", 0700), ==, 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		g_assert_cmpint(next, >=, 0);
		close(at);
		at = next;
	}
	g_assert_cmpint(mknodat(at, "f", S_IFREG | 0600, 0), ==, 0);
	sw_scratch_free(scratch);
	g_assert_false(exists(path));
}

/*
 * What a killed owner left goes with the next; what a living one has, and what only looks alike,
 * stays.
 */
static void test_reclaims(void)
{
	g_autoptr(SwScratch) parent = new_parent();
	g_autoptr(SwScratch) living = new_below(parent);
	const char *in = sw_scratch_path(parent);
	g_autofree char *dead = make_directory(in, PREFIX "bcd234fgh567", 0700);
	g_autofree char *inner = make_directory(dead, "inner", 0700);
	g_autofree char *shorter = make_directory(in, PREFIX "bcd234fgh56", 0700);
	g_autofree char *longer = make_directory(in, PREFIX "bcd234fgh5678", 0700);
	g_autofree char *dotted = make_directory(in, PREFIX "bcd.34fgh567", 0700);
	g_autofree char *other = make_directory(in, "other-bcd234fgh567", 0700);
	g_autofree char *word = make_directory(in, PREFIX "build-output", 0700);
	g_autofree char *open_to_all = make_directory(in, PREFIX "234567234567", 0755);
	g_autofree char *file = g_build_filename(in, PREFIX "234567bcdfgh", NULL);
	g_autofree char *link = g_build_filename(in, PREFIX "bcdfgh234567", NULL);
	g_autoptr(SwScratch) next = NULL;

	make_file(inner, "f");
	make_file(sw_scratch_path(living), "f");
	make_file(in, PREFIX "234567bcdfgh");
	g_assert_cmpint(symlink(other, link), ==, 0);
	next = new_below(parent);
	g_assert_false(exists(dead));
	g_assert_true(exists(sw_scratch_path(living)));
	g_assert_true(exists(shorter));
	g_assert_true(exists(longer));
	g_assert_true(exists(dotted));
	g_assert_true(exists(other));
	g_assert_true(exists(word));
	g_assert_true(exists(open_to_all));
	g_assert_true(exists(file));
	g_assert_true(exists(link));
}

static void test_keep(void)
{
	g_autoptr(SwScratch) parent = new_parent();
	struct sw_scratch *scratch = new_below(parent);
	g_autofree char *path = g_strdup(sw_scratch_path(scratch));
	g_autoptr(SwScratch) next = NULL;

	sw_scratch_keep(scratch);
	sw_scratch_free(scratch);
	next = new_below(parent);
	g_assert_true(exists(path));
}

/* A killed owner holds its lock no more. */
static void test_killed_owner(void)
{
	g_autoptr(SwScratch) parent = new_parent();
	g_autoptr(SwScratch) next = NULL;
	g_autoptr(GDir) directory = NULL;
	pid_t pid = fork();
	int status = 0;
	guint count = 0;

	if (pid == 0) {
		struct sw_scratch *scratch = NULL;

		if (sw_scratch_new(sw_scratch_path(parent), PREFIX, &scratch, NULL))
			raise(SIGKILL);
		_exit(1);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFSIGNALED(status));
	next = new_below(parent);
	directory = g_dir_open(sw_scratch_path(parent), 0, NULL);
	while (g_dir_read_name(directory) != NULL)
		count++;
	g_assert_cmpuint(count, ==, 1);
}

/* Somebody else's directory stays, even for root. */
static void test_foreign(void)
{
	g_autoptr(SwScratch) parent = new_parent();
	g_autoptr(SwScratch) next = NULL;
	g_autofree char *foreign = NULL;

	if (geteuid() != 0) {
		g_test_skip("needs root to give a directory away");
		return;
	}
	foreign = make_directory(sw_scratch_path(parent), PREFIX "bcd234fgh567", 0700);
	make_file(foreign, "f");
	g_assert_cmpint(chown(foreign, 65534, 65534), ==, 0);
	next = new_below(parent);
	g_assert_true(exists(foreign));
	g_assert_cmpint(chown(foreign, 0, 0), ==, 0);
}

/* Not into another mount, be it another filesystem or the same one bound. */
static void check_mount(const char *type)
{
	g_autoptr(SwScratch) parent = new_parent();
	struct sw_scratch *scratch = new_below(parent);
	g_autofree char *path = g_strdup(sw_scratch_path(scratch));
	g_autofree char *outside = make_directory(sw_scratch_path(parent), "outside", 0755);
	g_autofree char *point = make_directory(path, "point", 0755);
	g_autofree char *kept = g_build_filename(point, "kept", NULL);
	unsigned long flags = type == NULL ? MS_BIND : 0;

	if (mount(outside, point, type, flags, NULL) < 0) {
		g_test_skip("needs the right to mount");
		sw_scratch_free(scratch);
		return;
	}
	make_file(point, "kept");
	make_file(path, "gone");
	sw_scratch_free(scratch);
	g_assert_true(exists(kept));
	g_assert_cmpint(umount(point), ==, 0);
}

static void test_mounts(void)
{
	check_mount("tmpfs");
	check_mount(NULL);
}

static gpointer churn(gpointer parent)
{
	for (int i = 0; i < 100; i++) {
		g_autoptr(SwScratch) scratch = new_below(parent);

		make_file(sw_scratch_path(scratch), "f");
		g_assert_true(exists(sw_scratch_path(scratch)));
	}
	return NULL;
}

/* Makers and reclaimers at once: nobody loses a directory, none is left. */
static void test_race(void)
{
	g_autoptr(SwScratch) parent = new_parent();
	GThread *threads[4];
	g_autoptr(GDir) directory = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("churn", churn, parent);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		g_thread_join(threads[i]);
	directory = g_dir_open(sw_scratch_path(parent), 0, NULL);
	g_assert_null(g_dir_read_name(directory));
}

static void test_fails(void)
{
	g_autoptr(GError) error = NULL;
	struct sw_scratch *scratch = NULL;

	g_assert_false(sw_scratch_new("/no/such", PREFIX, &scratch, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
	g_assert_cmpstr(sw_error_id(error), ==, "scratch");
	g_assert_null(scratch);
	g_clear_error(&error);
	g_assert_false(sw_scratch_new("/proc", PREFIX, &scratch, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_ENVIRONMENT);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/scratch/lifetime", test_lifetime);
	g_test_add_func("/scratch/removes-all", test_removes_all);
	g_test_add_func("/scratch/deep", test_deep);
	g_test_add_func("/scratch/reclaims", test_reclaims);
	g_test_add_func("/scratch/keep", test_keep);
	g_test_add_func("/scratch/killed-owner", test_killed_owner);
	g_test_add_func("/scratch/foreign", test_foreign);
	g_test_add_func("/scratch/mounts", test_mounts);
	g_test_add_func("/scratch/race", test_race);
	g_test_add_func("/scratch/fails", test_fails);
	return g_test_run();
}
