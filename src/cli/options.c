/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <string.h>

#include "cli/verbs.h"
#include "core/param.h"
#include "spec/document.h"

#define ID "usage"
#define FIELD(name) .offset = G_STRUCT_OFFSET(struct sw_call, name)

/* What concerns the command line itself; offsets into struct sw_call. */
/* clang-format off */
static const struct sw_setting own_settings[] = {
	{ .flag = "file", .letter = 'f', .type = SW_SETTING_TEXT, .kind = SW_KIND_FILE,
	  .value = "FILE", FIELD(file),
	  .help = "a build document (YAML or JSON), \"-\" for stdin; flags win over it, but --karg, "
		  "--karg-delete and --option add to its lists" },
	{ .flag = "expires", .type = SW_SETTING_TEXT, .value = "DURATION", .fallback = "7d",
	  FIELD(expires), .help = "how long the URL is good" },
	{ .flag = "keep-last", .type = SW_SETTING_TEXT, .value = "N", FIELD(keep_last),
	  .help = "keep at most the newest N of each name and architecture" },
	{ .flag = "max-age", .type = SW_SETTING_TEXT, .value = "DURATION", FIELD(max_age),
	  .help = "keep none that is older, such as 30d or 12h" },
	{ .flag = "max-bytes", .type = SW_SETTING_TEXT, .value = "SIZE", FIELD(max_bytes),
	  .help = "keep the newest that fit into SIZE together" },
	{ .flag = "pinned", .type = SW_SETTING_LIST, .value = "VERSION", FIELD(pinned),
	  .help = "keep this version, which may have * and ?; may be repeated" },
	{ .flag = "dry-run", .type = SW_SETTING_SWITCH, FIELD(dry_run),
	  .help = "only say what would be removed" },
	{ .flag = "verbose", .letter = 'v', .type = SW_SETTING_SWITCH, FIELD(verbose),
	  .help = "log on stderr what is done" },
	{ .flag = "help", .letter = 'h', .type = SW_SETTING_SWITCH, FIELD(help),
	  .help = "print help" },
	{ .flag = "version", .type = SW_SETTING_SWITCH, FIELD(version),
	  .help = "print the version" },
	{ .flag = NULL },
};
/* clang-format on */

/* The way through ARGV. */
struct parser {
	struct sw_call *call;
	char **next; /* not read yet */
};

const struct sw_setting *sw_option_find(const char *name)
{
	const struct sw_setting *row = sw_setting_find(name);

	if (row != NULL)
		return row->positional ? NULL : row;
	for (row = own_settings; row->flag != NULL; row++)
		if (g_str_equal(row->flag, name))
			return row;
	return NULL;
}

/* Is ROW's value stored in struct sw_call (--help, --file), not in struct sw_build? */
static gboolean is_own(const struct sw_setting *row)
{
	return row >= own_settings && row < own_settings + G_N_ELEMENTS(own_settings);
}

/* The flags that may stand here, NULL at the end. */
static const char **flags_of(const struct sw_verb *verb)
{
	g_autoptr(GPtrArray) flags = g_ptr_array_new();

	for (guint i = 0; verb != NULL && verb->options[i] != NULL; i++)
		g_ptr_array_add(flags, (gpointer)verb->options[i]);
	for (guint i = 0; sw_global_options[i] != NULL; i++)
		g_ptr_array_add(flags, (gpointer)sw_global_options[i]);
	g_ptr_array_add(flags, NULL);
	return (const char **)g_ptr_array_free(g_steal_pointer(&flags), FALSE);
}

static gboolean unknown_flag(const struct sw_verb *verb, const char *name, const char **flags,
			     GError **error)
{
	const char *near = sw_nearest(name, flags);
	const char *after = verb != NULL ? verb->name : "VERB";

	if (near != NULL)
		return sw_fail(error, SW_ERROR_USAGE, "unknown-option",
			       "unknown option --%s; did you mean --%s?", name, near);
	if (sw_option_find(name) != NULL && verb == NULL)
		return sw_fail(error, SW_ERROR_USAGE, "unknown-option",
			       "--%s belongs behind a verb, as in: slipway build --%s", name, name);
	if (sw_option_find(name) != NULL)
		return sw_fail(error, SW_ERROR_USAGE, "unknown-option",
			       "%s has no option --%s (see slipway %s --help)", after, name, after);
	return sw_fail(error, SW_ERROR_USAGE, "unknown-option",
		       "unknown option --%s (see slipway %s --help)", name, after);
}

static const struct sw_setting *find_flag(const struct sw_verb *verb, const char *name,
					  GError **error)
{
	g_autofree const char **flags = flags_of(verb);

	if (g_strv_contains(flags, name))
		return sw_option_find(name);
	unknown_flag(verb, name, flags, error);
	return NULL;
}

