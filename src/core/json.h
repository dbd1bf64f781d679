/* SPDX-License-Identifier: MIT */
#pragma once

#include <json-glib/json-glib.h>

#include "core/error.h"

/* What the JSON is, for errors: "the manifest: layers is not an array". */
struct sw_json_subject {
	const char *name;
	enum sw_error code;
	const char *id;
};

/*
 * Parses hostile JSON whose root is an object.  Stricter than json-glib (RFC 8259): UTF-8 without
 * \u0000, no comments or other extensions; one root, at most 64 deep, at most 100000 values.
 */
gboolean sw_json_parse(const char *data, size_t length, const struct sw_json_subject *subject,
		       JsonNode **ret_root, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The member NAME of OBJECT, borrowed; a missing or null one is NULL (zero for a number) unless
 * REQUIRED.  A value of another type, or a text that is not UTF-8, is an error.
 */
gboolean sw_json_get_string(JsonObject *object, const char *name, gboolean required,
			    const struct sw_json_subject *subject, const char **ret_text,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean sw_json_get_object(JsonObject *object, const char *name, gboolean required,
			    const struct sw_json_subject *subject, JsonObject **ret_object,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean sw_json_get_array(JsonObject *object, const char *name, gboolean required,
			   const struct sw_json_subject *subject, JsonArray **ret_array,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean sw_json_get_int(JsonObject *object, const char *name, gboolean required,
			 const struct sw_json_subject *subject, gint64 *ret_number,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;
