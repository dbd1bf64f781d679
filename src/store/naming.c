/* SPDX-License-Identifier: MIT */
#include "store/naming.h"

#include <string.h>

#include "core/param.h"
#include "core/storage.h"

#define ID "layout"
#define DIGEST_SHOWN 12

/* Keys of one artifact that a layout gives; which, depends on the artifact. */
struct preset {
	const char *name;
	const char *template;
	const char *boot;   /* of a kernel and an initramfs; NULL: as all */
	const char *tree;   /* of a root filesystem as one file; NULL: as all */
	const char *record; /* what the names of the record's files begin with */
};

static const struct preset presets[] = {
	{ "default", "{name}/{version}/{arch}/{path}", NULL, NULL, "{name}/{version}/{arch}/" },
	{ "flightctl", "{name}/{type}.{ext}", NULL, NULL, "{name}/" },
	{ "openchami", "{os_id}{os_version}-{name}-{tag}.{ext}", "efi-images/{file}",
	  "{os_id}{os_version}-{name}-{tag}", "{os_id}{os_version}-{name}-{tag}." },
	{ "bib", "{path}", NULL, NULL, "" },
};

const char *const sw_layout_presets[] = { "default", "flightctl", "openchami", "bib", NULL };

static const char *const placeholders[] = { "name",	"version", "arch",  "type",  "ext",
					    "digest12", "date",	   "build", "os_id", "os_version",
					    "tag",	"path",	   "file",  NULL };
/* They differ between the artifacts of one build. */
static const char *const of_artifacts[] = { "type", "ext", "path", "file", NULL };

static const struct preset *find_preset(const char *name)
{
	for (guint i = 0; i < G_N_ELEMENTS(presets); i++)
		if (g_str_equal(presets[i].name, name))
			return &presets[i];
	return NULL;
}

/* The name of the placeholder that TEXT (behind its brace) begins with; NULL: no closing brace. */
static char *placeholder_at(const char *text)
{
	const char *end = strchr(text, '}');

	return end == NULL ? NULL : g_strndup(text, (gsize)(end - text));
}

static gboolean check_placeholders(const char *text, gboolean *ret_tells, GError **error)
{
	*ret_tells = FALSE;
	for (const char *p = text; (p = strpbrk(p, "{}")) != NULL; p++) {
		g_autofree char *name = *p == '{' ? placeholder_at(p + 1) : NULL;
		const char *near = NULL;

		if (name == NULL)
			return sw_fail(error, SW_ERROR_USAGE, ID,
				       "the layout has a brace without its other half");
		if (!g_strv_contains(placeholders, name)) {
			near = sw_nearest(name, placeholders);
			return sw_fail(error, SW_ERROR_USAGE, ID,
				       "the layout has an unknown placeholder {%s}%s%s%s", name,
				       near == NULL ? "" : "; did you mean {",
				       near == NULL ? "" : near, near == NULL ? "" : "}?");
		}
		*ret_tells |= g_strv_contains(of_artifacts, name);
		p += strlen(name) + 1;
	}
	return TRUE;
}

gboolean sw_layout_check(const char *text, char **ret_canonical, GError **error)
{
	const char *near = sw_nearest(text, sw_layout_presets);
	g_autofree char *all = NULL;
	gboolean tells = FALSE;

	if (find_preset(text) == NULL) {
		if (strchr(text, '{') == NULL) {
			all = g_strjoinv(", ", (char **)sw_layout_presets);
			return sw_fail(error, SW_ERROR_USAGE, ID,
				       "\"%s\" is none of the layouts %s%s%s%s, and no template "
				       "such as {name}/{type}.{ext}",
				       text, all, near == NULL ? "" : " (did you mean ",
				       near == NULL ? "" : near, near == NULL ? "" : "?)");
		}
		if (!check_placeholders(text, &tells, error))
			return FALSE;
		if (!tells)
			return sw_fail(error, SW_ERROR_USAGE, ID,
				       "the layout would put all artifacts on one key: use {type}, "
				       "{ext}, {file} or {path}");
		if (!sw_key_check(text, NULL))
			return sw_fail(error, SW_ERROR_USAGE, ID,
				       "the layout is no key: it must be relative, without \"..\" "
				       "and empty parts");
	}
	*ret_canonical = g_strdup(text);
	return TRUE;
}

