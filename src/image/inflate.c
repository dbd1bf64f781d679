/* SPDX-License-Identifier: MIT */
#include "image/inflate.h"

#include <string.h>
#include <zstd.h>

#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

/* How much of the compressed stream is read at once, bytes. */
#define INPUT_SIZE (256 * 1024)

/* Enough to know a form by its magic. */
#define MAGIC_SIZE 4

/*
 * Moves on from the input to OUT (of SIZE bytes, above 0): takes some, gives some, or both.  Sets
 * self->in_member: is it in the middle of a gzip member or a zstd frame?
 */
typedef gboolean (*step_func)(struct sw_inflate *self, guint8 *out, size_t size, size_t *ret_length,
			      GError **error);

struct sw_inflate {
	sw_input_func input;
	void *data;
	guint8 *buffer;
	size_t position; /* in BUFFER */
	size_t length;	 /* of what it holds */
	gboolean at_end; /* INPUT has no more */
	gboolean in_member;
	step_func step; /* NULL: the form is not known yet */
	ZSTD_DStream *zstd;
#ifdef HAVE_ISAL
	struct inflate_state *gzip;
	struct isal_gzip_header header;
	gboolean in_header;
#else
	z_stream *gzip;
#endif
};

struct sw_inflate *sw_inflate_new(sw_input_func input, void *data)
{
	struct sw_inflate *self = g_new0(struct sw_inflate, 1);

	self->input = input;
	self->data = data;
	self->buffer = g_malloc(INPUT_SIZE);
	return self;
}

void sw_inflate_free(struct sw_inflate *self)
{
	if (self == NULL)
		return;
	ZSTD_freeDStream(self->zstd);
#ifndef HAVE_ISAL
	if (self->gzip != NULL)
		inflateEnd(self->gzip);
#endif
	g_free(self->gzip);
	g_free(self->buffer);
	g_free(self);
}

static gboolean refuse(GError **error, const char *what)
{
	return sw_fail(error, SW_ERROR_SOURCE, "compression", "bad compressed data: %s", what);
}

static gboolean step_plain(struct sw_inflate *self, guint8 *out, size_t size, size_t *ret_length,
			   G_GNUC_UNUSED GError **error)
{
	*ret_length = MIN(size, self->length - self->position);
	memcpy(out, self->buffer + self->position, *ret_length);
	self->position += *ret_length;
	return TRUE;
}

static gboolean step_zstd(struct sw_inflate *self, guint8 *out, size_t size, size_t *ret_length,
			  GError **error)
{
	ZSTD_inBuffer from = { self->buffer, self->length, self->position };
	ZSTD_outBuffer to = { out, size, 0 };
	size_t hint = ZSTD_decompressStream(self->zstd, &to, &from);

	if (ZSTD_isError(hint))
		return refuse(error, ZSTD_getErrorName(hint));
	self->in_member = hint != 0;
	self->position = from.pos;
	*ret_length = to.pos;
	return TRUE;
}

#ifdef HAVE_ISAL

static void open_gzip(struct sw_inflate *self)
{
	self->gzip = g_new0(struct inflate_state, 1);
	isal_inflate_init(self->gzip);
}

/*
 * Reads the header of a member, in as many pieces as it comes; isal_inflate() alone would take a header
 * only in one.
 */
static int read_gzip_header(struct sw_inflate *self)
{
	struct inflate_state *gzip = self->gzip;
	int result = ISAL_DECOMP_OK;

	if (!self->in_member) {
		isal_inflate_reset(gzip);
		isal_gzip_header_init(&self->header);
		self->in_header = TRUE;
	}
	if (self->in_header)
		result = isal_read_gzip_header(gzip, &self->header);
	if (result == ISAL_DECOMP_OK && self->in_header) {
		gzip->crc_flag = ISAL_GZIP_NO_HDR_VER;
		self->in_header = FALSE;
	}
	return result;
}