static const struct sw_setting *find_letter(const struct sw_verb *verb, char letter, GError **error)
{
	g_autofree const char **flags = flags_of(verb);

	for (guint i = 0; flags[i] != NULL; i++) {
		const struct sw_setting *row = sw_option_find(flags[i]);

		if (row->letter == letter)
			return row;
	}
	sw_fail(error, SW_ERROR_USAGE, "unknown-option",
		"unknown option -%c (see slipway %s --help)", letter,
		verb != NULL ? verb->name : "VERB");
	return NULL;
}

static gboolean is_given(const struct sw_call *call, const struct sw_setting *row)
{
	for (guint i = 0; i < call->given->len; i++)
		if (((const struct sw_given *)call->given->pdata[i])->setting == row)
			return TRUE;
	return row->type == SW_SETTING_TEXT && is_own(row) &&
	       *(char **)((char *)call + row->offset) != NULL;
}

/* VALUE of the flag ROW; a switch has "true". */
static gboolean take(struct parser *parser, const struct sw_setting *row, const char *value,
		     GError **error)
{
	struct sw_call *call = parser->call;
	g_autofree char *text = NULL;

	if (row->type != SW_SETTING_LIST && row->type != SW_SETTING_SWITCH && is_given(call, row))
		return sw_fail(error, SW_ERROR_USAGE, ID, "--%s is given twice", row->flag);
	if (!sw_setting_check(row, value, TRUE, &text, error))
		return sw_fail_prefix(error, SW_ERROR_USAGE, ID, "--%s", row->flag);
	if (is_own(row))
		sw_setting_store(row, text, call);
	else
		g_ptr_array_add(call->given,
				sw_given_new(row, g_steal_pointer(&text), SW_ORIGIN_FLAG));
	return TRUE;
}

/* The value is VALUE or, if that is NULL, the next word. */
static gboolean take_value(struct parser *parser, const struct sw_setting *row, const char *value,
			   GError **error)
{
	if (value == NULL && *parser->next != NULL)
		value = *parser->next++;
	if (value == NULL)
		return sw_fail(error, SW_ERROR_USAGE, ID, "--%s needs a value: --%s %s", row->flag,
			       row->flag, row->value);
	return take(parser, row, value, error);
}

static gboolean parse_long(struct parser *parser, const char *word, GError **error)
{
	const char *equals = strchr(word, '=');
	g_autofree char *name =
		equals == NULL ? g_strdup(word) : g_strndup(word, (size_t)(equals - word));
	const struct sw_setting *row = find_flag(parser->call->verb, name, error);

	if (row == NULL)
		return FALSE;
	if (row->type != SW_SETTING_SWITCH)
		return take_value(parser, row, equals == NULL ? NULL : equals + 1, error);
	if (equals != NULL)
		return sw_fail(error, SW_ERROR_USAGE, ID, "--%s takes no value", name);
	return take(parser, row, "true", error);
}

/* LETTERS: switches, the last may be a flag with its value behind it. */
static gboolean parse_short(struct parser *parser, const char *letters, GError **error)
{
	for (; *letters != '\0'; letters++) {
		const struct sw_setting *row = find_letter(parser->call->verb, *letters, error);

		if (row == NULL)
			return FALSE;
		if (row->type != SW_SETTING_SWITCH)
			return take_value(parser, row, letters[1] == '\0' ? NULL : letters + 1,
					  error);
		if (!take(parser, row, "true", error))
			return FALSE;
	}
	return TRUE;
}

static gboolean check_words(const struct sw_verb *verb, const char *word, GError **error)
{
	g_autofree const char **words = verb->words == NULL ? NULL : verb->words();
	g_autofree char *all = NULL;
	const char *near = NULL;

	if (words == NULL || g_strv_contains(words, word))
		return TRUE;
	all = g_strjoinv(", ", (char **)words);
	near = sw_nearest(word, words);
	if (near != NULL)
		return sw_fail(error, SW_ERROR_USAGE, ID,
			       "%s: \"%s\" is none of %s; did you mean %s?", verb->name, word, all,
			       near);
	return sw_fail(error, SW_ERROR_USAGE, ID, "%s: \"%s\" is none of %s", verb->name, word,
		       all);
}

