/* SPDX-License-Identifier: MIT */
#include "image/pax.h"

#include <string.h>

#define XATTR_PREFIX "SCHILY.xattr."

/* Linux: XATTR_NAME_MAX, XATTR_SIZE_MAX. */
#define XATTR_NAME_LIMIT 255
#define XATTR_SIZE_LIMIT 65536

static gboolean refuse(GError **error, const char *what)
{
	return sw_fail(error, SW_ERROR_SOURCE, "tar", "damaged extended tar header: %s", what);
}

/* A decimal number that is the whole of TEXT. */
static gboolean parse_decimal(const char *text, size_t length, guint64 *ret_number)
{
	guint64 number = 0;

	if (length == 0)
		return FALSE;
	for (size_t i = 0; i < length; i++)
		if (!g_ascii_isdigit(text[i]) || !g_uint64_checked_mul(&number, number, 10) ||
		    !g_uint64_checked_add(&number, number, (guint64)(text[i] - '0')))
			return FALSE;
	*ret_number = number;
	return TRUE;
}

static gboolean set_number(const char *value, size_t length, guint64 *number, gboolean *has,
			   GError **error)
{
	if (!parse_decimal(value, length, number))
		return refuse(error, "a number is none");
	*has = TRUE;
	return TRUE;
}

static gboolean set_text(const char *value, size_t length, char **text, GError **error)
{
	if (memchr(value, '\0', length) != NULL)
		return refuse(error, "a name has a NUL in it");
	g_free(*text);
	*text = g_strndup(value, length);
	return TRUE;
}

static int compare_names(gconstpointer a, gconstpointer b, G_GNUC_UNUSED gpointer data)
{
	return strcmp(a, b);
}

static gboolean add_xattr(struct sw_pax *pax, const char *name, const char *value, size_t length,
			  GError **error)
{
	if (*name == '\0' || strlen(name) > XATTR_NAME_LIMIT || length > XATTR_SIZE_LIMIT)
		return refuse(error, "an extended attribute is too long or has no name");
	if (pax->xattrs == NULL)
		pax->xattrs =
			g_tree_new_full(compare_names, NULL, g_free, (GDestroyNotify)g_bytes_unref);
	/*
	 * POSIX: an empty value takes an earlier record back.  Nor does libostree read an empty one
	 * back from a disk: its fsck would call the file corrupt.
	 */
	if (length == 0)
		g_tree_remove(pax->xattrs, name);
	else
		g_tree_replace(pax->xattrs, g_strdup(name), g_bytes_new(value, length));
	return TRUE;
}

static gboolean add_sparse(struct sw_pax *pax, const char *key, const char *value, size_t length,
			   GError **error)
{
	if (g_str_equal(key, "name"))
		return length == 0 || set_text(value, length, &pax->sparse_name, error);
	if (g_str_equal(key, "realsize"))
		return set_number(value, length, &pax->real_size, &pax->has_real_size, error);
	if (g_str_equal(key, "minor"))
		return TRUE;
	if (!g_str_equal(key, "major") || length != 1 || *value != '1')
		return refuse(error, "a sparse file of a form other than GNU's 1.0");
	pax->is_sparse = TRUE;
	return TRUE;
}

static gboolean add_record(struct sw_pax *pax, const char *key, const char *value, size_t length,
			   GError **error)
{
	if (g_str_has_prefix(key, XATTR_PREFIX))
		return add_xattr(pax, key + strlen(XATTR_PREFIX), value, length, error);
	if (g_str_has_prefix(key, "GNU.sparse."))
		return add_sparse(pax, key + strlen("GNU.sparse."), value, length, error);
	if (length == 0)
		return TRUE;
	if (g_str_equal(key, "path"))
		return set_text(value, length, &pax->path, error);
	if (g_str_equal(key, "linkpath"))
		return set_text(value, length, &pax->target, error);
	if (g_str_equal(key, "size"))
		return set_number(value, length, &pax->size, &pax->has_size, error);
	if (g_str_equal(key, "uid"))
		return set_number(value, length, &pax->uid, &pax->has_uid, error);
	if (g_str_equal(key, "gid"))
		return set_number(value, length, &pax->gid, &pax->has_gid, error);
	return TRUE;
}

/* A record is "LENGTH KEY=VALUE\n", LENGTH counting all of it. */
gboolean sw_pax_parse(struct sw_pax *pax, const char *text, size_t length, GError **error)
{
	while (length > 0) {
		const char *blank = memchr(text, ' ', length);
		g_autofree char *key = NULL;
		const char *equals = NULL;
		const char *end = NULL;
		guint64 size = 0;

		if (blank == NULL || !parse_decimal(text, (size_t)(blank - text), &size))
			return refuse(error, "a record has no length");
		if (size > length || size < (size_t)(blank - text) + 3)
			return refuse(error, "a record's length is wrong");
		end = text + size - 1;
		equals = memchr(blank + 1, '=', (size_t)(end - blank - 1));
		if (equals == NULL || *end != '\n' ||
		    memchr(blank + 1, '\0', (size_t)(equals - blank - 1)) != NULL)
			return refuse(error, "a record is malformed");
		key = g_strndup(blank + 1, (size_t)(equals - blank - 1));
		if (!add_record(pax, key, equals + 1, (size_t)(end - equals - 1), error))
			return FALSE;
		text += size;
		length -= size;
	}
	return TRUE;
}

static gboolean append_xattr(gpointer name, gpointer value, gpointer data)
{
	GVariantBuilder *builder = data;
	GVariant *bytes = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, value, TRUE);

	g_variant_builder_add(builder, "(@ay@ay)", g_variant_new_bytestring(name), bytes);
	return FALSE;
}

GVariant *sw_pax_xattrs(const struct sw_pax *pax)
{
	GVariantBuilder builder;

	if (pax->xattrs == NULL || g_tree_nnodes(pax->xattrs) == 0)
		return NULL;
	g_variant_builder_init(&builder, G_VARIANT_TYPE("a(ayay)"));
	g_tree_foreach(pax->xattrs, append_xattr, &builder);
	return g_variant_ref_sink(g_variant_builder_end(&builder));
}

void sw_pax_clear(struct sw_pax *pax)
{
	g_free(pax->path);
	g_free(pax->target);
	g_free(pax->sparse_name);
	g_clear_pointer(&pax->xattrs, g_tree_destroy);
	memset(pax, 0, sizeof(*pax));
}
