/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/* What a node of a composed tree is. */
enum sw_sink_type {
	SW_SINK_DIRECTORY,
	SW_SINK_FILE,
	SW_SINK_SYMLINK,
	SW_SINK_HARDLINK, /* another name of a node that came before */
};

/* One node of a composed tree.  Lives only for the call that passes it. */
struct sw_sink_node {
	const char *path; /* relative, no "." or "..", parents come first; "" is the root */
	enum sw_sink_type type;
	guint32 uid, gid;
	guint32 mode;	    /* permission bits with setuid, setgid and sticky */
	gint64 mtime;	    /* seconds since 1970 */
	GVariant *xattrs;   /* a(ayay), names with their final NUL as in libostree; NULL: none */
	const char *target; /* of a symlink; of a hard link, the path of the earlier node */
	guint64 size;	    /* of a file */
	int fd; /* the content of a file, read by offset from 0; -1: DATA is the content */
	const void *data;
	gboolean immutable; /* wears the immutable flag (where the sink can) */
	gboolean is_sealed; /* a file under fs-verity; ext4.h can */
};

/*
 * "A composed tree goes onto a filesystem": the narrow seam between composing (compose.h) and the
 * ways to write it (ext4.h on the host, tarstream.h into the appliance).  A sink is used by one
 * thread.
 */
struct sw_sink {
	/* Adds NODE.  Errors are SW_ERROR_DEPLOY, or SW_ERROR_ENVIRONMENT for a full disk. */
	gboolean (*add)(struct sw_sink *sink, const struct sw_sink_node *node, GError **error);
};

/* Adds NODE to SINK, unless CANCELLABLE is cancelled. */
gboolean sw_sink_add(struct sw_sink *sink, const struct sw_sink_node *node,
		     GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
