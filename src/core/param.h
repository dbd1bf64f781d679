/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Option rows: parsing, validation, --help, completion, `list --json` and the man page of the
 * formats' and backends' options all come from them.
 */
enum sw_param_type {
	SW_PARAM_STRING, /* char *, owned by the state */
	SW_PARAM_BOOL,	 /* gboolean; true, yes, on; false, no, off */
	SW_PARAM_SIZE,	 /* guint64, bytes; "64K", "1 GiB" (core/size.h) */
	SW_PARAM_INT,	 /* int, decimal, may be negative */
	SW_PARAM_CHOICE, /* char *, one of CHOICES, owned by the state */
	SW_PARAM_SECRET, /* as a string, but never printed or logged; wiped before it is freed */
};

/* One option of a format or a storage backend.  A {0} row ends the table. */
struct sw_param {
	const char *name; /* "cluster-size" */
	enum sw_param_type type;
	const char *fallback;	    /* the default as text; NULL: none */
	const char *const *choices; /* SW_PARAM_CHOICE: the words, NULL at the end */
	size_t offset;		    /* of the field in the owner's state */
	gboolean required;
	const char *help; /* one line, lower case, no full stop */
};

/*
 * Fills STATE (zeroed) from GIVEN (name to text, both char *; NULL: nothing given) and the defaults
 * of PARAMS (NULL: no options); an option that has neither stays zero.  OWNER ("format qcow2")
 * begins the message of an error: SW_ERROR_USAGE for an unknown name (with the nearest known one),
 * a value that does not parse, or a missing one.  After an error STATE is as if sw_params_clear()
 * had been called.
 */
gboolean sw_params_apply(const struct sw_param *params, GHashTable *given, void *state,
			 const char *owner, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees what sw_params_apply() put into STATE and zeroes those fields. */
void sw_params_clear(const struct sw_param *params, void *state);

/*
 * The row of PARAMS (NULL: none) that is called NAME; NULL with SW_ERROR_USAGE, the nearest known
 * name and OWNER, if there is none.
 */
const struct sw_param *sw_param_find(const struct sw_param *params, const char *name,
				     const char *owner, GError **error);

/* Is TEXT a value of PARAM?  SW_ERROR_USAGE; OWNER begins the message. */
gboolean sw_param_check(const struct sw_param *param, const char *text, const char *owner,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The word of WORDS (NULL at the end) nearest to WORD by edit distance (two letters swapped count
 * as one edit, case as none), NULL when none is near: more than an edit for each three letters of
 * WORD.
 */
const char *sw_nearest(const char *word, const char *const *words);
