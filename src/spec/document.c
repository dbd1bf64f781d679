/* SPDX-License-Identifier: MIT */
#include "spec/document.h"

#include <gio/gunixinputstream.h>
#include <stdarg.h>
#include <string.h>
#include <yaml.h>

#include "core/file.h"
#include "core/format.h"
#include "core/param.h"
#include "core/text.h"
#include "store/uri.h"

/* UTF-8's byte order mark, which some editors begin a file with. */
#define BOM "\357\273\277"
/* More lines help nobody. */
#define PROBLEMS_LIMIT 20
/* Nothing in a build document is nested deeper than a list. */
#define DEPTH_LIMIT 16
/* A kernel command line cannot hold as many arguments. */
#define ITEMS_LIMIT 1000
/* Longer names are cut in messages. */
#define SHOWN_LIMIT 40

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(yaml_event_t, yaml_event_delete)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(yaml_parser_t, yaml_parser_delete)

/* What a plain scalar is by YAML 1.2's core schema; a quoted one is always text. */
enum scalar { SCALAR_TEXT, SCALAR_NULL, SCALAR_BOOL, SCALAR_NUMBER };

/* The parsing of one document. */
struct reader {
	yaml_parser_t *parser;
	const char *name;
	const char *directory;
	GPtrArray *given;
	GHashTable *seen;	  /* setting to the line (GUINT) of its key */
	GHashTable *seen_options; /* "TYPE.NAME" likewise */
	GString *problems;
	guint count;   /* of problems */
	gboolean over; /* nothing more can be read */
};

static void G_GNUC_PRINTF(3, 4)
	problem(struct reader *reader, yaml_mark_t mark, const char *format, ...)
{
	va_list args;

	if (++reader->count > PROBLEMS_LIMIT)
		return;
	g_string_append_printf(reader->problems, "%s%s:%zu:%zu: ", reader->count > 1 ? "\n" : "",
			       reader->name, mark.line + 1, mark.column + 1);
	va_start(args, format);
	g_string_append_vprintf(reader->problems, format, args);
	va_end(args);
}

/* The next event; FALSE when there is none, as the text is no YAML. */
static gboolean next(struct reader *reader, yaml_event_t *event)
{
	yaml_parser_t *parser = reader->parser;
	gboolean is_reader = FALSE;

	if (reader->over)
		return FALSE;
	if (yaml_parser_parse(parser, event))
		return TRUE;
	reader->over = TRUE;
	is_reader = parser->error == YAML_READER_ERROR;
	problem(reader, is_reader ? parser->mark : parser->problem_mark, "not YAML: %s",
		parser->problem != NULL ? parser->problem : "out of memory");
	return FALSE;
}

/* TEXT for a message: short, and without what could disturb a terminal. */
static char *shown(const char *text)
{
	glong length = g_utf8_strlen(text, -1);
	g_autofree char *start = g_utf8_substring(text, 0, MIN(length, SHOWN_LIMIT));
	g_autofree char *line = sw_text_line(start);

	return g_strdup_printf("\"%s%s\"", line, length > SHOWN_LIMIT ? "..." : "");
}

static gboolean is_number(const char *text)
{
	static const char *const pattern = "^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|"
					   "[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?|"
					   "[-+]?\\.(inf|Inf|INF)|\\.(nan|NaN|NAN))$";

	return strlen(text) <= 64 && g_regex_match_simple(pattern, text, G_REGEX_DOLLAR_ENDONLY, 0);
}

static enum scalar classify(const yaml_event_t *event)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const bools[] = {
		"true", "True", "TRUE", "false", "False", "FALSE", NULL
	};
	const char *text = (const char *)event->data.scalar.value;

	if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return SCALAR_TEXT;
	if (g_strv_contains(nulls, text))
		return SCALAR_NULL;
	if (g_strv_contains(bools, text))
		return SCALAR_BOOL;
	return is_number(text) ? SCALAR_NUMBER : SCALAR_TEXT;
}

