/* SPDX-License-Identifier: MIT */
#include "core/hash.h"

#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/size.h"

#define DIGEST_LENGTH (SW_SHA256_HEX / 2)
#define PIECE (256 * SW_KIB) /* read at once; stays in the second-level cache */
#define ZEROS (16 * SW_KIB)

struct sw_sha256 {
	EVP_MD_CTX *context;
};

/* SHA-256 can only fail as an allocation can, or where libcrypto is misconfigured. */
static void must(int ok)
{
	if (ok != 1)
		g_error("libcrypto cannot compute SHA-256");
}

struct sw_sha256 *sw_sha256_new(void)
{
	struct sw_sha256 *hash = g_new0(struct sw_sha256, 1);

	hash->context = EVP_MD_CTX_new();
	must(hash->context != NULL);
	must(EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL));
	return hash;
}

void sw_sha256_free(struct sw_sha256 *hash)
{
	if (hash == NULL)
		return;
	EVP_MD_CTX_free(hash->context);
	g_free(hash);
}

void sw_sha256_update(struct sw_sha256 *hash, const void *data, size_t length)
{
	if (length > 0)
		must(EVP_DigestUpdate(hash->context, data, length));
}

static void finish(struct sw_sha256 *hash, guint8 ret_digest[DIGEST_LENGTH])
{
	unsigned int length = 0;

	must(EVP_DigestFinal_ex(hash->context, ret_digest, &length));
	must(length == DIGEST_LENGTH);
}

void sw_digest_hex(const unsigned char digest[SW_SHA256_HEX / 2], char ret_hex[SW_SHA256_SIZE])
{
	for (int i = 0; i < DIGEST_LENGTH; i++) {
		ret_hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		ret_hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	ret_hex[SW_SHA256_HEX] = '\0';
}

void sw_sha256_bytes(struct sw_sha256 *hash, unsigned char ret_digest[SW_SHA256_HEX / 2])
{
	finish(hash, ret_digest);
}

void sw_sha256_hex(struct sw_sha256 *hash, char ret_hex[SW_SHA256_SIZE])
{
	guint8 digest[DIGEST_LENGTH];

	finish(hash, digest);
	sw_digest_hex(digest, ret_hex);
}

void sw_sha256_data(const void *data, size_t length, char ret_hex[SW_SHA256_SIZE])
{
	g_autoptr(SwSha256) hash = sw_sha256_new();

	sw_sha256_update(hash, data, length);
	sw_sha256_hex(hash, ret_hex);
}

gboolean sw_sha256_zeros(struct sw_sha256 *hash, guint64 length, GCancellable *cancellable,
			 GError **error)
{
	static const guint8 zeros[ZEROS];

	while (length > 0) {
		size_t n = (size_t)MIN(length, sizeof zeros);

		if (!sw_check_cancelled(cancellable, error))
			return FALSE;
		sw_sha256_update(hash, zeros, n);
		length -= n;
	}
	return TRUE;
}

static gboolean hash_data(struct sw_sha256 *hash, int fd, guint64 start, guint64 end, guint8 *piece,
			  const char *path, GCancellable *cancellable, GError **error)
{
	while (start < end) {
		size_t n = (size_t)MIN(end - start, PIECE);

		if (!sw_check_cancelled(cancellable, error) ||
		    !sw_read_at(fd, piece, n, start, path, SW_ERROR_FORMAT, "read", error))
			return FALSE;
		sw_sha256_update(hash, piece, n);
		start += n;
	}
	return TRUE;
}

gboolean sw_sha256_file(int fd, const char *path, char ret_hex[SW_SHA256_SIZE],
			GCancellable *cancellable, GError **error)
{
	g_autoptr(SwSha256) hash = sw_sha256_new();
	g_autofree guint8 *piece = g_malloc(PIECE);
	off_t size = lseek(fd, 0, SEEK_END);
	guint64 end = (guint64)size;
	guint64 done = 0;

	if (size < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, "read", "cannot read %s", path);
	while (done < end) {
		guint64 start = 0;
		guint64 stop = 0;

		if (!sw_next_data(fd, done, end, &start, &stop))
			return sw_fail_errno(error, SW_ERROR_FORMAT, "read", "cannot read %s",
					     path);
		if (!sw_sha256_zeros(hash, start - done, cancellable, error) ||
		    !hash_data(hash, fd, start, stop, piece, path, cancellable, error))
			return FALSE;
		done = stop;
	}
	sw_sha256_hex(hash, ret_hex);
	return TRUE;
}

gboolean sw_digest_valid(const char *text)
{
	const char *hex = NULL;

	if (text == NULL || !g_str_has_prefix(text, "sha256:"))
		return FALSE;
	hex = text + strlen("sha256:");
	return strlen(hex) == SW_SHA256_HEX && strspn(hex, "0123456789abcdef") == SW_SHA256_HEX;
}

char *sw_uuid_derive(const char *seed, const char *name)
{
	g_autoptr(SwSha256) hash = sw_sha256_new();
	guint8 d[DIGEST_LENGTH];

	/* The NUL between them keeps ("ab", "c") and ("a", "bc") apart. */
	sw_sha256_update(hash, seed, strlen(seed) + 1);
	sw_sha256_update(hash, name, strlen(name));
	finish(hash, d);
	d[6] = (guint8)((d[6] & 0x0f) | 0x50);
	d[8] = (guint8)((d[8] & 0x3f) | 0x80);
	return g_strdup_printf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
			       "%02x%02x%02x%02x%02x%02x",
			       d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10],
			       d[11], d[12], d[13], d[14], d[15]);
}
