/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <ftw.h>
#include <gio/gio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../disk.h"
#include "../registry.h"
#include "../s3.h"
#include "core/storage.h"

/* How to look into a backend. */
struct place {
	const char *name;
	/* A location that is not there yet; the caller frees it. */
	char *(*location)(const struct sw_scratch *scratch);
	/* The bytes under KEY; NULL when there is nothing. The caller frees them. */
	char *(*read)(const char *location, const char *key, gsize *ret_length);
	/* How many files or objects there are, also hidden and half-made ones. */
	guint (*count)(const char *location);
	/* How many bytes those under KEY take; NULL: nobody can know. */
	guint64 (*allocated)(const char *location, const char *key);
	gboolean on_disk; /* below a directory of this machine */
};

static char *local_location(const struct sw_scratch *scratch)
{
	return scratch_path(scratch, "out/put here");
}

static char *local_read(const char *location, const char *key, gsize *ret_length)
{
	g_autofree char *path = g_build_filename(location, key, NULL);
	char *bytes = NULL;

	return g_file_get_contents(path, &bytes, ret_length, NULL) ? bytes : NULL;
}

static guint files_seen;

static int count_file(G_GNUC_UNUSED const char *path, G_GNUC_UNUSED const struct stat *st, int type)
{
	files_seen += type != FTW_D;
	return 0;
}

static guint local_count(const char *location)
{
	files_seen = 0;
	if (ftw(location, count_file, 16) < 0)
		g_assert_cmpint(errno, ==, ENOENT);
	return files_seen;
}

static guint64 local_allocated(const char *location, const char *key)
{
	g_autofree char *path = g_build_filename(location, key, NULL);
	struct stat st;

	g_assert_cmpint(stat(path, &st), ==, 0);
	return (guint64)st.st_blocks * 512;
}

/* Below a claim that claim_options() mounts. */
static char *pvc_location(const struct sw_scratch *scratch)
{
	return scratch_path(scratch, "mnt/claim/put here");
}

static char *s3_location(G_GNUC_UNUSED const struct sw_scratch *scratch)
{
	return s3_new_location("conformance");
}

static char *oci_location(G_GNUC_UNUSED const struct sw_scratch *scratch)
{
	return registry_new_location("conformance");
}

static const struct place places[] = {
	{ "local", local_location, local_read, local_count, local_allocated, TRUE },
	{ "oci", oci_location, registry_read, registry_count, NULL, FALSE },
	{ "pvc", pvc_location, local_read, local_count, local_allocated, TRUE },
	{ "s3", s3_location, s3_read, s3_count, NULL, FALSE },
};

/* A backend that is open. */
struct session {
	const struct sw_storage *storage;
	const struct place *place;
	struct sw_scratch *scratch;
	char *location;
	void *state;
};

/* Mounts the claim of S (DIRECTORY: one that is a mount point) and says where claims are. */
static GHashTable *claim_options(const struct session *s, const char *directory,
				 char **ret_argument)
{
	GHashTable *options = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	g_autofree char *claim = scratch_path(s->scratch, "mnt/claim");

	if (directory == NULL) {
		g_assert_cmpint(g_mkdir_with_parents(claim, 0755), ==, 0);
		g_assert_cmpint(mount("tmpfs", claim, "tmpfs", 0, NULL), ==, 0);
	}
	g_hash_table_insert(options, (gpointer) "root",
			    directory == NULL ? scratch_path(s->scratch, "mnt")
					      : g_path_get_dirname(directory));
	*ret_argument =
		directory == NULL ? g_strdup("claim/put here") : g_path_get_basename(directory);
	return options;
}

static void open_session(struct session *s, const struct sw_storage *storage, const char *directory)
{
	g_autoptr(GHashTable) options = NULL;
	g_autofree char *argument = NULL;
	g_autoptr(GError) error = NULL;

	s->storage = storage;
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
		if (g_str_equal(places[i].name, storage->name))
			s->place = &places[i];
	g_assert_nonnull(s->place);
	s->scratch = make_scratch("slipway-conformance-storages-");
	s->location = directory == NULL ? s->place->location(s->scratch) : g_strdup(directory);
	s->state = g_malloc0(storage->state_size);
	if (g_str_equal(storage->name, "pvc"))
		options = claim_options(s, directory, &argument);
	if (g_str_equal(storage->name, "oci")) {
		options = g_hash_table_new(g_str_hash, g_str_equal);
		g_hash_table_insert(options, (gpointer) "plain-http", (gpointer) "true");
	}
	g_assert_true(sw_params_apply(storage->params, options, s->state, storage->name, &error));
	g_assert_true(
		storage->open(s->state, argument != NULL ? argument : s->location, NULL, &error));
	g_assert_no_error(error);
}

static void close_session(struct session *s)
{
	g_autofree char *claim = scratch_path(s->scratch, "mnt/claim");

	s->storage->close(s->state);
	sw_params_clear(s->storage->params, s->state);
	umount2(claim, MNT_DETACH);
	sw_scratch_free(s->scratch);
	g_free(s->state);
	g_free(s->location);
}

/* An artifact of these bytes in the scratch directory. */
static struct sw_artifact *make_artifact(const struct session *s, const void *bytes, size_t length)
{
	struct sw_artifact *artifact = g_new0(struct sw_artifact, 1);

	artifact->path = scratch_path(s->scratch, "artifact");
	artifact->name = g_strdup("disk");
	artifact->format = "raw";
	artifact->media_type = "application/octet-stream";
	artifact->size = length;
	sw_sha256_data(bytes, length, artifact->sha256);
	g_assert_true(g_file_set_contents(artifact->path, bytes, (gssize)length, NULL));
	return artifact;
}

/* KEY must hold these bytes. */
static void check_holds(const struct session *s, const char *key, const void *bytes, size_t length)
{
	gsize found_length = 0;
	g_autofree char *found = s->place->read(s->location, key, &found_length);

	g_assert_nonnull(found);
	g_assert_cmpuint(found_length, ==, length);
	g_assert_true(memcmp(found, bytes, length) == 0);
}

/* A put that may overwrite. */
static gboolean try_put(const struct session *s, const char *key,
			const struct sw_artifact *artifact, gboolean move,
			GCancellable *cancellable, GError **error)
{
	const struct sw_put how = { .move = move, .overwrite = TRUE };

	return s->storage->put(s->state, key, artifact, &how, cancellable, error);
}

/* One that must succeed. */
static void put(const struct session *s, const char *key, const struct sw_artifact *artifact,
		gboolean move)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(try_put(s, key, artifact, move, NULL, &error));
	g_assert_no_error(error);
}
