/* SPDX-License-Identifier: MIT */
#pragma once

#include "disk/sink.h"

/* A sink that writes a pax tar stream (libarchive) to a descriptor, for filesystems that only a kernel can write. */
struct sw_tarstream;

/* A stream to FD, which stays the caller's and must outlive it. */
gboolean sw_tarstream_new(int fd, struct sw_tarstream **ret_tar, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The sink; owned by TAR. */
struct sw_sink *sw_tarstream_sink(struct sw_tarstream *tar);

/* Writes the end of the archive. */
gboolean sw_tarstream_close(struct sw_tarstream *tar, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_tarstream_free(struct sw_tarstream *tar);
typedef struct sw_tarstream SwTarstream;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwTarstream, sw_tarstream_free)
