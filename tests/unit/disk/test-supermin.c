/* SPDX-License-Identifier: MIT */
#include "disk/supermin.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/file.h"
#include "core/scratch.h"

#define HALF_MADE "appliance.d.abcd1234"

/* A cache directory with one appliance and one half of one; the caller frees what it is given. */
static struct sw_scratch *make_cache(char **ret_path)
{
	static const char *const names[] = { "appliance.d", HALF_MADE, "appliance.d.abc" };
	g_autoptr(GError) error = NULL;
	struct sw_scratch *scratch = NULL;
	char *path = NULL;

	g_assert_true(sw_scratch_new(g_get_tmp_dir(), "slipway-test-supermin-", &scratch, &error));
	g_assert_no_error(error);
	path = g_strdup_printf("%s/.guestfs-%u", sw_scratch_path(scratch), geteuid());
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *directory = g_build_filename(path, names[i], NULL);
		g_autofree char *root = g_build_filename(directory, "root", NULL);

		g_assert_true(sw_mkdirs(directory, 0755, &error));
		g_assert_true(g_file_set_contents(root, "root", 4, NULL));
	}
	*ret_path = path;
	return scratch;
}

static gboolean has(const char *path, const char *name)
{
	g_autofree char *root = g_build_filename(path, name, "root", NULL);

	return g_file_test(root, G_FILE_TEST_EXISTS);
}

static void test_reclaims(void)
{
	g_autofree char *path = NULL;
	g_autoptr(SwScratch) cache = make_cache(&path);
	g_autofree char *lock = g_build_filename(path, "lock", NULL);

	/* Without a lock nobody knows. */
	sw_supermin_reclaim(sw_scratch_path(cache));
	g_assert_true(has(path, HALF_MADE));
	g_assert_true(g_file_set_contents(lock, "", 0, NULL));
	sw_supermin_reclaim(sw_scratch_path(cache));
	g_assert_false(has(path, HALF_MADE));
	g_assert_true(has(path, "appliance.d"));
	g_assert_true(has(path, "appliance.d.abc"));
	sw_supermin_reclaim("/no/such");
}

/* supermin is at work as long as it holds the lock. */
static void test_busy(void)
{
	g_autofree char *path = NULL;
	g_autoptr(SwScratch) cache = make_cache(&path);
	g_autofree char *lock = g_build_filename(path, "lock", NULL);
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	sw_autofd int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	g_assert_cmpint(fcntl(fd, F_OFD_SETLK, &all), ==, 0);
	sw_supermin_reclaim(sw_scratch_path(cache));
	g_assert_true(has(path, HALF_MADE));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/supermin/reclaims", test_reclaims);
	g_test_add_func("/supermin/busy", test_busy);
	return g_test_run();
}
