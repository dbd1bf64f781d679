/* SPDX-License-Identifier: MIT */
#include "storage/s3/upload.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>

#include "core/file.h"
#include "core/size.h"

#define PIECE (256 * 1024) /* stays in the second-level cache */

guint64 sw_s3_part_size(guint64 size, guint64 wanted)
{
	guint64 least = size / SW_S3_PARTS_MAX + 1;

	return wanted >= least ? wanted : sw_round_up(least, SW_MIB);
}

void sw_s3_hashes_clear(struct sw_s3_hashes *hashes)
{
	g_clear_pointer(&hashes->checksum, g_free);
}

/* Through BUFFER, where it stays if it is that large; else piece by piece.  HASH may be NULL. */
static gboolean read_through(struct sw_http_body *body, guint8 *buffer, EVP_MD_CTX *hash,
			     GCancellable *cancellable, GError **error)
{
	g_autofree guint8 *piece = buffer == NULL ? g_malloc(PIECE) : NULL;

	for (guint64 done = 0; done < body->length;) {
		size_t length = (size_t)MIN(PIECE, body->length - done);
		guint8 *at = buffer == NULL ? piece : buffer + done;

		if (!sw_check_cancelled(cancellable, error) ||
		    !sw_read_at(body->fd, at, length, body->offset + done, body->path,
				SW_ERROR_STORAGE, "read", error))
			return FALSE;
		if (hash != NULL)
			EVP_DigestUpdate(hash, at, length);
		done += length;
	}
	body->data = buffer;
	return TRUE;
}

gboolean sw_s3_take(struct sw_http_body *body, guint8 *buffer, gboolean sha256,
		    struct sw_s3_hashes *ret, GCancellable *cancellable, GError **error)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	guint8 digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	gboolean good;

	g_assert_true(EVP_DigestInit_ex(context, sha256 ? EVP_sha256() : EVP_md5(), NULL) == 1);
	good = read_through(body, buffer, context, cancellable, error);
	if (good) {
		EVP_DigestFinal_ex(context, digest, &length);
		ret->checksum = g_base64_encode(digest, length);
		if (sha256)
			sw_digest_hex(digest, ret->payload);
		else
			g_strlcpy(ret->payload, SW_S3_UNSIGNED, sizeof ret->payload);
	}
	EVP_MD_CTX_free(context);
	return good;
}

/* Bytes so far, for whoever asked. */
struct sent {
	const struct sw_s3_upload *upload;
	gint64 bytes;
};

static void advance(gint64 bytes, void *data)
{
	struct sent *sent = data;

	sent->bytes += bytes;
	if (sent->upload->progress != NULL)
		sent->upload->progress((guint64)MAX(0, sent->bytes), sent->upload->progress_data);
}

/*
 * An object that appeared between our look and our answer is the one of a try whose answer was lost,
 * if it is the same.
 */
static gboolean is_ours(struct sw_s3 *s3, const struct sw_s3_upload *upload,
			GCancellable *cancellable)
{
	struct sw_s3_call call = { .method = "HEAD", .key = upload->key };
	struct sw_http_response response = { 0 };
	const char *sha256 = NULL;
	gboolean same;

	if (sw_s3_call(s3, &call, &response, cancellable, NULL))
		sha256 = sw_http_header(&response, "x-amz-meta-sha256");
	same = sha256 != NULL && g_str_equal(sha256, upload->artifact->sha256);
	sw_http_response_clear(&response);
	return same;
}

/* What does not fit into the memory is read as it is sent: the server compares it with its SHA-256. */
static gboolean put_body(struct sw_s3 *s3, const struct sw_s3_upload *upload,
			 struct sw_http_body *body, guint8 *buffer, GCancellable *cancellable,
			 GError **error)
{
	const char *sha256 = upload->artifact->sha256;
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	struct sent sent = { upload, 0 };
	struct sw_s3_call call = {
		.method = "PUT",
		.key = upload->key,
		.headers = lines,
		.body = body,
		.sha256 = sha256,
		.progress = advance,
		.progress_data = &sent,
	};
	guint8 digest[SW_SHA256_HEX / 2];
	g_autofree char *checksum = NULL;

	if (buffer != NULL && !read_through(body, buffer, NULL, cancellable, error))
		return FALSE;
	for (size_t i = 0; i < sizeof digest; i++)
		digest[i] = (guint8)(g_ascii_xdigit_value(sha256[2 * i]) << 4 |
				     g_ascii_xdigit_value(sha256[2 * i + 1]));
	checksum = g_base64_encode(digest, sizeof digest);
	for (guint i = 0; i < upload->headers->len; i++)
		g_ptr_array_add(lines, g_strdup(upload->headers->pdata[i]));
	sw_http_header_add(lines, "X-Amz-Checksum-Sha256", checksum);
	if (upload->exclusive)
		sw_http_header_add(lines, "If-None-Match", "*");
	return sw_s3_call_plain(s3, &call, cancellable, error);
}

static gboolean put_whole(struct sw_s3 *s3, const struct sw_s3_upload *upload, int fd,
			  GCancellable *cancellable, GError **error)
{
	struct sw_http_body body = { .fd = fd,
				     .length = upload->artifact->size,
				     .path = upload->artifact->path };
	struct sw_s3_slot *slot = sw_s3_slot_take(s3, body.length, cancellable, error);
	gboolean good;

	if (slot == NULL)
		return FALSE;
	good = put_body(s3, upload, &body, slot->buffer, cancellable, error) &&
	       sw_artifact_check(upload->artifact, fd, error);
	sw_s3_slot_return(s3, slot);
	return good;
}

gboolean sw_s3_upload(struct sw_s3 *s3, const struct sw_s3_upload *upload,
		      GCancellable *cancellable, GError **error)
{
	const struct sw_artifact *artifact = upload->artifact;
	sw_autofd int fd = open(artifact->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	g_autoptr(GError) inner = NULL;
	gboolean good;

	if (fd < 0)
		return sw_fail_errno(error, SW_ERROR_STORAGE, "s3", "cannot open %s",
				     artifact->path);
	if (!sw_artifact_check(artifact, fd, error))
		return FALSE;
	if (artifact->size > SW_S3_OBJECT_MAX)
		return sw_fail(error, SW_ERROR_STORAGE, "s3",
			       "%s is larger than any object of S3 can be", artifact->path);
	good = artifact->size <= upload->part_size
		       ? put_whole(s3, upload, fd, cancellable, &inner)
		       : sw_s3_multipart(s3, upload, fd, cancellable, &inner);
	if (good)
		return TRUE;
	if ((sw_error_is(inner, "key-exists") || sw_error_is(inner, "no-upload")) &&
	    is_ours(s3, upload, cancellable))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&inner));
	return FALSE;
}
