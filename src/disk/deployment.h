/* SPDX-License-Identifier: MIT */
#pragma once

#include "disk/objects.h"

/* What a deployment is made from.  All is borrowed. */
struct sw_deployment {
	OstreeRepo *repo;
	const char *commit;
	const struct sw_objects *objects; /* those of COMMIT are already in the sink */
	const char *stateroot;
	const char *path;      /* "ostree/deploy/default/deploy/CHECKSUM.0" */
	const char *boot_spec; /* "UUID=..." of /boot, for fstab; empty: fstab is the image's */
	const char *root_home; /* "var/roothome" or "root" */
	const char *auth;      /* text of /etc/ostree/auth.json, a secret; NULL: none */
	gboolean has_selinux;  /* the image has a policy: /var is labelled */
	const char *ssh_keys;  /* root's authorized_keys; NULL: none */
};

/*
 * Adds the stateroot with its /var and the deployment to SINK: files are hard links to their
 * objects, empty ones and those of /etc and /var copies (contract 2.8); the fstab line and the ssh
 * snippet of contract 2.10 are put into /etc.
 */
gboolean sw_deployment_compose(const struct sw_deployment *deployment, struct sw_sink *sink,
			       GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Adds the tree of COMMIT to SINK by itself: the image's root filesystem, "" being its root, with the /etc that
 * the commit keeps as usr/etc.
 */
gboolean sw_deployment_compose_plain(OstreeRepo *repo, const char *commit, struct sw_sink *sink,
				     GCancellable *cancellable,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;
