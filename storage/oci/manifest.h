/* SPDX-License-Identifier: MIT */
#pragma once

#include <json-glib/json-glib.h>

#include "core/storage.h"

/* Media types of the OCI image specification 1.1. */
#define SW_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define SW_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define SW_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define SW_OCI_EMPTY "application/vnd.oci.empty.v1+json"
#define SW_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"

/* "sha256:", the digits and the end. */
#define SW_OCI_DIGEST_SIZE (7 + SW_SHA256_SIZE)

/* A blob or a manifest. */
struct sw_oci_descriptor {
	char *media_type;
	char digest[SW_OCI_DIGEST_SIZE];
	guint64 size;
};

/* Frees what DESCRIPTOR holds. */
void sw_oci_descriptor_clear(struct sw_oci_descriptor *descriptor);

/* The descriptor of LENGTH bytes; MEDIA_TYPE is copied. */
void sw_oci_describe(const char *media_type, const void *bytes, size_t length,
		     struct sw_oci_descriptor *ret);

/* What the manifest of one file says. */
struct sw_oci_file {
	char *key;			  /* that slipway stored it under; NULL: it did not */
	struct sw_oci_descriptor blob;	  /* that holds the file */
	guint64 offset;			  /* of the file in the blob */
	struct sw_stored stored;	  /* size and SHA-256 of the file itself */
	struct sw_oci_descriptor subject; /* DIGEST is "" where there is none */
};

/* Frees what FILE holds. */
void sw_oci_file_clear(struct sw_oci_file *file);

/*
 * Reads a manifest, hostile; RET_ROOT (NULL: not wanted) gets its JSON.  SW_ERROR_STORAGE
 * "bad-manifest" for what is none, "no-file" for one with another number of layers than one.
 */
gboolean sw_oci_file_parse(const char *text, size_t length, struct sw_oci_file *ret_file,
			   JsonNode **ret_root, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a manifest is made of.  Texts are borrowed. */
struct sw_oci_draft {
	const char *key;
	const char *artifact_type; /* NULL: none */
	const char *title;	   /* the file's name */
	const struct sw_oci_file *file;
	const struct sw_oci_descriptor *config;
	const char *created;  /* RFC 3339 */
	GHashTable *metadata; /* of struct sw_put; NULL: none */
};

/* The manifest of DRAFT; to be freed. */
char *sw_oci_manifest_make(const struct sw_oci_draft *draft);

/*
 * The manifest ROOT for another KEY, of one that has been read: the same file, and no referrer; to
 * be freed.
 */
char *sw_oci_manifest_rename(JsonNode *root, const char *key, const char *created);

/* The configuration of a container disk for ARCHITECTURE, whose layer is LAYER; to be freed. */
char *sw_oci_config_make(const char *architecture, const char *created,
			 const struct sw_oci_descriptor *layer);

/* Reads a list of tags, hostile, and adds them to TAGS (char *).  SW_ERROR_STORAGE "bad-answer". */
gboolean sw_oci_tags_parse(const char *text, size_t length, GPtrArray *tags,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Reads an image index, hostile: RET_FOUND is the manifest for ARCHITECTURE and Linux, with the
 * digest "" where there is none.  SW_ERROR_STORAGE "bad-manifest".
 */
gboolean sw_oci_index_find(const char *text, size_t length, const char *architecture,
			   struct sw_oci_descriptor *ret_found,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The index TEXT (hostile; NULL: none yet) of the referrers of an image, without the manifest DIGEST
 * and with ADDED, of ARTIFACT_TYPE (NULL: none is added).  RET_COUNT: of what it lists.  NULL with
 * ERROR; to be freed.
 */
char *sw_oci_referrers_change(const char *text, size_t length, const char *digest,
			      const struct sw_oci_descriptor *added, const char *artifact_type,
			      guint *ret_count, GError **error);

/* Reads what a registry says of an error, hostile: code and message fit for a line; "": none. */
void sw_oci_error_parse(const char *text, size_t length, char **ret_code, char **ret_message);