gboolean sw_layout_has_tags(const char *layout)
{
	const struct preset *preset = find_preset(layout);
	const char *template = preset != NULL ? preset->template : layout;

	return strstr(template, "{tag}") != NULL || strstr(template, "{version}") != NULL;
}

/* "gz" of "a.tar.gz" with what it packs: "tar.gz"; "" where there is none. */
static const char *extension(const char *file)
{
	static const char *const packers[] = { "gz", "xz", "zst", "bz2", NULL };
	const char *end = file + strlen(file), *found = end;

	for (const char *p = end; p-- > file;) {
		if (*p == '.') {
			if (p == file || p + 1 == end || !g_ascii_isalpha(p[1]))
				return found;
			if (found != end && !g_strv_contains(packers, found))
				return found;
			found = p + 1;
		} else if (!g_ascii_isalnum(*p)) {
			return found;
		}
	}
	return found;
}

static char *stem(const char *file)
{
	size_t length = strlen(file) - strlen(extension(file));

	return g_strndup(file, length == strlen(file) ? length : length - 1);
}

/* An artifact among the others. */
struct item {
	const struct sw_artifact *artifact;
	const struct sw_artifact *main; /* the first of its type */
	char *file;
};

/* A further file of a type is told by its own name. */
static char *type_of(const struct item *item)
{
	const char *type = item->artifact->format;
	g_autofree char *main_file = g_path_get_basename(item->main->name);
	g_autofree char *main_stem = stem(main_file);
	g_autofree char *own = stem(item->file);

	if (item->artifact == item->main || g_str_equal(main_stem, own))
		return g_strdup(type);
	return g_strconcat(type, "-", own, NULL);
}

static const char *short_digest(const char *digest, char buffer[DIGEST_SHOWN + 1])
{
	const char *hex = digest == NULL ? NULL : strchr(digest, ':');

	if (digest == NULL)
		return NULL;
	g_strlcpy(buffer, hex == NULL ? digest : hex + 1, DIGEST_SHOWN + 1);
	return buffer;
}

/* The text for NAME; NULL: not known.  ITEM is NULL for a record.  To be freed. */
static char *value_of(const char *name, const struct sw_naming *n, const struct item *item)
{
	char digest[DIGEST_SHOWN + 1];
	const struct {
		const char *name, *value;
	} known[] = {
		{ "name", n->name },
		{ "version", n->version },
		{ "arch", n->arch },
		{ "digest12", short_digest(n->digest, digest) },
		{ "date", n->date },
		{ "build", n->build },
		{ "os_id", n->os_id },
		{ "os_version", n->os_version },
		{ "tag", n->tag },
		{ "path", item == NULL ? NULL : item->artifact->name },
		{ "file", item == NULL ? NULL : item->file },
		{ "ext", item == NULL ? NULL : extension(item->file) },
	};

	if (g_str_equal(name, "type"))
		return item == NULL ? NULL : type_of(item);
	for (guint i = 0; i < G_N_ELEMENTS(known); i++)
		if (g_str_equal(known[i].name, name))
			return g_strdup(known[i].value);
	return NULL;
}

static gboolean add_value(GString *text, const char *name, const struct sw_naming *naming,
			  const struct item *item, GError **error)
{
	g_autofree char *value = value_of(name, naming, item);
	gboolean is_path = g_str_equal(name, "path");

	if (value == NULL || (*value == '\0' && !g_str_equal(name, "ext")))
		return sw_fail(error, SW_ERROR_USAGE, ID,
			       "the layout needs {%s}, which is not known: choose another layout%s",
			       name,
			       g_str_equal(name, "name") || g_str_equal(name, "arch")
				       ? ", or say it with its flag"
			       : g_str_equal(name, "version") ? ", or say --image-version"
			       : g_str_equal(name, "tag")     ? ", or say --tag"
							      : "");
	if (!is_path && strchr(value, '/') != NULL)
		return sw_fail(error, SW_ERROR_USAGE, ID,
			       "{%s} is \"%s\", whose \"/\" would make another key", name, value);
	/* "{type}.{ext}" of a file without one has no dot either. */
	if (*value == '\0' && text->len > 0 && text->str[text->len - 1] == '.')
		g_string_truncate(text, text->len - 1);
	g_string_append(text, value);
	return TRUE;
}