static gboolean parse_argument(struct parser *parser, const char *word, GError **error)
{
	struct sw_call *call = parser->call;
	const struct sw_setting *image = sw_setting_find("image");
	g_autofree char *text = NULL;

	if (call->verb == NULL) {
		call->verb = sw_verb_find(word, error);
		return call->verb != NULL;
	}
	if (call->verb->argument == NULL)
		return sw_fail(error, SW_ERROR_USAGE, ID,
			       "%s takes no argument, but \"%s\" is given", call->verb->name, word);
	if (call->argument != NULL && !call->verb->several)
		return sw_fail(error, SW_ERROR_USAGE, ID, "%s takes one %s, but \"%s\" is a second",
			       call->verb->name, call->verb->argument, word);
	if (!check_words(call->verb, word, error))
		return FALSE;
	g_ptr_array_add(call->arguments, g_strdup(word));
	if (call->argument != NULL)
		return TRUE;
	call->argument = g_strdup(word);
	if (!call->verb->is_image)
		return TRUE;
	if (!sw_setting_check(image, word, TRUE, &text, error))
		return FALSE;
	g_ptr_array_add(call->given, sw_given_new(image, g_steal_pointer(&text), SW_ORIGIN_FLAG));
	return TRUE;
}

static gboolean check_complete(const struct sw_call *call, GError **error)
{
	g_autofree const char **words = NULL;
	g_autofree char *all = NULL;

	if (call->help || call->version)
		return TRUE;
	if (call->verb == NULL)
		return sw_fail(error, SW_ERROR_USAGE, ID, "no verb is given (see slipway --help)");
	if (!call->verb->required || call->argument != NULL)
		return TRUE;
	words = call->verb->words == NULL ? NULL : call->verb->words();
	all = words == NULL ? g_strdup(call->verb->argument) : g_strjoinv("|", (char **)words);
	return sw_fail(error, SW_ERROR_USAGE, ID, "%s needs an argument: slipway %s %s",
		       call->verb->name, call->verb->name, all);
}

/* "slipway --help build" is meant like "slipway build --help". */
static void find_verb_behind(struct parser *parser)
{
	for (; parser->call->verb == NULL && *parser->next != NULL; parser->next++)
		parser->call->verb = sw_verb_find(*parser->next, NULL);
}

gboolean sw_call_parse(char **argv, struct sw_call **ret_call, GError **error)
{
	g_autoptr(SwCall) call = g_new0(struct sw_call, 1);
	struct parser parser = { .call = call, .next = argv[0] == NULL ? argv : argv + 1 };
	gboolean plain = FALSE;

	call->arguments = g_ptr_array_new_with_free_func(g_free);
	call->given = g_ptr_array_new_with_free_func((GDestroyNotify)sw_given_free);
	while (*parser.next != NULL && !call->help) {
		const char *word = *parser.next++;

		if (plain || word[0] != '-' || word[1] == '\0') {
			if (!parse_argument(&parser, word, error))
				return FALSE;
		} else if (g_str_equal(word, "--")) {
			plain = TRUE;
		} else if (word[1] == '-') {
			if (!parse_long(&parser, word + 2, error))
				return FALSE;
		} else if (!parse_short(&parser, word + 1, error)) {
			return FALSE;
		}
	}
	if (call->help)
		find_verb_behind(&parser);
	if (!check_complete(call, error))
		return FALSE;
	*ret_call = g_steal_pointer(&call);
	return TRUE;
}

static gboolean take_environment(struct sw_call *call, GError **error)
{
	const char *value = g_getenv("SLIPWAY_CACHE");
	const struct sw_setting *cache = sw_setting_find("cache");
	g_autofree char *text = NULL;

	if (value == NULL || *value == '\0')
		return TRUE;
	if (!sw_setting_check(cache, value, TRUE, &text, error))
		return sw_fail_prefix(error, SW_ERROR_USAGE, ID, "SLIPWAY_CACHE");
	g_ptr_array_add(call->given,
			sw_given_new(cache, g_steal_pointer(&text), SW_ORIGIN_ENVIRONMENT));
	return TRUE;
}

gboolean sw_call_complete(struct sw_call *call, GCancellable *cancellable, GError **error)
{
	if (!take_environment(call, error))
		return FALSE;
	if (call->file != NULL && !sw_document_read(call->file, call->given, cancellable, error))
		return FALSE;
	return sw_build_make(call->given, &call->build, error);
}

void sw_call_free(struct sw_call *call)
{
	if (call == NULL)
		return;
	g_free(call->argument);
	g_free(call->file);
	g_free(call->expires);
	g_free(call->keep_last);
	g_free(call->max_age);
	g_free(call->max_bytes);
	g_strfreev(call->pinned);
	if (call->given != NULL)
		g_ptr_array_unref(call->given);
	if (call->arguments != NULL)
		g_ptr_array_unref(call->arguments);
	sw_build_free(call->build);
	g_free(call);
}
