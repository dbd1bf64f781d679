/* SPDX-License-Identifier: MIT */
#pragma once

#include "blob.h"
#include "core/hash.h"
#include "repo-text.h"
#include "tarball.h"

/*
 * Writes the layers of encapsulated images (contract 1.5) for the tests of the image folder.
 */

/* How the extended attributes of a file object stand in front of it. */
enum form { FORM_INLINE, FORM_LINKS, FORM_FIRST, FORM_COUNT };

#define OBJECTS "sysroot/ostree/repo/objects/"

/* An entry of any name and target, GNU's headers in front where these are long. */
static inline void add_entry(GByteArray *tar, char type, const char *name, const char *target,
			     guint mode, guint uid, guint gid, const void *data, gsize length)
{
	if (strlen(name) > 100) {
		tar_add_header(tar, 'L', "././@LongLink", NULL, 0, 0, 0, strlen(name) + 1);
		tar_add_data(tar, name, strlen(name) + 1);
	}
	if (target != NULL && strlen(target) > 100) {
		tar_add_header(tar, 'K', "././@LongLink", NULL, 0, 0, 0, strlen(target) + 1);
		tar_add_data(tar, target, strlen(target) + 1);
	}
	tar_add_header(tar, type, name, target, mode, uid, gid, length);
	tar_add_data(tar, data, length);
}

/* OBJECTS/ab/cdef... and SUFFIX. */
static inline char *object_path(const char *checksum, const char *suffix)
{
	return g_strdup_printf(OBJECTS "%.2s/%s%s", checksum, checksum + 2, suffix);
}

/* Adds the object CHECKSUM of the type that SUFFIX says. */
static inline void add_object(GByteArray *tar, const char *checksum, const char *suffix,
			      const void *data, gsize length)
{
	g_autofree char *path = object_path(checksum, suffix);

	add_entry(tar, '0', path, NULL, 0644, 0, 0, data, length);
}

/* Adds VARIANT as an object under its own checksum, which RET_CHECKSUM (may be NULL) gets. */
static inline void add_variant(GByteArray *tar, GVariant *variant, const char *suffix,
			       char ret_checksum[SW_SHA256_SIZE])
{
	char checksum[SW_SHA256_SIZE];

	sw_sha256_data(g_variant_get_data(variant), g_variant_get_size(variant), checksum);
	add_object(tar, checksum, suffix, g_variant_get_data(variant), g_variant_get_size(variant));
	if (ret_checksum != NULL)
		memcpy(ret_checksum, checksum, sizeof(checksum));
}

static inline void add_xattrs(GByteArray *tar, const char *checksum, GVariant *xattrs,
			      enum form form, GHashTable *shared)
{
	const void *data = g_variant_get_data(xattrs);
	gsize length = g_variant_get_size(xattrs);
	g_autofree char *link =
		object_path(checksum, form == FORM_FIRST ? ".file.xattrs" : ".file-xattrs-link");
	g_autofree char *target = NULL;
	char digest[SW_SHA256_SIZE];

	sw_sha256_data(data != NULL ? data : "", length, digest);
	if (form == FORM_INLINE) {
		add_entry(tar, '0', link, NULL, 0644, 0, 0, data, length);
		return;
	}
	target = form == FORM_LINKS ? object_path(digest, ".file-xattrs")
				    : g_strconcat("sysroot/ostree/repo/xattrs/", digest, NULL);
	if (g_hash_table_add(shared, g_strdup(digest)))
		add_entry(tar, '0', target, NULL, 0644, 0, 0, data, length);
	add_entry(tar, '1', link, target, 0644, 0, 0, NULL, 0);
}

/* Adds the file object CHECKSUM of REPO and a path that is a hard link to it. */
static inline void add_file(GByteArray *tar, OstreeRepo *repo, const char *checksum, enum form form,
			    GHashTable *shared)
{
	g_autofree char *path = object_path(checksum, ".file");
	g_autofree char *visible = g_strconcat("usr/", checksum, NULL);
	g_autoptr(GInputStream) content = NULL;
	g_autoptr(GFileInfo) info = NULL;
	g_autoptr(GVariant) xattrs = NULL;
	g_autofree char *data = NULL;
	gsize length = 0;
	guint mode = 0;
	guint uid = 0;
	guint gid = 0;

	g_assert_true(ostree_repo_load_file(repo, checksum, &content, &info, &xattrs, NULL, NULL));
	uid = g_file_info_get_attribute_uint32(info, "unix::uid");
	gid = g_file_info_get_attribute_uint32(info, "unix::gid");
	mode = g_file_info_get_attribute_uint32(info, "unix::mode");
	add_xattrs(tar, checksum, xattrs, form, shared);
	/* Attributes of the visible kind, which the importer is to ignore. */
	tar_add_pax_text(tar, "SCHILY.xattr.user.visible", "x");
	if (form != FORM_FIRST)
		mode &= 07777;
	if (content == NULL) {
		add_entry(tar, '2', path, g_file_info_get_symlink_target(info), mode, uid, gid,
			  NULL, 0);
	} else {
		length = (gsize)g_file_info_get_size(info);
		data = g_malloc(length + 1);
		g_assert_true(g_input_stream_read_all(content, data, length, &length, NULL, NULL));
		add_entry(tar, '0', path, NULL, mode, uid, gid, data, length);
	}
	add_entry(tar, '1', visible, path, mode, uid, gid, NULL, 0);
}

