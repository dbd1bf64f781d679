/* SPDX-License-Identifier: MIT */
#pragma once

#include "storage/oci/name.h"
#include "storage/oci/repository.h"

/* The subject that stands for what a build was made of. */
#define SW_OCI_SOURCE "source"

/* How files are stored in a repository.  Texts are borrowed. */
struct sw_oci_storing {
	struct sw_oci *oci;
	const struct sw_oci_name *name;
	const char *convention;	   /* one of sw_oci_conventions */
	const char *artifact_type; /* NULL: as the convention */
	const char *layer_type;	   /* NULL: as the convention */
	const char *subject;	   /* a tag, a digest or SW_OCI_SOURCE; NULL: none */
	gboolean containerdisk;
	char *tagged; /* the key that the place's tag names since it was opened; NULL: none */
};

/* Media types as others choose them, NULL at the end. */
extern const char *const sw_oci_conventions[];

/* TEMPLATE with TYPE for "{type}"; to be freed. */
char *sw_oci_type_fill(const char *template, const char *type);

/* The time of now for a manifest; to be freed. */
char *sw_oci_now(void);

/*
 * Reads the manifest at TAG: the file that it is of, its digest and JSON (NULL: not wanted).
 * "no-key" when there is none.
 */
gboolean sw_oci_file_get(struct sw_oci *oci, const char *tag, struct sw_oci_file *ret_file,
			 char ret_digest[SW_OCI_DIGEST_SIZE], JsonNode **ret_root,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Stores ARTIFACT under the whole KEY: put() of struct sw_storage. */
gboolean sw_oci_store(struct sw_oci_storing *storing, const char *key,
		      const struct sw_artifact *artifact, const struct sw_put *how,
		      GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
