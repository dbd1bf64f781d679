/* SPDX-License-Identifier: MIT */
#include "store/place.h"

#include <string.h>
#include <sys/mman.h>

#include "core/file.h"
#include "core/size.h"

/* The options of the backend out of OPTIONS, and over them those of URI. */
static GHashTable *merge_options(const struct sw_store_uri *uri, char *const *options)
{
	GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	const char *name = uri->storage->name;
	GHashTableIter iter;
	gpointer key, value;

	for (; options != NULL && *options != NULL; options++) {
		size_t length = strlen(name), equals = strcspn(*options, "=");

		if (strncmp(*options, name, length) == 0 && (*options)[length] == '.' &&
		    equals > length)
			g_hash_table_insert(all,
					    g_strndup(*options + length + 1, equals - length - 1),
					    g_strdup(*options + equals + 1));
	}
	g_hash_table_iter_init(&iter, uri->options);
	while (g_hash_table_iter_next(&iter, &key, &value))
		g_hash_table_replace(all, g_strdup(key), g_strdup(value));
	return all;
}

char **sw_store_options(char *const *options, const char *authfile)
{
	GPtrArray *all = g_ptr_array_new();

	for (const struct sw_storage *const *s = sw_storages; authfile != NULL && *s != NULL; s++)
		for (const struct sw_param *p = (*s)->params; p != NULL && p->name != NULL; p++)
			if (g_str_equal(p->name, "authfile"))
				g_ptr_array_add(all, g_strdup_printf("%s.%s=%s", (*s)->name,
								     p->name, authfile));
	/* Of two of one name the later one holds. */
	for (; options != NULL && *options != NULL; options++)
		g_ptr_array_add(all, g_strdup(*options));
	g_ptr_array_add(all, NULL);
	return (char **)g_ptr_array_free(all, FALSE);
}

gboolean sw_store_open(const struct sw_store_uri *uri, const char *location, char *const *options,
		       struct sw_store **ret_store, GCancellable *cancellable, GError **error)
{
	g_autoptr(GHashTable) given = merge_options(uri, options);
	g_autofree char *owner = g_strconcat("storage ", uri->storage->name, NULL);
	g_autoptr(SwStore) store = g_new0(struct sw_store, 1);

	store->storage = uri->storage;
	store->text = g_strdup(uri->text);
	store->state = g_malloc0(MAX(uri->storage->state_size, 1));
	if (!sw_params_apply(uri->storage->params, given, store->state, owner, error) ||
	    !uri->storage->open(store->state, location != NULL ? location : uri->location,
				cancellable, error))
		return FALSE;
	*ret_store = g_steal_pointer(&store);
	return TRUE;
}

void sw_store_free(struct sw_store *store)
{
	if (store == NULL)
		return;
	store->storage->close(store->state);
	sw_params_clear(store->storage->params, store->state);
	g_free(store->state);
	g_free(store->text);
	g_free(store);
}

gboolean sw_store_has(struct sw_store *store, const char *key, gboolean *ret_there,
		      struct sw_stored *ret_stored, GCancellable *cancellable, GError **error)
{
	g_autoptr(GError) problem = NULL;

	*ret_there = store->storage->stat(store->state, key, ret_stored, cancellable, &problem);
	if (*ret_there || g_str_equal(sw_error_id(problem), "no-key"))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&problem));
	return FALSE;
}

/* A hash that counts. */
struct hashing {
	struct sw_sha256 *hash;
	guint64 size;
};

static gboolean hash_bytes(const void *bytes, size_t length, void *data,
			   G_GNUC_UNUSED GError **error)
{
	struct hashing *hashing = data;

	sw_sha256_update(hashing->hash, bytes, length);
	hashing->size += length;
	return TRUE;
}

gboolean sw_store_hash(struct sw_store *store, const char *key, char ret_hex[SW_SHA256_SIZE],
		       guint64 *ret_size, GCancellable *cancellable, GError **error)
{
	g_autoptr(SwSha256) hash = sw_sha256_new();
	struct hashing hashing = { .hash = hash };

	if (!store->storage->get(store->state, key, 0, hash_bytes, &hashing, cancellable, error))
		return FALSE;
	sw_sha256_hex(hash, ret_hex);
	*ret_size = hashing.size;
	return TRUE;
}

/* A text that must not become large. */
struct reading {
	GString *text;
	size_t limit;
	const char *key;
};

static gboolean read_bytes(const void *bytes, size_t length, void *data, GError **error)
{
	struct reading *reading = data;
	g_autofree char *limit = NULL;

	if (length <= reading->limit - reading->text->len) {
		g_string_append_len(reading->text, bytes, (gssize)length);
		return TRUE;
	}
	limit = sw_size_format(reading->limit);
	return sw_fail(error, SW_ERROR_STORAGE, "too-large", "%s is larger than %s", reading->key,
		       limit);
}

gboolean sw_store_read(struct sw_store *store, const char *key, size_t limit, char **ret_text,
		       GCancellable *cancellable, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct reading reading = { .text = text, .limit = limit, .key = key };

	if (!store->storage->get(store->state, key, 0, read_bytes, &reading, cancellable, error))
		return FALSE;
	if (strlen(text->str) != text->len)
		return sw_fail(error, SW_ERROR_STORAGE, "not-text", "%s is no text", key);
	*ret_text = g_string_free(g_steal_pointer(&text), FALSE);
	return TRUE;
}

gboolean sw_store_write(struct sw_store *store, const char *key, const char *text,
			const char *media_type, GCancellable *cancellable, GError **error)
{
	const struct sw_put how = { .overwrite = TRUE };
	struct sw_artifact artifact = { .format = "record", .media_type = media_type };
	g_autofree char *name = g_path_get_basename(key);
	g_autofree char *path = NULL;
	/* A file that is gone with the process, however that ends. */
	sw_autofd int fd = memfd_create("record", MFD_CLOEXEC);

	if (fd < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "record", "cannot write %s",
				     name);
	path = g_strdup_printf("/proc/self/fd/%d", fd);
	artifact.path = path;
	artifact.name = name;
	artifact.size = strlen(text);
	sw_sha256_data(text, strlen(text), artifact.sha256);
	return sw_write_at(fd, text, strlen(text), 0, name, SW_ERROR_ENVIRONMENT, "record",
			   error) &&
	       store->storage->put(store->state, key, &artifact, &how, cancellable, error);
}