/* Anchors and tags can stand at any value; nothing here needs them, and they can mislead. */
static gboolean is_bare(struct reader *reader, const yaml_event_t *event)
{
	const yaml_char_t *anchor = NULL;
	const yaml_char_t *tag = NULL;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		problem(reader, event->start_mark, "aliases are not supported: repeat the value");
		return FALSE;
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		break;
	default:
		break;
	}
	if (anchor != NULL)
		problem(reader, event->start_mark, "anchors are not supported: remove it");
	if (tag != NULL)
		problem(reader, event->start_mark, "tags are not supported: remove it");
	return anchor == NULL && tag == NULL;
}

/* Reads to the end of the value that begins with FIRST. */
static void skip(struct reader *reader, const yaml_event_t *first)
{
	yaml_mark_t mark = first->start_mark;
	yaml_event_type_t type = first->type;
	int depth = 0;

	for (;;) {
		g_auto(yaml_event_t) event = { 0 };

		if (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT)
			depth++;
		else if (type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT)
			depth--;
		if (depth == 0)
			return;
		if (depth > DEPTH_LIMIT) {
			problem(reader, mark, "nested too deeply");
			reader->over = TRUE;
			return;
		}
		if (!next(reader, &event))
			return;
		type = event.type;
		mark = event.start_mark;
	}
}

static gboolean fits(const struct sw_setting *setting, enum scalar scalar)
{
	if (setting->type == SW_SETTING_BOOL)
		return scalar == SCALAR_BOOL;
	return scalar == SCALAR_TEXT || setting->kind == SW_KIND_OPTION ||
	       (setting->type == SW_SETTING_SIZE && scalar == SCALAR_NUMBER);
}

/* Is the scalar what SETTING takes?  If not, says so. */
static gboolean check_scalar(struct reader *reader, const struct sw_setting *setting,
			     const yaml_event_t *event)
{
	enum scalar scalar = classify(event);
	const char *text = (const char *)event->data.scalar.value;
	const char *key = setting->key;
	g_autofree char *said = NULL;

	if (!is_bare(reader, event))
		return FALSE;
	if (strlen(text) != event->data.scalar.length) {
		problem(reader, event->start_mark, "%s: the value has a NUL character", key);
		return FALSE;
	}
	if (scalar == SCALAR_NULL) {
		problem(reader, event->start_mark, "%s has no value: give one, or remove the line",
			key);
		return FALSE;
	}
	if (fits(setting, scalar))
		return TRUE;
	said = shown(text);
	if (setting->type == SW_SETTING_BOOL)
		problem(reader, event->start_mark, "%s must be true or false, not %s", key, said);
	else
		problem(reader, event->start_mark, "%s must be text: put %s in quotes", key, said);
	return FALSE;
}

static char *resolve(const struct reader *reader, const struct sw_setting *setting,
		     const char *text)
{
	gboolean is_path = setting->kind == SW_KIND_FILE || setting->kind == SW_KIND_DIRECTORY;

	if (setting->kind == SW_KIND_STORE && strstr(text, "://") == NULL)
		is_path = TRUE;
	if (!is_path || reader->directory == NULL || *text == '\0' || g_path_is_absolute(text) ||
	    g_str_equal(reader->directory, "."))
		return g_strdup(text);
	return g_build_filename(reader->directory, text, NULL);
}

/* TEXT, which the scalar EVENT stands for. */
static void take_text(struct reader *reader, const struct sw_setting *setting, const char *text,
		      const yaml_event_t *event)
{
	g_autoptr(GError) reason = NULL;
	g_autofree char *canonical = NULL;

	if (!check_scalar(reader, setting, event))
		return;
	if (!sw_setting_check(setting, text, reader->directory != NULL, &canonical, &reason)) {
		problem(reader, event->start_mark, "%s: %s", setting->key, reason->message);
		return;
	}
	g_ptr_array_add(reader->given,
			sw_given_new(setting, g_steal_pointer(&canonical), SW_ORIGIN_DOCUMENT));
}

static void take(struct reader *reader, const struct sw_setting *setting, const yaml_event_t *event)
{
	const char *written = (const char *)event->data.scalar.value;
	g_autofree char *text = setting->type == SW_SETTING_BOOL
					? g_ascii_strdown(written, -1)
					: resolve(reader, setting, written);

	take_text(reader, setting, text, event);
}

