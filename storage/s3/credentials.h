/* SPDX-License-Identifier: MIT */
#pragma once

#include "storage/http/http.h"
#include "storage/s3/sign.h"

/* Where credentials come from.  Texts are borrowed. */
struct sw_s3_origin {
	const char *file;    /* of the option; NULL: none */
	const char *profile; /* of the option; NULL: AWS_PROFILE, or "default" */
	const char *region;
	const struct sw_http_settings *http;
};

/* Credentials, renewed before they expire; may be used from several threads. */
struct sw_s3_identity;

/* A new one, that has looked nowhere yet; never NULL.  ORIGIN's texts must outlive it. */
struct sw_s3_identity *sw_s3_identity_new(const struct sw_s3_origin *origin);

/* Wipes and frees; NULL is fine. */
void sw_s3_identity_free(struct sw_s3_identity *identity);

/*
 * A copy of the keys, sought in the order of the AWS tools: the option's file, the environment, the
 * shared files, a web identity, the container's endpoint, the machine's.  RENEW: those of the last
 * call have been refused.  SW_ERROR_STORAGE "credentials" where there are none.
 */
gboolean sw_s3_identity_get(struct sw_s3_identity *identity, gboolean renew,
			    struct sw_s3_keys *ret_keys, GCancellable *cancellable,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A value of the profile in the shared config file, such as its region; NULL: none. */
char *sw_s3_profile_setting(const char *profile, const char *key);
