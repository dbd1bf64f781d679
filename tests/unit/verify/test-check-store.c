/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "unit/verify/snapshot.h"
#include "verify/check.h"

/* A disk whose image is bound to others, made by hand. */

#define BOUND "./deployment/usr/lib/bootc/bound-images.d/"
#define LINK "../../../one.image"
#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* The image's entry, and the store's list; NULL: there is no store. */
struct disk {
	const char *target, *image, *list;
};

static struct sw_snapshot *make_root(const struct disk *disk)
{
	static const char *const directories[] = { "./",
						   "./deployment/",
						   "./deployment/usr/",
						   "./deployment/usr/lib/",
						   "./deployment/usr/lib/bootc/",
						   BOUND,
						   "./ostree/",
						   "./ostree/bootc/" };
	g_autofree char *text = g_strdup_printf("[Image]\nImage=%s\n", disk->image);
	g_autoptr(GByteArray) tar = g_byte_array_new();
	struct sw_snapshot *root = NULL;
	gboolean ok;

	for (guint i = 0; i < G_N_ELEMENTS(directories); i++)
		tar_add_directory(tar, directories[i], 0755);
	tar_add_file(tar, "./deployment/usr/one.image", 0644, text);
	tar_add_symlink(tar, BOUND "one.image", disk->target);
	if (disk->list != NULL) {
		tar_add_directory(tar, "./ostree/bootc/storage/", 0755);
		tar_add_directory(tar, "./ostree/bootc/storage/overlay-images/", 0700);
		tar_add_file(tar, "./ostree/bootc/storage/overlay-images/images.json", 0600,
			     disk->list);
	}
	root = fill(tar, &ok);
	g_assert_true(ok);
	return root;
}

/* The check finds STATE, and TEXT is in the first of COUNT things that it says. */
static void assert_finding(const struct disk *given, enum sw_finding_state state, guint count,
			   const char *text)
{
	g_autoptr(SwExamined) disk = g_new0(struct sw_examined, 1);
	struct sw_finding finding = { .check = sw_checks_store,
				      .details = g_ptr_array_new_with_free_func(g_free) };

	disk->root.tree = make_root(given);
	disk->deployment = g_strdup("deployment");
	disk->entries = g_ptr_array_new();
	sw_checks_store[0].run(disk, &finding);
	g_assert_cmpuint(finding.details->len, ==, count);
	if (strstr(finding.details->pdata[0], text) == NULL)
		g_error("\"%s\" is not in: %s", text, (char *)finding.details->pdata[0]);
	g_assert_cmpint(finding.state, ==, state);
	g_ptr_array_unref(finding.details);
}

static void test_found(void)
{
	static const struct disk disks[] = {
		{ LINK, "quay.io/a/b:1", "[{\"names\":[\"quay.io/c:1\",\"quay.io/a/b:1\"]}]" },
		{ "/usr/one.image", "quay.io/a/b@" DIGEST,
		  "[{\"id\":\"x\"},{\"names\":[\"quay.io/a/b@" DIGEST "\"]}]" },
		{ LINK, "quay.io/a/b", "[{\"names\":[\"quay.io/a/b:latest\"]}]" },
		{ LINK, "busybox:1", "[{\"names\":[\"docker.io/library/busybox:1\"]}]" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(disks); i++)
		assert_finding(&disks[i], SW_FOUND_OK, 1, "bound to 1 others");
}

static void test_missing(void)
{
	static const struct disk none = { LINK, "quay.io/a/b:1", NULL };
	static const struct disk empty = { LINK, "quay.io/a/b:1", "[]" };
	static const struct disk other = { LINK, "quay.io/a/b:2",
					   "[{\"names\":[\"quay.io/a/b:1\",7]},7]" };
	static const struct disk nowhere = { "../nowhere.image", "x", "[]" };
	static const struct disk specifier = { LINK, "%x", "[]" };
	static const struct disk bad_list = { LINK, "quay.io/a/b:1", "[{\"names\":7}]" };

	assert_finding(&none, SW_FOUND_WARNING, 1, "no image store");
	assert_finding(&empty, SW_FOUND_FAILED, 1, "has no quay.io/a/b:1");
	assert_finding(&other, SW_FOUND_FAILED, 1, "has no quay.io/a/b:2");
	assert_finding(&nowhere, SW_FOUND_FAILED, 1, "leads to no file");
	assert_finding(&specifier, SW_FOUND_FAILED, 1, "specifier");
	assert_finding(&bad_list, SW_FOUND_FAILED, 2, "names");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/check-store/found", test_found);
	g_test_add_func("/check-store/missing", test_missing);
	return g_test_run();
}
