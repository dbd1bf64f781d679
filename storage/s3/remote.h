/* SPDX-License-Identifier: MIT */
#pragma once

#include "storage/s3/credentials.h"

/*
 * Credentials that another gives for a while.  Each fills KEYS (zeroed); SW_ERROR_STORAGE
 * "credentials" or what the connection says.
 */

/* Of STS, for the role ROLE and the token in FILE. */
gboolean sw_s3_remote_web_identity(const struct sw_s3_origin *origin, const char *role,
				   const char *file, struct sw_s3_keys *keys,
				   GCancellable *cancellable, GError **error);

/* Of the endpoint that AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI names. */
gboolean sw_s3_remote_container(const struct sw_s3_origin *origin, struct sw_s3_keys *keys,
				GCancellable *cancellable, GError **error);

/* Of the machine's own endpoint (IMDSv2), which is asked for no longer than two seconds a time. */
gboolean sw_s3_remote_instance(const struct sw_s3_origin *origin, struct sw_s3_keys *keys,
			       GCancellable *cancellable, GError **error);

/* Reads the JSON of the last two, hostile.  SW_ERROR_STORAGE "credentials". */
gboolean sw_s3_remote_parse(const char *text, size_t length, struct sw_s3_keys *keys,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;
