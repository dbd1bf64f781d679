/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/scratch.h"
#include "source/proxy.h"
#include "source/source.h"

/* What the files of this folder share of an open image. */

#define SW_SOURCE_TRIES 4 /* while a fault may pass */

struct sw_source {
	struct sw_reference *reference;
	char *architecture;
	char *authfile;
	gboolean tls_verify;
	guint retry_delay_ms;
	guint idle_limit_ms;
	struct sw_scratch *scratch; /* NULL: nothing is unpacked */
	struct sw_proxy *proxy;	    /* NULL: to be started (again) */
	gint64 image_id;	    /* the proxy's */
	struct sw_oci_image *image;
};

/*
 * Starts the proxy unless it runs, and opens the image, with the tries of a passing fault.  Errors
 * as sw_source_open().
 */
gboolean sw_source_connect(struct sw_source *source, struct sw_progress *progress,
			   GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * After a failure of a function of the proxy: ends it, and puts the image's name before ERROR (not
 * NULL). RET_REASON is set when trying again may help: why, for a note.  Returns FALSE always.
 */
gboolean sw_source_fail_proxy(struct sw_source *source, char **ret_reason, GError **error);

/* Milliseconds to wait after TRIES tries, and the note that says so. */
guint sw_source_delay(const struct sw_source *source, const char *detail, const char *reason,
		      guint tries, struct sw_progress *progress);

/* Removes the files that skopeo before 1.11 leaves behind for each layer of containers-storage. */
void sw_source_drop_files(const struct sw_source *source);
