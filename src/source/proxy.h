/* SPDX-License-Identifier: MIT */
#pragma once

#include <json-glib/json-glib.h>

#include "core/error.h"

/*
 * The client of `skopeo experimental-image-proxy` (skopeo's
 * docs-experimental/skopeo-experimental-image-proxy.1.md): JSON requests and replies of at most 32
 * KiB over a SOCK_SEQPACKET socket, descriptors beside them.  The proxy handles one request at a
 * time. When a function fails, the proxy is of no more use: free it.
 */
struct sw_proxy;

struct sw_proxy_options {
	const char *architecture; /* OCI's word */
	const char *authfile;	  /* NULL: skopeo's usual places */
	gboolean tls_verify;
	const char *tmpdir;  /* for skopeo's temporary files; NULL: its usual place */
	gboolean in_userns;  /* run it in a user namespace with the user's subordinate ids */
	guint idle_limit_ms; /* without an answer, then it counts as hung; 0: none */
};

/* One reply of the proxy. */
struct sw_reply {
	char *error;	 /* the proxy's text; NULL: it succeeded */
	JsonNode *value; /* NULL: none */
	guint64 pipe_id; /* for FinishPipe */
	int fd;		 /* the reading end of a pipe; -1: none */
};

/* An empty reply, as sw_reply_clear() leaves it. */
#define SW_REPLY_INIT ((struct sw_reply){ .fd = -1 })

/* Frees what REPLY holds and closes its descriptor. */
void sw_reply_clear(struct sw_reply *reply);
typedef struct sw_reply SwReply;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SwReply, sw_reply_clear)

/*
 * Starts skopeo and agrees on the protocol: 0.2.3 or a later 0.2.  SW_ERROR_ENVIRONMENT with the
 * ids "program-missing", "skopeo-version" or "skopeo".
 */
gboolean sw_proxy_start(const struct sw_proxy_options *options, struct sw_proxy **ret_proxy,
			GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Ends skopeo, by force when it is busy, and reaps it; NULL is fine. */
void sw_proxy_free(struct sw_proxy *proxy);
typedef struct sw_proxy SwProxy;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwProxy, sw_proxy_free)

/* The N of protocol 0.2.N. */
guint sw_proxy_protocol(const struct sw_proxy *proxy);

/*
 * One request and its reply.  ARGS (taken over; NULL: none) are the method's.  A refusal is a
 * success here, with REPLY's error set.  Fails with "unreachable" when the idle limit is over, else
 * with SW_ERROR_SOURCE "source" or SW_ERROR_CANCELLED.
 */
gboolean sw_proxy_call(struct sw_proxy *proxy, const char *method, JsonArray *args,
		       struct sw_reply *ret_reply, GCancellable *cancellable,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * As sw_proxy_call() for a method of IMAGE whose result comes through a pipe: all of it, at most
 * LIMIT bytes (more is an error of the reply).  RET_DATA is NULL after a refusal.
 */
gboolean sw_proxy_read(struct sw_proxy *proxy, const char *method, gint64 image, size_t limit,
		       struct sw_reply *ret_reply, GByteArray **ret_data, GCancellable *cancellable,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The two halves of sw_proxy_call(), for a caller that polls sw_proxy_fd() for input itself. */
gboolean sw_proxy_send(struct sw_proxy *proxy, const char *method, JsonArray *args,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean sw_proxy_receive(struct sw_proxy *proxy, struct sw_reply *ret_reply,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;
int sw_proxy_fd(const struct sw_proxy *proxy);

/* Sets ERROR as for a proxy that has not answered within its idle limit.  Returns FALSE always. */
gboolean sw_proxy_fail_idle(const struct sw_proxy *proxy, GError **error);