/* The items of the list that FIRST begins. */
static void read_list(struct reader *reader, const struct sw_setting *setting,
		      const yaml_event_t *first)
{
	guint items = 0;

	is_bare(reader, first);
	for (;; items++) {
		g_auto(yaml_event_t) event = { 0 };

		if (!next(reader, &event))
			return;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (items == ITEMS_LIMIT) {
			problem(reader, event.start_mark, "%s has more than %d items", setting->key,
				ITEMS_LIMIT);
			reader->over = TRUE;
			return;
		}
		if (event.type == YAML_SCALAR_EVENT) {
			take(reader, setting, &event);
		} else if (event.type == YAML_ALIAS_EVENT) {
			is_bare(reader, &event);
		} else {
			problem(reader, event.start_mark, "an item of %s must be text",
				setting->key);
			skip(reader, &event);
		}
	}
	if (items == 0 && !setting->append)
		problem(reader, first->start_mark, "%s must not be empty", setting->key);
}

/* The next event if it is a key; FALSE at the end of the mapping, and of what can be read. */
static gboolean next_key(struct reader *reader, yaml_event_t *event, gboolean *ret_good)
{
	*ret_good = FALSE;
	if (!next(reader, event) || event->type == YAML_MAPPING_END_EVENT)
		return FALSE;
	if (event->type == YAML_SCALAR_EVENT || event->type == YAML_ALIAS_EVENT) {
		*ret_good = is_bare(reader, event);
	} else {
		problem(reader, event->start_mark, "a key must be text");
		skip(reader, event);
	}
	return TRUE;
}

static void skip_value(struct reader *reader)
{
	g_auto(yaml_event_t) event = { 0 };

	if (next(reader, &event))
		skip(reader, &event);
}

/* The text of a key, cut where it is too long for a message; nothing if it has a NUL character. */
static char *key_text(const yaml_event_t *key)
{
	const char *text = (const char *)key->data.scalar.value;

	return g_strndup(text, strlen(text) == key->data.scalar.length ? 2 * SHOWN_LIMIT : 0);
}

/* Whose options they are: a format's or a storage's. */
struct owner {
	const char *kind;
	const char *name;
	const struct sw_param *params;
};

static gboolean find_owner(const char *name, struct owner *ret_owner, GError **error)
{
	const struct sw_storage *storage = sw_store_find(name);
	const struct sw_format *format = storage != NULL ? NULL : sw_format_find(name, error);

	if (storage == NULL && format == NULL)
		return FALSE;
	ret_owner->kind = storage != NULL ? "storage" : "format";
	ret_owner->name = storage != NULL ? storage->name : format->name;
	ret_owner->params = storage != NULL ? storage->params : format->params;
	return TRUE;
}

/* The value of the option NAME of OWNER; numbers and booleans are as good as texts. */
static void read_option(struct reader *reader, const struct sw_setting *setting,
			const struct owner *owner, const yaml_event_t *key)
{
	const char *name = (const char *)key->data.scalar.value;
	g_autofree char *full = g_strdup_printf("%s.%s", owner->name, name);
	guint line = GPOINTER_TO_UINT(g_hash_table_lookup(reader->seen_options, full));
	g_autofree char *text = NULL;
	g_auto(yaml_event_t) event = { 0 };

	if (!next(reader, &event))
		return;
	if (line != 0) {
		problem(reader, key->start_mark, "%s is here twice, first in line %u", full, line);
		skip(reader, &event);
	} else if (event.type != YAML_SCALAR_EVENT) {
		problem(reader, event.start_mark, "%s must be a single value", full);
		skip(reader, &event);
	} else {
		text = g_strdup_printf("%s=%s", full, (const char *)event.data.scalar.value);
		take_text(reader, setting, text, &event);
		g_hash_table_insert(reader->seen_options, g_steal_pointer(&full),
				    GUINT_TO_POINTER((guint)key->start_mark.line + 1));
	}
}

