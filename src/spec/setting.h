/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"

/*
 * One table of all settings.  The flags, the keys of the document, `plan`, --help, completion and
 * the man page come from its rows: a new setting is a new row and a field of struct sw_build.
 */
enum sw_setting_type {
	SW_SETTING_TEXT,   /* char * */
	SW_SETTING_LIST,   /* char **: one text an occurrence of the flag, an item of the list */
	SW_SETTING_SIZE,   /* guint64: bytes, whole MiB */
	SW_SETTING_BOOL,   /* gboolean: "true" or "false" must be given */
	SW_SETTING_CHOICE, /* enum: the index of the text in WORDS */
	SW_SETTING_SWITCH, /* gboolean: a flag without a value, never in a document */
};

/* What a text stands for: completion, and paths in a document are relative to its directory. */
enum sw_setting_kind {
	SW_KIND_PLAIN,
	SW_KIND_FILE,
	SW_KIND_DIRECTORY,
	SW_KIND_FORMAT, /* a name of sw_formats[] */
	/* "TYPE.NAME=VALUE" of sw_formats[], sw_storages[]; in a document TYPE: {NAME: VALUE}; the last wins */
	SW_KIND_OPTION,
	SW_KIND_STORE, /* a URI of a place, or a path */
};

struct sw_setting {
	const char *flag;    /* "size" for --size; for the first argument its name ("image") */
	const char *key;     /* in the document; NULL: not there */
	char letter;	     /* short flag; 0: none */
	gboolean positional; /* given as an argument, not as a flag */
	enum sw_setting_type type;
	enum sw_setting_kind kind;
	gboolean append;   /* a list: flags are added to the document's instead of replacing */
	const char *value; /* what help calls the value ("SIZE"); NULL: a switch */
	const char *const *words; /* the texts to choose from, NULL at the end; NULL: any */
	const char *fallback;	  /* the default, applied; NULL: none */
	const char *otherwise;	  /* for help: what happens without it; NULL: nothing */
	size_t offset;		  /* of the field in the owner's struct */
	/*
	 * Is TEXT well formed?  Opens nothing.  RET_CANONICAL is what is to be stored.  NULL: one
	 * of WORDS, or any text.
	 */
	gboolean (*check)(const char *text, char **ret_canonical, GError **error);
	/* Is what TEXT names there and fit?  NULL: not looked at. */
	gboolean (*look)(const char *text, GError **error);
	const char *help; /* one line or two, lower case, no full stop */
};

/* The settings of a build, offsets into struct sw_build; a row with a NULL flag ends the table. */
extern const struct sw_setting sw_settings[];

/* Room for the rows of sw_settings[]. */
#define SW_SETTINGS_MAX 32

/* Who gave a value, the stronger the higher; bits, as a list can have several. */
enum sw_origin {
	SW_ORIGIN_DEFAULT = 0,
	SW_ORIGIN_DOCUMENT = 1 << 0,
	SW_ORIGIN_ENVIRONMENT = 1 << 1,
	SW_ORIGIN_FLAG = 1 << 2,
};

/* A value that somebody gave. */
struct sw_given {
	const struct sw_setting *setting; /* a row of sw_settings[] */
	char *text;			  /* canonical */
	enum sw_origin origin;
};

/* A new value; takes TEXT. */
struct sw_given *sw_given_new(const struct sw_setting *setting, char *text, enum sw_origin origin);

/* Frees; NULL is fine. */
void sw_given_free(struct sw_given *given);
typedef struct sw_given SwGiven;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwGiven, sw_given_free)

/* The row of sw_settings[] whose flag (or argument) is called NAME; NULL if none. */
const struct sw_setting *sw_setting_find(const char *name);

/* The row of sw_settings[] for the document's KEY; NULL if none. */
const struct sw_setting *sw_setting_find_key(const char *key);

/*
 * The texts that SETTING allows or suggests (words, names of formats, "TYPE.NAME=" of their
 * options); NULL: any.  g_free() it.
 */
const char **sw_setting_words(const struct sw_setting *setting);

/*
 * Validates TEXT for SETTING: UTF-8, no control characters, one of the words, the type, the row's
 * check; with LOOK also what a path names.  RET_TEXT is the canonical text, to be freed by the
 * caller.  SW_ERROR_USAGE; the message does not name the setting, as the caller knows how it was
 * given.
 */
gboolean sw_setting_check(const struct sw_setting *setting, const char *text, gboolean look,
			  char **ret_text, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Puts TEXT, which sw_setting_check() returned, into SETTING's field of STATE, the struct that the
 * row's offset is of.  A list grows by it (a format only once, an option of a type likewise with its
 * last value), anything else is replaced.
 */
void sw_setting_store(const struct sw_setting *setting, const char *text, void *state);
