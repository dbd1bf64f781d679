/* SPDX-License-Identifier: MIT */
#pragma once

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/scratch.h"
#include "core/size.h"

/*
 * Raw disks for the tests of the reader, the formats and the backends.
 */

/* What lies in a stretch of a disk. */
enum kind {
	KIND_RANDOM, /* does not compress */
	KIND_TEXT,   /* does, to about a quarter */
	KIND_ZEROS,  /* written, not a hole */
	KIND_SPECKS, /* a byte in each 100000, zeros between */
	KIND_FLAT,   /* one byte again and again */
	KIND_REPEAT, /* random, and again after almost 32 KiB */
};

struct stretch {
	guint64 offset;
	guint64 length; /* 0 ends a table */
	enum kind kind;
};

/* LENGTH bytes of KIND; the same ones for the same SEED. */
static inline guint8 *make_bytes(enum kind kind, size_t length, guint32 seed)
{
	static const char *const words[] = { "the ",   "disk ", "root=", "kernel\n", "/usr/lib/",
					     "0x00, ", "image", "-",	 "systemd",  ";\n" };
	guint8 *bytes = g_malloc0(length + 16);
	guint32 state = seed * 2654435761u + 1;

	for (size_t at = 0; at < length && kind != KIND_ZEROS;) {
		state = state * 1664525u + 1013904223u;
		if (kind == KIND_REPEAT && at >= 32700) {
			bytes[at] = bytes[at - 32700];
			at++;
		} else if (kind == KIND_RANDOM || kind == KIND_REPEAT) {
			bytes[at++] = (guint8)(state >> 24);
		} else if (kind == KIND_TEXT) {
			const char *word = words[(state >> 16) % G_N_ELEMENTS(words)];

			memcpy(bytes + at, word, strlen(word));
			at += strlen(word);
			bytes[at++] = (guint8)('a' + (state >> 24) % 16);
		} else if (kind == KIND_FLAT) {
			memset(bytes, 0x5a, length);
			at = length;
		} else {
			bytes[at] = (guint8)(1 + (state >> 25));
			at += 100000;
		}
	}
	return bytes;
}

/* A sparse file of SIZE bytes at PATH that holds STRETCHES. */
static inline void make_disk(const char *path, guint64 size, const struct stretch *stretches)
{
	g_autoptr(GError) error = NULL;
	sw_autofd int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(ftruncate(fd, (off_t)size), ==, 0);
	for (guint32 i = 0; stretches != NULL && stretches[i].length > 0; i++) {
		const struct stretch *s = &stretches[i];
		g_autofree guint8 *bytes = make_bytes(s->kind, s->length, i);

		g_assert_cmpuint(s->offset + s->length, <=, size);
		g_assert_true(sw_write_at(fd, bytes, s->length, s->offset, path, SW_ERROR_FORMAT,
					  "test", &error));
		g_assert_no_error(error);
	}
}

/* A directory for a test, with PREFIX in its name. */
static inline struct sw_scratch *make_scratch(const char *prefix)
{
	g_autoptr(GError) error = NULL;
	struct sw_scratch *scratch = NULL;

	g_assert_true(sw_scratch_new(g_get_tmp_dir(), prefix, &scratch, &error));
	g_assert_no_error(error);
	return scratch;
}

/* A path in it; the caller frees it. */
static inline char *scratch_path(const struct sw_scratch *scratch, const char *name)
{
	return g_build_filename(sw_scratch_path(scratch), name, NULL);
}

/* ERROR is for the person who must act: one line, not empty, that does not end with a full stop. */
static inline void assert_one_line(const GError *error)
{
	g_assert_nonnull(error);
	g_assert_true(g_utf8_validate(error->message, -1, NULL));
	g_assert_cmpuint(strlen(error->message), >, 0);
	g_assert_null(strchr(error->message, '\n'));
	g_assert_false(g_str_has_suffix(error->message, "."));
}
