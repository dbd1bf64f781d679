/* SPDX-License-Identifier: MIT */
#pragma once

#include "storage/http/http.h"
#include "storage/oci/auth.h"
#include "storage/oci/manifest.h"

/* A repository of a registry.  Used by one thread. */
struct sw_oci {
	struct sw_http_settings settings;
	struct sw_http *http;
	char *origin;	      /* "https://quay.io" */
	char *registry;	      /* as auth files name it */
	char *repository;     /* "org/edge" */
	const char *authfile; /* NULL: the usual places */
	gboolean plain;	      /* HTTP is good enough, for all that the registry names, too */
	int attempts;	      /* for one request */
	/* What is known of the login. */
	gboolean looked;
	struct sw_oci_login login;
	char *authorization; /* the header; NULL: none yet */
	guint level;	     /* what AUTHORIZATION is good for, see client.c */
	gint64 expires;	     /* of the monotonic clock; 0: never */
};

/* One operation. */
struct sw_oci_call {
	const char *method;
	const char *path;   /* below the repository: "tags/list"; or a whole URL of the registry */
	GPtrArray *headers; /* NULL: none */
	const struct sw_http_body *body; /* NULL: none */
	gboolean once;			 /* not again but with a new login */
	gboolean any;	      /* PATH is a whole URL, of anybody: no login is shown to it */
	gboolean may_lead_on; /* an answer 3xx is one, too */
	sw_storage_sink sink; /* as in struct sw_http_request */
	void *sink_data;
	gint64 deadline;
	/* Told how much of the body has gone out in this try. */
	void (*progress)(guint64 bytes, void *data);
	void *progress_data;
	/* Told that what PROGRESS was told has to go again; NULL: nobody asks. */
	void (*again)(void *data);
};

/* Frees what OCI holds. */
void sw_oci_clear(struct sw_oci *oci);

/*
 * Does CALL, with a login where the registry wants one, again and again while the trouble may pass.
 * TRUE: the answer is 2xx.  RESPONSE is cleared by the caller, after a failure too.  Errors are
 * SW_ERROR_STORAGE with the ids "no-key", "credentials", "denied", "no-upload", "corrupt",
 * "unsupported", "too-large", "full", "busy", "oci" and those of sw_http_perform().  What took a part
 * of the answer is not done again.
 */
gboolean sw_oci_call(struct sw_oci *oci, const struct sw_oci_call *call,
		     struct sw_http_response *response, GCancellable *cancellable,
		     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* As sw_oci_call(), where the answer does not matter. */
gboolean sw_oci_call_plain(struct sw_oci *oci, const struct sw_oci_call *call,
			   GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The URL that the registry names in TEXT (hostile), seen from PATH as in struct sw_oci_call; the
 * caller frees it.  NULL with ERROR for what is no URL, or not as safe as the registry's own.
 */
char *sw_oci_resolve(const struct sw_oci *oci, const char *path, const char *text, GError **error);

/* Is URL one of the registry itself? */
gboolean sw_oci_is_own(const struct sw_oci *oci, const char *url);

/* "oci://REGISTRY/REPOSITORY", and ":KEY" where that is not NULL, before ERROR.  FALSE always. */
gboolean sw_oci_prefix(const struct sw_oci *oci, const char *key, GError **error);
