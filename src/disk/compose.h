/* SPDX-License-Identifier: MIT */
#pragma once

#include "disk/bls.h"
#include "disk/kargs.h"
#include "disk/layout.h"
#include "disk/objects.h"
#include "image/facts.h"
#include "source/reference.h"

/* What the physical root and /boot are made from.  All is borrowed. */
struct sw_compose_request {
	OstreeRepo *repo;		  /* the cache's */
	const char *commit;		  /* the merge commit */
	const char *const *layer_commits; /* in the manifest's order, NULL at the end */
	const struct sw_objects *objects; /* of all these commits */
	const struct sw_oci_image *oci;
	const struct sw_facts *facts;
	const struct sw_target *target;
	const char
		*source; /* the image reference with its digest, for the aleph file; NULL: local */
	const struct sw_layout *layout;
	GPtrArray *kargs;      /* struct sw_karg, without ostree= */
	const char *boot_spec; /* "UUID=..." of /boot, for fstab; empty: no line */
	const char *auth;      /* text of /etc/ostree/auth.json; NULL: none */
	const char *ssh_keys;  /* text of an authorized_keys file; NULL: none */
};

/* A composed system: a physical root and a /boot, each one ordered stream of nodes. */
struct sw_compose;

/* Prepares the composition: kernel checksum, boot entry, file contents. */
gboolean sw_compose_new(const struct sw_compose_request *request, struct sw_compose **ret_compose,
			GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_compose_free(struct sw_compose *compose);
typedef struct sw_compose SwCompose;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwCompose, sw_compose_free)

/* The path of the deployment in the root: "ostree/deploy/default/deploy/CHECKSUM.0". */
const char *sw_compose_deployment(const struct sw_compose *compose);

/* The boot entry. */
const struct sw_bls *sw_compose_entry(const struct sw_compose *compose);

/*
 * Composes the physical root into SINK: repository, stateroot, deployment (files as hard links to
 * their objects), origin, links (contract 2.5, 2.8, 2.10).  ADDED as in sw_objects_compose().
 */
gboolean sw_compose_root(struct sw_compose *compose, struct sw_sink *sink,
			 void (*added)(guint64 bytes, void *data), void *data,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Composes /boot into SINK: kernel, initramfs, loader links and the entry (contract 2.8). */
gboolean sw_compose_boot(struct sw_compose *compose, struct sw_sink *sink,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
