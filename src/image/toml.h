/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"

/* The longest text that sw_toml_parse() takes, in bytes; its tree may take 200 times that. */
#define SW_TOML_LIMIT ((size_t)64 * 1024)

/*
 * Parses TEXT (LENGTH bytes, hostile) as TOML 1.0.  RET_TABLE gets a full reference to a dictionary
 * "a{sv}", keys sorted: tables are "a{sv}", arrays "av", strings "s", whole numbers "x", other
 * numbers "d", booleans "b", dates and times "s".  NAME (a file's) begins the message of an error,
 * which has CODE and ID and names line and column: no TOML, over SW_TOML_LIMIT, nested deeper than
 * 16, more than 4096 dots (each may be a table), a NUL in a text.
 */
gboolean sw_toml_parse(const char *text, size_t length, const char *name, enum sw_error code,
		       const char *id, GVariant **ret_table,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;
