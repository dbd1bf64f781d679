/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "core/hash.h"

/* What a request is signed with.  Never shown. */
struct sw_s3_keys {
	char *access;
	char *secret;
	char *token;	/* of a session; NULL: none */
	gint64 expires; /* seconds since 1970; 0: never */
};

/* Wipes and frees what KEYS holds. */
void sw_s3_keys_clear(struct sw_s3_keys *keys);

/* A deep copy. */
void sw_s3_keys_copy(const struct sw_s3_keys *from, struct sw_s3_keys *to);

/* Who signs, for what, and when. */
struct sw_s3_signer {
	const struct sw_s3_keys *keys;
	const char *region;
	const char *service; /* "s3", "sts" */
	gint64 now;	     /* seconds since 1970 */
};

/* The request as it goes over the wire. */
struct sw_s3_signed {
	const char *method;
	const char *host;    /* with the port where the Host header has it */
	const char *path;    /* encoded */
	GPtrArray *query;    /* see encode.h; NULL: none */
	GPtrArray *headers;  /* lines "Name: value"; those of the signature are added */
	const char *payload; /* SHA-256 of the body */
};

/* Signs by AWS Signature Version 4: adds X-Amz-Date, X-Amz-Security-Token and Authorization. */
void sw_s3_sign(const struct sw_s3_signer *signer, const struct sw_s3_signed *request);

/*
 * The query of a URL that is valid for EXPIRES seconds for a GET of HOST and PATH; the caller frees
 * it.
 */
char *sw_s3_presign(const struct sw_s3_signer *signer, const char *host, const char *path,
		    guint64 expires);
