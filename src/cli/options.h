/* SPDX-License-Identifier: MIT */
#pragma once

#include "spec/build.h"

struct sw_verb;

/* A command line, taken apart. */
struct sw_call {
	const struct sw_verb *verb; /* NULL: none given, which only help and version may */
	char *argument;		    /* of the verb, the first; NULL: none */
	GPtrArray *arguments;	    /* char *: all of them; only where the verb takes several */
	char *file;		    /* the build document; NULL: none */
	char *expires;		    /* how long a URL is good; NULL: as long as it can be */
	char *keep_last;	    /* of prune: a number; NULL: not given */
	char *max_age;		    /* of prune: a duration; NULL: not given */
	char *max_bytes;	    /* of prune: a size; NULL: not given */
	char **pinned;		    /* of prune: versions; NULL: none */
	gboolean dry_run;
	gboolean help;
	gboolean verbose;
	gboolean version;
	GPtrArray *given;	/* struct sw_given: what flags and the argument say */
	struct sw_build *build; /* all settings, made by sw_call_complete(); NULL before */
};

/*
 * Takes ARGV (argv[0] and what follows, NULL at the end) apart.  Flags are --NAME VALUE,
 * --NAME=VALUE, -L VALUE or -LVALUE; "--" ends them.  Every value is validated.  After --help
 * nothing but the verb is read.  SW_ERROR_USAGE, with the nearest name for one that is unknown.
 */
gboolean sw_call_parse(char **argv, struct sw_call **ret_call,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Adds what SLIPWAY_CACHE and the build document say and makes CALL's build.  SW_ERROR_DOCUMENT for
 * a document with problems, SW_ERROR_USAGE.
 */
gboolean sw_call_complete(struct sw_call *call, GCancellable *cancellable,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_call_free(struct sw_call *call);
typedef struct sw_call SwCall;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwCall, sw_call_free)

/* The row of the flag NAME ("size"), from sw_settings[] or the command line's own; NULL if none. */
const struct sw_setting *sw_option_find(const char *name);
