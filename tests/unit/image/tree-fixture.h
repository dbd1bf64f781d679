/* SPDX-License-Identifier: MIT */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <ostree.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/tree.h"

/* A tree of files and a bare-user repository to commit it to, in a temporary directory. */
struct fixture {
	char *directory;
	char *tree;
	OstreeRepo *repo;
};

static inline void fixture_free(struct fixture *fixture);
typedef struct fixture Fixture;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

static inline int fixture_remove(const char *path, G_GNUC_UNUSED const struct stat *info,
				 G_GNUC_UNUSED int kind, G_GNUC_UNUSED struct FTW *ftw)
{
	return remove(path);
}

/* Removes what lies at PATH of the tree, with all below it. */
static inline void fixture_drop(struct fixture *fixture, const char *path)
{
	g_autofree char *full = g_build_filename(fixture->tree, path, NULL);

	g_assert_cmpint(nftw(full, fixture_remove, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
}

static inline void fixture_free(struct fixture *fixture)
{
	g_assert_cmpint(nftw(fixture->directory, fixture_remove, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
	g_object_unref(fixture->repo);
	g_free(fixture->directory);
	g_free(fixture->tree);
	g_free(fixture);
}

static inline struct fixture *fixture_new(void)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	g_autoptr(GError) error = NULL;
	g_autoptr(GFile) file = NULL;
	g_autofree char *path = NULL;

	fixture->directory = g_dir_make_tmp("slipway-test-XXXXXX", &error);
	g_assert_no_error(error);
	fixture->tree = g_build_filename(fixture->directory, "tree", NULL);
	path = g_build_filename(fixture->directory, "repo", NULL);
	g_assert_cmpint(mkdir(fixture->tree, 0755), ==, 0);
	g_assert_cmpint(mkdir(path, 0755), ==, 0);
	file = g_file_new_for_path(path);
	fixture->repo = ostree_repo_new(file);
	ostree_repo_set_disable_fsync(fixture->repo, TRUE);
	ostree_repo_create(fixture->repo, OSTREE_REPO_MODE_BARE_USER, NULL, &error);
	g_assert_no_error(error);
	return fixture;
}

/* Makes the directory PATH of the tree and its parents. */
static inline void fixture_mkdir(struct fixture *fixture, const char *path)
{
	g_autofree char *full = g_build_filename(fixture->tree, path, NULL);

	g_assert_cmpint(g_mkdir_with_parents(full, 0755), ==, 0);
}

static inline char *fixture_path(struct fixture *fixture, const char *path)
{
	g_autofree char *parent = g_path_get_dirname(path);

	fixture_mkdir(fixture, parent);
	return g_build_filename(fixture->tree, path, NULL);
}

/* Writes TEXT to the file PATH of the tree. */
static inline void fixture_write(struct fixture *fixture, const char *path, const char *text)
{
	g_autofree char *full = fixture_path(fixture, path);

	unlink(full);
	g_assert_true(g_file_set_contents(full, text, -1, NULL));
}

/* Makes a link to TARGET at PATH of the tree. */
static inline void fixture_link(struct fixture *fixture, const char *path, const char *target)
{
	g_autofree char *full = fixture_path(fixture, path);

	g_assert_cmpint(symlink(target, full), ==, 0);
}

/* Commits the tree; the checksum is to be freed. */
static inline char *fixture_commit(struct fixture *fixture)
{
	g_autoptr(OstreeMutableTree) tree = ostree_mutable_tree_new();
	g_autoptr(OstreeRepoCommitModifier) modifier = ostree_repo_commit_modifier_new(
		OSTREE_REPO_COMMIT_MODIFIER_FLAGS_CANONICAL_PERMISSIONS |
			OSTREE_REPO_COMMIT_MODIFIER_FLAGS_SKIP_XATTRS,
		NULL, NULL, NULL);
	g_autoptr(GFile) root = NULL;
	g_autoptr(GError) error = NULL;
	char *checksum = NULL;

	g_assert_true(ostree_repo_prepare_transaction(fixture->repo, NULL, NULL, &error));
	ostree_repo_write_dfd_to_mtree(fixture->repo, AT_FDCWD, fixture->tree, tree, modifier, NULL,
				       &error);
	g_assert_no_error(error);
	g_assert_true(ostree_repo_write_mtree(fixture->repo, tree, &root, NULL, &error));
	ostree_repo_write_commit_with_time(fixture->repo, NULL, NULL, NULL, NULL,
					   OSTREE_REPO_FILE(root), 0, &checksum, NULL, &error);
	g_assert_no_error(error);
	g_assert_true(ostree_repo_commit_transaction(fixture->repo, NULL, NULL, &error));
	return checksum;
}

/* Commits the tree and opens that. */
static inline struct sw_tree *fixture_open(struct fixture *fixture)
{
	g_autofree char *commit = fixture_commit(fixture);
	g_autoptr(GError) error = NULL;
	struct sw_tree *tree = NULL;

	g_assert_true(sw_tree_open(fixture->repo, commit, &tree, NULL, &error));
	g_assert_no_error(error);
	return tree;
}

/* Is there something at PATH of the tree? */
static inline gboolean fixture_has(struct fixture *fixture, const char *path)
{
	g_autofree char *full = g_build_filename(fixture->tree, path, NULL);
	struct stat info;

	return lstat(full, &info) == 0;
}

/*
 * Makes the tree one that meets every requirement, without an install configuration; what is there
 * already stays.
 */
static inline void fixture_make_good(struct fixture *fixture)
{
	static const char *const directories[] = { "boot", "dev", "proc",    "run",	"sys",
						   "tmp",  "var", "usr/bin", "sysroot", NULL };
	static const char *const files[][2] = {
		{ "usr/lib/modules/6.1.0-9/vmlinuz", "kernel" },
		{ "usr/lib/modules/6.1.0-9/initramfs.img", "initramfs" },
		{ "usr/lib/modules/6.1.0-9/modules.dep", "" },
		{ "usr/lib/os-release", "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 13\"\n"
					"VERSION_ID=\"13\"\n" },
		{ "usr/lib/ostree/prepare-root.conf", "[composefs]\nenabled = maybe\n" },
		{ "usr/lib/ostree/ostree-prepare-root", "program" },
		{ "usr/lib/shim/shimx64.efi.signed", "shim" },
		{ "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "grub" },
		{ "usr/lib/grub/i386-pc/boot.mod", "module" },
		{ "usr/sbin/grub-install", "program" },
		{ "usr/bin/ostree", "program" },
		{ "usr/etc/hostname", "host\n" },
	};
	static const char *const links[][2] = {
		{ "ostree", "sysroot/ostree" },
		{ "root", "var/roothome" },
		{ "usr/etc/os-release", "../usr/lib/os-release" },
	};

	for (gsize i = 0; directories[i] != NULL; i++)
		fixture_mkdir(fixture, directories[i]);
	for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
		if (!fixture_has(fixture, files[i][0]))
			fixture_write(fixture, files[i][0], files[i][1]);
	for (gsize i = 0; i < G_N_ELEMENTS(links); i++)
		if (!fixture_has(fixture, links[i][0]))
			fixture_link(fixture, links[i][0], links[i][1]);
}

/* The path of the object CHECKSUM of kind SUFFIX ("dirtree") in the repository. */
static inline char *fixture_object(struct fixture *fixture, const char *checksum,
				   const char *suffix)
{
	return g_strdup_printf("%s/repo/objects/%.2s/%s.%s", fixture->directory, checksum,
			       checksum + 2, suffix);
}
