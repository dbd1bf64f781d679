/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"

/* The place "REGISTRY/REPOSITORY[:PREFIX]". */
struct sw_oci_name {
	char *registry;	  /* as auth files name it: "quay.io", "localhost:5000" */
	char *repository; /* "org/edge" */
	char *prefix;	  /* of all keys: "" or with "/" at its end */
	char *tag;	  /* what PREFIX names for others: one part that can be a tag; NULL: none */
};

/* Takes apart LOCATION; SW_ERROR_USAGE "bad-repository". */
gboolean sw_oci_name_parse(const char *location, struct sw_oci_name *ret,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees what NAME holds. */
void sw_oci_name_clear(struct sw_oci_name *name);

/* Can TEXT be a tag? */
gboolean sw_oci_tag_valid(const char *text);

/* Is TEXT a media type ("application/vnd.example.v1+json")? */
gboolean sw_oci_media_type_valid(const char *text);

/*
 * The tag for KEY: itself where it can be one; "/" becomes "__" and another byte that a tag cannot
 * have "_" and two digits; the hash of one that is too long.  No two keys have one tag.  The caller
 * frees it.
 */
char *sw_oci_tag_of(const char *key);

/* The key whose tag TAG is; NULL: of none, or only the manifest knows.  The caller frees it. */
char *sw_oci_key_of(const char *tag);

/* Is TAG one of a key that only the manifest knows? */
gboolean sw_oci_tag_is_hash(const char *tag);