/* The options of OWNER in the mapping that has begun. */
static void read_owner(struct reader *reader, const struct sw_setting *setting,
		       const struct owner *owner)
{
	g_autofree char *whose = g_strdup_printf("%s %s", owner->kind, owner->name);

	for (;;) {
		g_auto(yaml_event_t) key = { 0 };
		g_autoptr(GError) reason = NULL;
		g_autofree char *name = NULL;
		gboolean good = FALSE;

		if (!next_key(reader, &key, &good))
			return;
		name = good ? key_text(&key) : NULL;
		if (good && sw_param_find(owner->params, name, whose, &reason) != NULL) {
			read_option(reader, setting, owner, &key);
			continue;
		}
		if (good)
			problem(reader, key.start_mark, "%s: %s", setting->key, reason->message);
		skip_value(reader);
	}
}

/* TYPE: {NAME: VALUE} in the mapping that has begun. */
static void read_options(struct reader *reader, const struct sw_setting *setting)
{
	for (;;) {
		struct owner owner = { 0 };
		g_auto(yaml_event_t) key = { 0 };
		g_auto(yaml_event_t) event = { 0 };
		g_autoptr(GError) reason = NULL;
		g_autofree char *name = NULL;
		gboolean good = FALSE, known;

		if (!next_key(reader, &key, &good) || !next(reader, &event))
			return;
		name = good ? key_text(&key) : NULL;
		known = good && find_owner(name, &owner, &reason);
		if (known && event.type == YAML_MAPPING_START_EVENT) {
			is_bare(reader, &event);
			read_owner(reader, setting, &owner);
			continue;
		}
		if (reason != NULL)
			problem(reader, key.start_mark, "%s: %s", setting->key, reason->message);
		else if (known)
			problem(reader, event.start_mark,
				"the options of %s must be lines \"name: value\"", owner.name);
		skip(reader, &event);
	}
}

/* The value of SETTING's key. */
static void read_value(struct reader *reader, const struct sw_setting *setting)
{
	gboolean is_list = setting->type == SW_SETTING_LIST;
	g_auto(yaml_event_t) event = { 0 };

	if (!next(reader, &event))
		return;
	if (event.type == YAML_ALIAS_EVENT) {
		is_bare(reader, &event);
	} else if (setting->kind == SW_KIND_OPTION && event.type == YAML_MAPPING_START_EVENT) {
		is_bare(reader, &event);
		read_options(reader, setting);
	} else if (setting->kind == SW_KIND_OPTION) {
		problem(reader, event.start_mark,
			"%s must be types with their options: {qcow2: {level: 9}}", setting->key);
		skip(reader, &event);
	} else if (is_list && event.type == YAML_SEQUENCE_START_EVENT) {
		read_list(reader, setting, &event);
	} else if (!is_list && event.type == YAML_SCALAR_EVENT) {
		take(reader, setting, &event);
	} else {
		problem(reader, event.start_mark,
			is_list ? "%s must be a list: [a, b], or a line \"- a\" for each"
				: "%s must be a single value",
			setting->key);
		skip(reader, &event);
	}
}

/* The setting of a key; NULL (and a problem) if there is none, or it was there before. */
static const struct sw_setting *find_key(struct reader *reader, const yaml_event_t *event)
{
	const char *key = (const char *)event->data.scalar.value;
	const struct sw_setting *setting = NULL;
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	g_autofree char *said = shown(key);
	const char *near = NULL;
	gpointer line = NULL;

	if (strlen(key) == event->data.scalar.length)
		setting = sw_setting_find_key(key);
	if (setting == NULL) {
		for (const struct sw_setting *row = sw_settings; row->flag != NULL; row++)
			if (row->key != NULL)
				g_ptr_array_add(keys, (gpointer)row->key);
		g_ptr_array_add(keys, NULL);
		if (strlen(key) <= SHOWN_LIMIT)
			near = sw_nearest(key, (const char *const *)keys->pdata);
		problem(reader, event->start_mark, "unknown key %s%s%s%s", said,
			near != NULL ? "; did you mean " : "", near != NULL ? near : "",
			near != NULL ? "?" : "");
		return NULL;
	}
	if (g_hash_table_lookup_extended(reader->seen, setting, NULL, &line)) {
		problem(reader, event->start_mark, "%s is here twice, first in line %u", key,
			GPOINTER_TO_UINT(line));
		return NULL;
	}
	g_hash_table_insert(reader->seen, (gpointer)setting,
			    GUINT_TO_POINTER((guint)event->start_mark.line + 1));
	return setting;
}

