/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * An image reference: a transport and a name.  Spellings and canonical forms as in
 * containers-image-proxy-rs (src/transport.rs) and containers-transports(5).  Pure: nothing is
 * opened.
 */
enum sw_transport {
	SW_TRANSPORT_REGISTRY,		 /* docker://NAME, registry:NAME, or just NAME */
	SW_TRANSPORT_OCI,		 /* oci:PATH[:TAG] */
	SW_TRANSPORT_OCI_ARCHIVE,	 /* oci-archive:PATH[:TAG] */
	SW_TRANSPORT_DOCKER_ARCHIVE,	 /* docker-archive:PATH[:TAG] */
	SW_TRANSPORT_CONTAINERS_STORAGE, /* containers-storage:NAME */
	SW_TRANSPORT_DIR,		 /* dir:PATH */
};

struct sw_reference {
	enum sw_transport transport;
	/*
	 * Without the transport's prefix; a registry's has its tag or digest, "latest" if none was
	 * given.
	 */
	char *name;
};

/*
 * Parses what a user writes.  SW_ERROR_USAGE with the id "image-reference" for an empty or
 * over-long text, an unknown transport, a name that the transport cannot have, control characters
 * or blanks.
 */
gboolean sw_reference_parse(const char *text, struct sw_reference **ret_reference,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_reference_free(struct sw_reference *reference);
typedef struct sw_reference SwReference;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwReference, sw_reference_free)

/* "docker://quay.io/a/b:latest": what skopeo takes and the image ref is made of (contract 1.3). */
char *sw_reference_to_string(const struct sw_reference *reference);

/*
 * The last part of its name without tag, digest and what is not of [A-Za-z0-9._-], for names of
 * machines and files: "debian-bootc"; "image" where nothing is left.
 */
char *sw_reference_short_name(const struct sw_reference *reference);

/*
 * What a machine updates from (contract 1.3): a reference as above, or one of ostree's own forms:
 * ostree-unverified-registry:NAME, ostree-unverified-image:TRANSPORT:NAME,
 * ostree-image-signed:TRANSPORT:NAME.
 */
struct sw_target {
	struct sw_reference *image;
	gboolean is_signed;   /* ostree-image-signed: the machine demands a signature policy */
	gboolean is_explicit; /* one of ostree's own forms, which say whether it does */
};

/* Parses TEXT; errors as sw_reference_parse(). */
gboolean sw_target_parse(const char *text, struct sw_target **ret_target,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_target_free(struct sw_target *target);
typedef struct sw_target SwTarget;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwTarget, sw_target_free)

/* The origin's container-image-reference: "ostree-unverified-registry:quay.io/a/b:latest". */
char *sw_target_to_origin(const struct sw_target *target);
