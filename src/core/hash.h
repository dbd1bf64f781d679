/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/* Length of a SHA-256 in hexadecimal, without and with its end. */
#define SW_SHA256_HEX 64
#define SW_SHA256_SIZE (SW_SHA256_HEX + 1)

/* A running SHA-256 (libcrypto's, which uses the processor's instructions). */
struct sw_sha256;

/* A new, empty one; never NULL. */
struct sw_sha256 *sw_sha256_new(void);

/* Frees; NULL is fine. */
void sw_sha256_free(struct sw_sha256 *hash);
typedef struct sw_sha256 SwSha256;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwSha256, sw_sha256_free)

/* Adds LENGTH bytes. */
void sw_sha256_update(struct sw_sha256 *hash, const void *data, size_t length);

/* Writes the digest in lower-case hexadecimal into RET_HEX.  HASH can only be freed afterwards. */
void sw_sha256_hex(struct sw_sha256 *hash, char ret_hex[SW_SHA256_SIZE]);

/* The same as the 32 bytes themselves. */
void sw_sha256_bytes(struct sw_sha256 *hash, unsigned char ret_digest[SW_SHA256_HEX / 2]);

/* The 32 bytes DIGEST in lower-case hexadecimal. */
void sw_digest_hex(const unsigned char digest[SW_SHA256_HEX / 2], char ret_hex[SW_SHA256_SIZE]);

/* The SHA-256 of a buffer. */
void sw_sha256_data(const void *data, size_t length, char ret_hex[SW_SHA256_SIZE]);

/* Adds LENGTH zeros; SW_ERROR_CANCELLED. */
gboolean sw_sha256_zeros(struct sw_sha256 *hash, guint64 length, GCancellable *cancellable,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The SHA-256 of the whole file FD, holes hashed as zeros without being read.  Moves the file's
 * offset.  PATH is for errors (SW_ERROR_FORMAT).
 */
gboolean sw_sha256_file(int fd, const char *path, char ret_hex[SW_SHA256_SIZE],
			GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Is TEXT "sha256:" and 64 lower-case hexadecimal digits, so that it may become a path or a name?
 * NULL is not.
 */
gboolean sw_digest_valid(const char *text);

/*
 * A UUID (RFC 4122, version 5's bits) made of SEED and NAME by SHA-256: the same input gives the
 * same UUID.  Lower case, 36 characters, freed by the caller.
 */
char *sw_uuid_derive(const char *seed, const char *name);
