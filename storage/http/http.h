/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/storage.h"

/* How connections are made. Texts are borrowed. */
struct sw_http_settings {
	const char *ca;		  /* file of certificates; NULL: the system's */
	gboolean insecure;	  /* take any certificate */
	gboolean no_proxy;	  /* do not use the environment's proxy */
	int connect_timeout;	  /* seconds */
	int stall_timeout;	  /* seconds without a byte in either direction */
	guint64 bytes_per_second; /* each way; 0: no limit */
};

/* One connection, kept open between requests.  Used by one thread at a time. */
struct sw_http;

/* A new one; never NULL.  SETTINGS must outlive it. */
struct sw_http *sw_http_new(const struct sw_http_settings *settings);

/* Closes; NULL is fine. */
void sw_http_free(struct sw_http *http);
typedef struct sw_http SwHttp;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwHttp, sw_http_free)

/* What a body is read from, or where it goes. */
struct sw_http_body {
	const void *data; /* NULL: read from FD at OFFSET */
	int fd;
	guint64 offset;
	guint64 length;
	const char *path; /* of FD, for errors */
	/* Instead: fills BUFFER with bytes from AT on; how many, 0 with ERROR.  NULL: see above. */
	size_t (*read)(void *read_data, guint64 at, void *buffer, size_t length, GError **error);
	void *read_data;
};

struct sw_http_request {
	const char *method;
	const char *url;
	const GPtrArray *headers;	 /* lines "Name: value"; NULL: none */
	const struct sw_http_body *body; /* NULL: none */
	sw_storage_sink sink;		 /* takes the body of a 2xx answer; NULL: kept in memory */
	void *sink_data;
	gint64 grace;	 /* microseconds that it may go on after it was cancelled */
	gint64 deadline; /* of the monotonic clock: it has timed out then; 0: none */
	/* Told the bytes of the body that were handed to the network; NULL: nobody asks. */
	void (*progress)(guint64 bytes, void *data);
	void *progress_data;
};

struct sw_http_response {
	int status;
	GHashTable *headers; /* lower-case name to value */
	GString *body;
	guint64 received; /* bytes that SINK took */
	gboolean
		unanswered; /* a request went out (or an earlier try of it) whose answer is not known */
};

/* Frees what RESPONSE (zeroed, or of a perform) holds. */
void sw_http_response_clear(struct sw_http_response *response);

/*
 * Does one request.  TRUE for every answer, also of a server in trouble.  Errors: SW_ERROR_STORAGE
 * "unreachable" for what may pass (no connection, reset, timeout), "insecure" for a certificate that
 * does not fit, "changed" for a file that became shorter, and those of SINK.
 */
gboolean sw_http_perform(struct sw_http *http, const struct sw_http_request *request,
			 struct sw_http_response *ret_response, GCancellable *cancellable,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Up to LENGTH bytes from AT of the file FD (PATH) into BUFFER; 0 with ERROR, also at its end. */
size_t sw_http_read_file(int fd, const char *path, guint64 at, void *buffer, size_t length,
			 GError **error);

/* The value of a header (lower-case NAME) of RESPONSE; NULL: none. */
const char *sw_http_header(const struct sw_http_response *response, const char *name);

/* "Name: value" for a list of header lines; control characters in VALUE become blanks. */
void sw_http_header_add(GPtrArray *headers, const char *name, const char *value);

/*
 * Waits after failure number ATTEMPT (from 1), longer each time and by chance, and at least AT_LEAST
 * seconds; FALSE when cancelled.
 */
gboolean sw_http_back_off(int attempt, gint64 at_least, GCancellable *cancellable,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The seconds for which the server wants to be left alone by its answer, at most 30; 0: it does not say. */
gint64 sw_http_retry_after(const struct sw_http_response *response);
