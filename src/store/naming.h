/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/artifact.h"
#include "core/error.h"

/* What is known for the placeholders of a layout; NULL: not known. */
struct sw_naming {
	const char *name;
	const char *version;
	const char *arch;
	const char *digest; /* "sha256:..." of the source image */
	const char *build;  /* hexadecimal */
	const char *date;   /* "20260131" */
	const char *os_id;
	const char *os_version;
	const char *tag;
};

/*
 * Is TEXT a preset ("default", "flightctl", "openchami", "bib") or a template of keys, such as
 * "{name}/{type}.{ext}"?  RET_CANONICAL is to be freed.  SW_ERROR_USAGE, with the nearest
 * placeholder for an unknown one.
 */
gboolean sw_layout_check(const char *text, char **ret_canonical,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The words of the presets, NULL at the end. */
extern const char *const sw_layout_presets[];

/* Do keys of LAYOUT differ from tag to tag? */
gboolean sw_layout_has_tags(const char *layout);

/*
 * The keys of ARTIFACTS (struct sw_artifact) by LAYOUT, checked: SW_ERROR_USAGE "layout" for a
 * placeholder that is not known here, or two artifacts on one key.  TAG: instead of the version, or
 * of the tag where LAYOUT has {tag}; NULL: none.  RET_RECORD is what the names of the record's
 * files begin with ("edge/1/amd64/").  To be freed.
 */
gboolean sw_layout_keys(const char *layout, const struct sw_naming *naming, const char *tag,
			GPtrArray *artifacts, char ***ret_keys, char **ret_record,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;