/* The pairs of the document's mapping, which has begun. */
static void read_pairs(struct reader *reader)
{
	for (;;) {
		g_auto(yaml_event_t) event = { 0 };
		const struct sw_setting *setting = NULL;
		gboolean good = FALSE;

		if (!next_key(reader, &event, &good))
			return;
		if (good)
			setting = find_key(reader, &event);
		if (setting != NULL)
			read_value(reader, setting);
		else
			skip_value(reader);
	}
}

static void read_document(struct reader *reader)
{
	g_auto(yaml_event_t) stream = { 0 };
	g_auto(yaml_event_t) start = { 0 };
	g_auto(yaml_event_t) root = { 0 };
	g_auto(yaml_event_t) end = { 0 };
	g_auto(yaml_event_t) more = { 0 };

	if (!next(reader, &stream) || !next(reader, &start))
		return;
	if (start.type == YAML_STREAM_END_EVENT) {
		problem(reader, start.start_mark, "the document is empty");
		return;
	}
	if (!next(reader, &root))
		return;
	if (root.type != YAML_MAPPING_START_EVENT) {
		problem(reader, root.start_mark, "the document must be lines \"key: value\"");
		return;
	}
	is_bare(reader, &root);
	read_pairs(reader);
	if (!next(reader, &end) || !next(reader, &more))
		return;
	if (more.type != YAML_STREAM_END_EVENT)
		problem(reader, more.start_mark,
			"a second document begins here: give one at a time");
}

gboolean sw_document_parse(const char *text, size_t length, const char *name, const char *directory,
			   GPtrArray *given, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	g_autoptr(GHashTable) seen_options =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GString) problems = g_string_new(NULL);
	g_auto(yaml_parser_t) parser = { 0 };
	struct reader reader = { .parser = &parser,
				 .name = name,
				 .directory = directory,
				 .given = given,
				 .seen = seen,
				 .seen_options = seen_options,
				 .problems = problems };

	if (length > SW_DOCUMENT_LIMIT)
		return sw_fail(error, SW_ERROR_DOCUMENT, "document",
			       "%s: the document is larger than 1 MiB", name);
	/* libyaml skips a byte order mark only while it guesses the encoding. */
	if (length >= strlen(BOM) && memcmp(text, BOM, strlen(BOM)) == 0) {
		text += strlen(BOM);
		length -= strlen(BOM);
	}
	if (!yaml_parser_initialize(&parser))
		g_error("out of memory");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	read_document(&reader);
	if (reader.count > PROBLEMS_LIMIT)
		g_string_append_printf(problems, "\n%s: and %u more", name,
				       reader.count - PROBLEMS_LIMIT);
	if (reader.count > 0)
		return sw_fail(error, SW_ERROR_DOCUMENT, "document", "%s", problems->str);
	return TRUE;
}

/* Stdin may be a socket, which cannot be opened by its name in /dev. */
static gboolean read_stdin(char **ret_text, size_t *ret_length, GCancellable *cancellable,
			   GError **error)
{
	g_autoptr(GInputStream) stream = g_unix_input_stream_new(STDIN_FILENO, FALSE);
	g_autofree char *text = g_malloc0(SW_DOCUMENT_LIMIT + 2);
	size_t length = 0;

	if (!g_input_stream_read_all(stream, text, SW_DOCUMENT_LIMIT + 1, &length, cancellable,
				     error))
		return sw_fail_prefix(error, SW_ERROR_DOCUMENT, "document", "cannot read stdin");
	*ret_text = g_steal_pointer(&text);
	*ret_length = length;
	return TRUE;
}

gboolean sw_document_read(const char *path, GPtrArray *given, GCancellable *cancellable,
			  GError **error)
{
	g_autofree char *directory = g_path_get_dirname(path);
	g_autofree char *text = NULL;
	size_t length = 0;

	if (g_str_equal(path, "-"))
		return read_stdin(&text, &length, cancellable, error) &&
		       sw_document_parse(text, length, "stdin", ".", given, error);
	return sw_read_file(path, SW_DOCUMENT_LIMIT, &text, &length, SW_ERROR_DOCUMENT, "document",
			    error) &&
	       sw_document_parse(text, length, path, directory, given, error);
}
