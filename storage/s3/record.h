/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* A part that the server has. */
struct sw_s3_part {
	char *etag;	/* NULL: not yet */
	char *checksum; /* base64 of its SHA-256; "" when the server does not take one */
};

/* Frees an array of COUNT of them. */
void sw_s3_parts_free(struct sw_s3_part *parts, guint count);

/* What is known of an upload that a crash broke off. */
struct sw_s3_broken {
	char *place; /* endpoint, bucket and key */
	char *id;
	guint64 part_size;
	gboolean checksums;
	guint count;		  /* of parts, also those that are not there */
	struct sw_s3_part *parts; /* from number 1 */
};

/* Frees what BROKEN holds. */
void sw_s3_broken_clear(struct sw_s3_broken *broken);

/* Reads the text of a record; FALSE: it is damaged.  Its last line may be torn. */
gboolean sw_s3_broken_parse(const char *text, struct sw_s3_broken *ret);

/* The record of an upload on its way, a locked file of the state directory. */
struct sw_s3_record;

/*
 * The record for PLACE and the artifact with SHA256, filled into BROKEN (ID is NULL: nothing was
 * broken off).  NULL where there can be none (no such directory, another process is at it): then the
 * upload is not resumable.
 */
struct sw_s3_record *sw_s3_record_open(const char *place, const char *sha256,
				       struct sw_s3_broken *ret_broken);

/* Starts RECORD (NULL is fine, here and below) anew. */
void sw_s3_record_begin(struct sw_s3_record *record, const struct sw_s3_broken *upload);

/* Notes that the server has part NUMBER. */
void sw_s3_record_part(struct sw_s3_record *record, guint number, const struct sw_s3_part *part);

/* Removes the file where DONE, and frees. */
void sw_s3_record_close(struct sw_s3_record *record, gboolean done);

/*
 * Tells FORGET of each upload to PLACE that was broken off and is not for the artifact with SHA256;
 * its record is removed when FORGET returns TRUE.
 */
void sw_s3_record_others(const char *place, const char *sha256,
			 gboolean (*forget)(const struct sw_s3_broken *broken, void *data),
			 void *data);
