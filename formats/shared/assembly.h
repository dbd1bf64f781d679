/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/sparse.h"

/* A disk that is put together of pieces, in order. */
struct sw_assembly;

/* An empty one. */
struct sw_assembly *sw_assembly_new(void);

/* LENGTH bytes, which are copied. */
void sw_assembly_add_bytes(struct sw_assembly *assembly, const void *data, size_t length);

/* LENGTH bytes of BASE from OFFSET on; BASE must outlive what is made of it. */
void sw_assembly_add_range(struct sw_assembly *assembly, struct sw_sparse *base, guint64 offset,
			   guint64 length);

/* LENGTH zeros. */
void sw_assembly_add_zeros(struct sw_assembly *assembly, guint64 length);

/* So many bytes were added. */
guint64 sw_assembly_size(const struct sw_assembly *assembly);

/* Makes a disk of ASSEMBLY, which is taken. */
struct sw_sparse *sw_assembly_finish(struct sw_assembly *assembly);

/* Frees what was not finished; NULL is fine. */
void sw_assembly_free(struct sw_assembly *assembly);
typedef struct sw_assembly SwAssembly;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwAssembly, sw_assembly_free)
