/* SPDX-License-Identifier: MIT */
#pragma once

#include <ostree.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Temporary repositories, and the tree of a commit as text, for the tests of the image folder.
 */

/* A directory that the test is to remove with remove_directory(). */
static inline char *make_directory(void)
{
	g_autoptr(GError) error = NULL;
	char *path = g_dir_make_tmp("slipway-test-XXXXXX", &error);

	g_assert_no_error(error);
	return path;
}

/* Removes PATH and all below. */
static inline void remove_directory(const char *path)
{
	const char *argv[] = { "rm", "-rf", "--", path, NULL };

	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
				   NULL, NULL, NULL));
}

/* A new repository of the mode bare-user at PATH/repo, in a transaction; never flushed to the disk. */
static inline OstreeRepo *make_repo(const char *path)
{
	g_autofree char *name = g_build_filename(path, "repo", NULL);
	g_autoptr(GFile) file = g_file_new_for_path(name);
	OstreeRepo *repo = ostree_repo_new(file);
	g_autoptr(GError) error = NULL;

	ostree_repo_set_disable_fsync(repo, TRUE);
	g_assert_cmpint(mkdir(name, 0700), ==, 0);
	ostree_repo_create(repo, OSTREE_REPO_MODE_BARE_USER, NULL, &error);
	g_assert_no_error(error);
	ostree_repo_prepare_transaction(repo, NULL, NULL, &error);
	g_assert_no_error(error);
	return repo;
}

static inline void append_content(GString *text, GFile *file)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *content = NULL;
	gsize length = 0;

	g_assert_true(g_file_load_contents(file, NULL, &content, &length, NULL, &error));
	g_assert_no_error(error);
	if (length <= 100)
		g_string_append_printf(text, " '%s'", content);
	else
		g_string_append_printf(text, " %zu bytes", length);
}

static inline int compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static inline void append_tree(GString *text, const char *path, GFile *file)
{
	g_autoptr(GFileInfo) info = g_file_query_info(
		file, "standard::*,unix::*", G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, NULL, NULL);
	g_autoptr(GVariant) xattrs = NULL;
	guint mode = g_file_info_get_attribute_uint32(info, "unix::mode");

	g_string_append_printf(text, "%s %u:%u %06o", path,
			       g_file_info_get_attribute_uint32(info, "unix::uid"),
			       g_file_info_get_attribute_uint32(info, "unix::gid"), mode);
	g_assert_true(ostree_repo_file_get_xattrs(OSTREE_REPO_FILE(file), &xattrs, NULL, NULL));
	if (S_ISLNK(mode))
		g_string_append_printf(text, " -> %s", g_file_info_get_symlink_target(info));
	if (S_ISREG(mode))
		append_content(text, file);
	if (g_variant_n_children(xattrs) > 0) {
		g_autofree char *printed = g_variant_print(xattrs, FALSE);

		g_string_append_printf(text, " %s", printed);
	}
	g_string_append_c(text, '\n');
	if (S_ISDIR(mode)) {
		g_autoptr(GFileEnumerator) children = g_file_enumerate_children(
			file, "standard::name", G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, NULL, NULL);
		g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
		g_autoptr(GFileInfo) child = NULL;

		while ((child = g_file_enumerator_next_file(children, NULL, NULL)) != NULL) {
			g_ptr_array_add(names, g_strdup(g_file_info_get_name(child)));
			g_clear_object(&child);
		}
		g_ptr_array_sort(names, compare_names);
		for (guint i = 0; i < names->len; i++) {
			g_autoptr(GFile) next = g_file_get_child(file, names->pdata[i]);
			g_autofree char *below = g_build_filename(path, names->pdata[i], NULL);

			append_tree(text, below, next);
		}
	}
}

/* The tree of COMMIT: a line an entry with owner, mode, target or content, extended attributes. */
static inline char *repo_text(OstreeRepo *repo, const char *commit)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GFile) root = NULL;
	g_autoptr(GError) error = NULL;

	ostree_repo_read_commit(repo, commit, &root, NULL, NULL, &error);
	g_assert_no_error(error);
	append_tree(text, "/", root);
	return g_string_free(g_steal_pointer(&text), FALSE);
}
