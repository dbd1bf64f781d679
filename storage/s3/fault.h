/* SPDX-License-Identifier: MIT */
#pragma once

#include "storage/http/http.h"

/* What an answer other than 2xx means. */
struct sw_s3_fault {
	gboolean passes; /* the same request may succeed a little later */
	gboolean renew;	 /* it may succeed with new credentials */
	gint64 after;	 /* seconds that the server wants to be left alone; 0: it does not say */
};

/*
 * Turns the answer to a request for BUCKET into an error (SW_ERROR_STORAGE) that says what to do;
 * FAULT says what may help.  NOW is this machine's clock.  Ids: "no-key", "no-bucket", "no-upload",
 * "key-exists", "denied", "credentials", "clock", "region", "busy", "s3".
 */
void sw_s3_fault(const struct sw_http_response *response, const char *bucket, gint64 now,
		 struct sw_s3_fault *ret_fault, GError **error);

/* Is a 2xx answer an error in disguise, as those of copies and of completions can be? */
gboolean sw_s3_is_fault(const struct sw_http_response *response);
