/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdio.h>
#include <string.h>

/*
 * Makes tar streams in memory for the tests of the image folder, one entry after the other, so that
 * also those can be made that no program writes.
 */

#define TAR_BLOCK 512

/* Adds LENGTH bytes and pads them to whole blocks. */
static inline void tar_add_data(GByteArray *tar, const void *data, gsize length)
{
	static const guint8 zeros[TAR_BLOCK];

	g_byte_array_append(tar, data, (guint)length);
	if (length % TAR_BLOCK != 0)
		g_byte_array_append(tar, zeros, (guint)(TAR_BLOCK - length % TAR_BLOCK));
}

/* Computes the checksum of the header block at OFFSET anew. */
static inline void tar_seal(GByteArray *tar, guint offset)
{
	guint8 *block = tar->data + offset;
	guint sum = 0;

	memset(block + 148, ' ', 8);
	for (guint i = 0; i < TAR_BLOCK; i++)
		sum += block[i];
	snprintf((char *)block + 148, 8, "%06o", sum);
}

/* Adds a ustar header for an entry of SIZE bytes; NAME is cut after 100 bytes. */
static inline void tar_add_header(GByteArray *tar, char type, const char *name, const char *target,
				  guint mode, guint uid, guint gid, gsize size)
{
	guint8 block[TAR_BLOCK] = { 0 };
	guint offset = tar->len;

	memcpy(block, name, MIN(strlen(name), 100));
	snprintf((char *)block + 100, 8, "%07o", mode);
	snprintf((char *)block + 108, 8, "%07o", uid);
	snprintf((char *)block + 116, 8, "%07o", gid);
	snprintf((char *)block + 124, 12, "%011o", (guint)size);
	memcpy(block + 136, "00000000000", 11);
	block[156] = (guint8)type;
	if (target != NULL)
		memcpy(block + 157, target, MIN(strlen(target), 100));
	memcpy(block + 257, "ustar\00000", 8);
	g_byte_array_append(tar, block, sizeof(block));
	tar_seal(tar, offset);
}

static inline void tar_add_file(GByteArray *tar, const char *name, guint mode, const char *content)
{
	tar_add_header(tar, '0', name, NULL, mode, 0, 0, strlen(content));
	tar_add_data(tar, content, strlen(content));
}

static inline void tar_add_directory(GByteArray *tar, const char *name, guint mode)
{
	tar_add_header(tar, '5', name, NULL, mode, 0, 0, 0);
}

static inline void tar_add_symlink(GByteArray *tar, const char *name, const char *target)
{
	tar_add_header(tar, '2', name, target, 0777, 0, 0, 0);
}

static inline void tar_add_hardlink(GByteArray *tar, const char *name, const char *target)
{
	tar_add_header(tar, '1', name, target, 0644, 0, 0, 0);
}

/* Adds a pax record to RECORDS: "LENGTH KEY=VALUE\n". */
static inline void tar_add_record(GByteArray *records, const char *key, const void *value,
				  gsize length)
{
	gsize size = strlen(key) + length + 3;
	gsize total = size + 1;
	char front[32];

	while (total != size + (gsize)snprintf(front, sizeof(front), "%zu", total))
		total++;
	g_byte_array_append(records, (const guint8 *)front, (guint)strlen(front));
	g_byte_array_append(records, (const guint8 *)" ", 1);
	g_byte_array_append(records, (const guint8 *)key, (guint)strlen(key));
	g_byte_array_append(records, (const guint8 *)"=", 1);
	g_byte_array_append(records, value, (guint)length);
	g_byte_array_append(records, (const guint8 *)"\n", 1);
}

/* Adds an extended header with RECORDS, which it frees. */
static inline void tar_add_pax(GByteArray *tar, GByteArray *records)
{
	tar_add_header(tar, 'x', "PaxHeaders/x", NULL, 0644, 0, 0, records->len);
	tar_add_data(tar, records->data, records->len);
	g_byte_array_unref(records);
}

/* Adds an extended header with one record of text. */
static inline void tar_add_pax_text(GByteArray *tar, const char *key, const char *value)
{
	GByteArray *records = g_byte_array_new();

	tar_add_record(records, key, value, strlen(value));
	tar_add_pax(tar, records);
}

/* Adds the two empty blocks of the end. */
static inline void tar_end(GByteArray *tar)
{
	static const guint8 zeros[2 * TAR_BLOCK];

	g_byte_array_append(tar, zeros, sizeof(zeros));
}