/*
 * The layer number PART of PARTS of COMMIT: the first has the commit, what is known of it, and all
 * metadata; each has its share of the files.
 */
static inline GByteArray *encapsulate(OstreeRepo *repo, const char *commit, enum form form,
				      guint part, guint parts)
{
	static const char *const suffixes[] = { NULL, ".file", ".dirtree", ".dirmeta", ".commit" };
	GByteArray *tar = g_byte_array_new();
	g_autoptr(GHashTable) shared = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable) objects = NULL;
	g_autoptr(GVariant) variant = NULL;
	g_autoptr(GVariant) detached = NULL;
	GHashTableIter iter;
	gpointer key = NULL;

	g_assert_true(ostree_repo_traverse_commit(repo, commit, 0, &objects, NULL, NULL));
	g_assert_true(ostree_repo_load_commit(repo, commit, &variant, NULL, NULL));
	g_assert_true(
		ostree_repo_read_commit_detached_metadata(repo, commit, &detached, NULL, NULL));
	tar_add_directory(tar, "./", 0755);
	tar_add_directory(tar, "sysroot/ostree/repo", 0755);
	if (part == 0) {
		add_entry(tar, '0', "sysroot/ostree/repo/config", NULL, 0644, 0, 0, "[core]\n", 7);
		add_variant(tar, variant, ".commit", NULL);
		if (detached != NULL)
			add_object(tar, commit, ".commitmeta", g_variant_get_data(detached),
				   g_variant_get_size(detached));
	}
	g_hash_table_iter_init(&iter, objects);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		g_autoptr(GVariant) metadata = NULL;
		const char *checksum = NULL;
		OstreeObjectType type = 0;

		ostree_object_name_deserialize(key, &checksum, &type);
		if (type == OSTREE_OBJECT_TYPE_FILE) {
			if ((guint)g_ascii_xdigit_value(checksum[0]) % parts == part)
				add_file(tar, repo, checksum, form, shared);
		} else if (type != OSTREE_OBJECT_TYPE_COMMIT && part == 0) {
			g_assert_true(
				ostree_repo_load_variant(repo, type, checksum, &metadata, NULL));
			add_variant(tar, metadata, suffixes[type], NULL);
		}
	}
	tar_end(tar);
	return tar;
}

/* Makes VARIANT an object of REPO; returns its checksum. */
static inline char *write_metadata(OstreeRepo *repo, OstreeObjectType type, GVariant *variant)
{
	g_autoptr(GVariant) sunk = g_variant_ref_sink(variant);
	g_autofree guchar *checksum = NULL;
	g_autoptr(GError) error = NULL;

	ostree_repo_write_metadata(repo, type, NULL, sunk, &checksum, NULL, &error);
	g_assert_no_error(error);
	return ostree_checksum_from_bytes(checksum);
}

/* The metadata of a directory 0755 of root's. */
static inline GVariant *dirmeta_new(void)
{
	return g_variant_new("(uuu@a(ayay))", 0, 0, GUINT32_TO_BE(040755),
			     g_variant_new("a(ayay)", NULL));
}

/* A dirtree that has COUNT subdirectories, all of the same CONTENTS and META. */
static inline GVariant *dirtree_new(guint count, const char *contents, const char *meta)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a(sayay)"));
	for (guint i = 0; i < count; i++) {
		g_autofree char *name = g_strdup_printf("d%u", i);

		g_variant_builder_add(&builder, "(s@ay@ay)", name,
				      ostree_checksum_to_bytes_v(contents),
				      ostree_checksum_to_bytes_v(meta));
	}
	return g_variant_new("(@a(say)@a(sayay))", g_variant_new("a(say)", NULL),
			     g_variant_builder_end(&builder));
}

/* A commit of the directory CONTENTS with META. */
static inline GVariant *commit_new(const char *contents, const char *meta)
{
	return g_variant_new("(@a{sv}@ay@a(say)sst@ay@ay)", g_variant_new("a{sv}", NULL),
			     g_variant_new_array(G_VARIANT_TYPE_BYTE, NULL, 0),
			     g_variant_new("a(say)", NULL), "", "", (guint64)0,
			     ostree_checksum_to_bytes_v(contents),
			     ostree_checksum_to_bytes_v(meta));
}
