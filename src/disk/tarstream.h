/* SPDX-License-Identifier: MIT */
#pragma once

#include "disk/sink.h"

/*
 * A sink that writes a tar stream (ustar blocks with pax records: POSIX.1-2017, pax; xattrs as GNU
 * tar and libarchive know them) to a descriptor, for filesystems that only a kernel can write.
 * Names go out as they are, whatever the locale: libarchive's writer cannot do that without a
 * record that GNU tar complains about for every file.
 */
struct sw_tarstream;

/* A stream to FD, which stays the caller's and must outlive it; never NULL. */
struct sw_tarstream *sw_tarstream_new(int fd);

/* The sink; owned by TAR. */
struct sw_sink *sw_tarstream_sink(struct sw_tarstream *tar);

/* Writes the end of the archive. */
gboolean sw_tarstream_close(struct sw_tarstream *tar, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_tarstream_free(struct sw_tarstream *tar);
typedef struct sw_tarstream SwTarstream;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwTarstream, sw_tarstream_free)
