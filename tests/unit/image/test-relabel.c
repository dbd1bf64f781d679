/* SPDX-License-Identifier: MIT */
#include "image/relabel.h"

#include "fake-source.h"
#include "image/image.h"
#include "repo-text.h"
#include "tarball.h"

#define FILES "etc/selinux/fixture/contexts/files/file_contexts"
#define PAX_LABEL "SCHILY.xattr.security.selinux"

static const char contexts[] = "/.*\ta:b:default_t\n"
			       "/usr/bin(/.*)?\ta:b:bin_t\n"
			       "/usr/etc/shadow\t--\ta:b:usr_etc_t\n"
			       "/etc/shadow\t--\ta:b:shadow_t\n"
			       "/mnt(/.*)?\t<<none>>\n";

static void add_policy(GByteArray *tar, const char *state)
{
	g_autofree char *config = g_strdup_printf("SELINUX=%s\nSELINUXTYPE=fixture\n", state);

	tar_add_file(tar, "etc/selinux/config", 0644, config);
	tar_add_file(tar, FILES, 0644, contexts);
}

/* Two layers: one that has everything, one that changes some of it and links into the lower one. */
static struct sw_source *make_image(const char *state)
{
	struct sw_source *source = source_new();
	GByteArray *tar = g_byte_array_new();

	tar_add_directory(tar, "./", 0755);
	add_policy(tar, state);
	tar_add_file(tar, "etc/shadow", 0600, "root");
	tar_add_file(tar, "mnt/x", 0644, "x");
	tar_add_directory(tar, "proc", 0555);
	tar_add_pax_text(tar, PAX_LABEL, "old:label");
	tar_add_file(tar, "usr/bin/one", 0755, "1");
	tar_add_hardlink(tar, "usr/share/one", "usr/bin/one");
	tar_add_symlink(tar, "usr/bin/link", "one");
	tar_end(tar);
	source_add(source, tar);
	tar = g_byte_array_new();
	tar_add_file(tar, "usr/bin/two", 0755, "2");
	tar_add_hardlink(tar, "usr/bin/three", "usr/bin/one");
	tar_add_file(tar, "etc/.wh.shadow", 0644, "");
	tar_end(tar);
	source_add(source, tar);
	source_seal(source);
	return source;
}

static struct sw_import *import(struct sw_cache *cache, struct sw_source *source)
{
	g_autoptr(GError) error = NULL;
	struct sw_import *result = NULL;

	g_assert_true(sw_image_import(cache, source, NULL, &result, NULL, &error));
	g_assert_no_error(error);
	return result;
}

/* The label of PATH in the text of a commit; "" when it has none.  Fails when it is not there. */
static char *label_of(const char *text, const char *path)
{
	g_autofree char *start = g_strconcat("\n", path, " ", NULL);
	g_autofree char *line = NULL;
	const char *found = strstr(text, start);
	const char *label = NULL;

	g_assert_nonnull(found);
	line = g_strndup(found + 1, strcspn(found + 1, "\n"));
	label = strstr(line, "(b'security.selinux', b'");
	if (label == NULL)
		return g_strdup("");
	label += strlen("(b'security.selinux', b'");
	return g_strndup(label, strcspn(label, "'"));
}

static void assert_labels(OstreeRepo *repo, const char *commit, const char *const (*rows)[2])
{
	g_autofree char *tree = repo_text(repo, commit);
	g_autofree char *text = g_strconcat("\n", tree, NULL);

	for (; (*rows)[0] != NULL; rows++) {
		g_autofree char *label = label_of(text, (*rows)[0]);

		if (!g_str_equal(label, (*rows)[1]))
			g_error("%s: '%s', not '%s'", (*rows)[0], label, (*rows)[1]);
	}
}

static const char *const merged[][2] = {
	{ "/", "a:b:default_t" },
	{ "/proc", "" },
	{ "/mnt", "" },
	{ "/mnt/x", "" },
	{ "/usr", "a:b:default_t" },
	{ "/usr/bin", "a:b:bin_t" },
	{ "/usr/bin/one", "a:b:bin_t" },
	{ "/usr/bin/two", "a:b:bin_t" },
	{ "/usr/bin/three", "a:b:bin_t" },
	{ "/usr/bin/link", "a:b:bin_t" },
	{ "/usr/share/one", "a:b:default_t" },
	{ "/usr/etc/selinux", "a:b:default_t" },
	{ NULL, NULL },
};

