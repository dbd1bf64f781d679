/* SPDX-License-Identifier: MIT */
#include "disk/verity.h"

#include <string.h>

#include "core/bytes.h"
#include "core/hash.h"
#include "core/size.h"

#define BLOCK 4096
#define BLOCK_SHIFT 12
#define DIGEST 32
#define HASHES_A_BLOCK (BLOCK / DIGEST)
#define DESCRIPTOR 256
/* ext4's: the metadata begins at a page boundary whatever the size of a page is. */
#define METADATA_ALIGNMENT 65536

struct sw_verity {
	guint64 size;
	guint64 taken;
	char block[BLOCK]; /* the data block in the making */
	size_t filled;
	GByteArray *hashes; /* of the data blocks */
};

struct sw_verity *sw_verity_new(guint64 size)
{
	struct sw_verity *verity = g_new0(struct sw_verity, 1);

	verity->size = size;
	verity->hashes = g_byte_array_new();
	return verity;
}

void sw_verity_free(struct sw_verity *verity)
{
	if (verity == NULL)
		return;
	g_byte_array_unref(verity->hashes);
	g_free(verity);
}

static void add_hash(GByteArray *hashes, const void *block)
{
	g_autoptr(SwSha256) hash = sw_sha256_new();
	guint8 digest[DIGEST];

	sw_sha256_update(hash, block, BLOCK);
	sw_sha256_bytes(hash, digest);
	g_byte_array_append(hashes, digest, DIGEST);
}

void sw_verity_update(struct sw_verity *verity, const void *data, size_t length)
{
	const char *bytes = data;

	verity->taken += length;
	while (length > 0) {
		size_t n = MIN(length, BLOCK - verity->filled);

		memcpy(verity->block + verity->filled, bytes, n);
		verity->filled += n;
		bytes += n;
		length -= n;
		if (verity->filled == BLOCK) {
			add_hash(verity->hashes, verity->block);
			verity->filled = 0;
		}
	}
}

/* HASHES in whole blocks: a level of the tree. */
static void pad(GByteArray *hashes)
{
	guint length = hashes->len;

	g_byte_array_set_size(hashes, (guint)sw_round_up(length, BLOCK));
	memset(hashes->data + length, 0, hashes->len - length);
}

/* The levels of the tree from the leaves up, the last of one block; none over one data block. */
static GPtrArray *build_levels(GByteArray *leaves)
{
	GPtrArray *levels = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
	GByteArray *level = g_byte_array_ref(leaves);

	while (level->len > DIGEST) {
		GByteArray *above = g_byte_array_new();

		pad(level);
		g_ptr_array_add(levels, level);
		for (guint at = 0; at < level->len; at += BLOCK)
			add_hash(above, level->data + at);
		level = above;
	}
	g_ptr_array_add(levels, level);
	return levels;
}

GBytes *sw_verity_finish(struct sw_verity *verity, char *ret_digest)
{
	GByteArray *bytes = g_byte_array_new();
	guint8 descriptor[DESCRIPTOR] = { 1, 1, BLOCK_SHIFT };
	g_autoptr(GPtrArray) levels = NULL;
	GByteArray *root;

	g_return_val_if_fail(verity->taken == verity->size, NULL);
	if (verity->filled > 0) {
		memset(verity->block + verity->filled, 0, BLOCK - verity->filled);
		add_hash(verity->hashes, verity->block);
		verity->filled = 0;
	}
	levels = build_levels(verity->hashes);
	for (guint i = levels->len - 1; i > 0; i--) {
		GByteArray *level = g_ptr_array_index(levels, i - 1);

		g_byte_array_append(bytes, level->data, level->len);
	}
	root = g_ptr_array_index(levels, levels->len - 1);
	sw_put_le64(descriptor + 8, verity->size);
	if (root->len > 0)
		memcpy(descriptor + 16, root->data, root->len);
	g_byte_array_append(bytes, descriptor, DESCRIPTOR);
	pad(bytes);
	/* The end of the last block tells how long the descriptor is. */
	sw_put_le32(bytes->data + bytes->len - sizeof(guint32), DESCRIPTOR);
	if (ret_digest != NULL)
		sw_sha256_data(descriptor, DESCRIPTOR, ret_digest);
	return g_byte_array_free_to_bytes(bytes);
}

guint64 sw_verity_offset(guint64 size)
{
	return sw_round_up(size, METADATA_ALIGNMENT);
}
