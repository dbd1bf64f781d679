/* SPDX-License-Identifier: MIT */
#pragma once

#include "storage/s3/credentials.h"
#include "storage/s3/encode.h"
#include "storage/s3/xml.h"

/* A bucket at an endpoint.  May be used from several threads once it is filled in. */
struct sw_s3 {
	struct sw_http_settings http;
	struct sw_s3_identity *identity;
	char *scheme; /* "https" */
	char *host;   /* of the endpoint, with its port unless that is the scheme's */
	char *base;   /* a path in front of all, "" for none */
	char *region;
	char *bucket;
	gboolean path_style;
	int attempts; /* for one request */
	int parallel; /* transfers at a time, of all files together */
	GMutex lock;
	GQueue idle; /* struct sw_http */
	GQueue slots;
	int slots_made;
	GCond returned; /* a slot */
};

/* The right to do one of the PARALLEL transfers, and the memory for it. */
struct sw_s3_slot {
	guint8 *buffer; /* NULL: what is to be sent is too large for the memory */
	size_t size;
};

/* What is larger is not held in memory. */
#define SW_S3_MEMORY_MAX (G_GUINT64_CONSTANT(8) << 20)

/* Waits for a slot with a buffer for SIZE bytes; NULL with ERROR: cancelled. */
struct sw_s3_slot *sw_s3_slot_take(struct sw_s3 *s3, guint64 size, GCancellable *cancellable,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Gives it to the next who waits. */
void sw_s3_slot_return(struct sw_s3 *s3, struct sw_s3_slot *slot);

/* Takes apart ENDPOINT ("https://host:9000") into S3; SW_ERROR_USAGE "bad-endpoint". */
gboolean sw_s3_set_endpoint(struct sw_s3 *s3, const char *endpoint,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees what S3 holds. */
void sw_s3_clear(struct sw_s3 *s3);

/* One operation. */
struct sw_s3_call {
	const char *method;
	const char *key;		 /* whole, with the prefix; NULL: the bucket */
	GPtrArray *query;		 /* NULL: none */
	const GPtrArray *headers;	 /* NULL: none */
	const struct sw_http_body *body; /* NULL: none */
	const char *sha256;		 /* of the body; NULL: it is in memory, and hashed here */
	sw_storage_sink sink;		 /* as in struct sw_http_request */
	void *sink_data;
	/* Told how much more of the body has gone out, or less when it must go again. */
	void (*progress)(gint64 bytes, void *data);
	void *progress_data;
	gint64 grace;	 /* as in struct sw_http_request */
	gint64 deadline; /* as in struct sw_http_request; it is not tried again after that */
};

/*
 * Does CALL, again and again while the trouble may pass.  TRUE: the answer is 2xx and no error in
 * disguise.  RESPONSE is cleared by the caller, after a failure too.  A call with a sink that took
 * something is not tried again.
 */
gboolean sw_s3_call(struct sw_s3 *s3, const struct sw_s3_call *call,
		    struct sw_http_response *response, GCancellable *cancellable,
		    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* As sw_s3_call(), and parses the answer, which must be XML with the root NAME. */
gboolean sw_s3_call_xml(struct sw_s3 *s3, const struct sw_s3_call *call, const char *name,
			struct sw_xml **ret_root, GCancellable *cancellable,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* As sw_s3_call(), where the answer does not matter. */
gboolean sw_s3_call_plain(struct sw_s3 *s3, const struct sw_s3_call *call,
			  GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The URL of KEY (NULL: the bucket) with QUERY (encoded, NULL: none). */
char *sw_s3_url(const struct sw_s3 *s3, const char *key, const char *query);

/* A presigned one for GET, or one without a signature where EXPIRES is 0. */
char *sw_s3_get_url(struct sw_s3 *s3, const char *key, guint64 expires, GError **error);
