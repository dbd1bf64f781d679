/* SPDX-License-Identifier: MIT */
#pragma once

#include "spec/setting.h"

/* A larger document is refused. */
#define SW_DOCUMENT_LIMIT (1024 * 1024)

/*
 * Parses the build document TEXT, one YAML 1.2 mapping (so JSON as well) of the keys of
 * sw_settings[], and adds what it says to GIVEN (struct sw_given, SW_ORIGIN_DOCUMENT).  Texts must
 * be strings as YAML's core schema resolves them; anchors, aliases, tags and several documents are
 * refused.  Paths are taken relative to DIRECTORY and looked at; with NULL neither, so that nothing
 * is opened.
 *
 * All problems are found in one run: SW_ERROR_DOCUMENT with the id "document" has a line for each,
 * "NAME:LINE:COLUMN: what", in the order of the document.  GIVEN is then of no use.
 */
gboolean sw_document_parse(const char *text, size_t length, const char *name, const char *directory,
			   GPtrArray *given, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * As sw_document_parse() for the file PATH; "-" is stdin, with paths relative to the working
 * directory.
 */
gboolean sw_document_read(const char *path, GPtrArray *given, GCancellable *cancellable,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;
