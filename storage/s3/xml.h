/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"

/* An element of an answer.  Attributes and namespaces do not matter to S3. */
struct sw_xml {
	char *name;
	char *text;	     /* "" for none; of an element with children: what lies between them */
	GPtrArray *children; /* struct sw_xml */
};

/* Frees an element and all below it; NULL is fine. */
void sw_xml_free(struct sw_xml *element);
typedef struct sw_xml SwXml;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwXml, sw_xml_free)

/*
 * Parses a hostile answer: UTF-8, at most 16 deep, at most 100000 elements.  SW_ERROR_STORAGE
 * "bad-answer".  The root goes to RET_ROOT, freed by the caller.
 */
gboolean sw_xml_parse(const char *data, size_t length, struct sw_xml **ret_root,
		      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The first child of ELEMENT called NAME; NULL: none. */
const struct sw_xml *sw_xml_child(const struct sw_xml *element, const char *name);

/* The text of the first child called NAME; NULL: none. */
const char *sw_xml_text(const struct sw_xml *element, const char *name);
