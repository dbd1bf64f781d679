/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/progress.h"
#include "source/oci.h"
#include "source/reference.h"

/* An image opened where it lies, through `skopeo experimental-image-proxy`. */
struct sw_source;

struct sw_source_options {
	const struct sw_reference *reference;
	const char *architecture; /* OCI's word; a manifest list resolves to it */
	const char *authfile;	  /* NULL: skopeo's usual places */
	gboolean tls_verify;
	const char *scratch;  /* a directory for what skopeo unpacks; NULL: $TMPDIR or /var/tmp */
	guint retry_delay_ms; /* before the second try, doubled before each further; 0: 500 */
	guint idle_limit_ms;  /* of a registry that does not answer; 0: 90000 */
};

/*
 * Starts the proxy, opens the image, reads and validates manifest and configuration.  Passing
 * faults (timeouts, 5xx, resets) are retried with back-off, with a note.  Errors: SW_ERROR_SOURCE
 * with the ids "image-not-found", "unauthorized", "tls", "unreachable", "policy",
 * "no-architecture", "manifest", "config", "source"; SW_ERROR_USAGE "authfile" when that file
 * cannot be read; SW_ERROR_ENVIRONMENT when skopeo is missing or too old; SW_ERROR_IMAGE
 * "architecture" when the image is for another one than asked.  What is local is unpacked below
 * SCRATCH by some transports and is gone with the source.  The strings are copied.
 */
gboolean sw_source_open(const struct sw_source_options *options, struct sw_progress *progress,
			struct sw_source **ret_source, GCancellable *cancellable,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Ends the proxy and frees; NULL is fine. */
void sw_source_free(struct sw_source *source);
typedef struct sw_source SwSource;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwSource, sw_source_free)

/* What the image is; owned by SOURCE. */
const struct sw_oci_image *sw_source_image(const struct sw_source *source);

/*
 * Takes one layer: reads FD, a pipe, to its end (the caller of the function closes it) and verifies
 * what it read: the SHA-256 of the stream against EXPECTED_DIGEST (which is LAYER's digest or,
 * where the transport stores layers uncompressed, its diff_id), and the uncompressed tar against
 * LAYER->diff_id. Whether the stream is compressed is told by its first bytes: archives list plain
 * tars as gzip.
 *
 * Called from a worker thread, at most four at once; called again for the same layer after a
 * passing fault.  When the fetch fails or is cancelled the stream just ends early, so nothing may
 * be kept that is not verified.  A failure for what was in the stream gives way to the fetch's own
 * verdict on it; one that is SW_ERROR_ENVIRONMENT or SW_ERROR_CANCELLED ends the fetch at once.
 */
typedef gboolean (*sw_layer_func)(const struct sw_oci_layer *layer, const char *expected_digest,
				  int fd, void *data, GCancellable *cancellable, GError **error);

/*
 * Fetches the layers whose indices are WANTED (in that order, COUNT of them), several at once, and
 * hands each to TAKE.  Each is tried four times while its fault may pass.  The first failure that
 * does not pass stops the rest; all workers have ended when this returns.  Errors as
 * sw_source_open(), "digest" for content that is not what the manifest says, and TAKE's.  Reports
 * the bytes of the stage "source".
 */
gboolean sw_source_fetch(struct sw_source *source, const guint *wanted, guint count,
			 sw_layer_func take, void *data, struct sw_progress *progress,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