static char *expand(const char *template, const struct sw_naming *naming, const struct item *item,
		    GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	while (*template != '\0') {
		size_t plain = strcspn(template, "{");
		g_autofree char *name = NULL;

		g_string_append_len(text, template, (gssize)plain);
		template += plain;
		if (*template == '\0')
			break;
		name = placeholder_at(template + 1);
		if (!add_value(text, name, naming, item, error))
			return NULL;
		template += strlen(name) + 2;
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static const char *template_for(const char *layout, const struct item *item)
{
	const struct preset *preset = find_preset(layout);

	if (preset == NULL)
		return layout;
	if (preset->boot != NULL && g_str_equal(item->artifact->format, "netboot") &&
	    !g_str_has_suffix(item->file, ".squashfs"))
		return preset->boot;
	if (preset->tree != NULL && g_str_has_suffix(item->file, ".squashfs"))
		return preset->tree;
	return preset->template;
}

/* The leading parts of LAYOUT that are the same for all artifacts. */
static char *record_template(const char *layout)
{
	const struct preset *preset = find_preset(layout);
	g_auto(GStrv) parts = g_strsplit(layout, "/", -1);
	g_autoptr(GString) text = g_string_new(NULL);

	if (preset != NULL)
		return g_strdup(preset->record);
	for (char **part = parts; part[0] != NULL && part[1] != NULL; part++) {
		gboolean tells = FALSE;

		if (!check_placeholders(*part, &tells, NULL) || tells)
			break;
		g_string_append_printf(text, "%s/", *part);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static const struct sw_artifact *main_of(GPtrArray *artifacts, const char *format)
{
	for (guint i = 0; i < artifacts->len; i++) {
		const struct sw_artifact *artifact = artifacts->pdata[i];

		if (g_str_equal(artifact->format, format))
			return artifact;
	}
	return NULL;
}

static gboolean add_key(const char *layout, const struct sw_naming *naming, struct item *item,
			GHashTable *seen, char **ret_key, GError **error)
{
	const struct sw_artifact *other;

	item->file = g_path_get_basename(item->artifact->name);
	*ret_key = expand(template_for(layout, item), naming, item, error);
	g_free(item->file);
	if (*ret_key == NULL || !sw_key_check(*ret_key, error))
		return FALSE;
	other = g_hash_table_lookup(seen, *ret_key);
	if (other != NULL)
		return sw_fail(error, SW_ERROR_USAGE, ID,
			       "%s and %s would both be stored as %s: choose another layout",
			       other->name, item->artifact->name, *ret_key);
	g_hash_table_insert(seen, *ret_key, (gpointer)item->artifact);
	return TRUE;
}

gboolean sw_layout_keys(const char *layout, const struct sw_naming *naming, const char *tag,
			GPtrArray *artifacts, char ***ret_keys, char **ret_record, GError **error)
{
	g_auto(GStrv) keys = g_new0(char *, artifacts->len + 1);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree char *record_text = record_template(layout);
	g_autofree char *record = NULL;
	struct sw_naming own = *naming;

	if (tag != NULL && strstr(layout, "{tag}") == NULL && !g_str_equal(layout, "openchami"))
		own.version = tag;
	if (tag != NULL)
		own.tag = tag;
	if (own.tag == NULL)
		own.tag = own.version;
	for (guint i = 0; i < artifacts->len; i++) {
		struct item item = { .artifact = artifacts->pdata[i] };

		item.main = main_of(artifacts, item.artifact->format);
		if (!add_key(layout, &own, &item, seen, &keys[i], error))
			return FALSE;
	}
	record = expand(record_text, &own, NULL, error);
	if (record == NULL)
		return FALSE;
	*ret_keys = g_steal_pointer(&keys);
	*ret_record = g_steal_pointer(&record);
	return TRUE;
}
