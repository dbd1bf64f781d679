/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* One layer of an image. Every text is validated. */
struct sw_oci_layer {
	char *digest;  /* "sha256:HEX", of the blob as the manifest lists it */
	char *diff_id; /* "sha256:HEX", of the uncompressed tar */
	char *media_type;
	guint64 size; /* of the blob, bytes */
};

/* An image: its manifest and configuration (OCI image-spec 1.1), parsed and validated. */
struct sw_oci_image {
	char *manifest_digest; /* of the manifest as served, for the chosen platform */
	char *manifest;	       /* its JSON in OCI form, as the proxy gives it */
	char *config;	       /* the configuration's JSON */
	char *architecture;    /* OCI's word ("amd64") */
	char *os;	       /* "linux" */
	/*
	 * Seconds since 1970: the manifest's annotation org.opencontainers.image.created, else the
	 * configuration's time, else 0 (contract 1.7).
	 */
	guint64 created;
	char *version;	    /* label org.opencontainers.image.version, else version; NULL: none */
	GHashTable *labels; /* char * to char * */
	GPtrArray *layers;  /* struct sw_oci_layer, at least one */
};

/*
 * Parses MANIFEST and CONFIG, hostile JSON of the given lengths.  SW_ERROR_SOURCE with the id
 * "manifest" or "config" when one is not what it must be (not JSON, no layers, a digest of another
 * form, sizes that are negative or above 1 TiB, another number of diff_ids than layers, over 4 MiB
 * or 1000 layers, text that is not UTF-8).
 */
gboolean sw_oci_image_parse(const char *manifest_digest, const char *manifest,
			    size_t manifest_length, const char *config, size_t config_length,
			    struct sw_oci_image **ret_image,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_oci_image_free(struct sw_oci_image *image);
typedef struct sw_oci_image SwOciImage;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwOciImage, sw_oci_image_free)

/* This machine's architecture in OCI's words ("amd64", "arm64", "ppc64le", "s390x", "riscv64"). */
const char *sw_oci_host_architecture(void);