static gboolean step_gzip(struct sw_inflate *self, guint8 *out, size_t size, size_t *ret_length,
			  GError **error)
{
	struct inflate_state *gzip = self->gzip;
	int result = 0;

	gzip->next_in = self->buffer + self->position;
	gzip->avail_in = (uint32_t)(self->length - self->position);
	gzip->next_out = out;
	gzip->avail_out = (uint32_t)size;
	result = read_gzip_header(self);
	if (result == ISAL_DECOMP_OK)
		result = isal_inflate(gzip);
	if (result < 0 || result == ISAL_NEED_DICT)
		return refuse(error, result == ISAL_INCORRECT_CHECKSUM ? "a checksum is wrong"
								       : "it is no gzip stream");
	self->in_member = self->in_header || gzip->block_state != ISAL_BLOCK_FINISH;
	self->position = self->length - gzip->avail_in;
	*ret_length = size - gzip->avail_out;
	return TRUE;
}

#else

static void open_gzip(struct sw_inflate *self)
{
	self->gzip = g_new0(z_stream, 1);
	/* 15 is the largest window, 16 more asks for gzip's header. */
	if (inflateInit2(self->gzip, 15 + 16) != Z_OK)
		g_error("zlib cannot be initialised");
}

static gboolean step_gzip(struct sw_inflate *self, guint8 *out, size_t size, size_t *ret_length,
			  GError **error)
{
	z_stream *gzip = self->gzip;
	int result = 0;

	if (!self->in_member)
		inflateReset(gzip);
	gzip->next_in = self->buffer + self->position;
	gzip->avail_in = (uInt)(self->length - self->position);
	gzip->next_out = out;
	gzip->avail_out = (uInt)size;
	result = inflate(gzip, Z_NO_FLUSH);
	if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
		return refuse(error, gzip->msg != NULL ? gzip->msg : "it is no gzip stream");
	self->in_member = result != Z_STREAM_END;
	self->position = self->length - gzip->avail_in;
	*ret_length = size - gzip->avail_out;
	return TRUE;
}

#endif

static gboolean fill(struct sw_inflate *self, GError **error)
{
	size_t n = 0;

	if (self->position == self->length)
		self->position = self->length = 0;
	if (!self->input(self->data, self->buffer + self->length, INPUT_SIZE - self->length, &n,
			 error))
		return FALSE;
	self->length += n;
	self->at_end = n == 0;
	return TRUE;
}

static gboolean open_form(struct sw_inflate *self, GError **error)
{
	static const guint8 gzip[] = { 0x1f, 0x8b };
	static const guint8 zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
	static const guint8 skippable[] = { 0x2a, 0x4d, 0x18 };
	const guint8 *magic = self->buffer;

	while (self->length < MAGIC_SIZE && !self->at_end)
		if (!fill(self, error))
			return FALSE;
	if (self->length >= sizeof(gzip) && memcmp(magic, gzip, sizeof(gzip)) == 0) {
		open_gzip(self);
		self->step = step_gzip;
	} else if (self->length >= MAGIC_SIZE &&
		   (memcmp(magic, zstd, sizeof(zstd)) == 0 ||
		    ((magic[0] & 0xf0) == 0x50 &&
		     memcmp(magic + 1, skippable, sizeof(skippable)) == 0))) {
		self->zstd = ZSTD_createDStream();
		self->step = step_zstd;
	} else {
		self->step = step_plain;
	}
	return TRUE;
}

gboolean sw_inflate_read(struct sw_inflate *self, guint8 *buffer, size_t size, size_t *ret_length,
			 GError **error)
{
	size_t done = 0;

	if (self->step == NULL && !open_form(self, error))
		return FALSE;
	while (done < size) {
		size_t before = 0;
		size_t n = 0;

		if (self->position == self->length && !self->at_end && !fill(self, error))
			return FALSE;
		if (self->position == self->length && self->at_end && !self->in_member)
			break;
		before = self->position;
		if (!self->step(self, buffer + done, size - done, &n, error))
			return FALSE;
		if (n == 0 && self->position == before)
			return refuse(error, "it ends too early");
		done += n;
	}
	*ret_length = done;
	return TRUE;
}
