/* SPDX-License-Identifier: MIT */
#pragma once

#include "storage/s3/client.h"
#include "storage/s3/record.h"

/* The largest object and part of S3, and the smallest part but for the last. */
#define SW_S3_OBJECT_MAX (G_GUINT64_CONSTANT(50000) * 1000 * 1000 * 1000)
#define SW_S3_PART_MAX (G_GUINT64_CONSTANT(5) << 30)
#define SW_S3_PART_MIN (G_GUINT64_CONSTANT(5) << 20)
#define SW_S3_PARTS_MAX 10000

/* What is to be stored, and how. */
struct sw_s3_upload {
	const char *key; /* whole */
	const struct sw_artifact *artifact;
	const GPtrArray *headers; /* lines for the object: type, metadata, ACL and so on */
	guint64 part_size;	  /* what is not larger is sent in one piece */
	int parallel;		  /* parts at a time */
	gboolean exclusive;	  /* not over an object that exists ("key-exists") */
	void (*progress)(guint64 done, void *data);
	void *progress_data;
};

/* The part size for SIZE bytes: WANTED, or more so that 10,000 suffice. */
guint64 sw_s3_part_size(guint64 size, guint64 wanted);

/* The payload of a signature that does not hold the body's SHA-256. */
#define SW_S3_UNSIGNED "UNSIGNED-PAYLOAD"

/* What the headers say of a stretch of a file, each byte of which is hashed once. */
struct sw_s3_hashes {
	char *checksum;		      /* base64 of its SHA-256, or of its MD5 */
	char payload[SW_SHA256_SIZE]; /* in the signature: the SHA-256, or SW_S3_UNSIGNED */
};

/* Frees what HASHES holds. */
void sw_s3_hashes_clear(struct sw_s3_hashes *hashes);

/*
 * Hashes the stretch BODY of a file (by SHA-256, else by MD5) and reads it into BUFFER, which BODY is from then on; NULL: it is
 * too large for that, and will be read again.
 */
gboolean sw_s3_take(struct sw_http_body *body, guint8 *buffer, gboolean sha256,
		    struct sw_s3_hashes *ret, GCancellable *cancellable,
		    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Stores a file in one request or in parts, all or nothing; it is not looked at afterwards. */
gboolean sw_s3_upload(struct sw_s3 *s3, const struct sw_s3_upload *upload,
		      GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The part of sw_s3_upload() for large files; FD is the artifact's. */
gboolean sw_s3_multipart(struct sw_s3 *s3, const struct sw_s3_upload *upload, int fd,
			 GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Begins a multipart upload of KEY; CHECKSUMS: does the server take SHA-256 checksums? */
gboolean sw_s3_multipart_create(struct sw_s3 *s3, const char *key, const GPtrArray *headers,
				char **ret_id, gboolean *ret_checksums, GCancellable *cancellable,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Makes the object KEY of the parts of ID. */
gboolean sw_s3_multipart_complete(struct sw_s3 *s3, const char *key, const char *id,
				  const struct sw_s3_part *parts, guint count, gboolean exclusive,
				  GCancellable *cancellable,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Throws the parts of ID away, within a second where QUICK; no error when they are gone already. */
gboolean sw_s3_multipart_abort(struct sw_s3 *s3, const char *key, const char *id, gboolean quick,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;
