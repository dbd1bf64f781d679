/* SPDX-License-Identifier: MIT */
#include "formats/shared/assembly.h"

#include <string.h>

struct piece {
	guint64 start; /* in the assembly */
	guint64 length;
	guint8 *bytes;		/* NULL: see below */
	struct sw_sparse *base; /* NULL: zeros */
	guint64 offset;		/* in BASE */
};

struct sw_assembly {
	GArray *pieces; /* struct piece */
	guint64 size;
};

struct sw_assembly *sw_assembly_new(void)
{
	struct sw_assembly *assembly = g_new0(struct sw_assembly, 1);

	assembly->pieces = g_array_new(FALSE, FALSE, sizeof(struct piece));
	return assembly;
}

static void add(struct sw_assembly *assembly, struct piece piece)
{
	if (piece.length == 0)
		return;
	piece.start = assembly->size;
	assembly->size += piece.length;
	g_array_append_val(assembly->pieces, piece);
}

void sw_assembly_add_bytes(struct sw_assembly *assembly, const void *data, size_t length)
{
	add(assembly, (struct piece){ .length = length, .bytes = g_memdup2(data, length) });
}

void sw_assembly_add_range(struct sw_assembly *assembly, struct sw_sparse *base, guint64 offset,
			   guint64 length)
{
	add(assembly, (struct piece){ .length = length, .base = base, .offset = offset });
}

void sw_assembly_add_zeros(struct sw_assembly *assembly, guint64 length)
{
	add(assembly, (struct piece){ .length = length });
}

guint64 sw_assembly_size(const struct sw_assembly *assembly)
{
	return assembly->size;
}

void sw_assembly_free(struct sw_assembly *assembly)
{
	if (assembly == NULL)
		return;
	for (guint i = 0; i < assembly->pieces->len; i++)
		g_free(g_array_index(assembly->pieces, struct piece, i).bytes);
	g_array_unref(assembly->pieces);
	g_free(assembly);
}

/* The number of the piece that OFFSET, which is inside, lies in. */
static guint find_piece(const struct sw_assembly *assembly, guint64 offset)
{
	guint low = 0, high = assembly->pieces->len - 1;

	while (low < high) {
		guint middle = high - (high - low) / 2;

		if (g_array_index(assembly->pieces, struct piece, middle).start <= offset)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* The data of PIECE at or behind OFFSET; none when *RET_START is its end. */
static gboolean next_in_piece(const struct piece *piece, guint64 offset, guint64 *ret_start,
			      guint64 *ret_end, GError **error)
{
	guint64 end = piece->start + piece->length;
	guint64 start = MAX(offset, piece->start);

	if (piece->base == NULL) {
		*ret_start = piece->bytes != NULL ? start : end;
		*ret_end = end;
		return TRUE;
	}
	if (!sw_sparse_next(piece->base, start - piece->start + piece->offset, ret_start, ret_end,
			    error))
		return FALSE;
	*ret_start = MIN(*ret_start - piece->offset, piece->length) + piece->start;
	*ret_end = MIN(*ret_end - piece->offset, piece->length) + piece->start;
	return TRUE;
}

static gboolean assembly_next(void *data, guint64 offset, guint64 *ret_start, guint64 *ret_end,
			      GError **error)
{
	const struct sw_assembly *assembly = data;

	for (guint i = find_piece(assembly, offset); i < assembly->pieces->len; i++) {
		const struct piece *piece = &g_array_index(assembly->pieces, struct piece, i);

		if (!next_in_piece(piece, offset, ret_start, ret_end, error))
			return FALSE;
		if (*ret_start < piece->start + piece->length)
			return TRUE;
	}
	*ret_start = *ret_end = assembly->size;
	return TRUE;
}

static gboolean read_piece(const struct piece *piece, guint8 *buffer, size_t length, guint64 offset,
			   GError **error)
{
	if (piece->base != NULL)
		return sw_sparse_read(piece->base, buffer, length, piece->offset + offset, error);
	if (piece->bytes != NULL)
		memcpy(buffer, piece->bytes + offset, length);
	else
		memset(buffer, 0, length);
	return TRUE;
}

static gboolean assembly_read(void *data, void *buffer, size_t length, guint64 offset,
			      GError **error)
{
	const struct sw_assembly *assembly = data;
	guint8 *to = buffer;

	for (guint i = find_piece(assembly, offset); length > 0; i++) {
		const struct piece *piece = &g_array_index(assembly->pieces, struct piece, i);
		guint64 inside = offset - piece->start;
		size_t part = (size_t)MIN(length, piece->length - inside);

		if (!read_piece(piece, to, part, inside, error))
			return FALSE;
		to += part;
		offset += part;
		length -= part;
	}
	return TRUE;
}

static void assembly_free(void *data)
{
	sw_assembly_free(data);
}

struct sw_sparse *sw_assembly_finish(struct sw_assembly *assembly)
{
	static const struct sw_sparse_source source = { assembly_next, assembly_read,
							assembly_free };

	return sw_sparse_new(&source, assembly, assembly->size);
}
