/* SPDX-License-Identifier: MIT */
#pragma once

#include "cli/options.h"

/* A command line that a user can copy. */
struct sw_example {
	const char *what;    /* one line, no full stop */
	const char *command; /* at most 76 characters */
};

/*
 * One verb of the command line.  Parsing, errors of arity, --help, completion and the man page come
 * from the row.
 */
struct sw_verb {
	const char *name;
	const char *summary;	     /* one line, lower case, no full stop */
	const char *description;     /* paragraphs, a line break between them */
	const char *argument;	     /* what help calls the argument ("IMAGE"); NULL: takes none */
	gboolean required;	     /* the argument must be given */
	gboolean several;	     /* it may be given several times */
	gboolean is_image;	     /* the argument is the setting "image" */
	gboolean is_file;	     /* the argument is a file's path, for completion */
	const char **(*words)(void); /* the only arguments, to be freed; NULL: any */
	const char *const *options;  /* flags that it has beside sw_global_options[] */
	const struct sw_example *examples; /* a row with a NULL command ends them */
	gboolean hidden;		   /* from help, completion and the man page */

	/*
	 * Does the work of CALL and appends the result to OUT, which is printed on stdout even
	 * when it fails.
	 */
	gboolean (*run)(const struct sw_call *call, GString *out, GCancellable *cancellable,
			GError **error);
};

/* All verbs in the order of help; a row with a NULL name ends the table. */
extern const struct sw_verb sw_verbs[];

/* Flags of every verb, which may also stand before it; NULL at the end. */
extern const char *const sw_global_options[];

/* The verb NAME; NULL with SW_ERROR_USAGE (and the nearest) if there is none. */
const struct sw_verb *sw_verb_find(const char *name, GError **error);

/* The verb behind VERB (NULL: the first) that is not hidden; NULL at the end. */
const struct sw_verb *sw_verb_next(const struct sw_verb *verb);

/* The names of all verbs that are not hidden, NULL at the end.  g_free() it. */
const char **sw_verb_names(void);

/* The handlers, each in its own cmd-NAME.c. */
gboolean sw_cmd_build(const struct sw_call *call, GString *out, GCancellable *cancellable,
		      GError **error);
gboolean sw_cmd_completion(const struct sw_call *call, GString *out, GCancellable *cancellable,
			   GError **error);
gboolean sw_cmd_convert(const struct sw_call *call, GString *out, GCancellable *cancellable,
			GError **error);
gboolean sw_cmd_help(const struct sw_call *call, GString *out, GCancellable *cancellable,
		     GError **error);
gboolean sw_cmd_inspect(const struct sw_call *call, GString *out, GCancellable *cancellable,
			GError **error);
gboolean sw_cmd_list(const struct sw_call *call, GString *out, GCancellable *cancellable,
		     GError **error);
gboolean sw_cmd_man(const struct sw_call *call, GString *out, GCancellable *cancellable,
		    GError **error);
gboolean sw_cmd_plan(const struct sw_call *call, GString *out, GCancellable *cancellable,
		     GError **error);
gboolean sw_cmd_publish(const struct sw_call *call, GString *out, GCancellable *cancellable,
			GError **error);
gboolean sw_cmd_ls(const struct sw_call *call, GString *out, GCancellable *cancellable,
		   GError **error);
gboolean sw_cmd_fetch(const struct sw_call *call, GString *out, GCancellable *cancellable,
		      GError **error);
gboolean sw_cmd_rm(const struct sw_call *call, GString *out, GCancellable *cancellable,
		   GError **error);
gboolean sw_cmd_url(const struct sw_call *call, GString *out, GCancellable *cancellable,
		    GError **error);
gboolean sw_cmd_prune(const struct sw_call *call, GString *out, GCancellable *cancellable,
		      GError **error);
gboolean sw_cmd_verify_store(const struct sw_call *call, GString *out, GCancellable *cancellable,
			     GError **error);
gboolean sw_cmd_verify(const struct sw_call *call, GString *out, GCancellable *cancellable,
		       GError **error);
gboolean sw_cmd_version(const struct sw_call *call, GString *out, GCancellable *cancellable,
			GError **error);

/* Words of arguments, for the rows. */
const char **sw_completion_words(void);
const char **sw_list_words(void);