static const char *const lower[][2] = {
	{ "/usr/etc/shadow", "a:b:usr_etc_t" },
	{ "/usr/bin/one", "a:b:bin_t" },
	{ NULL, NULL },
};

static const char *const upper[][2] = {
	{ "/usr/bin/three", "a:b:bin_t" },
	{ "/usr/bin", "a:b:bin_t" },
	{ "/usr/etc/.wh.shadow", "a:b:default_t" },
	{ NULL, NULL },
};

/* Every file of the merge commit is one of a layer's: nothing lies twice on the disk. */
static void assert_shared(OstreeRepo *repo, const struct sw_import *result)
{
	g_autoptr(GHashTable) layers = ostree_repo_traverse_new_reachable();
	g_autoptr(GHashTable) merge = ostree_repo_traverse_new_reachable();
	GHashTableIter iter;
	gpointer key = NULL;

	for (guint i = 0; result->layer_commits[i] != NULL; i++)
		g_assert_true(ostree_repo_traverse_commit_union(repo, result->layer_commits[i], 0,
								layers, NULL, NULL));
	g_assert_true(
		ostree_repo_traverse_commit_union(repo, result->commit, 0, merge, NULL, NULL));
	g_hash_table_iter_init(&iter, merge);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		const char *checksum = NULL;
		OstreeObjectType type = 0;

		ostree_object_name_deserialize(key, &checksum, &type);
		g_assert_true(ostree_repo_fsck_object(repo, type, checksum, NULL, NULL));
		g_assert_true(type != OSTREE_OBJECT_TYPE_FILE ||
			      g_hash_table_contains(layers, key));
	}
}

static void test_image(void)
{
	g_autofree char *path = make_directory();
	g_autoptr(SwCache) cache = NULL;
	g_autoptr(SwSource) source = make_image("enforcing");
	g_autoptr(SwImport) cold = NULL;
	g_autoptr(SwImport) warm = NULL;

	g_assert_true(sw_cache_open(path, &cache, NULL, NULL));
	cold = import(cache, source);
	assert_labels(sw_cache_repo(cache), cold->commit, merged);
	assert_labels(sw_cache_repo(cache), cold->layer_commits[0], lower);
	assert_labels(sw_cache_repo(cache), cold->layer_commits[1], upper);
	assert_shared(sw_cache_repo(cache), cold);
	warm = import(cache, source);
	g_assert_cmpuint(warm->layers_fetched, ==, 0);
	g_assert_cmpstr(warm->commit, ==, cold->commit);
	g_assert_true(g_strv_equal((const char *const *)warm->layer_commits,
				   (const char *const *)cold->layer_commits));
	remove_directory(path);
}

/* The next image of the same policy has the layers labelled already. */
static void test_layer_more(void)
{
	g_autofree char *path = make_directory();
	g_autoptr(SwCache) cache = NULL;
	g_autoptr(SwSource) source = make_image("permissive");
	g_autoptr(SwImport) first = NULL;
	g_autoptr(SwImport) second = NULL;
	GByteArray *tar = g_byte_array_new();

	g_assert_true(sw_cache_open(path, &cache, NULL, NULL));
	first = import(cache, source);
	tar_add_file(tar, "usr/bin/four", 0755, "4");
	tar_end(tar);
	source_add(source, tar);
	source_seal(source);
	second = import(cache, source);
	g_assert_cmpuint(second->layers_fetched, ==, 1);
	g_assert_cmpstr(second->layer_commits[0], ==, first->layer_commits[0]);
	g_assert_cmpstr(second->layer_commits[1], ==, first->layer_commits[1]);
	assert_labels(sw_cache_repo(cache), second->commit, merged);
	remove_directory(path);
}

/* Without a policy that is on, everything stays as it came. */
static void test_off(void)
{
	static const char *const expected[][2] = {
		{ "/", "" }, { "/usr/bin/two", "" }, { "/usr/etc/selinux", "" }, { NULL, NULL }
	};
	g_autofree char *path = make_directory();
	g_autoptr(SwCache) cache = NULL;
	g_autoptr(SwSource) source = make_image("disabled");
	g_autoptr(SwImport) result = NULL;

	g_assert_true(sw_cache_open(path, &cache, NULL, NULL));
	result = import(cache, source);
	assert_labels(sw_cache_repo(cache), result->commit, expected);
	remove_directory(path);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/relabel/image", test_image);
	g_test_add_func("/relabel/layer-more", test_layer_more);
	g_test_add_func("/relabel/off", test_off);
	return g_test_run();
}
