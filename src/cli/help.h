/* SPDX-License-Identifier: MIT */
#pragma once

#include "cli/verbs.h"
#include "core/param.h"

/* Appends the overview of all verbs to OUT. */
void sw_help_overview(GString *out);

/* Appends the help of VERB to OUT. */
void sw_help_verb(const struct sw_verb *verb, GString *out);

/*
 * What help says about the setting ROW beside its name: the help line, the words to choose from,
 * the default and, where it is called otherwise, the key in the document.  The caller frees it.
 */
char *sw_help_text(const struct sw_setting *row);

/* Likewise about the option PARAM of a format or a backend. */
char *sw_help_param_text(const struct sw_param *param);

/* Appends LEFT to OUT, and TEXT in a column beside it, or below where LEFT is too long. */
void sw_help_entry(GString *out, const char *left, const char *text);
