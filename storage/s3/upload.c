/* SPDX-License-Identifier: MIT */
#include "storage/s3/upload.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "core/size.h"

#define BUFFER_SIZE (256 * 1024)

guint64 sw_s3_part_size(guint64 size, guint64 wanted)
{
	guint64 least = size / SW_S3_PARTS_MAX + 1;

	return wanted >= least ? wanted : sw_round_up(least, SW_MIB);
}

void sw_s3_hashes_clear(struct sw_s3_hashes *hashes)
{
	g_clear_pointer(&hashes->md5, g_free);
	g_clear_pointer(&hashes->checksum, g_free);
}

static gboolean read_through(const struct sw_http_body *body, struct sw_sha256 *sha256,
			     EVP_MD_CTX *md5, GCancellable *cancellable, GError **error)
{
	g_autofree guint8 *buffer = g_malloc(BUFFER_SIZE);

	for (guint64 done = 0; done < body->length;) {
		size_t length = (size_t)MIN(BUFFER_SIZE, body->length - done);

		if (!sw_check_cancelled(cancellable, error) ||
		    !sw_read_at(body->fd, buffer, length, body->offset + done, body->path,
				SW_ERROR_STORAGE, "read", error))
			return FALSE;
		sw_sha256_update(sha256, buffer, length);
		if (md5 != NULL)
			EVP_DigestUpdate(md5, buffer, length);
		done += length;
	}
	return TRUE;
}

gboolean sw_s3_hash(const struct sw_http_body *body, gboolean md5, struct sw_s3_hashes *ret,
		    GCancellable *cancellable, GError **error)
{
	g_autoptr(SwSha256) sha256 = sw_sha256_new();
	EVP_MD_CTX *context = md5 ? EVP_MD_CTX_new() : NULL;
	guint8 digest[SW_SHA256_HEX / 2];
	gboolean good;

	if (md5)
		g_assert_true(EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1);
	good = read_through(body, sha256, context, cancellable, error);
	if (good && md5) {
		EVP_DigestFinal_ex(context, digest, NULL);
		ret->md5 = g_base64_encode(digest, 16);
	}
	if (good) {
		sw_sha256_bytes(sha256, digest);
		sw_digest_hex(digest, ret->sha256);
		ret->checksum = g_base64_encode(digest, sizeof digest);
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

static gboolean put_whole(struct sw_s3 *s3, const struct sw_s3_upload *upload, int fd,
			  GCancellable *cancellable, GError **error)
{
	struct sw_http_body body = { .fd = fd,
				     .offset = 0,
				     .length = upload->artifact->size,
				     .path = upload->artifact->path };
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	struct sw_s3_hashes hashes = { 0 };
	struct sent sent = { upload, 0 };
	struct sw_s3_call call = {
		.method = "PUT",
		.key = upload->key,
		.headers = lines,
		.body = &body,
		.sha256 = hashes.sha256,
		.progress = advance,
		.progress_data = &sent,
	};
	gboolean good;

	if (!sw_s3_hash(&body, TRUE, &hashes, cancellable, error))
		return FALSE;
	for (guint i = 0; i < upload->headers->len; i++)
		g_ptr_array_add(lines, g_strdup(upload->headers->pdata[i]));
	sw_http_header_add(lines, "Content-MD5", hashes.md5);
	if (upload->exclusive)
		sw_http_header_add(lines, "If-None-Match", "*");
	if (!g_str_equal(hashes.sha256, upload->artifact->sha256))
		good = sw_fail(error, SW_ERROR_STORAGE, "changed",
			       "%s is no longer the file that was written", upload->artifact->path);
	else
		good = sw_s3_call_plain(s3, &call, cancellable, error);
	sw_s3_hashes_clear(&hashes);
	return good;
}

gboolean sw_s3_upload(struct sw_s3 *s3, const struct sw_s3_upload *upload,
		      GCancellable *cancellable, GError **error)
{
	const struct sw_artifact *artifact = upload->artifact;
	sw_autofd int fd = open(artifact->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	g_autoptr(GError) inner = NULL;
	struct stat st;
	gboolean good;

	if (fd < 0 || fstat(fd, &st) < 0)
		return sw_fail_errno(error, SW_ERROR_STORAGE, "s3", "cannot open %s",
				     artifact->path);
	if (!S_ISREG(st.st_mode) || (guint64)st.st_size != artifact->size)
		return sw_fail(error, SW_ERROR_STORAGE, "changed",
			       "%s is no longer the file that was written", artifact->path);
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
